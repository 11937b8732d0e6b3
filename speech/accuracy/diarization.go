package accuracy

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/courtsense/courtsense/pipeline/assignment"
)

// Turn is a span in which one person speaks.
type Turn struct {
	Span
	Speaker string
}

// Collar is the time on both sides of each begin and end in the reference that diarisation is customarily not scored in,
// in seconds (NIST RT evaluations).
const Collar = 0.25

// Diarization counts seconds of one recording, or of several added up. A second in which two people speak counts twice.
type Diarization struct {
	Speech     float64 // of the reference's speakers, scored
	Scored     float64 // of the recording
	Miss       float64 // of speakers whom nobody was found for
	FalseAlarm float64 // of speakers found where fewer speak
	Confusion  float64 // of speakers taken for another
}

// Add adds another recording's counts.
func (d Diarization) Add(o Diarization) Diarization {
	return Diarization{d.Speech + o.Speech, d.Scored + o.Scored, d.Miss + o.Miss, d.FalseAlarm + o.FalseAlarm, d.Confusion + o.Confusion}
}

// Rate returns the diarisation error rate: (miss + false alarm + confusion) / speech.
func (d Diarization) Rate() float64 { return (d.Miss + d.FalseAlarm + d.Confusion) / d.Speech }

// ScoreDiarization compares who was found to speak with the reference over a recording of the given length, frame by frame
// (10 ms) and with overlapping speech, as NIST's md-eval does. Frames nearer than collar seconds to a begin or an end in
// the reference are left out. Found labels are matched with the reference's speakers one to one, in the best way.
func ScoreDiarization(reference, found []Turn, seconds, collar float64) Diarization {
	n := int(seconds/FrameSeconds + 1e-6)
	ref, who := speakerFrames(reference, n)
	hyp, labels := speakerFrames(found, n)
	scored := outside(reference, n, collar)
	apart := make([][]float64, len(who)) // frames in which they are not heard together
	for i := range apart {
		apart[i] = slices.Repeat([]float64{float64(n)}, len(labels))
		for j := range labels {
			for t := range n {
				if scored[t] && ref[i][t] && hyp[j][t] {
					apart[i][j]--
				}
			}
		}
	}
	match := assignment.Cheapest(apart)
	var d Diarization
	for t := range n {
		if !scored[t] {
			continue
		}
		d.Scored += FrameSeconds
		speaking, heard, right := 0, 0, 0
		for j := range labels {
			if hyp[j][t] {
				heard++
			}
		}
		for i := range who {
			if ref[i][t] {
				speaking++
				if j := match[i]; j >= 0 && hyp[j][t] {
					right++
				}
			}
		}
		d.Speech += float64(speaking) * FrameSeconds
		d.Miss += float64(max(0, speaking-heard)) * FrameSeconds
		d.FalseAlarm += float64(max(0, heard-speaking)) * FrameSeconds
		d.Confusion += float64(min(speaking, heard)-right) * FrameSeconds
	}
	return d
}

// speakerFrames says for each speaker in which frames they speak.
func speakerFrames(turns []Turn, n int) (active [][]bool, speakers []string) {
	spans := map[string][]Span{}
	for _, t := range turns {
		if _, ok := spans[t.Speaker]; !ok {
			speakers = append(speakers, t.Speaker)
		}
		spans[t.Speaker] = append(spans[t.Speaker], t.Span)
	}
	slices.Sort(speakers)
	for _, s := range speakers {
		active = append(active, frames(spans[s], n))
	}
	return active, speakers
}

func outside(reference []Turn, n int, collar float64) []bool {
	scored := slices.Repeat([]bool{true}, n)
	for _, t := range reference {
		for _, edge := range []float64{t.Start, t.End} {
			for i := max(0, int((edge-collar)/FrameSeconds)-1); i < n && collar > 0; i++ {
				middle := (float64(i) + .5) * FrameSeconds
				if middle > edge+collar {
					break
				}
				if middle >= edge-collar {
					scored[i] = false
				}
			}
		}
	}
	return scored
}

// ParseTurns reads the SPEAKER lines of a NIST Rich Transcription Time Marked file with who speaks: turns by file name.
func ParseTurns(r io.Reader) (map[string][]Turn, error) {
	out := map[string][]Turn{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || f[0] != "SPEAKER" {
			continue
		}
		if len(f) < 8 {
			return nil, fmt.Errorf("RTTM line %d has %d fields, SPEAKER lines with a name have at least 8", n, len(f))
		}
		span, err := parseSpan(n, f[3], f[4])
		if err != nil {
			return nil, err
		}
		out[f[1]] = append(out[f[1]], Turn{span, f[7]})
	}
	return out, lines.Err()
}

func parseSpan(line int, start, length string) (Span, error) {
	from, err1 := strconv.ParseFloat(start, 64)
	seconds, err2 := strconv.ParseFloat(length, 64)
	if err1 != nil || err2 != nil || !(from >= 0) || !(seconds >= 0) || math.IsInf(from+seconds, 0) {
		return Span{}, fmt.Errorf("RTTM line %d: start %q and duration %q must be seconds", line, start, length)
	}
	return Span{from, from + seconds}, nil
}
