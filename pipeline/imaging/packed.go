package imaging

import (
	"errors"
	"fmt"
	"math"

	"github.com/courtsense/courtsense/models"
)

// Packing says how a network takes pictures in eight bits: the byte b stands for the tensor value (b - ZeroPoint) * Step, and each two by two
// pixels are one place of the tensor, its channels those of the upper left, upper right, lower left and lower right pixel one behind the other
// (space to depth). The layout is [height/2, width/2, 4*3].
type Packing struct {
	Step      float32
	ZeroPoint uint8
}

// PackedSide is the side of the squares of pixels that are one place.
const PackedSide = 2

// Configure takes the packing from a catalogue entry's input.
func (p *Packing) Configure(in models.TensorSpec) error {
	if in.Block != PackedSide || !(in.Step > 0) || in.ZeroPoint < 0 || in.ZeroPoint > math.MaxUint8 {
		return fmt.Errorf("input %s: block %d, step %v or zero_point %d of a picture in bytes: want block 2, a step above 0 and a zero_point of 0 to 255",
			in.Name, in.Block, in.Step, in.ZeroPoint)
	}
	p.Step, p.ZeroPoint = float32(in.Step), uint8(in.ZeroPoint)
	return nil
}

// ToBytes is [ToTensor] for networks that take packed bytes; s is of even size and without a letterbox. Values beyond what bytes can hold become
// the least and the greatest.
func ToBytes(dst []byte, r *Raster, s Spec, p Packing) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if s.Fit != Stretch || s.Width < 1 || s.Width%PackedSide != 0 || s.Height < 1 || s.Height%PackedSide != 0 || len(dst) < s.Elements() {
		return fmt.Errorf("packed tensor of %dx%d px needs even sides, no letterbox and %d bytes, has %d", s.Width, s.Height, s.Elements(), len(dst))
	}
	if !(p.Step > 0) {
		return errors.New("packed tensor without a step")
	}
	n := newNormaliser(s)
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	w.resize(r, s.Plan(r.Width, r.Height), func(y int, row []float32) { n.pack(dst, row, y, p) })
	return nil
}

// pack writes a row of BGR pixels as bytes, rounded as ONNX's QuantizeLinear rounds.
func (n *normaliser) pack(dst []byte, row []float32, y int, p Packing) {
	const place = PackedSide * PackedSide * 3
	at := y/PackedSide*(n.spec.Width/PackedSide)*place + y%PackedSide*PackedSide*3
	c0, c1, c2 := n.channel[0], n.channel[1], n.channel[2]
	g0, g1, g2 := n.gain[0], n.gain[1], n.gain[2]
	o0, o1, o2 := n.off[0], n.off[1], n.off[2]
	// Normalisation and steps in one: a division takes as long as all the rest.
	perStep := 1 / p.Step
	g0, g1, g2 = g0*perStep, g1*perStep, g2*perStep
	o0, o1, o2 = o0*perStep, o1*perStep, o2*perStep
	zero := int32(p.ZeroPoint)
	// Adding it leaves the nearest whole number, of two equally near ones the even one, in the low bits.
	const magic = 3 << 22
	code := func(v float32) byte {
		whole := int32(math.Float32bits(v+magic)) - int32(math.Float32bits(magic))
		return byte(min(max(whole+zero, 0), math.MaxUint8))
	}
	for ; len(row) >= 6; row = row[6:] {
		px, out := row[:6:6], dst[at:at+6:at+6]
		out[c0], out[c1], out[c2] = code(px[0]*g0+o0), code(px[1]*g1+o1), code(px[2]*g2+o2)
		out[c0+3], out[c1+3], out[c2+3] = code(px[3]*g0+o0), code(px[4]*g1+o1), code(px[5]*g2+o2)
		at += place
	}
}
