package endpoint

import (
	"time"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Rules are the three endpoint rules of Kaldi's online decoders. The first one that holds ends the utterance; a duration of 0
// turns its rule off. They work beside voice activity detection, which ends an utterance when the sound falls silent: the
// rules end those in which something else goes on, such as noise, music or a second voice far away.
type Rules struct {
	SilenceWithoutText time.Duration // nothing was recognised since the utterance began
	SilenceAfterText   time.Duration // nothing more was recognised since the last character
	MaxUtterance       time.Duration // its length
}

// Rule names what ended an utterance.
type Rule uint8

// The rules.
const (
	None Rule = iota
	SilenceWithoutText
	SilenceAfterText
	MaxUtterance
)

// String returns the name of the rule's field in the configuration.
func (r Rule) String() string {
	switch r {
	case SilenceWithoutText:
		return "silence_without_text"
	case SilenceAfterText:
		return "silence_after_text"
	case MaxUtterance:
		return "max_utterance"
	}
	return "none"
}

// Utterance is what the rules look at.
type Utterance struct {
	Length   time.Duration // since it began
	Trailing time.Duration // since the last character, or since it began
	HasText  bool          // something was recognised
}

// Ended returns the rule that ends the utterance, [None] while it goes on.
func (r Rules) Ended(u Utterance) Rule {
	switch {
	case r.SilenceWithoutText > 0 && !u.HasText && u.Trailing >= r.SilenceWithoutText:
		return SilenceWithoutText
	case r.SilenceAfterText > 0 && u.HasText && u.Trailing >= r.SilenceAfterText:
		return SilenceAfterText
	case r.MaxUtterance > 0 && u.Length >= r.MaxUtterance:
		return MaxUtterance
	}
	return None
}

// Check refuses rules that would cut words in two.
func (r Rules) Check() error {
	for _, d := range []struct {
		name  string
		value time.Duration
		least time.Duration
	}{
		{"silence_without_text", r.SilenceWithoutText, 100 * time.Millisecond},
		{"silence_after_text", r.SilenceAfterText, 100 * time.Millisecond},
		{"max_utterance", r.MaxUtterance, time.Second},
	} {
		if d.value != 0 && (d.value < d.least || d.value > time.Minute) {
			e := refusal.New(refusal.InvalidConfig, "endpointing.%s must be 0 (off) or within %v..1 min, is %v", d.name, d.least, d.value)
			e.Field = "config.endpointing." + d.name
			return e
		}
	}
	return nil
}
