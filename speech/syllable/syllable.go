package syllable

import "strings"

// Syllable is a Mandarin syllable with its tone, or without one. The numbers are dense, from 1 to below [Limit], and are the
// same in every run of one build, so that tables can be indexed by them; they are not meant to be stored. 0 is no syllable.
type Syllable uint16

// Tones of a syllable. The tone is unknown where only the sounds count.
const (
	ToneUnknown = 0
	ToneNeutral = 5
	tones       = 6
)

// Tone is 1 to 4, [ToneNeutral], or [ToneUnknown].
func (s Syllable) Tone() int { return int(s-1) % tones }

// Toneless is the syllable's sounds: the same for all tones.
func (s Syllable) Toneless() Syllable {
	if s == 0 {
		return 0
	}
	return s - Syllable(s.Tone())
}

// WithTone is the same sounds in another tone, 1 to 5.
func (s Syllable) WithTone(tone int) Syllable {
	if s == 0 || tone < 0 || tone >= tones {
		return 0
	}
	return s.Toneless() + Syllable(tone)
}

// String is pinyin with the tone's number behind: "zhong1"; 5 is the neutral tone, and a toneless syllable has no number.
func (s Syllable) String() string {
	if s == 0 || int(s) >= Limit() {
		return ""
	}
	spelt := table().spellings[int(s-1)/tones]
	if t := s.Tone(); t != ToneUnknown {
		return spelt + string(rune('0'+t))
	}
	return spelt
}

// Limit is above every syllable's number.
func Limit() int { return len(table().spellings)*tones + 1 }

// Of returns the readings of a character, the commonest first, or nil where it has none. The slice is shared: don't change it.
func Of(r rune) []Syllable { return table().readings(r) }

// First is the commonest reading of a character, or 0.
func First(r rune) Syllable {
	if all := Of(r); len(all) > 0 {
		return all[0]
	}
	return 0
}

// Homophones returns the simplified characters that are read so, the commonest first: how frequent the character is and
// whether that is its usual reading both count. For a toneless syllable, characters of all tones. The slice is shared.
func Homophones(s Syllable) []rune {
	t := table()
	if int(s) >= len(t.homophones) {
		return nil
	}
	return t.homophones[s]
}

// Frequency is how often the character occurs in a million characters of text; 0 for rare ones.
func Frequency(r rune) float32 { return table().frequency[r] }

// Parse reads pinyin: "zhong1", "zhōng", "lv4", "lü4" or, without a tone, "zhong". Case doesn't matter.
func Parse(pinyin string) (Syllable, bool) {
	spelt, tone := split(strings.ToLower(strings.TrimSpace(pinyin)))
	if n := len(spelt); tone == ToneUnknown && n > 1 && spelt[n-1] >= '1' && spelt[n-1] <= '5' {
		spelt, tone = spelt[:n-1], int(spelt[n-1]-'0')
	}
	base, ok := table().bases[spelt]
	if !ok {
		return 0, false
	}
	return base + Syllable(tone), true
}
