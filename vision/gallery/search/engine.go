package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/courtsense/courtsense/pipeline"
)

// Opener opens a graph from memory, as *onnx.Backend does.
type Opener interface {
	OpenBytes(ctx context.Context, id string, model []byte, o pipeline.Options) (pipeline.Executor, error)
}

// maxDimensions bounds vectors so that the products of their codes stay exact in float32: 127 * 63 * 2048 < 2^24.
const maxDimensions = 2048

type engine struct {
	opener Opener
	device string
	codes  bool // rows are held as 8-bit codes

	mu     sync.Mutex
	dots   map[int]pipeline.Executor // by dimensions
	closed bool
}

// NewEngine returns a searcher that multiplies in the inference runtime. On a CPU prepared rows are 8-bit codes; on any
// other device (see [pipeline.Options]) they are float32, because integer products exist on few.
func NewEngine(ctx context.Context, opener Opener, device string) (Searcher, error) {
	e := &engine{opener: opener, device: device, dots: map[int]pipeline.Executor{}}
	// A small graph tells what "auto" means here.
	x, err := e.open(ctx, floatGraph(1))
	if err != nil {
		return nil, fmt.Errorf("gallery search: %w", err)
	}
	e.codes = true
	if p, ok := x.(pipeline.Placed); ok {
		e.device = p.Placement().Device
		e.codes = strings.HasPrefix(e.device, "cpu")
	}
	e.dots[1] = x
	return e, nil
}

// open gives a run one thread: an index runs as many blocks at a time as there are cores.
func (e *engine) open(ctx context.Context, graph []byte) (pipeline.Executor, error) {
	return e.opener.OpenBytes(ctx, "gallery-search", graph, pipeline.Options{Device: e.device, IntraThreads: 1})
}

func (e *engine) dot(ctx context.Context, dimensions int) (pipeline.Executor, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errors.New("gallery search: the searcher is closed")
	}
	if x, ok := e.dots[dimensions]; ok {
		return x, nil
	}
	x, err := e.open(ctx, floatGraph(dimensions))
	if err != nil {
		return nil, fmt.Errorf("gallery search: %w", err)
	}
	e.dots[dimensions] = x
	return x, nil
}

func (e *engine) Dot(ctx context.Context, rows, queries []float32, dimensions int, out []float32) error {
	x, err := e.dot(ctx, dimensions)
	if err != nil {
		return err
	}
	d := int64(dimensions)
	return run(ctx, x, pipeline.Tensors{
		"x": {Shape: []int64{int64(len(rows)) / d, d}, Float32: rows},
		"q": {Shape: []int64{int64(len(queries)) / d, d}, Float32: queries},
	}, out)
}

func run(ctx context.Context, x pipeline.Executor, in pipeline.Tensors, out []float32) error {
	result, err := x.Run(ctx, in)
	if err != nil {
		return fmt.Errorf("gallery search: %w", err)
	}
	if n := copy(out, result["s"].Float32); n != len(result["s"].Float32) || n != len(out) {
		return fmt.Errorf("gallery search: %d products, want %d", len(result["s"].Float32), len(out))
	}
	return nil
}

func (e *engine) Prepare(ctx context.Context, rows []float32, dimensions int) (Prepared, error) {
	if !e.codes || dimensions > maxDimensions {
		x, err := e.open(ctx, heldFloatGraph(rows, dimensions))
		if err != nil {
			return nil, fmt.Errorf("gallery search: %w", err)
		}
		return &heldFloats{x: x, dimensions: dimensions, errors: slices.Repeat([]float32{floatError(dimensions)}, len(rows)/dimensions)}, nil
	}
	z := quantise(rows, dimensions)
	x, err := e.open(ctx, heldCodesGraph(z, dimensions))
	if err != nil {
		return nil, fmt.Errorf("gallery search: %w", err)
	}
	return &heldCodes{x: x, dimensions: dimensions, errors: z.errors, norm: z.norm}, nil
}

func (e *engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	var err error
	for _, x := range e.dots {
		err = errors.Join(err, x.Close())
	}
	clear(e.dots)
	return err
}

// heldFloats are rows that a device holds as they are.
type heldFloats struct {
	x          pipeline.Executor
	dimensions int
	errors     []float32
}

func (h *heldFloats) RowErrors() []float32 { return h.errors }

func (h *heldFloats) Close() error { return h.x.Close() }

func (h *heldFloats) Dot(ctx context.Context, queries, out, queryErrors []float32) error {
	clear(queryErrors)
	d := int64(h.dimensions)
	return run(ctx, h.x, pipeline.Tensors{"q": {Shape: []int64{int64(len(queries)) / d, d}, Float32: queries}}, out)
}

// heldCodes are rows that a device holds as 8-bit codes.
type heldCodes struct {
	x          pipeline.Executor
	dimensions int
	errors     []float32
	norm       float32
}

func (h *heldCodes) RowErrors() []float32 { return h.errors }

func (h *heldCodes) Close() error { return h.x.Close() }

func (h *heldCodes) Dot(ctx context.Context, queries, out, queryErrors []float32) error {
	d := h.dimensions
	q := len(queries) / d
	codes, scales := make([]byte, len(queries)), make([]float32, q)
	for j := range q {
		var lost float32
		scales[j], lost = quantiseQuery(queries[j*d:(j+1)*d], codes[j*d:(j+1)*d])
		queryErrors[j] = up(float64(lost) * float64(h.norm))
	}
	err := run(ctx, h.x, pipeline.Tensors{"q": {Shape: []int64{int64(q), int64(d)}, Uint8: codes}}, out)
	if err != nil {
		return err
	}
	n := len(out) / q
	for j, scale := range scales {
		for i := range n {
			out[j*n+i] *= scale
		}
	}
	return nil
}
