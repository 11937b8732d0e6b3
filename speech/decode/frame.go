package decode

import (
	"math"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/hotword"
	"github.com/courtsense/courtsense/speech/syllable"
)

// frame is what is kept of a row: the blank and the likeliest tokens, the likeliest first.
type frame struct {
	blank  float32
	count  int32
	tokens [maxTopTokens]int32
	logs   [maxTopTokens]float32
}

// read takes the top tokens of a row of log-posteriors, scaled. What is no number counts as impossible; a row of nothing else is
// silence.
func (f *frame) read(row []float32, blank, top int, floor, scale float32) {
	*f = frame{blank: number(row[blank] * scale)}
	least := floor / scale
	n := 0
	for i, v := range row {
		if !(v > least) || i == blank {
			continue
		}
		v = min(v, 0)
		at := min(n, top-1)
		for at > 0 && f.logs[at-1] < v {
			f.tokens[at], f.logs[at] = f.tokens[at-1], f.logs[at-1]
			at--
		}
		f.tokens[at], f.logs[at] = int32(i), v
		if n = min(n+1, top); n == top {
			least = f.logs[n-1]
		}
	}
	for i := range n {
		f.logs[i] *= scale
	}
	if n == 0 && f.blank <= impossible {
		f.blank = 0
	}
	f.count = int32(n)
}

const impossible = -1e4

func number(v float32) float32 {
	if !(v > impossible) {
		return impossible
	}
	return min(v, 0)
}

// sound is a toneless syllable that is heard.
type sound struct {
	toneless syllable.Syllable
	total    float32    // probability
	toned    [6]float32 // by tone
	token    [6]int32   // the likeliest token of each tone
	best     [6]float32 // and its probability
}

// candidate is a unit that may be written at a frame.
type candidate struct {
	unit  lexicon.Unit
	han   rune    // the character, or 0
	sound int32   // or -1
	token int32   // that speaks for it most
	own   float32 // log of its own token's share
	logp  float32 // log of all its shares
	// hot is where it begins hot words, and promise the most that it can gain by one: of Han characters what the beginning counts.
	hot     hotword.State
	promise float32
}

// hearing is a frame's tokens with all that sounds like them.
type hearing struct {
	sounds     []sound
	candidates []candidate
	// at is the place of a Han character among the candidates, where seen has the present stamp.
	at, seen []uint32
	stamp    uint32
}

const denseRunes = 0xa000 // Han characters above are rare enough to be looked for

// listen works out what may be written at a frame.
func (h *hearing) listen(f *frame, lex *lexicon.Lexicon, shares Shares, graph *hotword.Graph) {
	if h.at == nil {
		h.at, h.seen = make([]uint32, denseRunes), make([]uint32, denseRunes)
	}
	h.stamp++
	h.sounds, h.candidates = h.sounds[:0], h.candidates[:0]
	for i := range f.count {
		p := float32(math.Exp(float64(f.logs[i])))
		for _, r := range lex.Readings(lex.UnitOf(int(f.tokens[i]))) {
			if r.Share == 0 {
				break
			}
			h.add(r.Syllable, p*r.Share, f.tokens[i])
		}
	}
	h.own(f, lex, shares)
	for s := range h.sounds {
		h.write(int32(s), lex, shares)
	}
	if graph.Len() == 0 {
		return
	}
	for s := range h.sounds {
		for _, r := range graph.Begin(h.sounds[s].toneless) {
			if _, known := h.find(r); !known {
				if c := h.rare(int32(s), r, lex, shares); c.logp > impossible {
					h.put(c)
				}
			}
		}
	}
	for i := range h.candidates {
		c := &h.candidates[i]
		if c.han == 0 {
			c.promise = hotword.MaxWeight
			continue
		}
		c.hot, _ = graph.Step(0, c.han)
		c.promise = graph.Partial(c.hot)
	}
}

func (h *hearing) add(s syllable.Syllable, p float32, token int32) {
	tone := s.Tone()
	v := h.sound(s.Toneless())
	v.total += p
	v.toned[tone] += p
	if p > v.best[tone] {
		v.best[tone], v.token[tone] = p, token
	}
	if p > v.best[0] {
		v.best[0], v.token[0] = p, token
	}
}

