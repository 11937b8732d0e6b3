package page

import (
	"fmt"
	"math"
	"slices"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// seal is a red stamp: a ring, round or oval, as of companies and courts, or a square, as of persons. Its box is in survey
// cells and may reach beyond the page when the seal does, as those that run over the edges of several sheets.
type seal struct {
	x0, y0, x1, y1 float64
	square         bool
	confidence     float32
	solid          bool // more colour than paper: it is reported, and left in the picture
}

const (
	sealRed      = 32   // redness of a cell that may belong to a seal; thin strokes share their cells with paper
	sealLeast    = 0.04 // of the page's shorter side: smaller ones are bullets and icons
	squareLeast  = 0.06 // of it, for square ones: a printed character in red is a square with strokes, too
	sealMost     = 0.55 // of it: larger ones are pictures
	sealRing     = 0.7  // part of the ring, or of a square's sides, that must be there
	sealSide     = 0.5  // part of a square's weakest side: text below hides red where it crosses it
	sealOutside  = 0.1  // part of the red that may lie outside the ring
	sealSolid    = 0.62 // part of the area from which the colour is a field with something spared out
	sealFilled   = 0.85 // and from which it is nothing but a field
	sealSectors  = 48
	sealGroup    = 4  // cells along a side of the groups that are joined to one seal
	sealGap      = 2  // groups that a seal's parts may be apart
	sealMargin   = 2  // cells around a seal that its colour may have bled into
	mostSeals    = 64 // of a page; more are a pattern
	sealCertain  = 0.5
	sealResidual = 12 // redness of a pixel from which colour is taken out

	overBlack  = 0.04  // of a box, from which there is black writing in it
	overShare  = 0.008 // of the red in it, from which it runs across this writing
	overFilled = 0.4   // of the box, from which the red is no strokes
)

// findSeals looks for red shapes.
func findSeals(s *survey) []seal {
	if s.inverted {
		return nil
	}
	var seals []seal
	least, most := sealLeast*float64(min(s.width, s.height)), sealMost*float64(min(s.width, s.height))
	for _, b := range redParts(s) {
		w, h := float64(b[2]-b[0]), float64(b[3]-b[1])
		if max(w, h) < least || min(w, h) < 0.3*least || max(w, h) > most {
			continue
		}
		k := completed(s, b)
		small := min(w, h) < squareLeast*float64(min(s.width, s.height))
		switch {
		case k.measure(s) && k.confidence >= sealCertain && (!k.square || !small):
			seals = append(seals, k)
		case !small && overprinted(s, b):
			seals = append(seals, seal{x0: float64(b[0]), y0: float64(b[1]), x1: float64(b[2]), y1: float64(b[3]), square: true, confidence: sealCertain})
		}
	}
	slices.SortStableFunc(seals, func(a, b seal) int {
		if a.confidence > b.confidence {
			return -1
		} else if a.confidence < b.confidence {
			return 1
		}
		return 0
	})
	return seals[:min(len(seals), mostSeals)]
}

// redParts returns the boxes (x0, y0, x1, y1 in cells, ends outside) of what belongs together, parts inside another's box
// joined to it.
func redParts(s *survey) [][4]int {
	gw, gh := (s.width+sealGroup-1)/sealGroup, (s.height+sealGroup-1)/sealGroup
	count := make([]uint16, gw*gh)
	for y := range s.height {
		row := s.red[y*s.width:][:s.width]
		groups := count[y/sealGroup*gw:]
		for x, v := range row {
			if v >= sealRed {
				groups[x/sealGroup]++
			}
		}
	}
	var parts [][4]int
	var stack []int
	for start, n := range count {
		if n < 2 {
			continue
		}
		box := [4]int{gw, gh, 0, 0}
		stack = append(stack[:0], start)
		count[start] = 0
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := i%gw, i/gw
			box = [4]int{min(box[0], x), min(box[1], y), max(box[2], x+1), max(box[3], y+1)}
			for ny := max(y-sealGap, 0); ny <= min(y+sealGap, gh-1); ny++ {
				for nx := max(x-sealGap, 0); nx <= min(x+sealGap, gw-1); nx++ {
					if j := ny*gw + nx; count[j] >= 2 {
						count[j] = 0
						stack = append(stack, j)
					}
				}
			}
		}
		parts = append(parts, [4]int{box[0] * sealGroup, box[1] * sealGroup, min(box[2]*sealGroup, s.width), min(box[3]*sealGroup, s.height)})
	}
	slices.SortStableFunc(parts, func(a, b [4]int) int { return (b[2]-b[0])*(b[3]-b[1]) - (a[2]-a[0])*(a[3]-a[1]) })
	parts = parts[:min(len(parts), 1000)]
	var out [][4]int
	for _, p := range parts {
		cx, cy := (p[0]+p[2])/2, (p[1]+p[3])/2
		if !slices.ContainsFunc(out, func(o [4]int) bool { return cx >= o[0] && cx < o[2] && cy >= o[1] && cy < o[3] }) {
			out = append(out, p)
		}
	}
	for i := range out {
		out[i] = tight(s, out[i])
	}
	return out
}

