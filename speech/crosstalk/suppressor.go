package crosstalk

import (
	"fmt"
	"slices"
	"time"

	"github.com/courtsense/courtsense/speech/audio"
)

// MaxChannels is the most that are compared.
const MaxChannels = 8

// When a channel is let through while others are heard in it: own voices are evidence that adds up, and fades.
const (
	ahead    = 5  // frames that are known before one is decided
	evident  = 3  // evidence of a frame that is the channel's own, and loud; others take one away
	opens    = 9  // evidence from which the channel is let through, until there is none
	lingers  = 32 // frames for which a channel stays open after the last one that may be a voice, while nobody else is heard
	mostHeld = 20 // evidence at most: a third of a second, between words and where a word is weak
)

// Delay is how much later the sound comes out.
const Delay = time.Duration(ahead*hop+window) * time.Second / audio.Rate

// unsure is how many frames of something that is let through, and louder than the noise, may be somebody whose voice was not told for certain.
const unsure = 14

// kept is how many frames' speakers are remembered: longer than the longest segment.
const kept = 11 * 60 * audio.Rate / hop

// Suppressor silences what leaks from one channel into another. It is not safe for concurrent use; its memory does not grow with the sound.
//
// A channel's frame is its own when most of its bands are louder than what the other channels' voices can have caused there. How far each
// channel leaks into each other one is learnt while one of them is much louder than the others; it may be anything below -3 dB, and
// microphones' gains may differ by less than that leak. Delays and reverberation do not matter as long as they are those of a room (60 dB
// in 0.8 s). What is more than 24 dB fainter than the seat's loudest voice of late is taken for the room's, too.
type Suppressor struct {
	analysis *analysis
	pending  [][]float32 // by channel: sound from the block on that is let out next
	analysed int         // frames of pending that were analysed
	others   [][]bool    // by channel, of these frames: others are heard
	audible  [][]bool    // by channel, of these frames: something is heard
	evidence []int       // by channel, for its own voice
	open     []bool
	present  []int     // by channel, frames for which it lingers
	gain     []float32 // of the last sample of the block before
	filling  []filling

	moments []moment
	first   int64 // the frame that moments begins with
	out     [][]float32
}

// moment is what is remembered of a frame, a bit a channel.
type moment struct {
	spoken  uint8 // into the channel, for certain
	audible uint8 // something was let through that is louder than the noise
}

// New makes a suppressor for 2 to [MaxChannels] channels at [audio.Rate].
func New(channels int) (*Suppressor, error) {
	if channels < 2 || channels > MaxChannels {
		return nil, fmt.Errorf("cross-talk is told between 2 to %d channels, not %d", MaxChannels, channels)
	}
	s := &Suppressor{
		analysis: newAnalysis(channels), pending: make([][]float32, channels), others: make([][]bool, channels), audible: make([][]bool, channels),
		evidence: make([]int, channels), open: make([]bool, channels), present: make([]int, channels), gain: make([]float32, channels), filling: make([]filling, channels),
		out: make([][]float32, channels),
	}
	for c := range channels {
		s.gain[c], s.filling[c].seed = 1, uint32(c+1)
	}
	return s, nil
}

// Push takes the same number of samples in -1..1 of every channel and returns what is decided by them, up to [Delay] less than went in. The
// sound does not depend on how it is cut into pushes. The result is valid until the next call.
func (s *Suppressor) Push(pcm [][]float32) [][]float32 {
	for c := range s.out {
		s.pending[c] = append(s.pending[c], pcm[c]...)
		s.out[c] = s.out[c][:0]
	}
	s.run(len(s.pending[0]))
	return s.out
}

// Flush returns the rest: everything that went in has come out then.
func (s *Suppressor) Flush() [][]float32 {
	rest := len(s.pending[0])
	for c := range s.out {
		s.pending[c] = append(s.pending[c], make([]float32, (ahead+1)*hop+window)...)
		s.out[c] = s.out[c][:0]
	}
	s.run(rest)
	for c := range s.pending {
		s.pending[c] = nil
	}
	return s.out
}

