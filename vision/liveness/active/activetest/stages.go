package activetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness/active"
)

// Numbers is a stage without pictures: a look is measured as what it is, with the noise that landmarks have. Its
// thresholds are [NumberThresholds].
type Numbers struct {
	Noise  float64 // 1: that of good landmarks
	random *rand.Rand
	shots  uint64
}

// NewNumbers returns a stage of numbers.
func NewNumbers(seed uint64) *Numbers {
	return &Numbers{Noise: 1, random: rand.New(rand.NewPCG(seed, 3))}
}

// NumberThresholds are what actions are told by on a stage of numbers.
var NumberThresholds = active.Thresholds{Turn: 15, Relief: 0.04, Nod: 8, Mouth: 0.12, Eyes: 0.6, Closer: 1.25}

// Shoot implements [Stage].
func (n *Numbers) Shoot(s Scene) (Shot, error) {
	n.shots++
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n.shots)
	return Shot{Digest: sha256.Sum256(b[:]), Scene: s}, nil
}

// Measure implements [Stage].
func (n *Numbers) Measure(shot Shot, wants func(active.Measurement) bool) (active.Measurement, error) {
	s := shot.Scene
	if s.Person == "" {
		return active.Measurement{Problem: active.NoFace}, nil
	}
	noise := func(v float64) float64 { return n.Noise * v * n.random.NormFloat64() }
	l := s.Look
	near := l.Near
	if near == 0 {
		near = 1
	}
	m := active.Measurement{
		Yaw: l.Yaw + noise(0.7), Pitch: l.Pitch*0.75 + noise(0.7), Roll: l.Roll + noise(0.5), EyeOpening: 0.28*(1-0.8*l.Eyes) + noise(0.008),
		LipGap: 0.02 + 0.6*l.Mouth + noise(0.008), Relief: 0.2*math.Sin(l.Yaw*math.Pi/180) + noise(0.004), Aspect: 0.75 + noise(0.01),
		Size: 0.4*near + noise(0.002), X: 1.2/near + 0.4*l.X, Y: 1.1/near + 0.4*l.Y,
	}
	if s.Sheet != nil {
		// Paper is squeezed where a head turns, and only its bending looks like a little of a turn.
		sin, cos := math.Sincos(l.Yaw * math.Pi / 180)
		m.Yaw, m.Relief = 4*sin+noise(0.7), 0.01*sin+noise(0.004)
		if s.Sheet.Bend != 0 {
			m.Yaw, m.Relief, cos = 5*m.Yaw, 5*m.Relief, 0.6+0.4*cos
		}
		m.Aspect *= math.Cos(l.Pitch*math.Pi/180) / cos
		m.LipGap, m.EyeOpening = 0.02+noise(0.008), 0.28+noise(0.008)
	}
	if wants(m) {
		m.Template = n.template(s.Person, math.Abs(l.Yaw)/30+math.Abs(l.Pitch)/30)
	}
	return m, nil
}

// template is a direction of the person's own, with more noise the more the face is turned.
func (n *Numbers) template(person string, turned float64) face.Template {
	h := fnv.New64a()
	h.Write([]byte(person))
	own := rand.New(rand.NewPCG(h.Sum64(), 1))
	t := make(face.Template, 64)
	var sum float64
	for i := range t {
		v := own.NormFloat64() + (0.25+0.5*turned)*n.random.NormFloat64()
		t[i] = float32(v)
		sum += v * v
	}
	for i := range t {
		t[i] /= float32(math.Sqrt(sum))
	}
	return t
}

// Pictures is a stage that draws, encodes and measures frames with models. It is not safe for concurrent use.
type Pictures struct {
	Meter  *active.Meter
	People map[string]*Puppet
	Decode func(ctx context.Context, content []byte) (*imaging.Raster, error)
	Noise  float64 // of the camera's sensor, levels of 255
	random *rand.Rand
}

// NewPictures returns a stage whose cast is drawn from portraits.
func NewPictures(m *active.Meter, people map[string]*Puppet, decode func(context.Context, []byte) (*imaging.Raster, error), seed uint64) *Pictures {
	return &Pictures{Meter: m, People: people, Decode: decode, Noise: 2, random: rand.New(rand.NewPCG(seed, 5))}
}

// Shoot implements [Stage].
func (p *Pictures) Shoot(s Scene) (Shot, error) {
	var r *imaging.Raster
	puppet := p.People[s.Person]
	switch {
	case s.Person == "":
		r = imaging.NewRaster(320, 240)
	case puppet == nil:
		return Shot{}, fmt.Errorf("nobody plays %s", s.Person)
	case s.Sheet != nil:
		r = puppet.DrawSheet(s.Look, *s.Sheet)
	default:
		r = puppet.Draw(s.Look)
	}
	for i, v := range r.Pix {
		// A sum of two uniform numbers is noise enough and four times as fast as a normal one.
		x := p.random.Uint32()
		r.Pix[i] = byte(min(max(float64(v)+p.Noise*2.4*(float64(x&0xffff)+float64(x>>16)-65535)/65535, 0), 255))
	}
	content, err := EncodeJPEG(r)
	return Shot{Digest: sha256.Sum256(content), JPEG: content, Scene: s}, err
}

// Measure implements [Stage].
func (p *Pictures) Measure(s Shot, wants func(active.Measurement) bool) (active.Measurement, error) {
	ctx := context.Background()
	r, err := p.Decode(ctx, s.JPEG)
	if err != nil {
		return active.Measurement{}, err
	}
	sight, err := p.Meter.Look(ctx, r)
	if err == nil && wants(sight.Measurement) {
		err = p.Meter.Template(ctx, &sight)
	}
	return sight.Measurement, err
}

// EncodeJPEG encodes a frame as a client would.
func EncodeJPEG(r *imaging.Raster) ([]byte, error) {
	img := image.NewRGBA(image.Rect(0, 0, r.Width, r.Height))
	for i, j := 0, 0; i+2 < len(r.Pix); i, j = i+3, j+4 {
		img.Pix[j], img.Pix[j+1], img.Pix[j+2], img.Pix[j+3] = r.Pix[i+2], r.Pix[i+1], r.Pix[i], 255
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 85}); err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	return out.Bytes(), nil
}
