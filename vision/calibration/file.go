package calibration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"regexp"
	"strings"

	embedded "github.com/courtsense/courtsense/models/embedded/calibration"
)

// format is what a file says it is; a later one that reads differently would say otherwise.
const format = "courtsense.face-calibration.v1"

// Bounds of a file.
const (
	maxFile   = 1 << 20 // bytes
	maxPoints = 10_000
)

type file struct {
	Format string `json:"format"`
	Curve
}

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Parse reads a calibration file. Everything is checked, so that a curve can't answer nonsense.
func Parse(content []byte) (*Curve, error) {
	if len(content) > maxFile {
		return nil, fmt.Errorf("calibration file: %d bytes, at most %d are read", len(content), maxFile)
	}
	in := json.NewDecoder(bytes.NewReader(content))
	in.DisallowUnknownFields()
	var f file
	if err := in.Decode(&f); err != nil {
		return nil, fmt.Errorf("calibration file: %w", err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("calibration file: something follows the object")
	}
	if f.Format != format {
		return nil, fmt.Errorf("calibration file: its format is %.40q, want %q", f.Format, format)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("calibration file: %w", err)
	}
	sum := sha256.Sum256(content)
	f.sha256 = hex.EncodeToString(sum[:])
	return &f.Curve, nil
}

func (c *Curve) check() error {
	d := c.Data
	switch {
	case c.Model.ID == "" || !digest.MatchString(c.Model.SHA256):
		return errors.New("it must name the model by id and the SHA-256 of its weights")
	case d.Name == "":
		return errors.New("it must name its data")
	case d.People < 2 || d.People > 1e8 || d.Pictures < d.People || d.PeoplePairs != int64(d.People)*int64(d.People-1)/2 || d.PicturePairs < d.PeoplePairs || d.Left < 0:
		return fmt.Errorf("%d people, %d pictures, %d and %d pairs do not fit together", d.People, d.Pictures, d.PeoplePairs, d.PicturePairs)
	case len(c.Points) < 2 || len(c.Points) > maxPoints:
		return fmt.Errorf("it has %d points, want 2 to %d", len(c.Points), maxPoints)
	}
	for i, p := range c.Points {
		sane := p.Similarity >= -1 && p.Similarity <= 1 && 0 <= p.Lower && p.Lower <= p.FMR && p.FMR > 0 && p.FMR <= p.Upper && p.Upper <= 1
		if !sane {
			return fmt.Errorf("point %d: similarity %g, rate %g from %g to %g", i+1, p.Similarity, p.FMR, p.Lower, p.Upper)
		}
		if i > 0 && (p.Similarity <= c.Points[i-1].Similarity || p.FMR >= c.Points[i-1].FMR) {
			return fmt.Errorf("point %d: similarity must rise and the rate fall from point to point", i+1)
		}
	}
	return nil
}

// Write makes a file of the curve; similarities keep 6 digits and rates 4.
func (c *Curve) Write(w io.Writer) error {
	f := file{format, *c}
	f.Points = make([]Point, len(c.Points))
	for i, p := range c.Points {
		r := Point{digits(p.Similarity, 6), digits(p.FMR, 4), digits(p.Lower, 4), digits(p.Upper, 4)}
		r.Lower, r.Upper = min(r.Lower, r.FMR), min(max(r.Upper, r.FMR), 1)
		f.Points[i] = r
	}
	if err := f.check(); err != nil {
		return fmt.Errorf("write calibration: %w", err)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", " ")
	return out.Encode(f)
}

// digits rounds to so many significant digits.
func digits(v float64, n int) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, float64(n)-math.Ceil(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// Set holds the curves of several models. It is not changed once made, so safe for concurrent use.
type Set struct{ byWeights map[string]*Curve }

// Embedded returns the curves that the program carries.
func Embedded() (*Set, error) { return (*Set)(nil).With(embedded.Files) }

// With returns the set with the files NAME.json of a folder added, which take the place of curves for the same weights.
func (s *Set) With(folder fs.FS) (*Set, error) {
	out := &Set{map[string]*Curve{}}
	if s != nil {
		for weights, c := range s.byWeights {
			out.byWeights[weights] = c
		}
	}
	names, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, fmt.Errorf("calibration files: %w", err)
	}
	for _, entry := range names {
		name := entry.Name()
		if entry.IsDir() || !strings.EqualFold(path.Ext(name), ".json") {
			continue
		}
		content, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, fmt.Errorf("calibration files: %w", err)
		}
		c, err := Parse(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.byWeights[c.Model.SHA256] = c
	}
	return out, nil
}

// For returns the curve that was measured with the weights of this SHA-256; a curve of other weights says nothing about
// them, even under the same id.
func (s *Set) For(weights string) (*Curve, bool) {
	if s == nil || weights == "" {
		return nil, false
	}
	c, ok := s.byWeights[weights]
	return c, ok
}
