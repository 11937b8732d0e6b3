package eval

import (
	"io"

	"github.com/courtsense/courtsense/speech/accuracy"
)

// VADReport is the result of voice activity detection over the recordings of a folder.
type VADReport struct {
	Task           string         `json:"task"`        // "vad"
	Error          float64        `json:"error"`       // (missed + falsely found) / speech, seconds added up over the recordings
	Miss           float64        `json:"miss"`        // missed / speech
	FalseAlarm     float64        `json:"false_alarm"` // falsely found / speech
	SpeechSeconds  float64        `json:"speech_seconds"`
	AudioSeconds   float64        `json:"audio_seconds"`
	RealTimeFactor float64        `json:"real_time_factor"`
	PerFile        []VADRecording `json:"per_file"`
	Setting
}

// VADRecording is the result of one recording.
type VADRecording struct {
	File          string  `json:"file"`
	Error         float64 `json:"error"`
	Miss          float64 `json:"miss"`
	FalseAlarm    float64 `json:"false_alarm"`
	SpeechSeconds float64 `json:"speech_seconds"`
	Segments      int     `json:"segments"`
}

// SummarizeVAD adds recordings up.
func SummarizeVAD(recordings []accuracy.Recording) VADReport {
	r := VADReport{Task: "vad", PerFile: []VADRecording{}}
	var all accuracy.Detection
	took := 0.
	for _, one := range recordings {
		all = all.Add(one.Score)
		took += one.Took.Seconds()
		s := one.Score
		r.PerFile = append(r.PerFile, VADRecording{one.Name, s.Rate(), s.Miss / s.Speech, s.FalseAlarm / s.Speech, s.Speech, len(one.Segments)})
		r.AudioSeconds += one.Seconds
	}
	r.Error, r.Miss, r.FalseAlarm, r.SpeechSeconds = all.Rate(), all.Miss/all.Speech, all.FalseAlarm/all.Speech, all.Speech
	if r.AudioSeconds > 0 {
		r.RealTimeFactor = took / r.AudioSeconds
	}
	return r
}

// WriteText prints the report for people.
func (r VADReport) WriteText(w io.Writer) error {
	t := newTable(w)
	t.row("recordings", "%d, %.1f s of sound, %.1f s of speech", len(r.PerFile), r.AudioSeconds, r.SpeechSeconds)
	t.row("error", "%s: missed %s, falsely found %s of the speech", share(r.Error), share(r.Miss), share(r.FalseAlarm))
	for _, f := range r.PerFile {
		t.row("  "+f.File, "%s: missed %s, falsely found %s, in %d segments", share(f.Error), share(f.Miss), share(f.FalseAlarm), f.Segments)
	}
	t.row("real-time factor", "%.4f", r.RealTimeFactor)
	t.setting("", r.Setting)
	return t.Flush()
}
