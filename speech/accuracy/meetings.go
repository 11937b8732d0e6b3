package accuracy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/speaker"
)

// Meeting is one recording in which it was found out who speaks when.
type Meeting struct {
	Name     string // without its extension
	Seconds  float64
	Speakers int // in the reference
	// Told is scored where the reference says where speech is, Found where voice activity detection finds it, Stream where
	// the segments of that are labelled one by one as they end.
	Told, Found, Stream Diarization
	// Alone is Found with one speaker for everything: what a method that tells nobody apart reaches.
	Alone                                       Diarization
	ToldSpeakers, FoundSpeakers, StreamSpeakers int
	Took                                        time.Duration // to find who speaks, where speech was found already
}

// DiarizeFolder finds who speaks when in the recordings that the folder's .rttm files name, which lie beside them as
// NAME.flac, .wav, .mp3, .opus or .ogg. The whole recording is scored, with the collar around the reference's begins and
// ends left out. Recordings are returned in the order of their names.
func DiarizeFolder(ctx context.Context, m *speaker.Embedder, s *speech.Segmenter, dir string, cfg speaker.Config, collar float64) ([]Meeting, error) {
	reference, err := readRTTM(dir, ParseTurns)
	if err != nil {
		return nil, err
	}
	var out []Meeting
	for name, turns := range reference {
		file, err := recordingFile(dir, name)
		if err != nil {
			return nil, err
		}
		r, err := diarizeFile(ctx, m, s, file, turns, cfg, collar)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		r.Name = name
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Meeting) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func diarizeFile(ctx context.Context, m *speaker.Embedder, s *speech.Segmenter, file string, reference []Turn, cfg speaker.Config, collar float64) (r Meeting, err error) {
	pcm, err := mono(file)
	if err != nil {
		return r, err
	}
	r.Seconds = float64(len(pcm)) / audio.Rate
	f, err := os.Open(file)
	if err != nil {
		return r, err
	}
	defer f.Close()
	var told, found []speaker.Interval
	for _, t := range reference {
		told = append(told, speaker.Interval{Start: t.Start, End: t.End})
	}
	if _, err := s.Run(ctx, f, func(x speech.Result) error {
		if x.Final {
			found = append(found, speaker.Interval{Start: x.Start, End: x.End})
		}
		return nil
	}); err != nil {
		return r, err
	}
	score := func(turns []Turn) Diarization { return ScoreDiarization(reference, turns, r.Seconds, collar) }
	r.Speakers = countSpeakers(reference)

	spans, err := m.Diarize(ctx, pcm, told, cfg)
	if err != nil {
		return r, err
	}
	turns := toTurns(spans, 0)
	r.Told, r.ToldSpeakers = score(turns), countSpeakers(turns)

	began := time.Now()
	if spans, err = m.Diarize(ctx, pcm, found, cfg); err != nil {
		return r, err
	}
	r.Took = time.Since(began)
	turns = toTurns(spans, 0)
	r.Found, r.FoundSpeakers = score(turns), countSpeakers(turns)
	for i := range turns {
		turns[i].Speaker = "all"
	}
	r.Alone = score(turns)

	stream, err := m.NewStream(cfg)
	if err != nil {
		return r, err
	}
	turns = turns[:0]
	for _, x := range found {
		spans, err := stream.Label(ctx, pcm[int(x.Start*audio.Rate):min(int(x.End*audio.Rate), len(pcm))])
		if err != nil {
			return r, err
		}
		turns = append(turns, toTurns(spans, x.Start)...)
	}
	r.Stream, r.StreamSpeakers = score(turns), countSpeakers(turns)
	return r, nil
}

func toTurns(spans []speaker.Span, offset float64) []Turn {
	out := make([]Turn, len(spans))
	for i, s := range spans {
		out[i] = Turn{Span{s.Start + offset, s.End + offset}, s.Speaker}
	}
	return out
}

func countSpeakers(turns []Turn) int {
	names := map[string]bool{}
	for _, t := range turns {
		names[t.Speaker] = true
	}
	return len(names)
}

// mono decodes a recording to the mean of its channels at audio.Rate.
func mono(file string) ([]float32, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := audio.NewDecoder(f, audio.Config{}, audio.DefaultLimits())
	if err != nil {
		return nil, err
	}
	defer d.Close()
	channels := d.Info().Channels
	resampler, err := audio.NewResampler(d.Info().SampleRate, channels)
	if err != nil {
		return nil, err
	}
	defer resampler.Close()
	var out []float32
	add := func(pcm []float32, err error) error {
		for i := 0; i+channels <= len(pcm); i += channels {
			sum := float32(0)
			for _, v := range pcm[i : i+channels] {
				sum += v
			}
			out = append(out, sum/float32(channels))
		}
		return err
	}
	buf := make([]float32, audio.Rate/2*channels)
	for {
		n, readErr := d.Read(buf)
		if n > 0 {
			if err := add(resampler.Push(buf[:n])); err != nil {
				return nil, err
			}
		}
		if errors.Is(readErr, io.EOF) {
			err := add(resampler.Flush())
			return out, err
		}
		if readErr != nil {
			return nil, readErr
		}
	}
}
