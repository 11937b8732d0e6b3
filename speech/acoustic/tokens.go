package acoustic

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Token is one output class of a model.
type Token struct {
	Symbol string // as the table has it
	Text   string // what it adds to a text, NFC; "" for a special token and for a part of a character
	Starts bool   // a new word begins with it
	// Bytes are set instead of Text where a token spells no whole characters: a part of their UTF-8.
	Bytes string
	// Special tokens stand for no sound's spelling: blank, unknown, start and end of a sentence.
	Special bool
}

// Tokens is a model's table of output classes. It is immutable.
type Tokens struct {
	all   []Token
	ids   map[string]int
	blank int
}

const (
	maxTokens     = 1 << 20
	maxTokenBytes = 1 << 10
	wordMark      = "▁" // SentencePiece's U+2581 before a word
)

var blankSymbols = []string{"<blk>", "<blank>", "<eps>", "<pad>"}

// ParseTokens reads a table: one symbol a line, either followed by its class number (as Kaldi and sherpa-onnx write it) or
// numbered by the line from 0. Symbols of byte-level units are told by their alphabet. The classes must be 0..n-1, each
// once; blank is the one called <blk>, <blank>, <eps> or <pad>, else 0.
func ParseTokens(table []byte) (*Tokens, error) {
	t := &Tokens{ids: map[string]int{}}
	table = bytes.TrimPrefix(table, []byte("\xef\xbb\xbf"))
	lines := strings.Split(strings.TrimRight(string(table), "\r\n"), "\n")
	if len(lines) > maxTokens {
		return nil, fmt.Errorf("tokens: %d lines are over the limit of %d", len(lines), maxTokens)
	}
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
		if len(lines[i]) > maxTokenBytes {
			return nil, fmt.Errorf("tokens line %d: %d bytes are over the limit of %d", i+1, len(lines[i]), maxTokenBytes)
		}
		if !utf8.ValidString(lines[i]) {
			return nil, fmt.Errorf("tokens line %d: not UTF-8", i+1)
		}
	}
	if len(lines) == 1 && lines[0] == "" {
		return nil, errors.New("tokens: the table is empty")
	}
	numbered := true
	for _, line := range lines {
		if _, _, ok := numberedLine(line); !ok {
			numbered = false
			break
		}
	}
	symbols := make([]string, len(lines))
	for i, line := range lines {
		symbol, id := line, i
		if numbered {
			symbol, id, _ = numberedLine(line)
		}
		switch {
		case symbol == "":
			return nil, fmt.Errorf("tokens line %d: no symbol", i+1)
		case id >= len(lines):
			return nil, fmt.Errorf("tokens line %d: class %d of %q, but there are only %d lines: some are missing", i+1, id, symbol, len(lines))
		case symbols[id] != "":
			return nil, fmt.Errorf("tokens line %d: class %d of %q is that of %q as well", i+1, id, symbol, symbols[id])
		}
		symbols[id] = symbol
	}
	t.all = make([]Token, len(symbols))
	bytewise := byteLevel(symbols)
	for id, symbol := range symbols {
		t.all[id] = newToken(symbol, bytewise)
		if _, ok := t.ids[symbol]; !ok {
			t.ids[symbol] = id
		}
	}
	for _, symbol := range blankSymbols {
		if id, ok := t.ids[symbol]; ok {
			t.blank = id
			break
		}
	}
	t.all[t.blank] = Token{Symbol: t.all[t.blank].Symbol, Special: true}
	return t, nil
}

// numberedLine splits "symbol 12". A line that is a number alone stands for the space, which its writer trimmed.
func numberedLine(line string) (symbol string, id int, ok bool) {
	line = strings.TrimRight(line, " \t")
	at := strings.LastIndexAny(line, " \t")
	digits := line[at+1:]
	id, err := strconv.Atoi(digits)
	if err != nil || digits[0] < '0' || digits[0] > '9' {
		return "", 0, false
	}
	if symbol = strings.Trim(line[:max(at, 0)], " \t"); symbol == "" {
		symbol = " "
	}
	return symbol, id, true
}

