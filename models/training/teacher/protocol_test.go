package main

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func read(s string) ([]tensorHeader, [][]byte, error) {
	return readRequest(bufio.NewReader(strings.NewReader(s)))
}

func TestReadRequest(t *testing.T) {
	headers, data, err := read(`{"tensors":[{"name":"x","type":"float32","shape":[1,2]},{"name":"n","type":"int64","shape":[]}]}` +
		"\n01234567abcdefgh")
	require.NoError(t, err)
	assert.Equal(t, []tensorHeader{{Name: "x", Type: "float32", Shape: []int64{1, 2}}, {Name: "n", Type: "int64", Shape: []int64{}}}, headers)
	assert.Equal(t, [][]byte{[]byte("01234567"), []byte("abcdefgh")}, data)
}

func TestReadRequestEndsBetweenRequestsOnly(t *testing.T) {
	_, _, err := read("")
	require.ErrorIs(t, err, io.EOF)
	_, _, err = read(`{"tensors"`)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, _, err = read(`{"tensors":[{"name":"x","type":"float32","shape":[2]}]}` + "\n0123")
	require.ErrorContains(t, err, `tensor "x"`)
	assert.False(t, errors.Is(err, io.EOF), "a cut tensor is not a clean end")
}

func TestReadRequestRefuses(t *testing.T) {
	for request, want := range map[string]string{
		`{"tensors":[{"name":"x","type":"float16","shape":[1]}]}`:                       `type "float16"`,
		`{"tensors":[{"name":"x","type":"float32","shape":[-1]}]}`:                      "negative",
		`{"tensors":[{"name":"x","type":"int64","shape":[4294967296,4294967296]}]}`:     "above",
		`{"tensors":[{"name":"x","type":"float32","shape":[65536,65536,65536,65536]}]}`: "above",
		`{` + strings.Repeat(" ", 3<<20):                                                "longer",
		`not json`:                                                                      "request header",
	} {
		_, _, err := read(request + "\n")
		assert.ErrorContains(t, err, want)
	}
}

func FuzzReadRequest(f *testing.F) {
	f.Add(`{"tensors":[{"name":"x","type":"float32","shape":[1]}]}` + "\n0123")
	f.Add("{}\n")
	f.Fuzz(func(t *testing.T, s string) {
		headers, data, err := read(s)
		if err == nil && len(headers) != len(data) {
			t.Fatalf("%d headers, %d tensors", len(headers), len(data))
		}
	})
}
