package speech

import (
	"context"
	"slices"
	"time"

	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/crosstalk"
	"github.com/courtsense/courtsense/speech/decode"
	"github.com/courtsense/courtsense/speech/endpoint"
	"github.com/courtsense/courtsense/speech/enhance"
	"github.com/courtsense/courtsense/speech/speaker"
	"github.com/courtsense/courtsense/speech/vad"
)

// textGap is the least sound between two interim results of which the second one has new text, in samples: results that come
// more often are not read.
const textGap = audio.Rate / 10

// cutBack is how far back speech that is too long may be cut, in samples: as far as voice activity does it.
const cutBack = 8 * audio.Rate

// track follows one channel: voice activity finds the segments, and the listener, where there is one, writes down what is said
// in them. Everything is decided at the end of a window, so that nothing depends on how the sound is cut.
type track struct {
	number int
	vad    *vad.Stream
	clean  *enhance.Stream // nil: the sound is heard as it is
	// crosstalk knows who speaks at the same time; nil: nobody does. It changes only while no channel runs.
	crosstalk *crosstalk.Suppressor
	interim   int64     // samples between two interim results, 0: none
	pcm       []float32 // of the current push
	rest      []float32 // less than a window

	index  int     // of the current segment
	start  int64   // where it begins
	chance float32 // its probability when it began
	told   int64   // where its last interim result stood, -1 before the first
	ready  []decided

	voices *speaker.Stream // nil: speakers are not told apart

	listener *listener // nil: segments have no text
	pad      int64     // samples before and after speech
	past     []float32 // the latest sound, which a segment that begins may reach back into
	keep     int       // samples of it outside speech
	heard    int64     // where past ends
	fed      int64     // where the listener has heard up to
	quiet    bool      // the segment was begun by a rule and has no text yet: nobody was told of it
	saying   string    // text of the last interim result
	spoken   bool      // into this channel, in the current segment; what is not is reported to nobody
}

