package face

import "math"

// Pose is how a head is turned, in degrees: R = Rz(Roll) Ry(Yaw) Rx(Pitch). Yaw and pitch are the directions in which the
// nose points, seen from a camera that is turned with the head's roll. All zero is a face that looks straight into the
// camera, upright.
type Pose struct {
	Yaw   float32 // -90..90, positive towards the person's own left (the picture's right)
	Pitch float32 // -90..90, positive upwards
	Roll  float32 // -180..180, positive clockwise as seen
}

// PoseOf estimates the pose from the five points of a detection, by the place that it gives the nose between eyes and
// mouth. It is much coarser than a [Mesh]'s: the distance of eyes and mouth and the nose's length differ between people,
// which is worth ten degrees of pitch. Points that do not span a face give zeros.
func PoseOf(landmarks [5]Point) Pose { return fitPose(landmarks[:], fiveShape) }

// anchor is a point of the generic face: which landmark it is, and where it lies in units of the eyes' distance: x towards
// the person's left, y downwards, z away from the camera, when the head looks straight ahead.
type anchor struct {
	at      int
	x, y, z float64
}

// fitPose finds the turn and scale that bring the generic face's anchors, seen without perspective, nearest to the
// landmarks. A linear least-squares fit, made orthogonal, starts a few steps of Gauss-Newton on the three angles and the
// scale.
func fitPose(p []Point, shape []anchor) Pose {
	n := float64(len(shape))
	var cx, cy, mx, my, mz float64
	for _, a := range shape {
		cx, cy = cx+float64(p[a.at].X)/n, cy+float64(p[a.at].Y)/n
		mx, my, mz = mx+a.x/n, my+a.y/n, mz+a.z/n
	}
	model, seen := make([][3]float64, len(shape)), make([][2]float64, len(shape))
	for i, a := range shape {
		model[i] = [3]float64{a.x - mx, a.y - my, a.z - mz}
		seen[i] = [2]float64{float64(p[a.at].X) - cx, float64(p[a.at].Y) - cy}
	}
	start, ok := affinePose(model, seen)
	if !ok {
		return Pose{}
	}
	v := refine(model, seen, start)
	const degrees = 180 / math.Pi
	return Pose{Yaw: float32(v[0] * degrees), Pitch: float32(v[1] * degrees), Roll: float32(wrap(v[2]) * degrees)}
}

// wrap brings an angle to -pi..pi.
func wrap(a float64) float64 { return math.Remainder(a, 2*math.Pi) }

// affinePose fits the 2x3 matrix of a camera without perspective, and returns yaw, pitch, roll (radians) and scale of the
// nearest pair of orthogonal rows of equal length.
func affinePose(model [][3]float64, seen [][2]float64) (v [4]float64, ok bool) {
	var normal [3][3]float64
	var right [2][3]float64
	for i, m := range model {
		for r := range 3 {
			for c := range 3 {
				normal[r][c] += m[r] * m[c]
			}
			right[0][r] += seen[i][0] * m[r]
			right[1][r] += seen[i][1] * m[r]
		}
	}
	a, okA := solve3(normal, right[0])
	b, okB := solve3(normal, right[1])
	if !okA || !okB {
		return v, false
	}
	// With rows as a complex vector a + ib, equal length and orthogonality mean that its square is zero; the nearest such
	// vector is found from the 2x2 matrix of their products.
	aa, bb, ab := dot(a, a), dot(b, b), dot(a, b)
	det := math.Sqrt(max(aa*bb-ab*ab, 0))
	trace := math.Sqrt(aa + bb + 2*det) // sum of the singular values
	if !(trace > 1e-9) || !(det > 1e-9*(aa+bb)) {
		return v, false
	}
	// U Vᵀ = (A Aᵀ)^(-1/2) A, where (A Aᵀ)^(1/2) = (A Aᵀ + det I) / trace.
	s11, s22, s12 := (aa+det)/trace, (bb+det)/trace, ab/trace
	d := s11*s22 - s12*s12
	var r1, r2 [3]float64
	for i := range 3 {
		r1[i] = (s22*a[i] - s12*b[i]) / d
		r2[i] = (s11*b[i] - s12*a[i]) / d
	}
	r3 := [3]float64{r1[1]*r2[2] - r1[2]*r2[1], r1[2]*r2[0] - r1[0]*r2[2], r1[0]*r2[1] - r1[1]*r2[0]}
	return [4]float64{math.Asin(min(max(r3[0], -1), 1)), math.Atan2(-r3[1], r3[2]), math.Atan2(r2[0], r1[0]), trace / 2}, true
}

