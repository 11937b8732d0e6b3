package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// jsonLines prints the results of several files, one JSON object a line, each with its file's name as first key. A single
// file's result is printed as it is.
type jsonLines struct {
	w       io.Writer
	several bool
}

// result prints what write writes, which must be one JSON object.
func (j jsonLines) result(path string, write func(io.Writer) error) error {
	if !j.several {
		return write(j.w)
	}
	var object bytes.Buffer
	if err := write(&object); err != nil {
		return err
	}
	name, err := json.Marshal(path)
	if err != nil {
		return err
	}
	rest := bytes.TrimPrefix(bytes.TrimSpace(object.Bytes()), []byte("{"))
	_, err = fmt.Fprintf(j.w, "{\"file\":%s,%s\n", name, rest)
	return err
}

// failed prints a line for a file without a result, so that every file has its line. A single file's error is on standard
// error alone.
func (j jsonLines) failed(path string, cause error) error {
	if !j.several {
		return nil
	}
	type errorJSON struct {
		Reason  string `json:"reason"`
		Message string `json:"message"`
	}
	e := errorJSON{Reason: "UNREADABLE", Message: oneLine(cause)}
	var call *callError
	if errors.As(cause, &call) {
		e = errorJSON{call.reason, call.status.Message()}
	}
	return json.NewEncoder(j.w).Encode(struct {
		File  string    `json:"file"`
		Error errorJSON `json:"error"`
	}{path, e})
}

// errorReason finds the reason in a status' details.
func errorReason(st *status.Status) string {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return st.Code().String()
}

// tuple is a JSON array of numbers rounded to 0.1, as coordinates are.
type tuple []float32

// MarshalJSON implements json.Marshaler.
func (t tuple) MarshalJSON() ([]byte, error) { //nolint:unparam // the interface has an error
	b := []byte{'['}
	for i, v := range t {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendRounded(b, v, 10)
	}
	return append(b, ']'), nil
}

// score is a number from 0 to 1, rounded to 0.0001 in JSON.
type score float32

// MarshalJSON implements json.Marshaler.
func (s score) MarshalJSON() ([]byte, error) { //nolint:unparam // the interface has an error
	return appendRounded(nil, float32(s), 10000), nil
}

// appendRounded writes v rounded to 1/parts without superfluous digits; what is no number becomes 0, which JSON can say.
func appendRounded(b []byte, v float32, parts float64) []byte {
	r := math.Round(float64(v)*parts) / parts
	if math.IsNaN(r) || math.IsInf(r, 0) || r == 0 {
		r = 0 // -0 too
	}
	return strconv.AppendFloat(b, r, 'f', -1, 64)
}
