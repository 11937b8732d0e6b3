package lexicon

import "github.com/courtsense/courtsense/speech/acoustic"

// FromModel makes the lexicon of an acoustic model's tokens.
func FromModel(tokens *acoustic.Tokens, o Options) (*Lexicon, error) {
	all := make([]Token, tokens.Len())
	for i := range all {
		if t := tokens.At(i); !t.Special {
			all[i] = Token{Text: t.Text + t.Bytes, WordStart: t.Starts}
		}
	}
	return New(all, tokens.Blank(), o)
}
