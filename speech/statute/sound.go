package statute

import (
	"hash/fnv"
	"strconv"
	"sync"

	"github.com/courtsense/courtsense/speech/number"
	"github.com/courtsense/courtsense/speech/syllable"
)

// gram is how many syllables in a row the index knows, window of how many such runs it keeps at least one (winnowing; Schleimer, Wilkerson
// and Aiken: Winnowing, SIGMOD 2003): six syllables heard right are found for sure.
const (
	gram   = 4
	window = 3
)

// sounds gives every toneless syllable a number that stays the same from build to build, unlike the syllable's own.
var sounds = sync.OnceValue(func() []uint32 {
	out := make([]uint32, syllable.Limit())
	for s := range out {
		h := fnv.New32a()
		h.Write([]byte(syllable.Syllable(s).Toneless().String()))
		out[s] = h.Sum32() | 1
	}
	return out
})

// readings tells whether an index was made with the same readings of the characters as this program's.
var readings = sync.OnceValue(func() uint32 {
	h := fnv.New32a()
	for r := rune(0x4e00); r < 0xa000; r++ {
		s := uint32(toneless(r))
		if s > 0 {
			s = sounds()[s]
		}
		h.Write([]byte{byte(s), byte(s >> 8), byte(s >> 16)})
	}
	return h.Sum32()
})

// toneless is how a character sounds, the commonest reading without its tone; 0 where it has none. 两 counts as 二: which of them is said for a
// written 2 is the speaker's choice.
func toneless(r rune) syllable.Syllable {
	if r == '两' {
		r = '二'
	}
	return syllable.First(r).Toneless()
}

// heard is a text as the index hears it: its Chinese characters, and its figures read aloud.
type heard struct {
	runes        []rune
	sounds       []syllable.Syllable
	places, ends []int32               // where each begins and ends in the text, in characters; of a figure those of the whole number
	more         [][]syllable.Syllable // all readings of characters that have several
}

func listen(text string) heard {
	var h heard
	add := func(r rune, from, to int32) {
		if s := toneless(r); s != 0 && isHan(r) {
			h.runes, h.sounds, h.places, h.ends = append(h.runes, r), append(h.sounds, s), append(h.places, from), append(h.ends, to)
			var more []syllable.Syllable
			if all := syllable.Of(r); len(all) > 1 {
				more = all
			}
			h.more = append(h.more, more)
		}
	}
	at, figures := int32(0), ""
	flush := func(next rune) {
		if figures == "" {
			return
		}
		from := at - int32(len(figures))
		for _, r := range aloud(figures, next) {
			add(r, from, at)
		}
		figures = ""
	}
	for _, r := range text {
		if r >= '0' && r <= '9' {
			figures += string(r)
			at++
			continue
		}
		flush(r)
		add(r, at, at+1)
		at++
	}
	flush(0)
	return h
}

// aloud reads a number: years and long ones digit by digit.
func aloud(figures string, next rune) string {
	if len(figures) == 4 && next == '年' || len(figures) > 9 || figures[0] == '0' {
		out := ""
		for _, d := range figures {
			out += number.Chinese(int64(d - '0'))
		}
		return out
	}
	n, err := strconv.ParseInt(figures, 10, 64)
	if err != nil {
		return ""
	}
	return number.Chinese(n)
}

// slice is part of what was heard.
func (h heard) slice(from, to int) heard {
	return heard{h.runes[from:to], h.sounds[from:to], h.places[from:to], h.ends[from:to], h.more[from:to]}
}

// keys are the hashes of all runs of gram syllables, by where they begin.
func (h heard) keys() []uint32 {
	if len(h.sounds) < gram {
		return nil
	}
	table := sounds()
	out := make([]uint32, len(h.sounds)-gram+1)
	for i := range out {
		k := uint32(0)
		for _, s := range h.sounds[i : i+gram] {
			k = (k ^ table[s]) * 0x9e3779b1
			k ^= k >> 15
		}
		out[i] = k * 0x85ebca77
	}
	return out
}

// kept are the keys that the index keeps: the least of each window.
func kept(keys []uint32) []uint32 {
	var out []uint32
	last := -1
	for i := 0; i+window <= len(keys) || i == 0 && len(keys) > 0; i++ {
		least := i
		for j := i + 1; j < min(i+window, len(keys)); j++ {
			if keys[j] <= keys[least] {
				least = j
			}
		}
		if least != last {
			out, last = append(out, keys[least]), least
		}
	}
	return out
}