// run analyses every whole frame of the pending sound, and lets out at most so many samples. Each block leaves as soon as it is decided, since
// what is learnt later must not change it.
func (s *Suppressor) run(most int) {
	for s.analysed*hop+window <= len(s.pending[0]) && most > 0 {
		from := s.analysed * hop
		for c := range s.pending {
			s.analysis.hear(c, s.pending[c][from:from+window])
		}
		s.analysis.decide()
		still := s.analysis.still()
		for c := range s.pending {
			if still {
				s.filling[c].learn(s.analysis.microphones[c].spectrum)
			}
			s.others[c] = append(s.others[c], s.analysis.others[c])
			s.audible[c] = append(s.audible[c], s.analysis.audible[c])
			spoken, present := s.analysis.spoken(c)
			if present {
				s.present[c] = lingers
			} else {
				s.present[c] = max(s.present[c]-1, 0)
			}
			if s.analysis.own[c] && spoken {
				s.evidence[c] = min(s.evidence[c]+evident, mostHeld)
			} else {
				s.evidence[c] = max(s.evidence[c]-1, 0)
			}
			s.open[c] = s.evidence[c] >= opens || s.open[c] && s.evidence[c] > 0
		}
		s.analysed++
		if s.analysed > ahead {
			n := min(most, hop)
			s.release(n)
			most -= n
		}
	}
}

// release lets out the next block, or its first n samples.
func (s *Suppressor) release(n int) {
	var now moment
	for c := range s.pending {
		if s.evidence[c] >= opens {
			now.spoken |= 1 << c
		}
		target := float32(1)
		if !s.open[c] && (s.others[c][0] || s.present[c] == 0) {
			target = 0
		} else if s.audible[c][0] {
			now.audible |= 1 << c
		}
		s.pass(c, target, n)
		s.others[c] = slices.Delete(s.others[c], 0, 1)
		s.audible[c] = slices.Delete(s.audible[c], 0, 1)
	}
	s.analysed--
	if len(s.moments) >= 2*kept {
		s.first += int64(len(s.moments) - kept)
		s.moments = append(s.moments[:0], s.moments[len(s.moments)-kept:]...)
	}
	s.moments = append(s.moments, now)
}

// pass lets a channel's block out, with the channel's background in place of what is silenced: voice activity hears no change.
func (s *Suppressor) pass(c int, target float32, n int) {
	block := s.pending[c][:n]
	gain := s.gain[c]
	if gain == 1 && target == 1 {
		s.out[c] = append(s.out[c], block...)
		s.filling[c].tail = [hop]float32{}
	} else {
		var background [hop]float32
		s.filling[c].block(&background, s.analysis.energy, s.analysis.noiseLevel(c))
		step := (target - gain) / hop
		for i, x := range block {
			gain += step
			s.out[c] = append(s.out[c], gain*x+(1-gain)*background[i])
		}
	}
	s.gain[c] = target
	s.pending[c] = s.pending[c][:copy(s.pending[c], s.pending[c][n:])]
}

// between returns what is remembered of a stretch of samples.
func (s *Suppressor) between(from, to int64) []moment {
	end := s.first + int64(len(s.moments))
	first := min(max(from/hop, s.first), end)
	return s.moments[first-s.first : max(first, min((to+hop-1)/hop, end))-s.first]
}

// Spoken tells whether somebody may have spoken into a channel within samples from..to. It is false where there is nothing but noise, others'
// voices and what is put in their place: speech that is heard there is none.
func (s *Suppressor) Spoken(channel int, from, to int64) bool {
	mine, audible := uint8(1)<<channel, 0
	for _, m := range s.between(from, to) {
		if m.spoken&mine != 0 {
			return true
		}
		if m.audible&mine != 0 {
			audible++
		}
	}
	return audible >= unsure
}

// Overlap is for how long, within samples from..to of a channel, both it and another channel were spoken into.
func (s *Suppressor) Overlap(channel int, from, to int64) time.Duration {
	mine, count := uint8(1)<<channel, 0
	for _, m := range s.between(from, to) {
		if m.spoken&mine != 0 && m.spoken != mine {
			count++
		}
	}
	return time.Duration(count) * hop * time.Second / audio.Rate
}