// sound is one of those that are heard, made if need be.
func (h *hearing) sound(toneless syllable.Syllable) *sound {
	for i := range h.sounds {
		if h.sounds[i].toneless == toneless {
			return &h.sounds[i]
		}
	}
	h.sounds = append(h.sounds, sound{toneless: toneless})
	return &h.sounds[len(h.sounds)-1]
}

// probability is what the sound gives to characters that are read in this tone.
func (v *sound) probability(tone int, shares Shares) float32 {
	return shares.Tone*v.toned[tone] + shares.Syllable*v.total
}

// own lists the tokens themselves.
func (h *hearing) own(f *frame, lex *lexicon.Lexicon, shares Shares) {
	for i := range f.count {
		token := f.tokens[i]
		u := lex.UnitOf(int(token))
		if lex.Text(u) == "" {
			continue
		}
		c := candidate{unit: u, han: lex.Han(u), sound: -1, token: token, own: f.logs[i], logp: f.logs[i]}
		p := float32(math.Exp(float64(f.logs[i])))
		if at, known := h.find(c.han); known { // another token of the same character
			before := &h.candidates[at]
			before.logp += float32(math.Log1p(float64(p) / math.Exp(float64(before.logp))))
			before.own += float32(math.Log1p(float64(p) / math.Exp(float64(before.own))))
			continue
		}
		if c.han != 0 && len(h.sounds) > 0 {
			best := float32(0)
			for s := range h.sounds {
				v := &h.sounds[s]
				for _, r := range lex.Readings(u) {
					if r.Share == 0 {
						break
					}
					if r.Syllable.Toneless() != v.toneless {
						continue
					}
					if sum := v.probability(r.Syllable.Tone(), shares); sum > best {
						best, c.sound = sum, int32(s)
					}
				}
			}
			if c.sound >= 0 {
				c.own = float32(math.Log(float64(shares.Token * p)))
				c.logp = float32(math.Log(float64(shares.Token*p + best)))
			}
		}
		h.put(c)
	}
}

// write lists the characters that are read like a sound and are not tokens of the frame.
func (h *hearing) write(at int32, lex *lexicon.Lexicon, shares Shares) {
	v := &h.sounds[at]
	var logs [6]float32
	for tone := range logs {
		logs[tone] = float32(math.Log(float64(max(v.probability(tone, shares), 1e-30))))
	}
	for _, w := range lex.Homophones(v.toneless) {
		tone := w.Syllable.Tone()
		c := candidate{unit: w.Unit, han: lex.Han(w.Unit), sound: at, token: v.token[tone], own: impossible, logp: logs[tone]}
		if v.best[tone] == 0 {
			c.token = v.token[0]
		}
		if before, known := h.find(c.han); known {
			// Its own token, or another of its readings.
			if b := &h.candidates[before]; b.own == impossible && b.logp < c.logp {
				b.logp, b.sound, b.token = c.logp, at, c.token
			}
			continue
		}
		h.put(c)
	}
}

// rare is a character that sounds like something heard, but is not among the candidates.
func (h *hearing) rare(at int32, han rune, lex *lexicon.Lexicon, shares Shares) candidate {
	v := &h.sounds[at]
	u := lex.Character(han)
	c := candidate{unit: u, han: han, sound: at, token: v.token[0], own: impossible, logp: impossible}
	for _, r := range lex.Readings(u) {
		if r.Share == 0 || r.Syllable.Toneless() != v.toneless {
			continue
		}
		if l := float32(math.Log(float64(v.probability(r.Syllable.Tone(), shares)))); l > c.logp {
			c.logp = l
			if v.best[r.Syllable.Tone()] > 0 {
				c.token = v.token[r.Syllable.Tone()]
			}
		}
	}
	return c
}

func (h *hearing) put(c candidate) {
	if c.han != 0 && c.han < denseRunes {
		h.at[c.han], h.seen[c.han] = uint32(len(h.candidates)), h.stamp
	}
	h.candidates = append(h.candidates, c)
}

// find is the place of a Han character among the candidates.
func (h *hearing) find(han rune) (int, bool) {
	if han == 0 {
		return 0, false
	}
	if han < denseRunes {
		return int(h.at[han]), h.seen[han] == h.stamp
	}
	for i := range h.candidates {
		if h.candidates[i].han == han {
			return i, true
		}
	}
	return 0, false
}
