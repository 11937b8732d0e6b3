package speech

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/courtsense/courtsense/speech/endpoint"
)

// Word is one recognised word, or character, with its place in the sound in seconds.
type Word struct {
	Text       string  `json:"text"`
	Start      float64 `json:"start"`
	End        float64 `json:"end"`
	Confidence float32 `json:"confidence"`         // 0..1
	HotWord    string  `json:"hot_word,omitempty"` // that it belongs to; "" when none
}

// Alternative is another reading of a segment.
type Alternative struct {
	Text       string  `json:"text"`
	Confidence float32 `json:"confidence"` // 0..1, relative to the other readings
}

// Quotation is a place of a segment's text that quotes or names a provision.
type Quotation struct {
	Start      int     `json:"start"` // characters of the text
	End        int     `json:"end"`
	Law        string  `json:"law"`
	Article    string  `json:"article"`     // its number, as printed
	Spoken     string  `json:"spoken_text"` // what was recognised there
	Confidence float32 `json:"confidence"`  // 0..1
}

// Segment is one stretch of speech in one channel.
type Segment struct {
	Start   float64 `json:"start"` // seconds from the beginning of the stream
	End     float64 `json:"end"`   // seconds; of an interim segment, where it was heard up to
	Channel int     `json:"channel"`
	// Speaker is the label of the speaker within the stream, such as "S1"; empty where speakers are not told apart.
	Speaker string `json:"speaker,omitempty"`
	// Role is who speaks, such as "judge", where that is known; "unknown" where it was looked for and not found.
	Role  string `json:"role,omitempty"`
	Text  string `json:"text"` // empty where no recogniser runs
	Words []Word `json:"words"`
	// Spoken is what was recognised where Text is written otherwise: without marks, numbers as they are said, recited law as it was heard.
	Spoken     string      `json:"spoken_text,omitempty"`
	Quotations []Quotation `json:"quotations,omitempty"`
	// Confidence is the mean of the words', 0..1; 0 where there is no text.
	Confidence   float32       `json:"confidence,omitempty"`
	Alternatives []Alternative `json:"alternatives,omitempty"` // other readings, the likeliest first; where they were asked for
	// Overlap tells of a final segment that somebody spoke into another channel meanwhile, for overlapTime or more; where cross-talk is
	// suppressed.
	Overlap bool `json:"overlap,omitempty"`
}

// overlapTime is the least time for which two people must speak together to interrupt each other: a click is no interruption.
const overlapTime = 250 * time.Millisecond

// Result is a segment as a stream reports it: first any number of interim versions, then the final one.
type Result struct {
	Segment
	Index       int     // numbers the segments of a channel from 0; interim and final versions share it
	Heard       float64 // seconds of sound after which this was known
	Final       bool    // nothing more will come for this segment
	Split       bool    // a final segment that was cut for its length: the speech goes on in the next one
	Probability float32 // mean probability of speech, 0..1; of interim segments, when it began
	// Stable is how many of the segment's words no later interim result of it changes; all of a final one. The final result
	// may still differ: its second pass hears the whole segment at once.
	Stable int
	// EndedBy is the rule that ended the final segment; [endpoint.None] where voice activity did.
	EndedBy endpoint.Rule
	// Evidence is what was heard of a final segment beside its words; nil where it is not kept.
	Evidence *Evidence
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

// WriteText writes one line a segment: times, channel, who speaks where that is known, and text, for people to read.
func WriteText(w io.Writer, segments []Segment) error {
	for _, s := range segments {
		who := ""
		for _, name := range []string{s.Speaker, s.Role} {
			if name != "" {
				who += name + "  "
			}
		}
		if _, err := fmt.Fprintf(w, "%s - %s  channel %d  %s%s\n", clock(s.Start, '.'), clock(s.End, '.'), s.Channel, who, textOr(s, "(speech)")); err != nil {
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