// tight shrinks a box to its red cells, without the outermost few, which noise and bled colour push outward.
func tight(s *survey, b [4]int) [4]int {
	columns, rows := make([]int, b[2]-b[0]), make([]int, b[3]-b[1])
	total := 0
	for y := b[1]; y < b[3]; y++ {
		for x, v := range s.red[y*s.width+b[0] : y*s.width+b[2]] {
			if v >= sealRed {
				columns[x]++
				rows[y-b[1]]++
				total++
			}
		}
	}
	slack := total / 400
	ends := func(v []int) (from, to int) {
		for n := 0; from < len(v)-1; from++ {
			if n += v[from]; n > slack {
				break
			}
		}
		to = len(v)
		for n := 0; to > from+1; to-- {
			if n += v[to-1]; n > slack {
				break
			}
		}
		return from, to
	}
	x0, x1 := ends(columns)
	y0, y1 := ends(rows)
	return [4]int{b[0] + x0, b[1] + y0, b[0] + x1, b[1] + y1}
}

// completed adds to a box at the page's edge what the edge cuts off a round seal.
func completed(s *survey, b [4]int) seal {
	const near = 4 // cells
	k := seal{x0: float64(b[0]), y0: float64(b[1]), x1: float64(b[2]), y1: float64(b[3])}
	w, h := k.x1-k.x0, k.y1-k.y0
	switch {
	case h > 1.2*w && b[0] <= near:
		k.x0 = k.x1 - h
	case h > 1.2*w && b[2] >= s.width-near:
		k.x1 = k.x0 + h
	case w > 1.2*h && b[1] <= near:
		k.y0 = k.y1 - w
	case w > 1.2*h && b[3] >= s.height-near:
		k.y1 = k.y0 + w
	}
	return k
}

// measure fills in what the shape is, and reports whether it is a seal's.
func (k *seal) measure(s *survey) bool {
	w, h := k.x1-k.x0, k.y1-k.y0
	if aspect := w / h; aspect < 0.6 || aspect > 1/0.6 {
		return false
	}
	cx, cy := (k.x0+k.x1)/2, (k.y0+k.y1)/2
	var ring [sealSectors]bool
	var sides [4][]bool
	for i, n := range [4]float64{w, w, h, h} {
		sides[i] = make([]bool, int(n)+1)
	}
	const edge = 0.14 // of the box: the strip in which a square's frame lies, a little turned
	red, outside, inBox := 0, 0, 0
	for y := max(int(k.y0), 0); y < min(int(math.Ceil(k.y1)), s.height); y++ {
		dy := (float64(y) + 0.5 - cy) / (h / 2)
		for x := max(int(k.x0), 0); x < min(int(math.Ceil(k.x1)), s.width); x++ {
			inBox++
			if s.red[y*s.width+x] < sealRed {
				continue
			}
			red++
			dx := (float64(x) + 0.5 - cx) / (w / 2)
			rho := dx*dx + dy*dy
			if rho > 1.08*1.08 {
				outside++
			} else if rho > 0.86*0.86 {
				ring[int((math.Atan2(dy, dx)+math.Pi)/(2*math.Pi)*(sealSectors-1e-9))] = true
			}
			along, down := x-int(k.x0), y-int(k.y0)
			if dy < -1+2*edge {
				sides[0][along] = true
			} else if dy > 1-2*edge {
				sides[1][along] = true
			}
			if dx < -1+2*edge {
				sides[2][down] = true
			} else if dx > 1-2*edge {
				sides[3][down] = true
			}
		}
	}
	if red == 0 {
		return false
	}
	fill := float64(red) / float64(inBox)
	there, possible := 0, 0
	for i, hit := range ring {
		sin, cos := math.Sincos((float64(i)+0.5)/sealSectors*2*math.Pi - math.Pi)
		x, y := cx+cos*w/2, cy+sin*h/2
		if x < 1 || y < 1 || x > float64(s.width)-1 || y > float64(s.height)-1 {
			continue
		}
		possible++
		if hit {
			there++
		}
	}
	round := 0.0
	if possible >= sealSectors/4 {
		round = float64(there) / float64(possible)
	}
	straight, weakest := 0.0, 1.0
	for _, side := range sides {
		n := 0
		for _, hit := range side {
			if hit {
				n++
			}
		}
		part := float64(n) / float64(len(side))
		straight, weakest = straight+part/4, min(weakest, part)
	}
	out := float64(outside) / float64(red)
	switch {
	case round >= sealRing && out <= sealOutside && fill < sealFilled*math.Pi/4:
		k.confidence = float32(0.4 + 0.6*(round-sealRing)/(1-sealRing)*(1-out/sealOutside/2))
		k.solid = fill > sealSolid*math.Pi/4
	case straight >= sealRing && weakest >= sealSide && fill < sealFilled:
		k.square = true
		k.confidence = float32(0.4 + 0.5*(straight-sealRing)/(1-sealRing))
		k.solid = fill > sealSolid
	default:
		return false
	}
	if k.solid {
		k.confidence *= 0.7
	}
	return true
}

