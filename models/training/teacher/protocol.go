package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	maxHeaderBytes = 1 << 20
	// maxTensorBytes admits a batch of 64 colour pictures of 1024x1024 in float32.
	maxTensorBytes = 1 << 30
)

// tensorHeader describes one tensor; its elements follow the header line as little-endian bytes, in row-major order.
type tensorHeader struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"` // float32 or int64
	Shape []int64 `json:"shape"`
}

// message is the header line of a request or an answer.
type message struct {
	Tensors   []tensorHeader `json:"tensors"`
	ElapsedNS int64          `json:"elapsed_ns,omitempty"`
	Error     string         `json:"error,omitempty"`
}

// byteSize is the number of bytes that follow for the tensor, or an error for an unknown type, a negative dimension or
// a tensor above maxTensorBytes.
func (h tensorHeader) byteSize() (int, error) {
	var size int64
	switch h.Type {
	case "float32":
		size = 4
	case "int64":
		size = 8
	default:
		return 0, fmt.Errorf("tensor %q: type %q is not float32 or int64", h.Name, h.Type)
	}
	for _, d := range h.Shape {
		if d < 0 || (d > 0 && size > maxTensorBytes/d) {
			return 0, fmt.Errorf("tensor %q: shape %v is negative or above %d bytes", h.Name, h.Shape, maxTensorBytes)
		}
		size *= d
	}
	return int(size), nil
}

// readRequest reads one header line and the tensors' bytes. It returns io.EOF when the input ends between requests.
func readRequest(r *bufio.Reader) ([]tensorHeader, [][]byte, error) {
	line, err := readLine(r)
	if err != nil {
		return nil, nil, err
	}
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return nil, nil, fmt.Errorf("request header: %w", err)
	}
	data := make([][]byte, len(m.Tensors))
	for i, h := range m.Tensors {
		n, err := h.byteSize()
		if err != nil {
			return nil, nil, err
		}
		// Grown as bytes arrive: a header alone must not take maxTensorBytes of memory.
		var buffer bytes.Buffer
		if _, err := io.CopyN(&buffer, r, int64(n)); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", h.Name, unexpected(err))
		}
		data[i] = buffer.Bytes()
	}
	return m.Tensors, data, nil
}

// unexpected is err, an end of the input told as one in the middle of a request.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case err == io.EOF && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxHeaderBytes:
			return nil, fmt.Errorf("request header is longer than %d bytes", maxHeaderBytes)
		}
	}
}
