package speech

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Word is one recognised word, or character, with its place in the sound in seconds.
type Word struct {
	Text       string  `json:"text"`
	Start      float64 `json:"start"`
	End        float64 `json:"end"`
	Confidence float32 `json:"confidence"`
}

// Segment is one stretch of speech in one channel.
type Segment struct {
	Start   float64 `json:"start"` // seconds from the beginning of the stream
	End     float64 `json:"end"`   // seconds; of an interim segment, where it was heard up to
	Channel int     `json:"channel"`
	Text    string  `json:"text"` // empty where no recogniser runs
	Words   []Word  `json:"words"`
}

// Result is a segment as a stream reports it: first any number of interim versions, then the final one.
type Result struct {
	Segment
	Index       int     // numbers the segments of a channel from 0; interim and final versions share it
	Heard       float64 // seconds of sound after which this was known
	Final       bool    // nothing more will come for this segment
	Split       bool    // a final segment that was cut for its length: the speech goes on in the next one
	Probability float32 // mean probability of speech, 0..1; of interim segments, when it began
}

// WriteJSON writes {"segments":[{"start":,"end":,"channel":,"text":,"words":[]}]} and a newline, seconds rounded to the
// millisecond. The format is stable: keys are only ever added.
func WriteJSON(w io.Writer, segments []Segment) error {
	out := make([]Segment, 0, len(segments))
	for _, s := range segments {
		s.Start, s.End = millis(s.Start), millis(s.End)
		words := make([]Word, 0, len(s.Words))
		for _, word := range s.Words {
			word.Start, word.End = millis(word.Start), millis(word.End)
			words = append(words, word)
		}
		s.Words = words
		out = append(out, s)
	}
	return json.NewEncoder(w).Encode(map[string][]Segment{"segments": out})
}

func millis(seconds float64) float64 {
	return float64(int64(seconds*1000+.5)) / 1000
}

// WriteText writes one line a segment: times, channel and text, for people to read.
func WriteText(w io.Writer, segments []Segment) error {
	for _, s := range segments {
		if _, err := fmt.Fprintf(w, "%s - %s  channel %d  %s\n", clock(s.Start, '.'), clock(s.End, '.'), s.Channel, textOr(s, "(speech)")); err != nil {
			return err
		}
	}
	return nil
}

// WriteSRT writes SubRip subtitles.
func WriteSRT(w io.Writer, segments []Segment) error {
	for i, s := range segments {
		if _, err := fmt.Fprintf(w, "%d\n%s --> %s\n%s\n\n", i+1, clock(s.Start, ','), clock(s.End, ','), textOr(s, "[speech]")); err != nil {
			return err
		}
	}
	return nil
}

// WriteVTT writes WebVTT subtitles (W3C).
func WriteVTT(w io.Writer, segments []Segment) error {
	if _, err := io.WriteString(w, "WEBVTT\n\n"); err != nil {
		return err
	}
	for _, s := range segments {
		if _, err := fmt.Fprintf(w, "%s --> %s\n<v channel %d>%s\n\n", clock(s.Start, '.'), clock(s.End, '.'), s.Channel, textOr(s, "[speech]")); err != nil {
			return err
		}
	}
	return nil
}

func textOr(s Segment, none string) string {
	if s.Text == "" {
		return none
	}
	return s.Text
}

// clock writes seconds as 01:02:03.456.
func clock(seconds float64, point byte) string {
	d := time.Duration(int64(seconds*1000+.5)) * time.Millisecond
	return fmt.Sprintf("%02d:%02d:%02d%c%03d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, point, d.Milliseconds()%1000)
}
