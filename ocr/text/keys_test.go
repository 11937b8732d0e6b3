package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseKeys(t *testing.T) {
	for in, want := range map[string][]string{
		"一\n二\n":            {"一", "二"},
		"\ufeff一\r\n \r\n二": {"一", " ", "二"},
		"a\n\u3000\n":       {"a", "\u3000"},
	} {
		got, err := ParseKeys([]byte(in))
		require.NoError(t, err, "%q", in)
		assert.Equal(t, want, got, "%q", in)
	}
	for in, says := range map[string]string{
		"":                               "empty",
		"\n":                             "empty",
		"一\n\n二":                         "line 2",
		"一\n\xff\n":                      "not UTF-8",
		strings.Repeat("長", 50):          "150 bytes",
		strings.Repeat("a\n", maxKeys+1): "more than 65536",
	} {
		_, err := ParseKeys([]byte(in))
		require.ErrorContains(t, err, says)
	}
}

func TestAlphabet(t *testing.T) {
	keys := []string{"一", "二", "\u3000"}
	got, err := alphabet(keys, 0, "last")
	require.NoError(t, err)
	assert.Equal(t, []string{"", "一", "二", " ", " "}, got)
	got, err = alphabet(keys, 3, "keys")
	require.NoError(t, err)
	assert.Equal(t, []string{"一", "二", " ", ""}, got)
	_, err = alphabet(keys, 4, "none")
	require.ErrorContains(t, err, "blank is 4")
	_, err = alphabet(keys, 0, "first")
	require.ErrorContains(t, err, "first")
	assert.Equal(t, []string{"一", "二", "\u3000"}, keys, "left alone")
}

// FuzzParseKeys holds that any bytes give characters, one a line, or an error.
func FuzzParseKeys(f *testing.F) {
	for _, s := range []string{"一\n二\n", "\ufeffa\r\nb", "", "\n\n", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := ParseKeys(data)
		if err != nil {
			return
		}
		if len(keys) == 0 || len(keys) > maxKeys {
			t.Fatalf("%d keys", len(keys))
		}
		for _, k := range keys {
			if k == "" || len(k) > maxKeyBytes || !utf8.ValidString(k) || strings.Contains(k, "\n") {
				t.Fatalf("key %q", k)
			}
		}
		again, err := ParseKeys([]byte(strings.Join(keys, "\n")))
		if err != nil || strings.Join(again, "\n") != strings.Join(keys, "\n") {
			// A mark or carriage return inside a line is content the first time and syntax the second.
			if !strings.Contains(strings.Join(keys, ""), "\ufeff") && !strings.Contains(strings.Join(keys, ""), "\r") {
				t.Fatalf("%q became %q, %v", keys, again, err)
			}
		}
	})
}