// project returns where a point of the model is seen under yaw, pitch, roll and scale.
func project(v [4]float64, m [3]float64) (x, y float64) {
	sy, cy := math.Sincos(v[0])
	sp, cp := math.Sincos(v[1])
	sr, cr := math.Sincos(v[2])
	px := cy*m[0] + sy*sp*m[1] - sy*cp*m[2]
	py := cp*m[1] + sp*m[2]
	return v[3] * (cr*px - sr*py), v[3] * (sr*px + cr*py)
}

// refine lowers the squared distance of projection and landmarks by damped Gauss-Newton steps.
func refine(model [][3]float64, seen [][2]float64, v [4]float64) [4]float64 {
	cost := func(v [4]float64) (sum float64) {
		for i, m := range model {
			x, y := project(v, m)
			sum += (x-seen[i][0])*(x-seen[i][0]) + (y-seen[i][1])*(y-seen[i][1])
		}
		return sum
	}
	best, damping := cost(v), 1e-3
	for range 20 {
		var normal [4][4]float64
		var right [4]float64
		step := [4]float64{1e-5, 1e-5, 1e-5, 1e-5 * v[3]}
		for i, m := range model {
			x, y := project(v, m)
			var jx, jy [4]float64
			for k := range v {
				w := v
				w[k] += step[k]
				wx, wy := project(w, m)
				jx[k], jy[k] = (wx-x)/step[k], (wy-y)/step[k]
			}
			for r := range 4 {
				for c := range 4 {
					normal[r][c] += jx[r]*jx[c] + jy[r]*jy[c]
				}
				right[r] += jx[r]*(seen[i][0]-x) + jy[r]*(seen[i][1]-y)
			}
		}
		for k := range 4 {
			normal[k][k] *= 1 + damping
		}
		move, ok := solve(normal, right)
		if !ok {
			return v
		}
		w := v
		for k := range w {
			w[k] += move[k]
		}
		w[0], w[1] = min(max(w[0], -math.Pi/2), math.Pi/2), min(max(w[1], -math.Pi/2), math.Pi/2)
		c := cost(w)
		if !(c < best) {
			if damping *= 10; damping > 1e3 {
				return v
			}
			continue
		}
		done := best-c < 1e-9*best
		v, best, damping = w, c, damping/10
		if done {
			return v
		}
	}
	return v
}

func dot(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func solve3(m [3][3]float64, b [3]float64) ([3]float64, bool) {
	var wide [4][4]float64
	for r := range 3 {
		copy(wide[r][:3], m[r][:])
	}
	wide[3][3] = 1
	x, ok := solve(wide, [4]float64{b[0], b[1], b[2]})
	return [3]float64{x[0], x[1], x[2]}, ok
}

// solve is Gauss elimination with the largest pivot.
func solve(m [4][4]float64, b [4]float64) ([4]float64, bool) {
	for c := range 4 {
		pivot := c
		for r := c + 1; r < 4; r++ {
			if math.Abs(m[r][c]) > math.Abs(m[pivot][c]) {
				pivot = r
			}
		}
		if !(math.Abs(m[pivot][c]) > 1e-12) {
			return b, false
		}
		m[c], m[pivot], b[c], b[pivot] = m[pivot], m[c], b[pivot], b[c]
		for r := c + 1; r < 4; r++ {
			f := m[r][c] / m[c][c]
			for k := c; k < 4; k++ {
				m[r][k] -= f * m[c][k]
			}
			b[r] -= f * b[c]
		}
	}
	for r := 3; r >= 0; r-- {
		for k := r + 1; k < 4; k++ {
			b[r] -= m[r][k] * b[k]
		}
		b[r] /= m[r][r]
	}
	return b, true
}
