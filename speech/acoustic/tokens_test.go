package acoustic

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/courtsense/courtsense/models"
)

func ids(t *testing.T, table *Tokens, symbols ...string) []int {
	t.Helper()
	var out []int
	for _, s := range symbols {
		id, ok := table.ID(s)
		require.True(t, ok, s)
		out = append(out, id)
	}
	return out
}

func TestTokensOfTheEmbeddedModel(t *testing.T) {
	a, err := openStore(t).Resolve(embedded)
	require.NoError(t, err)
	raw, err := a.Bytes(models.RoleTokens)
	require.NoError(t, err)
	table, err := ParseTokens(raw)
	require.NoError(t, err)
	require.Equal(t, 2599, table.Len())
	require.Zero(t, table.Blank())
	require.True(t, table.At(0).Special)
	require.True(t, table.At(1).Special, "<unk>")
	require.Equal(t, "原告ab", table.Text(append([]int{0, 1}, ids(t, table, "原", "告", "ab")...)))
}

func TestNumberedTokens(t *testing.T) {
	table, err := ParseTokens([]byte("\xef\xbb\xbf<blk> 0\r\n▁THE 2\r\n法\t1\r\nN 3\r\n4\r\n院 5\r\n"))
	require.NoError(t, err)
	require.Equal(t, 6, table.Len())
	require.Equal(t, Token{Symbol: "▁THE", Text: "THE", Starts: true}, table.At(2))
	require.Equal(t, "THE N THEN法院THEN", table.Text([]int{2, 4, 3, 2, 3, 4, 1, 5, 2, 3}), "a number alone stands for the space, and no space is left beside Chinese")
	require.Empty(t, table.Text(nil))
	_, ok := table.ID("nowhere")
	require.False(t, ok)
}

func TestBytesOfSentencePiece(t *testing.T) {
	var b strings.Builder
	b.WriteString("<pad> 0\n")
	for i := range 256 {
		fmt.Fprintf(&b, "<0x%02X> %d\n", i, i+1)
	}
	table, err := ParseTokens([]byte(b.String()))
	require.NoError(t, err)
	require.Equal(t, "\xe6", table.At(0xe6+1).Bytes)
	require.Equal(t, "A", table.At('A'+1).Text, "a byte that is a character")
	require.Equal(t, "法A", table.Text([]int{0xe6 + 1, 0xb3 + 1, 0x95 + 1, 'A' + 1}))
	require.Equal(t, "\ufffdA", table.Text([]int{0xe6 + 1, 0xb3 + 1, 'A' + 1}), "a broken character")
}

// The alphabet of icefall's byte-level units: U+0100 to U+01A6 without six letters that normalisation would change.
func TestByteLevelTokens(t *testing.T) {
	spell := map[byte]string{}
	for r, b := range byteAlphabet() {
		spell[b] = string(r)
	}
	require.Len(t, spell, 256)
	for b, want := range map[byte]string{0: "Ā", 31: "ğ", ' ': " ", '~': "~", 127: "Ġ", 145: "Ĵ", 156: "Ł", 163: "ň", 164: "Ŋ", 216: "ž", 217: "ƀ", 228: "Ƌ", 255: "Ʀ"} {
		require.Equal(t, want, spell[b], b)
	}
	word := func(text string) (out string) {
		for _, b := range []byte(text) {
			out += spell[b]
		}
		return out
	}
	symbols := []string{"<blk>", "<unk>", "▁" + word("法"), "▁" + word("院"), word("\xe6"), word("\xb3\x95"), "▁" + word("HE"), word("LLO"),
		word("\xe4"), word("\xe5"), word("\xe7"), word("\xe8"), word("\xe9"), "▁"}
	var b strings.Builder
	for i, s := range symbols {
		fmt.Fprintf(&b, "%s %d\n", s, i)
	}
	table, err := ParseTokens([]byte(b.String()))
	require.NoError(t, err)
	require.Equal(t, Token{Symbol: symbols[2], Text: "法", Starts: true}, table.At(2))
	require.Equal(t, "法院HELLO法HE", table.Text([]int{2, 3, 6, 7, 13, 4, 5, 0, 6}))
	require.Equal(t, "HELLO HELLO", table.Text([]int{6, 7, 6, 7}))

	table, err = ParseTokens([]byte("<blk> 0\nř 1\nĀ 2\n"))
	require.NoError(t, err)
	require.Equal(t, "ř", table.At(1).Text, "letters of a language, not bytes")
}

func TestBadTokens(t *testing.T) {
	for want, table := range map[string]string{
		"tokens: the table is empty":                         "\n\n",
		`line 2: class 0 of "b" is that of "a" as well`:      "a 0\nb 0\n",
		`line 2: class 7 of "b", but there are only 2 lines`: "a 0\nb 7\n",
		"line 2: no symbol":                                  "a\n\nb\n",
		"line 1: not UTF-8":                                  "\xff\n",
		"line 2: 1025 bytes are over the limit of 1024":      "a\n" + strings.Repeat("x", 1025),
		"1048577 lines are over the limit of 1048576":        strings.Repeat("a\n", 1<<20) + "b",
		"line 1: class 99999999999 of":                       "a 99999999999\n",
	} {
		_, err := ParseTokens([]byte(table))
		require.ErrorContains(t, err, want)
	}
	minus, err := ParseTokens([]byte("a -1\nb +2\n"))
	require.NoError(t, err)
	require.Equal(t, "a -1", minus.At(0).Symbol, "not a table with numbers")
}

func FuzzParseTokens(f *testing.F) {
	for _, seed := range []string{"<blk> 0\na 1\n", "a\nb", "<0xE6> 0\n<0xB3> 1\n▁ 2\n", "3\n 0\n \t1\n2 2", "\xef\xbb\xbfa", "<>\n<0xZZ>"} {
		f.Add([]byte(seed))
	}
	tiny, err := os.ReadFile("testdata/zipformer2/tokens.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(tiny)
	f.Fuzz(func(t *testing.T, raw []byte) {
		table, err := ParseTokens(raw)
		if err != nil {
			return
		}
		if table.Len() == 0 || table.Blank() < 0 || table.Blank() >= table.Len() || !table.At(table.Blank()).Special {
			t.Fatalf("%d classes, blank is %d", table.Len(), table.Blank())
		}
		all := make([]int, table.Len())
		for id := range all {
			all[id] = id
			token := table.At(id)
			if token.Symbol == "" || token.Text != "" && token.Bytes != "" || token.Special && token.Text+token.Bytes != "" {
				t.Fatalf("class %d is %+v", id, token)
			}
			if _, ok := table.ID(token.Symbol); !ok {
				t.Fatalf("no class for %q", token.Symbol)
			}
		}
		text := table.Text(all)
		if strings.ToValidUTF8(text, "") != text || !norm.NFC.IsNormalString(text) {
			t.Fatalf("%q is not NFC", text)
		}
	})
}
