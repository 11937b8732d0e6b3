package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/text"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

func main() {
	id := flag.String("id", "text-detection-embedded", "entry of the catalogue")
	store := flag.String("models", "", "folder of the model store, for entries that are not embedded")
	file := flag.String("onnx", "", "ONNX file to use in the place of the entry's")
	change := flag.String("set", "", "parameters and thresholds to change, as YAML: {long_side: 960, pixel: 0.5}")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: regions [flags] < lines of FILE and the degrees that it is to be turned clockwise > JSON lines")
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := run(*store, *id, *file, *change, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "regions:", err)
		os.Exit(1)
	}
}

func run(folder, id, file, change string, in io.Reader, out io.Writer) (err error) {
	ctx := context.Background()
	store, err := models.Open(nil, folder)
	if err != nil {
		return err
	}
	artifact, err := store.Resolve(id)
	if err != nil {
		return err
	}
	entry, err := changed(artifact.Entry, change)
	if err != nil {
		return err
	}
	data, err := artifact.Bytes(models.RoleModel)
	if file != "" {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return err
	}
	backend, err := onnx.NewBackend(onnx.Config{})
	if err != nil {
		return err
	}
	x, err := backend.OpenBytes(ctx, id, data, pipeline.Options{Device: "cpu", IntraThreads: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	detector, err := text.NewDetector(x, entry)
	if err != nil {
		return err
	}
	answers := json.NewEncoder(out)
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		a, err := find(ctx, detector, lines.Text())
		if err != nil {
			return err
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

// changed returns the entry with the parameters and thresholds that change gives.
func changed(e models.Entry, change string) (models.Entry, error) {
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(change), &values); err != nil {
		return e, fmt.Errorf("-set: %w", err)
	}
	e.Parameters = maps.Clone(e.Parameters)
	e.Thresholds = append([]models.Threshold{}, e.Thresholds...)
	for i, t := range e.Thresholds {
		if v, ok := values[t.Name]; ok {
			if err := yaml.Unmarshal(fmt.Append(nil, v), &e.Thresholds[i].Value); err != nil {
				return e, fmt.Errorf("-set: %s: %w", t.Name, err)
			}
			delete(values, t.Name)
		}
	}
	maps.Copy(e.Parameters, values)
	return e, nil
}

type answer struct {
	File    string   `json:"file"`
	Width   int      `json:"width"`
	Height  int      `json:"height"`
	Seconds float64  `json:"seconds"`
	Regions []region `json:"regions"`
}

type region struct {
	Polygon ocr.Polygon `json:"polygon"`
	Outline []ocr.Point `json:"outline,omitempty"`
	Score   float32     `json:"score"`
}

// turns are EXIF's orientations that turn a picture clockwise.
var turns = map[string]imaging.Orientation{"0": 1, "90": 6, "180": 3, "270": 8}

func find(ctx context.Context, d *text.Detector, line string) (answer, error) {
	file, degrees, _ := strings.Cut(line, "\t")
	turn, ok := turns[degrees]
	if !ok {
		return answer{}, fmt.Errorf("%s: degrees are %q, want 0, 90, 180 or 270 behind a tab", file, degrees)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return answer{}, err
	}
	r, _, err := codec.Decode(ctx, data, imaging.DefaultLimits())
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", file, err)
	}
	r = imaging.Orient(r, turn)
	began := time.Now()
	found, err := d.Detect(ctx, r, text.DetectOptions{})
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", file, err)
	}
	a := answer{File: file, Width: r.Width, Height: r.Height, Seconds: time.Since(began).Seconds(), Regions: make([]region, len(found))}
	for i, g := range found {
		a.Regions[i] = region{g.Polygon, g.Outline, g.Score}
	}
	return a, nil
}
