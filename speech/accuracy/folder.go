package accuracy

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/courtsense/courtsense/speech"
)

// Recording is one scored file of a folder.
type Recording struct {
	Name     string // without its extension
	Segments []speech.Segment
	Score    Detection
	Seconds  float64       // of sound
	Took     time.Duration // decoding and detection, on the calling goroutine
}

// DetectFolder runs the segmenter over the recordings that the folder's .rttm files name, which lie beside them as
// NAME.flac, .wav, .mp3, .opus or .ogg, and scores what it finds. Recordings are returned in the order of their names.
func DetectFolder(ctx context.Context, s *speech.Segmenter, dir string) ([]Recording, error) {
	reference, err := readRTTM(dir, ParseRTTM)
	if err != nil {
		return nil, err
	}
	var out []Recording
	for name, spans := range reference {
		file, err := recordingFile(dir, name)
		if err != nil {
			return nil, err
		}
		r, err := detectFile(ctx, s, file, spans)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		r.Name = name
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Recording) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out, nil
}

// readRTTM joins what a folder's .rttm files say.
func readRTTM[T any](dir string, parse func(io.Reader) (map[string][]T, error)) (map[string][]T, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.rttm"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no .rttm file", dir)
	}
	all := map[string][]T{}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		found, err := parse(f)
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for recording, s := range found {
			all[recording] = append(all[recording], s...)
		}
	}
	return all, nil
}

func recordingFile(dir, name string) (string, error) {
	if name != filepath.Base(name) {
		return "", fmt.Errorf("recording name %q is not a file name", name)
	}
	for _, ext := range []string{".flac", ".wav", ".mp3", ".opus", ".ogg"} {
		file := filepath.Join(dir, name+ext)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s: no recording %s.(flac|wav|mp3|opus|ogg)", dir, name)
}

func detectFile(ctx context.Context, s *speech.Segmenter, file string, reference []Span) (Recording, error) {
	f, err := os.Open(file)
	if err != nil {
		return Recording{}, err
	}
	defer f.Close()
	var r Recording
	var found []Span
	start := time.Now()
	summary, err := s.Run(ctx, f, func(x speech.Result) error {
		if x.Final {
			r.Segments = append(r.Segments, x.Segment)
			found = append(found, Span{x.Start, x.End})
		}
		return nil
	})
	if err != nil {
		return Recording{}, err
	}
	r.Took, r.Seconds = time.Since(start), summary.Duration.Seconds()
	r.Score = ScoreDetection(reference, found, r.Seconds)
	return r, nil
}
