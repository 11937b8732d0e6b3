package gallery_test

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/vision/gallery"
)

func TestKeyring(t *testing.T) {
	raw := []byte("0123456789abcdef\xff\xfe\xfd\xfcABCDEFGHIJKL")
	require.Len(t, raw, 32)
	for _, text := range []string{
		hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), base64.StdEncoding.EncodeToString(raw),
		base64.RawURLEncoding.EncodeToString(raw), "  " + base64.URLEncoding.EncodeToString(raw) + "\r\n",
		"# the key\n\n" + hex.EncodeToString(raw) + "\n",
	} {
		k, err := gallery.ParseKeyring(text)
		require.NoError(t, err, text)
		assert.Equal(t, []string{"default"}, k.IDs())
	}
	k, err := gallery.ParseKeyring("2026-b: " + hex.EncodeToString(raw) + ", 2026-a:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	require.NoError(t, err)
	assert.Equal(t, []string{"2026-b", "2026-a"}, k.IDs(), "the first is active")

	secret := hex.EncodeToString(raw)
	for text, want := range map[string]string{
		"":                              "no key",
		"# nothing":                     "no key",
		secret[2:]:                      "want 32 bytes",
		"a:" + secret + "00":            "want 32 bytes",
		secret + "\n" + secret:          "two keys",
		"a:" + secret + "\na:" + secret: "two keys",
		"A B:" + secret:                 "key id",
		strings.Repeat("0", 64):         "all zeros",
	} {
		_, err := gallery.ParseKeyring(text)
		require.ErrorIs(t, err, gallery.ErrInvalid, text)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), secret[2:20], "errors show no key")
	}
	_, err = gallery.NewKeyring("b", map[string][]byte{"a": raw})
	require.ErrorContains(t, err, `active key "b"`)

	t.Setenv("GALLERY_TEST_KEY", secret)
	_, err = gallery.KeyringFromEnv("GALLERY_TEST_KEY")
	require.NoError(t, err)
	_, err = gallery.KeyringFromEnv("GALLERY_TEST_NO_KEY")
	require.ErrorContains(t, err, "GALLERY_TEST_NO_KEY")
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gallery.key")
	_, err := gallery.LoadKeyring(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "openssl rand", "it says how to make one")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("ab", 32)), 0o600))
	_, err = gallery.LoadKeyring(path)
	require.NoError(t, err)
	for _, mode := range []os.FileMode{0o640, 0o604, 0o666, 0o610} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = gallery.LoadKeyring(path)
		require.ErrorContains(t, err, "chmod 600")
	}
	_, err = gallery.LoadKeyring(filepath.Dir(path))
	require.ErrorIs(t, err, gallery.ErrInvalid)
}

func FuzzKeyring(f *testing.F) {
	f.Add(strings.Repeat("ab", 32))
	f.Add("a:" + strings.Repeat("ab", 32) + ",b:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	f.Add("# comment\n:\n,=")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := gallery.ParseKeyring(text)
		if err == nil {
			require.NotEmpty(t, k.IDs())
		}
	})
}
