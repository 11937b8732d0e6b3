package eval

import (
	"io"

	"github.com/courtsense/courtsense/speech/accuracy"
)

// DiarizationReport is the result of finding who speaks when over the recordings of a folder.
type DiarizationReport struct {
	Task           string             `json:"task"`   // "diarization"
	Collar         float64            `json:"collar"` // seconds around begins and ends that are not scored
	Told           DiarizationScore   `json:"told"`   // speech as the reference has it
	Found          DiarizationScore   `json:"found"`  // speech as voice activity detection finds it
	Stream         DiarizationScore   `json:"stream"` // the same, labelled segment by segment as a stream is
	Alone          DiarizationScore   `json:"alone"`  // the same speech, all of one speaker: what telling nobody apart gives
	AudioSeconds   float64            `json:"audio_seconds"`
	RealTimeFactor float64            `json:"real_time_factor"` // of finding who speaks
	PerFile        []DiarizationEntry `json:"per_file"`
	Setting
}

// DiarizationScore is a diarisation error rate and its parts, shares of the speakers' time in the reference.
type DiarizationScore struct {
	Error         float64 `json:"error"`
	Miss          float64 `json:"miss"`
	FalseAlarm    float64 `json:"false_alarm"`
	Confusion     float64 `json:"confusion"`
	SpeechSeconds float64 `json:"speech_seconds"`
}

// DiarizationEntry is the result of one recording.
type DiarizationEntry struct {
	File           string           `json:"file"`
	Speakers       int              `json:"speakers"`
	Told           DiarizationScore `json:"told"`
	Found          DiarizationScore `json:"found"`
	Stream         DiarizationScore `json:"stream"`
	Alone          DiarizationScore `json:"alone"`
	ToldSpeakers   int              `json:"told_speakers"`
	FoundSpeakers  int              `json:"found_speakers"`
	StreamSpeakers int              `json:"stream_speakers"`
}

func diarizationScore(d accuracy.Diarization) DiarizationScore {
	speech := d.Speech
	if speech == 0 {
		speech = 1 // nothing was said: the parts are seconds
	}
	return DiarizationScore{(d.Miss + d.FalseAlarm + d.Confusion) / speech, d.Miss / speech, d.FalseAlarm / speech, d.Confusion / speech, d.Speech}
}

// SummarizeDiarization adds recordings up.
func SummarizeDiarization(meetings []accuracy.Meeting, collar float64) DiarizationReport {
	r := DiarizationReport{Task: "diarization", Collar: collar, PerFile: []DiarizationEntry{}}
	var told, found, stream, alone accuracy.Diarization
	took := 0.
	for _, m := range meetings {
		told, found, stream, alone = told.Add(m.Told), found.Add(m.Found), stream.Add(m.Stream), alone.Add(m.Alone)
		took += m.Took.Seconds()
		r.AudioSeconds += m.Seconds
		r.PerFile = append(r.PerFile, DiarizationEntry{
			m.Name, m.Speakers, diarizationScore(m.Told), diarizationScore(m.Found), diarizationScore(m.Stream), diarizationScore(m.Alone),
			m.ToldSpeakers, m.FoundSpeakers, m.StreamSpeakers,
		})
	}
	r.Told, r.Found, r.Stream, r.Alone = diarizationScore(told), diarizationScore(found), diarizationScore(stream), diarizationScore(alone)
	if r.AudioSeconds > 0 {
		r.RealTimeFactor = took / r.AudioSeconds
	}
	return r
}

// WriteText prints the report for people.
func (r DiarizationReport) WriteText(w io.Writer) error {
	t := newTable(w)
	t.row("recordings", "%d, %.1f s of sound, %.1f s of speakers scored, collar %.2f s", len(r.PerFile), r.AudioSeconds, r.Told.SpeechSeconds, r.Collar)
	score := func(name string, s DiarizationScore) {
		t.row(name, "error %s: missed %s, falsely found %s, taken for another %s", share(s.Error), share(s.Miss), share(s.FalseAlarm), share(s.Confusion))
	}
	score("speech told", r.Told)
	score("speech found", r.Found)
	score("  as a stream", r.Stream)
	score("  one speaker", r.Alone)
	for _, f := range r.PerFile {
		t.row("  "+f.File, "%d speakers; told %s (%d), found %s (%d), as a stream %s (%d), one speaker %s", f.Speakers, share(f.Told.Error), f.ToldSpeakers,
			share(f.Found.Error), f.FoundSpeakers, share(f.Stream.Error), f.StreamSpeakers, share(f.Alone.Error))
	}
	t.row("real-time factor", "%.4f", r.RealTimeFactor)
	t.setting("", r.Setting)
	return t.Flush()
}
