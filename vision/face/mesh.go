package face

import "math"

// Mesh is a face's dense landmarks with what follows from them.
type Mesh struct {
	Points []Point // pixels of the picture, in WFLW's order of 98 points
	// EyeOpenness is the eye aspect ratio (Soukupova, Cech: Real-time eye blink detection using facial landmarks, CVWW 2016)
	// of the person's right and left eye: the mean distance of the lids over the distance of the eye's corners. About 0.3
	// when open.
	EyeOpenness [2]float32
	// MouthOpenness is the distance between the inner rims of the lips over the distance of the mouth's corners; 0 when closed.
	MouthOpenness float32
	Pose          Pose
}

// layout says where the parts of a face are in a list of points; right and left are the person's own.
type layout struct {
	points        int
	contour       [2]int    // first and last of the jaw line, from the right ear over the chin to the left one
	eyes          [2][8]int // right, left: corner, three of the upper lid, corner, three of the lower lid back
	noseTip, chin int
	mouthCorners  [2]int // right, left
	upper, lower  [3]int // inner rims of the lips, in pairs
}

// wflw is the order of Wider Facial Landmarks in-the-wild (Wu et al.: Look at Boundary, CVPR 2018).
var wflw = layout{
	points:  98,
	contour: [2]int{0, 32},
	eyes:    [2][8]int{{60, 61, 62, 63, 64, 65, 66, 67}, {68, 69, 70, 71, 72, 73, 74, 75}},
	noseTip: 54, chin: 16,
	mouthCorners: [2]int{76, 82},
	upper:        [3]int{89, 90, 91}, lower: [3]int{95, 94, 93},
}

// mesh measures the face.
func (l layout) mesh(p []Point) Mesh {
	m := Mesh{Points: p, Pose: fitPose(p, wflwShape)}
	for i, eye := range l.eyes {
		m.EyeOpenness[i] = ratio(distance(p[eye[1]], p[eye[7]])+distance(p[eye[2]], p[eye[6]])+distance(p[eye[3]], p[eye[5]]),
			3*distance(p[eye[0]], p[eye[4]]))
	}
	var gap float32
	for i := range l.upper {
		gap += distance(p[l.upper[i]], p[l.lower[i]])
	}
	m.MouthOpenness = ratio(gap, 3*distance(p[l.mouthCorners[0]], p[l.mouthCorners[1]]))
	return m
}

// Landmarks returns the five points that faces are aligned by, taken from the dense ones: the eyes' centres are the mean of
// their rims. A mesh without all its points gives zeros.
func (m Mesh) Landmarks() [5]Point {
	if len(m.Points) != wflw.points {
		return [5]Point{}
	}
	p, l := m.Points, wflw
	return [5]Point{center(p, l.eyes[0][:]), center(p, l.eyes[1][:]), p[l.noseTip], p[l.mouthCorners[0]], p[l.mouthCorners[1]]}
}

// Chin returns the lowest point of the jaw line's middle; the zero Point without all points.
func (m Mesh) Chin() Point {
	if len(m.Points) != wflw.points {
		return Point{}
	}
	return m.Points[wflw.chin]
}

// LidGap returns the largest distance between the lids of the person's right and left eye, in pixels.
func (m Mesh) LidGap() (gap [2]float32) {
	if len(m.Points) != wflw.points {
		return gap
	}
	for i, eye := range wflw.eyes {
		for k := 1; k <= 3; k++ {
			gap[i] = max(gap[i], distance(m.Points[eye[k]], m.Points[eye[8-k]]))
		}
	}
	return gap
}

// LipGap returns the largest distance between the inner rims of the lips, in pixels.
func (m Mesh) LipGap() (gap float32) {
	if len(m.Points) != wflw.points {
		return 0
	}
	for i := range wflw.upper {
		gap = max(gap, distance(m.Points[wflw.upper[i]], m.Points[wflw.lower[i]]))
	}
	return gap
}

func center(p []Point, at []int) Point {
	var x, y float32
	for _, i := range at {
		x, y = x+p[i].X, y+p[i].Y
	}
	return Point{x / float32(len(at)), y / float32(len(at))}
}

func distance(a, b Point) float32 {
	return float32(math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y)))
}

// ratio is a over b, and 0 where b is.
func ratio(a, b float32) float32 {
	if !(b > 0) {
		return 0
	}
	return a / b
}