func newTrack(s *Segmenter, number int) (*track, error) {
	stream, err := s.vad.NewStream(s.cfg.VAD)
	if err != nil {
		return nil, err
	}
	t := &track{number: number, vad: stream, interim: s.interim}
	if err := t.prepare(s); err != nil {
		return nil, err
	}
	if s.cfg.Enhancer != nil && s.cfg.Enhance != (enhance.Config{}) {
		if t.clean, err = s.cfg.Enhancer.NewStream(s.cfg.Enhance); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// prepare makes what hears more than voice activity does, and says how much sound that needs.
func (t *track) prepare(s *Segmenter) (err error) {
	if s.cfg.Recognition != nil {
		if t.listener, err = newListener(s.cfg.Recognition); err != nil {
			return err
		}
	}
	if t.voices, err = s.cfg.Separation.voices(t.number); err != nil {
		return err
	}
	effective, err := s.vad.Effective(s.cfg.VAD)
	if err != nil {
		return err
	}
	samples := func(d time.Duration) int64 { return int64(d) * audio.Rate / int64(time.Second) }
	t.pad = samples(effective.Pad)
	t.keep = int(t.pad + samples(effective.MinSpeech) + 4*vad.Window)
	return nil
}

func (t *track) push(ctx context.Context) error {
	if t.clean == nil {
		return t.hear(ctx, t.pcm)
	}
	pcm, err := t.clean.Push(ctx, t.pcm)
	if err != nil {
		return err
	}
	return t.hear(ctx, pcm)
}

// hear goes window by window, so that interim results fall on the same samples however the sound is cut.
func (t *track) hear(ctx context.Context, pcm []float32) error {
	for len(t.rest)+len(pcm) >= vad.Window {
		n := vad.Window - len(t.rest)
		t.rest = append(t.rest, pcm[:n]...)
		pcm = pcm[n:]
		t.remember(t.rest)
		events, err := t.vad.Push(ctx, t.rest)
		if err != nil {
			return err
		}
		t.rest = t.rest[:0]
		if err := t.take(ctx, events); err != nil {
			return err
		}
		if err := t.listen(ctx); err != nil {
			return err
		}
		t.attend()
		t.tell()
	}
	t.rest = append(t.rest, pcm...)
	return nil
}

func (t *track) flush(ctx context.Context) error {
	if t.clean != nil {
		pcm, err := t.clean.Flush(ctx)
		if err != nil {
			return err
		}
		if err := t.hear(ctx, pcm); err != nil {
			return err
		}
	}
	t.remember(t.rest)
	events, err := t.vad.Push(ctx, t.rest)
	if err != nil {
		return err
	}
	last, err := t.vad.Flush(ctx)
	if err != nil {
		return err
	}
	return t.take(ctx, append(events, last...))
}

// remember keeps the latest sound.
func (t *track) remember(pcm []float32) {
	t.heard += int64(len(pcm))
	if t.listener == nil && t.voices == nil {
		return
	}
	// Speech is known a little after it began, and may be cut some seconds back; whose it is is told of all of it. What is too
	// old is left out by the second, not at every window.
	keep := t.keep
	if _, open := t.vad.Speaking(); open {
		keep += cutBack
		if t.voices != nil {
			keep = max(keep, int(t.heard-t.start))
		}
	}
	if len(t.past) > keep+audio.Rate {
		t.past = t.past[:copy(t.past, t.past[len(t.past)-keep:])]
	}
	t.past = append(t.past, pcm...)
}

// since returns the sound from a sample on, as far back as it is kept.
func (t *track) since(sample int64) []float32 {
	return t.past[max(0, int64(len(t.past))-(t.heard-sample)):]
}

func (t *track) take(ctx context.Context, events []vad.Event) error {
	for _, e := range events {
		if e.Kind == vad.SpeechEnd {
			if err := t.end(ctx, e); err != nil {
				return err
			}
			continue
		}
		t.start, t.chance, t.told, t.saying, t.spoken = e.Sample, e.Probability, -1, "", false
		if !e.Split {
			t.quiet = false
		}
		if t.listener != nil {
			t.begin(e.Sample)
		}
	}
	return nil
}

// end completes the segment that voice activity has ended.
func (t *track) end(ctx context.Context, e vad.Event) error {
	r := Result{Segment: t.segment(t.start, e.Sample), Final: true, Split: e.Split, Probability: e.Probability}
	if t.listener == nil {
		return t.finish(ctx, e.At, r)
	}
	if err := t.feed(ctx); err != nil {
		return err
	}
	var hypotheses []decode.Hypothesis
	var err error
	if e.Split {
		hypotheses, err = t.split(ctx, e.Sample)
	} else {
		hypotheses, err = t.complete(ctx)
	}
	if err != nil {
		return err
	}
	return t.final(ctx, e.At, r, hypotheses)
}

// finish reports a final result, by speaker where they are told apart, and goes on to the next segment. What nobody spoke is dropped.
func (t *track) finish(ctx context.Context, at int64, r Result) error {
	if !t.spoken && t.crosstalk != nil && !t.crosstalk.Spoken(t.number, sampleAt(r.Start), sampleAt(r.End)) {
		return nil
	}
	parts := []Result{r}
	if t.voices != nil {
		spans, err := t.voices.Label(ctx, t.between(sampleAt(r.Start), sampleAt(r.End)))
		if err != nil {
			return err
		}
		parts = bySpeaker(r, spans, t.listener != nil)
	}
	for _, r := range parts {
		r.Index, r.Stable = t.index, len(r.Words)
		if t.crosstalk != nil && t.crosstalk.Overlap(t.number, sampleAt(r.Start), sampleAt(r.End)) >= overlapTime {
			r.Overlap = true
		}
		t.report(at, r)
		t.index++
	}
	return nil
}

func sampleAt(seconds float64) int64 { return int64(seconds*audio.Rate + .5) }

// between returns the sound from one sample to another, as far as it is kept.
func (t *track) between(from, to int64) []float32 {
	pcm := t.since(from)
	return pcm[:max(0, int64(len(pcm))-max(0, t.heard-to))]
}

// attend finds out whether the current segment is somebody's at this microphone. Once it is, it stays so: others may have been told of it.
func (t *track) attend() {
	if _, open := t.vad.Speaking(); open && !t.spoken {
		t.spoken = t.crosstalk == nil || t.crosstalk.Spoken(t.number, t.start, t.heard)
	}
}

// tell reports an interim result where one is due.
func (t *track) tell() {
	if _, open := t.vad.Speaking(); !open || !t.spoken || t.interim == 0 {
		return
	}
	due := t.told < 0 || t.heard-t.told >= t.interim
	r := Result{Segment: t.segment(t.start, t.heard), Index: t.index, Probability: t.chance}
	if t.listener != nil {
		if !due && (t.listener.told || t.heard-t.told < textGap) {
			return
		}
		now := t.listener.reading(t.listener.best, t.listener.stable, r.Start, r.End)
		if t.quiet {
			if now.text == "" {
				return
			}
			t.wake(now.words[0].Start)
			r.Segment = t.segment(t.start, t.heard)
		}
		if !due && now.text == t.saying {
			return
		}
		t.saying, t.listener.told = now.text, true
		r.Text, r.Words, r.Confidence = now.text, now.words, now.confidence
		r.Stable = now.stable
	} else if !due {
		return
	}
	t.told = t.heard
	t.report(t.heard, r)
}

// wake begins a quiet segment where its first word is.
func (t *track) wake(word float64) {
	t.quiet = false
	t.start = max(t.start, int64(word*audio.Rate)-t.pad)
}

func (t *track) segment(begin, end int64) Segment {
	return Segment{Start: float64(begin) / audio.Rate, End: float64(end) / audio.Rate, Channel: t.number, Words: []Word{}}
}

func (t *track) report(at int64, r Result) {
	r.Heard = float64(at) / audio.Rate
	t.ready = append(t.ready, decided{at, r})
}

// begin has the listener hear a new segment from a sample on.
func (t *track) begin(sample int64) {
	l := t.listener
	l.sound.Reset()
	l.text.Reset()
	l.best, l.stable = nil, 0
	l.begin = t.heard - int64(len(t.since(sample)))
	t.fed = l.begin
}

// feed has the listener hear everything that was remembered.
func (t *track) feed(ctx context.Context) error {
	if t.fed >= t.heard {
		return nil
	}
	rows, err := t.listener.sound.Push(ctx, t.since(t.fed))
	if err != nil {
		return err
	}
	t.fed = t.heard
	return t.listener.push(ctx, rows)
}

// listen hears the latest window of a segment and applies the endpoint rules.
func (t *track) listen(ctx context.Context) error {
	if _, open := t.vad.Speaking(); !open || t.listener == nil {
		return nil
	}
	if err := t.feed(ctx); err != nil {
		return err
	}
	l := t.listener
	frames := func(n int) time.Duration { return time.Duration(int64(n)*l.frame) * time.Second / audio.Rate }
	u := endpoint.Utterance{Length: frames(l.text.Frames()), Trailing: frames(l.text.Trailing())}
	best := l.best
	u.HasText = len(best) > 0 && len(best[0].Characters) > 0
	rule := l.rules.Ended(u)
	if rule == endpoint.None {
		return nil
	}
	cut := l.text.Frames()
	if rule == endpoint.MaxUtterance && u.HasText {
		cut = pauseIn(best[0].Characters, cut, min(cut/2, int(cutBack/l.frame)))
	}
	stop := l.begin + int64(cut)*l.frame
	end := stop
	if rule == endpoint.SilenceAfterText {
		last := best[0].Characters[len(best[0].Characters)-1]
		end = min(stop, max(t.start, l.begin+int64(last.End)*l.frame+t.pad))
	}
	var hypotheses []decode.Hypothesis
	var err error
	back := cut < l.text.Frames()
	if back {
		hypotheses, err = t.split(ctx, stop)
	} else {
		// The network goes on hearing.
		hypotheses, err = l.text.Finish(ctx, 1+l.alternatives)
	}
	if err != nil {
		return err
	}
	r := Result{Segment: t.segment(t.start, end), Final: true, EndedBy: rule, Split: rule == endpoint.MaxUtterance, Probability: t.chance}
	if err := t.final(ctx, t.heard, r, hypotheses); err != nil {
		return err
	}
	if back {
		t.begin(stop)
	} else {
		l.text.Reset()
		l.begin = stop
		l.look()
	}
	t.start, t.told, t.quiet, t.saying, t.spoken = end, -1, true, "", false
	return nil
}

// final reports a segment with its text. A quiet one without any is dropped: nobody was told that it had begun.
func (t *track) final(ctx context.Context, at int64, r Result, hypotheses []decode.Hypothesis) error {
	s := t.listener.reading(hypotheses, 0, r.Start, r.End)
	if t.quiet {
		if s.text == "" {
			return nil
		}
		t.wake(s.words[0].Start)
		r.Segment = t.segment(t.start, sampleAt(r.End))
	}
	r.Text, r.Words, r.Confidence, r.Alternatives, r.Evidence = s.text, s.words, s.confidence, s.alternatives, t.listener.evidence()
	return t.finish(ctx, at, r)
}

// complete ends what the listener hears.
func (t *track) complete(ctx context.Context) ([]decode.Hypothesis, error) {
	l := t.listener
	rows, err := l.sound.Flush(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.push(ctx, rows); err != nil {
		return nil, err
	}
	return l.text.Finish(ctx, 1+l.alternatives)
}

// split ends the utterance at a sample, with everything heard so far in view. What lies behind belongs to the next utterance,
// which the caller begins there.
func (t *track) split(ctx context.Context, sample int64) ([]decode.Hypothesis, error) {
	l := t.listener
	hypotheses, err := t.complete(ctx)
	if err != nil {
		return nil, err
	}
	for i := range hypotheses {
		h := &hypotheses[i]
		h.Characters = slices.DeleteFunc(h.Characters, func(c decode.Character) bool {
			return l.begin+int64(c.Start+c.End)*l.frame/2 >= sample
		})
		sum := float32(0)
		for _, c := range h.Characters {
			sum += c.Confidence
		}
		h.Confidence = sum / float32(max(len(h.Characters), 1))
	}
	return hypotheses, nil
}

// pauseIn returns the frame in the middle of the longest pause between characters among the last frames.
func pauseIn(characters []decode.Character, frames, back int) int {
	cut, longest := frames, 0
	for i := 1; i < len(characters); i++ {
		from, to := characters[i-1].End, characters[i].Start
		if from >= frames-back && to-from >= longest {
			cut, longest = (from+to)/2, to-from
		}
	}
	return min(cut, frames)
}
