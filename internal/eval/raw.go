package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// PageRecord is the raw output for one file of pages.
type PageRecord struct {
	Name    string  `json:"name"` // of the file without its extension, as in NAME.txt
	File    string  `json:"file"`
	Output  string  `json:"output"`  // the lines as they were read, pages parted by form feeds
	Seconds float64 `json:"seconds"` // decoding, rendering and reading
	Error   string  `json:"error,omitempty"`
	// Pages are the pages of the output with their characters; other systems' records may lack them.
	Pages []PageOutput `json:"pages,omitempty"`
	// Peer is what the engine that is compared with made of the same file.
	Peer *PeerRecord `json:"peer,omitempty"`
}

// PeerRecord is a second engine's raw output for one file of pages.
type PeerRecord struct {
	Output  string  `json:"output"`
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
}

// OrientRecord is the raw output for one picture whose direction was asked for.
type OrientRecord struct {
	Name       string  `json:"name"`
	File       string  `json:"file"`
	Truth      int     `json:"truth"`
	Rotation   int     `json:"rotation"`
	Confidence float64 `json:"confidence"`
	Verified   bool    `json:"verified"` // by reading
	Seconds    float64 `json:"seconds"`  // from the encoded bytes to the answer
	Error      string  `json:"error,omitempty"`
}

// PairRecord is the raw output for one pair of faces.
type PairRecord struct {
	Left       string   `json:"left"`
	Right      string   `json:"right"`
	Same       bool     `json:"same"`
	Similarity *float64 `json:"similarity"` // cosine, -1 to 1; null when a picture gave no template
	Seconds    float64  `json:"seconds"`    // decoding, detecting and embedding both pictures
	Error      string   `json:"error,omitempty"`
}

// recorder writes raw records as JSON lines, each as soon as it is there, so that a run that is cut short leaves what it
// had. A nil writer drops them.
type recorder struct {
	mu  sync.Mutex
	out io.Writer
}

func (r *recorder) write(record any) error {
	if r.out == nil {
		return nil
	}
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(record); err != nil {
		return fmt.Errorf("raw output: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.out.Write(line.Bytes()); err != nil {
		return fmt.Errorf("raw output: %w", err)
	}
	return nil
}

// readRecords reads JSON lines; blank ones are skipped, and keys that are not known are left to those who know them.
func readRecords[T any](in io.Reader, check func(T) error) ([]T, error) {
	var out []T
	r := bufio.NewReader(in)
	for number := 1; ; number++ {
		line, err := r.ReadString('\n')
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return nil, fmt.Errorf("raw output: %w", err)
		}
		if strings.TrimSpace(line) != "" {
			var record T
			bad := json.Unmarshal([]byte(line), &record)
			if bad == nil {
				bad = check(record)
			}
			if bad != nil {
				return nil, fmt.Errorf("raw output line %d: %w", number, bad)
			}
			out = append(out, record)
		}
		if last && len(out) == 0 {
			return nil, errors.New("raw output: there is no record in it")
		}
		if last {
			return out, nil
		}
	}
}

// ReadPages reads a raw file of 'eval ocr'.
func ReadPages(in io.Reader) ([]PageRecord, error) {
	return readRecords(in, func(r PageRecord) error {
		if r.Name == "" {
			return errors.New(`it has no "name"`)
		}
		return nil
	})
}

// ReadOrientations reads a raw file of 'eval orient'.
func ReadOrientations(in io.Reader) ([]OrientRecord, error) {
	return readRecords(in, func(r OrientRecord) error {
		switch {
		case r.Name == "":
			return errors.New(`it has no "name"`)
		case !quarterTurn(r.Truth) || !quarterTurn(r.Rotation):
			return errors.New(`its "truth" and "rotation" are not both of 0, 90, 180, 270`)
		}
		return nil
	})
}

// ReadPairs reads a raw file of 'eval face'.
func ReadPairs(in io.Reader) ([]PairRecord, error) {
	return readRecords(in, func(r PairRecord) error {
		if r.Left == "" || r.Right == "" {
			return errors.New(`it has no "left" or no "right"`)
		}
		return nil
	})
}
