package accuracy

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Span is a stretch of time in seconds.
type Span struct{ Start, End float64 }

// FrameSeconds is the resolution of scoring: 10 ms.
const FrameSeconds = 0.01

// Detection counts seconds of one recording, or of several added up.
type Detection struct {
	Speech     float64 // in the reference
	Total      float64 // scored
	Miss       float64 // speech that was not found
	FalseAlarm float64 // found where there is none
}

// ScoreDetection compares found speech with the reference over a recording of the given length, frame by frame and
// without a collar: a frame is speech where its middle lies in a span. Overlapping spans count once.
func ScoreDetection(reference, found []Span, seconds float64) Detection {
	var d Detection
	n := int(seconds / FrameSeconds)
	ref, hyp := frames(reference, n), frames(found, n)
	for i := range n {
		d.Total += FrameSeconds
		switch {
		case ref[i] && hyp[i]:
			d.Speech += FrameSeconds
		case ref[i]:
			d.Speech += FrameSeconds
			d.Miss += FrameSeconds
		case hyp[i]:
			d.FalseAlarm += FrameSeconds
		}
	}
	return d
}

// Add adds another recording's counts.
func (d Detection) Add(o Detection) Detection {
	return Detection{d.Speech + o.Speech, d.Total + o.Total, d.Miss + o.Miss, d.FalseAlarm + o.FalseAlarm}
}

// Rate returns the detection error rate: (miss + false alarm) / speech, as in NIST's speech activity detection and in
// pyannote.metrics.
func (d Detection) Rate() float64 { return (d.Miss + d.FalseAlarm) / d.Speech }

func frames(spans []Span, n int) []bool {
	f := make([]bool, n)
	for _, s := range spans {
		for i := max(0, int(s.Start/FrameSeconds)-1); i < n; i++ {
			mid := (float64(i) + .5) * FrameSeconds
			if mid >= s.End {
				break
			}
			if mid >= s.Start {
				f[i] = true
			}
		}
	}
	return f
}

// ParseRTTM reads the SPEAKER lines of a NIST Rich Transcription Time Marked file: spans by file name.
func ParseRTTM(r io.Reader) (map[string][]Span, error) {
	out := map[string][]Span{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || f[0] != "SPEAKER" {
			continue
		}
		if len(f) < 5 {
			return nil, fmt.Errorf("RTTM line %d has %d fields, SPEAKER lines have at least 5", n, len(f))
		}
		span, err := parseSpan(n, f[3], f[4])
		if err != nil {
			return nil, err
		}
		out[f[1]] = append(out[f[1]], span)
	}
	return out, lines.Err()
}