// overprinted tells red strokes that run across black writing, whatever their shape: seals over each other, askew, or faint.
// Text that is printed in red keeps clear of the black one.
func overprinted(s *survey, b [4]int) bool {
	black := func(i int) bool {
		return i >= 0 && i < len(s.ink) && s.ink[i]&inkStroke != 0 && s.red[i] < sealResidual
	}
	writing, red, across := 0, 0, 0
	for y := b[1]; y < b[3]; y++ {
		for i := y*s.width + b[0]; i < y*s.width+b[2]; i++ {
			if black(i) {
				writing++
			}
			if s.red[i] < sealRed {
				continue
			}
			red++
			if black(i-1) || black(i+1) || black(i-s.width) || black(i+s.width) {
				across++
			}
		}
	}
	area := float64((b[2] - b[0]) * (b[3] - b[1]))
	return float64(writing) >= overBlack*area && float64(across) >= overShare*float64(red) && float64(red) <= overFilled*area
}

// outline returns the seal's shape in the picture's pixels, clockwise from its top, cut at the picture's borders.
func (k seal) outline(factor, width, height int) []ocr.Point {
	f := float64(factor)
	point := func(x, y float64) ocr.Point {
		return ocr.Point{X: float32(min(max(x*f, 0), float64(width))), Y: float32(min(max(y*f, 0), float64(height)))}
	}
	if k.square {
		return []ocr.Point{point(k.x0, k.y0), point(k.x1, k.y0), point(k.x1, k.y1), point(k.x0, k.y1)}
	}
	const corners = 24
	out := make([]ocr.Point, corners)
	for i := range out {
		sin, cos := math.Sincos(float64(i)/corners*2*math.Pi - math.Pi/2)
		out[i] = point((k.x0+k.x1)/2+cos*(k.x1-k.x0)/2, (k.y0+k.y1)/2+sin*(k.y1-k.y0)/2)
	}
	return out
}

// separate takes the seal's colour out of the picture: red ink hardly darkens the red channel, black ink does, so what the
// red channel shows is what lies below. It is brightened as far as the seal darkens it.
func (k seal) separate(r *imaging.Raster, factor int, paper [3]byte) {
	x0, y0 := max(int(k.x0)-sealMargin, 0)*factor, max(int(k.y0)-sealMargin, 0)*factor
	x1, y1 := min((int(math.Ceil(k.x1))+sealMargin)*factor, r.Width), min((int(math.Ceil(k.y1))+sealMargin)*factor, r.Height)
	var light, strength [256]int // histograms of the red channel, and of redness, where the seal is
	for y := y0; y < y1; y++ {
		for px := r.Row(y)[3*x0 : 3*x1]; len(px) >= 3; px = px[3:] {
			if m := max(px[0], px[1]); px[2] > m && px[2]-m >= sealRed {
				light[px[2]]++
				strength[px[2]-m]++
			}
		}
	}
	ink, full := percentile(&light, 0.6), percentile(&strength, 0.6)
	if full == noGround && ink == noGround {
		return
	}
	lack := float64(paper[2])/float64(max(ink, 1)) - 1
	var gain [256]uint32 // of a redness
	for v := range gain {
		gain[v] = uint32(math.Round(256 * (1 + max(lack, 0)*min(float64(v)/float64(full), 1))))
	}
	for y := y0; y < y1; y++ {
		for px := r.Row(y)[3*x0 : 3*x1]; len(px) >= 3; px = px[3:] {
			if m := max(px[0], px[1]); px[2] > m && px[2]-m >= sealResidual {
				v := byte(min(uint32(px[2])*gain[px[2]-m]>>8, uint32(max(paper[2], px[2]))))
				px[0], px[1], px[2] = v, v, v
			}
		}
	}
}

func sealStep(n int) string {
	if n == 1 {
		return "separate 1 seal"
	}
	return fmt.Sprintf("separate %d seals", n)
}
