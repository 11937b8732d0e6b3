package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	ort "github.com/yalue/onnxruntime_go"
)

func main() {
	library := flag.String("library", defaultLibrary(), "path of the ONNX Runtime shared library")
	threads := flag.Int("threads", 1, "threads within one operator")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: teacher [flags] MODEL.onnx < requests > answers")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(*library, flag.Arg(0), *threads, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "teacher:", err)
		os.Exit(1)
	}
}

// defaultLibrary is ORT_LIBRARY, or where the project's install script puts the library.
func defaultLibrary() string {
	if p := os.Getenv("ORT_LIBRARY"); p != "" {
		return p
	}
	data := os.Getenv("XDG_DATA_HOME")
	if data == "" {
		home, _ := os.UserHomeDir()
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "courtsense", "onnxruntime", "1.30.0", "libonnxruntime.so.1")
}

func serve(library, model string, threads int, in io.Reader, out io.Writer) (err error) {
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(); err != nil {
		return fmt.Errorf("ONNX Runtime library %s: %w", library, err)
	}
	defer func() { err = errors.Join(err, ort.DestroyEnvironment()) }()
	inputs, outputs, err := ort.GetInputOutputInfo(model)
	if err != nil {
		return fmt.Errorf("model %s: %w", model, err)
	}
	options, err := ort.NewSessionOptions()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, options.Destroy()) }()
	if err := errors.Join(options.SetIntraOpNumThreads(threads), options.SetInterOpNumThreads(1),
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0")); err != nil {
		return err
	}
	session, err := ort.NewDynamicAdvancedSession(model, names(inputs), names(outputs), options)
	if err != nil {
		return fmt.Errorf("model %s: %w", model, err)
	}
	defer func() { err = errors.Join(err, session.Destroy()) }()

	r, w := bufio.NewReaderSize(in, 1<<20), bufio.NewWriterSize(out, 1<<20)
	for {
		headers, data, err := readRequest(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := answer(w, session, names(inputs), names(outputs), headers, data); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

// answer runs the model once. A failure of the model itself goes to the caller as a message; only a broken pipe is an error.
func answer(w io.Writer, session *ort.DynamicAdvancedSession, inputs, outputs []string, headers []tensorHeader, data [][]byte) error {
	values, elapsed, err := run(session, inputs, outputs, headers, data)
	defer destroy(values)
	if err != nil {
		return writeHeader(w, message{Error: err.Error()})
	}
	m := message{ElapsedNS: elapsed.Nanoseconds()}
	for i, v := range values {
		m.Tensors = append(m.Tensors, tensorHeader{Name: outputs[i], Type: "float32", Shape: v.GetShape()})
	}
	if err := writeHeader(w, m); err != nil {
		return err
	}
	for _, v := range values {
		if err := binary.Write(w, binary.LittleEndian, v.(*ort.Tensor[float32]).GetData()); err != nil {
			return err
		}
	}
	return nil
}

func writeHeader(w io.Writer, m message) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// run returns one float32 tensor per name in outputs, which the caller destroys, and the time inside the runtime.
func run(session *ort.DynamicAdvancedSession, inputs, outputs []string, headers []tensorHeader, data [][]byte) ([]ort.Value, time.Duration, error) {
	given := make([]ort.Value, len(inputs))
	defer destroy(given)
	for i, name := range inputs {
		for j, h := range headers {
			if h.Name != name {
				continue
			}
			v, err := tensor(h, data[j])
			if err != nil {
				return nil, 0, fmt.Errorf("tensor %q: %w", name, err)
			}
			given[i] = v
		}
		if given[i] == nil {
			return nil, 0, fmt.Errorf("input %q is missing; the model wants %q", name, inputs)
		}
	}
	made := make([]ort.Value, len(outputs))
	start := time.Now()
	err := session.Run(given, made)
	elapsed := time.Since(start)
	if err != nil {
		destroy(made)
		return nil, 0, err
	}
	for i, v := range made {
		if _, ok := v.(*ort.Tensor[float32]); !ok {
			destroy(made)
			return nil, 0, fmt.Errorf("output %q is not a float32 tensor", outputs[i])
		}
	}
	return made, elapsed, nil
}

func tensor(h tensorHeader, data []byte) (ort.Value, error) {
	shape := ort.NewShape(h.Shape...)
	if h.Type == "int64" {
		values := make([]int64, len(data)/8)
		for i := range values {
			values[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
		}
		return ort.NewTensor(shape, values)
	}
	values := make([]float32, len(data)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return ort.NewTensor(shape, values)
}

func destroy(values []ort.Value) {
	for _, v := range values {
		if v != nil {
			_ = v.Destroy()
		}
	}
}

func names(infos []ort.InputOutputInfo) []string {
	out := make([]string, len(infos))
	for i, info := range infos {
		out[i] = info.Name
	}
	return out
}
