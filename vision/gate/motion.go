package gate

import (
	"math"

	"github.com/courtsense/courtsense/pipeline/assignment"
	"github.com/courtsense/courtsense/vision/face"
)

// How faces move, in widths of the face and seconds. A pedestrian's face moves at about three times its width a second (a
// head is 15 cm wide, walking is 1.4 m/s, and who walks towards the camera moves less); the rest are choices that the
// scripted walks of this package's tests hold to.
const (
	startSpeed    = 4.0  // widths a second, standard deviation of the unknown speed of a new face
	acceleration  = 6.0  // widths a second², standard deviation
	startGrowth   = 0.7  // 1/s, of the logarithm of the width
	growthChange  = 1.0  // 1/s²
	boxNoise      = 0.07 // widths: how far a detector's box is off
	sizeNoise     = 0.08 // of the logarithm of the width
	speedHalfLife = 1.0  // seconds in which an unseen face's speed is taken to halve: people stop
)

// axis is a Kalman filter of one coordinate under constant speed with white noise on it (Y. Bar-Shalom et al., Estimation
// with Applications to Tracking and Navigation, 2001, 6.3.2).
type axis struct {
	x, v          float64
	pxx, pxv, pvv float64 // covariance
}

func newAxis(x, noise, speed float64) axis {
	return axis{x: x, pxx: noise * noise, pvv: speed * speed}
}

func (a *axis) predict(dt, accel float64) {
	decay := math.Exp2(-dt / speedHalfLife)
	// The way that is left while the speed decays.
	travel := speedHalfLife / math.Ln2 * (1 - decay)
	q := accel * accel
	a.x += travel * a.v
	a.pxx += 2*travel*a.pxv + travel*travel*a.pvv + q*dt*dt*dt*dt/4
	a.pxv = decay*(a.pxv+travel*a.pvv) + q*dt*dt*dt/2
	a.pvv = decay*decay*a.pvv + q*dt*dt
	a.v *= decay
}

func (a *axis) update(z, noise float64) {
	s := a.pxx + noise*noise
	kx, kv, e := a.pxx/s, a.pxv/s, z-a.x
	a.x += kx * e
	a.v += kv * e
	a.pvv -= kv * a.pxv
	a.pxv *= 1 - kx
	a.pxx *= 1 - kx
}

// motion predicts a face's box.
type motion struct {
	x, y, size axis    // centre in pixels; logarithm of the width
	aspect     float64 // height over width
}

func newMotion(b face.Box) motion {
	c, w := b.Center(), float64(b.W)
	return motion{
		x: newAxis(float64(c.X), boxNoise*w, startSpeed*w), y: newAxis(float64(c.Y), boxNoise*w, startSpeed*w),
		size: newAxis(math.Log(w), sizeNoise, startGrowth), aspect: float64(b.H) / w,
	}
}

func (m *motion) width() float64 { return math.Exp(m.size.x) }

func (m *motion) predict(dt float64) {
	w := m.width()
	m.x.predict(dt, acceleration*w)
	m.y.predict(dt, acceleration*w)
	m.size.predict(dt, growthChange)
}

func (m *motion) update(b face.Box) {
	c, w := b.Center(), m.width()
	m.x.update(float64(c.X), boxNoise*w)
	m.y.update(float64(c.Y), boxNoise*w)
	m.size.update(math.Log(float64(b.W)), sizeNoise)
	m.aspect += (float64(b.H)/float64(b.W) - m.aspect) / 4
}

func (m *motion) box() face.Box {
	w := m.width()
	h := w * m.aspect
	return face.Box{X: float32(m.x.x - w/2), Y: float32(m.y.x - h/2), W: float32(w), H: float32(h)}
}

// Bounds of what can be the same face. furthest keeps a long silence, after which anything would be within the prediction's
// uncertainty, from joining two people.
const (
	furthest     = 2.5   // widths between the predicted and the found centre
	mostRescaled = 2.0   // ratio of widths
	mostDistance = 16.27 // 99.9 % of chi² with three degrees of freedom
)

// distance is the squared Mahalanobis distance of a box from the prediction, or [assignment.Impossible].
func (m *motion) distance(b face.Box) float64 {
	if !(b.W > 0 && b.H > 0) {
		return assignment.Impossible
	}
	c, w := b.Center(), m.width()
	dx, dy, ds := float64(c.X)-m.x.x, float64(c.Y)-m.y.x, math.Log(float64(b.W))-m.size.x
	if math.Hypot(dx, dy) > furthest*w || math.Abs(ds) > math.Log(mostRescaled) {
		return assignment.Impossible
	}
	n := boxNoise * w
	d := dx*dx/(m.x.pxx+n*n) + dy*dy/(m.y.pxx+n*n) + ds*ds/(m.size.pxx+sizeNoise*sizeNoise)
	if !(d <= mostDistance) {
		return assignment.Impossible
	}
	return d
}
