package face

import (
	"fmt"
	"math"
	"slices"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// head names the outputs of one stride, and how many anchors stand in each cell.
type head struct {
	stride  int
	anchors int
	score   []string // one output, or two whose geometric mean is the score
	bbox    string
	kps     string
	decode  func(x, y, s float32, bbox []float32) Box
}

// newHeads binds the outputs of a detector's graph by its family.
//
//   - yunet: "cls_S", "obj_S", "bbox_S", "kps_S" per stride S, one anchor a cell. With (column, row) of a cell, centre =
//     (cell + bbox[0:2]) * S, size = exp(bbox[2:4]) * S, score = sqrt(cls * obj).
//   - scrfd (Guo et al.: Sample and Computation Redistribution for Efficient Face Detection, ICLR 2022, as InsightFace
//     exports it): "score_S", "bbox_S", "kps_S", or nine outputs of any names in the order scores, boxes, landmarks; two
//     anchors a cell ("anchors"), both at cell * S; bbox holds the distances to the left, top, right and bottom edge over S.
//
// A landmark is at (cell + kps) * S in both.
func newHeads(e models.Entry, outputs []pipeline.TensorInfo) ([]head, error) {
	strides := e.Parameters.Ints("strides", []int{8, 16, 32})
	has := func(name string) bool {
		return slices.ContainsFunc(outputs, func(i pipeline.TensorInfo) bool { return i.Name == name })
	}
	var heads []head
	for i, s := range strides {
		if s < 1 {
			return nil, fmt.Errorf("stride %d; want 1 or more", s)
		}
		name := func(what string) string { return fmt.Sprintf("%s_%d", what, s) }
		var h head
		switch e.Family {
		case models.FamilyYuNet:
			h = head{stride: s, anchors: 1, score: []string{name("cls"), name("obj")}, bbox: name("bbox"), kps: name("kps"), decode: centreSize}
		case models.FamilySCRFD:
			h = head{stride: s, anchors: e.Parameters.Int("anchors", 2), score: []string{name("score")}, bbox: name("bbox"), kps: name("kps"), decode: edges}
			if n := len(strides); !has(h.score[0]) && len(outputs) == 3*n {
				h.score[0], h.bbox, h.kps = outputs[i].Name, outputs[n+i].Name, outputs[2*n+i].Name
			}
		default:
			return nil, fmt.Errorf("its family is %q, want %q or %q", e.Family, models.FamilyYuNet, models.FamilySCRFD)
		}
		if h.anchors < 1 || h.anchors > 8 {
			return nil, fmt.Errorf("%d anchors a cell; want 1 to 8", h.anchors)
		}
		for _, name := range append(slices.Clone(h.score), h.bbox, h.kps) {
			if !has(name) {
				return nil, fmt.Errorf("the model has no output %q", name)
			}
		}
		heads = append(heads, h)
	}
	return heads, nil
}

func centreSize(x, y, s float32, b []float32) Box {
	w, h := exp(b[2])*s, exp(b[3])*s
	return Box{X: (x+b[0])*s - w/2, Y: (y+b[1])*s - h/2, W: w, H: h}
}

func edges(x, y, s float32, b []float32) Box {
	return Box{X: (x - b[0]) * s, Y: (y - b[1]) * s, W: (b[0] + b[2]) * s, H: (b[1] + b[3]) * s}
}

// read returns the faces of one head from minScore on, in the tensor's pixels. Values that are no numbers are no faces.
func (h head) read(out pipeline.Tensors, width, height int, minScore float32) ([]Detection, error) {
	columns, rows := width/h.stride, height/h.stride
	n := columns * rows * h.anchors
	take := func(name string, per int) ([]float32, error) {
		v := out[name].Float32
		if len(v) != n*per {
			return nil, fmt.Errorf("output %s has shape %v, want %d x %d", name, out[name].Shape, n, per)
		}
		return v, nil
	}
	bbox, err := take(h.bbox, 4)
	if err != nil {
		return nil, err
	}
	kps, err := take(h.kps, 10)
	if err != nil {
		return nil, err
	}
	var scores [2][]float32
	for i, name := range h.score {
		if scores[i], err = take(name, 1); err != nil {
			return nil, err
		}
	}
	var found []Detection
	floor, s := minScore, float32(h.stride)
	if scores[1] != nil {
		floor = minScore * minScore
	}
	for i := range n {
		score := min(max(scores[0][i], 0), 1)
		if scores[1] != nil {
			score *= min(max(scores[1][i], 0), 1)
		}
		if !(score >= floor) { // also when NaN
			continue
		}
		if scores[1] != nil {
			score = float32(math.Sqrt(float64(score)))
		}
		cell := i / h.anchors
		x, y := float32(cell%columns), float32(cell/columns)
		f := Detection{Score: score, Box: h.decode(x, y, s, bbox[4*i:4*i+4])}
		sum := f.Box.X + f.Box.Y + f.Box.W + f.Box.H
		k := kps[10*i : 10*i+10]
		for p := range f.Landmarks {
			f.Landmarks[p] = Point{(x + k[2*p]) * s, (y + k[2*p+1]) * s}
			sum += f.Landmarks[p].X + f.Landmarks[p].Y
		}
		if sum-sum != 0 || !(f.Box.W > 0 && f.Box.H > 0) { // a NaN or an infinity somewhere, or a box turned inside out
			continue
		}
		found = append(found, f)
	}
	return found, nil
}

func exp(v float32) float32 { return float32(math.Exp(float64(v))) }
