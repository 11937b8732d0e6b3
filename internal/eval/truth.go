package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// pageTruth is what NAME.json knows of a rendered page; docs/accuracy.md describes the file.
type pageTruth struct {
	Rotation *int         `json:"rotation"` // degrees clockwise from upright
	Kind     string       `json:"kind"`
	Font     string       `json:"font"`
	DPI      float64      `json:"dpi"`
	Applied  []string     `json:"applied"` // what was done to the clean page
	Lines    []lineOfPage `json:"lines"`
}

// lineOfPage is one line of the truth.
type lineOfPage struct {
	Text    string       `json:"text"`
	Polygon [][2]float64 `json:"polygon"`
	Chars   []charBox    `json:"chars"`
}

// charBox is a character with its ink's box, pixels; in JSON ["字", x, y, width, height].
type charBox struct {
	char       string
	x, y, w, h float64
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *charBox) UnmarshalJSON(b []byte) error {
	if err := unmarshalTuple(b, []any{&c.char, &c.x, &c.y, &c.w, &c.h}, "[char, x, y, width, height]"); err != nil {
		return err
	}
	for _, v := range []float64{c.x, c.y, c.w, c.h} {
		if math.IsNaN(v) || math.Abs(v) > 1e6 {
			return errors.New("a character's box is no box in a picture")
		}
	}
	return nil
}

// pageTruthOf reads NAME.json, nil where there is none.
func pageTruthOf(dir, name string) (*pageTruth, error) {
	b, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // a page need not have one
	}
	if err != nil {
		return nil, err
	}
	var t pageTruth
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("%s.json: %w", name, err)
	}
	if t.Rotation != nil && !quarterTurn(*t.Rotation) {
		return nil, fmt.Errorf("%s.json: rotation %d is none of 0, 90, 180, 270", name, *t.Rotation)
	}
	return &t, nil
}

func quarterTurn(degrees int) bool {
	return degrees == 0 || degrees == 90 || degrees == 180 || degrees == 270
}

// groups are the names under which a page's result is counted, each "key=value".
func (t *pageTruth) groups() []string {
	if t == nil {
		return nil
	}
	var out []string
	add := func(key, value string) {
		if value != "" {
			out = append(out, key+"="+value)
		}
	}
	add("kind", t.Kind)
	add("font", t.Font)
	if t.DPI > 0 {
		add("dpi", fmt.Sprint(t.DPI))
	}
	if t.Rotation != nil {
		add("rotation", fmt.Sprint(*t.Rotation))
	}
	for _, a := range slices.Compact(slices.Sorted(slices.Values(t.Applied))) {
		add("applied", a)
	}
	return out
}