func newToken(symbol string, bytewise map[rune]byte) Token {
	t := Token{Symbol: symbol}
	if special(symbol) {
		t.Special = true
		return t
	}
	text, starts := strings.CutPrefix(symbol, wordMark)
	t.Starts = starts
	if b, ok := hexByte(symbol); ok {
		text = string([]byte{b})
	} else if bytewise != nil {
		raw := make([]byte, 0, len(text))
		for _, r := range text {
			raw = append(raw, bytewise[r])
		}
		text = string(raw)
	}
	if utf8.ValidString(text) {
		t.Text = norm.NFC.String(text)
	} else {
		t.Bytes = text
	}
	return t
}

// special tells symbols in angle or square brackets, save those of bytes.
func special(symbol string) bool {
	if _, ok := hexByte(symbol); ok || len(symbol) < 3 {
		return false
	}
	first, last := symbol[0], symbol[len(symbol)-1]
	return first == '<' && last == '>' || symbol == "[UNK]" || symbol == "[PAD]"
}

// hexByte reads SentencePiece's fallback symbols, <0x00> to <0xFF>.
func hexByte(symbol string) (byte, bool) {
	if len(symbol) != 6 || !strings.HasPrefix(symbol, "<0x") || symbol[5] != '>' {
		return 0, false
	}
	v, err := strconv.ParseUint(symbol[3:5], 16, 8)
	return byte(v), err == nil
}

// byteAlphabet is the spelling of bytes in byte-level units as icefall trains them: printable ASCII stands for itself, the
// others follow one another from U+0100 on, in the characters that compatibility normalisation leaves alone.
func byteAlphabet() map[rune]byte {
	alphabet, r := make(map[rune]byte, 256), rune(0x100)
	for b := range 256 {
		if b >= ' ' && b <= '~' {
			alphabet[rune(b)] = byte(b)
			continue
		}
		for !norm.NFKC.IsNormalString(string(r)) {
			r++
		}
		alphabet[r] = byte(b)
		r++
	}
	return alphabet
}

// byteLevel returns the alphabet of a table that spells in bytes, nil for others. It is told by having no other letters and
// every byte that a Chinese character begins with: no language's own spelling has those letters.
func byteLevel(symbols []string) map[rune]byte {
	alphabet, leads := byteAlphabet(), map[byte]bool{}
	for _, symbol := range symbols {
		if special(symbol) {
			continue
		}
		for _, r := range strings.TrimPrefix(symbol, wordMark) {
			b, ok := alphabet[r]
			if !ok {
				return nil
			}
			leads[b] = true
		}
	}
	for b := byte(0xe4); b <= 0xe9; b++ {
		if !leads[b] {
			return nil
		}
	}
	return alphabet
}

// Len is the number of classes.
func (t *Tokens) Len() int { return len(t.all) }

// Blank is the class that stands for no token.
func (t *Tokens) Blank() int { return t.blank }

// At returns a class's token. It panics when id is not within 0..Len-1.
func (t *Tokens) At(id int) Token { return t.all[id] }

// ID returns the class of a symbol as the table spells it.
func (t *Tokens) ID(symbol string) (id int, ok bool) {
	id, ok = t.ids[symbol]
	return id, ok
}

// Text spells a sequence of classes: special tokens are left out, parts of characters are joined (what makes none becomes
// U+FFFD), and words are parted by single spaces, except beside Chinese characters. The result is NFC.
func (t *Tokens) Text(ids []int) string {
	var b []byte
	spaced := false
	for _, id := range ids {
		token := t.all[id]
		if token.Special {
			continue
		}
		if token.Starts && len(b) > 0 && b[len(b)-1] != ' ' {
			b, spaced = append(b, ' '), true
		}
		b = append(append(b, token.Text...), token.Bytes...)
	}
	text := strings.ToValidUTF8(string(b), "\uFFFD")
	if spaced {
		text = closeGaps(text)
	}
	return norm.NFC.String(strings.TrimRight(text, " "))
}

// closeGaps takes out the spaces beside Chinese characters, each of which is a word to some tables.
func closeGaps(text string) string {
	runes := []rune(text)
	out := runes[:0]
	for i, r := range runes {
		if r == ' ' && (i > 0 && unicode.Is(unicode.Han, runes[i-1]) || i+1 < len(runes) && unicode.Is(unicode.Han, runes[i+1])) {
			continue
		}
		out = append(out, r)
	}
	return string(out)
}
