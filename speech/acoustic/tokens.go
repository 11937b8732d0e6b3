package acoustic

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Token is one output class of a model.
type Token struct {
	Symbol string // as the table has it
	Text   string // what it adds to a text; "" for a special token and for a byte
	Starts bool   // a new word begins with it: a space comes before Text, except at the start
	Byte   int    // value of a byte of UTF-8 (byte-level units), -1 for anything else
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
	t.all = make([]Token, len(lines))
	seen := make([]bool, len(lines))
	for i, line := range lines {
		symbol, id := line, i
		if numbered {
			symbol, id, _ = numberedLine(line)
		}
		if symbol == "" {
			return nil, fmt.Errorf("tokens line %d: no symbol", i+1)
		}
		if id >= len(lines) {
			return nil, fmt.Errorf("tokens line %d: class %d of %q, but there are only %d lines: some are missing", i+1, id, symbol, len(lines))
		}
		if seen[id] {
			return nil, fmt.Errorf("tokens line %d: class %d of %q is that of %q as well", i+1, id, symbol, t.all[id].Symbol)
		}
		seen[id] = true
		t.all[id] = newToken(symbol)
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
	t.all[t.blank].Special, t.all[t.blank].Text = true, ""
	return t, nil
}

// numberedLine splits "symbol 12". A line that is a number alone stands for the space, which its writer trimmed.
func numberedLine(line string) (symbol string, id int, ok bool) {
	line = strings.TrimRight(line, " \t")
	at := strings.LastIndexAny(line, " \t")
	id, err := strconv.Atoi(line[at+1:])
	if err != nil || id < 0 || line[at+1] == '+' {
		return "", 0, false
	}
	if symbol = strings.Trim(line[:max(at, 0)], " \t"); symbol == "" {
		symbol = " "
	}
	return symbol, id, true
}

func newToken(symbol string) Token {
	t := Token{Symbol: symbol, Byte: -1}
	var hex int
	switch {
	case len(symbol) == 6 && strings.HasPrefix(symbol, "<0x") && symbol[5] == '>':
		if _, err := fmt.Sscanf(symbol, "<0x%02X>", &hex); err == nil {
			t.Byte = hex
			return t
		}
		t.Special = true
	case len(symbol) > 2 && symbol[0] == '<' && symbol[len(symbol)-1] == '>', symbol == "[UNK]", symbol == "[PAD]":
		t.Special = true
	case strings.HasPrefix(symbol, wordMark):
		t.Starts, t.Text = true, norm.NFC.String(strings.TrimPrefix(symbol, wordMark))
	default:
		t.Text = norm.NFC.String(symbol)
	}
	return t
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

// Text spells a sequence of classes: special tokens are left out, bytes are joined to characters (those that make none
// become U+FFFD), words are parted by single spaces. The result is NFC.
func (t *Tokens) Text(ids []int) string {
	var b []byte
	for _, id := range ids {
		token := t.all[id]
		switch {
		case token.Special:
		case token.Byte >= 0:
			b = append(b, byte(token.Byte))
		default:
			if token.Starts && len(b) > 0 {
				b = append(b, ' ')
			}
			b = append(b, token.Text...)
		}
	}
	return norm.NFC.String(strings.ToValidUTF8(string(b), "\uFFFD"))
}
