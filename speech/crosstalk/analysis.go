package crosstalk

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/courtsense/courtsense/speech/audio"
)

// Frames: the spectrum of window samples every hop samples.
const (
	hop    = 256 // 16 ms
	window = 2 * hop
)

// edges bound the bands that are compared, in Hz. Below them microphones differ in hum and wind, above them far speech is gone.
var edges = []float64{150, 300, 450, 600, 800, 1050, 1350, 1700, 2150, 2700, 3400, 4300, 5500}

// bands is how many there are.
const bands = 12

// How levels are compared, in dB unless said otherwise.
const (
	audible   = 8.  // above the noise, for a band to count
	speaking  = 12. // above the noise, for a channel to be spoken into
	loud      = 15. // above the noise, for a channel to teach how far it leaks
	leading   = 3.  // above another channel, for the same
	margin    = 9.  // above the expected leak, for a band to be a channel's own: microphones hear one voice differently from frame to frame
	weak      = 18. // below a seat's loudest voice, beneath which a frame is not taken for it
	faint     = 24. // the same while nobody else is heard: what is fainter is no voice at this microphone
	stranger  = 6.  // below the loudest voice of all seats, which is expected of seats that nobody spoke at
	ownShare  = .5  // share of the audible bands that make a frame a channel's own
	fewest    = 3   // audible bands without which a frame is nobody's; so many must be the channel's own, too: a room lets single tones through
	startLeak = -12.
	// A leak is taken for no less than leastLeak, since people turn and move their chairs, and for no more than mostLeak, above which level
	// tells nothing.
	leastLeak, mostLeak = -20., -3.
	// What is learnt from a frame; from one that seems to be the channel's own little, since it mostly is.
	lesson, doubtful = .15, .015
	// decay is how fast a room gets quiet after a voice, a frame: 60 dB in 0.8 s.
	forgetting = .3 * hop / audio.Rate // dB a frame by which a loud voice is forgotten: 18 dB a minute
	decay      = 60 * hop / (.8 * audio.Rate)
)

// The noise is the least smoothed power of some seconds, which is below its mean.
const (
	smoothing  = .5
	bucket     = 32 // frames, half a second
	buckets    = 16
	underMean  = 2.5
	leastPower = 1e-9 // of a band, so that digital silence has a level
)

// powers are those of a frame by band.
type powers [bands]float64

func (p *powers) sum() (s float64) {
	for _, v := range p {
		s += v
	}
	return s
}

// microphone is what is known of a channel.
type microphone struct {
	spectrum []complex128 // of the latest frame
	power    powers       // of the latest frame
	smooth   powers
	peak     powers // with the room's reverberation: what another channel may still hear of it
	least    [buckets]powers
	noise    powers
	voice    float64 // power of the loudest own frames of the last minute
	frames   int
	leak     [][bands]float64 // dB of each other channel's power that arrives here
}

// analysis follows all channels frame by frame.
type analysis struct {
	microphones []*microphone
	own         []bool // of the latest frame: the channel's own voice
	others      []bool // somebody else is heard in the channel
	audible     []bool // something is, beside the noise

	fft    *fourier.FFT
	shape  [window]float64
	energy float64        // of the shape
	first  [bands + 1]int // spectral lines where the bands begin
	frame  [window]float64
}

func newAnalysis(channels int) *analysis {
	a := &analysis{own: make([]bool, channels), others: make([]bool, channels), audible: make([]bool, channels), fft: fourier.NewFFT(window)}
	for i := range a.shape {
		a.shape[i] = .5 - .5*math.Cos(2*math.Pi*(float64(i)+.5)/window)
		a.energy += a.shape[i] * a.shape[i]
	}
	for b, hz := range edges {
		a.first[b] = int(hz*window/audio.Rate + .5)
	}
	for range channels {
		m := &microphone{spectrum: make([]complex128, window/2+1), leak: make([][bands]float64, channels)}
		for j := range m.leak {
			for b := range bands {
				m.leak[j][b] = startLeak
			}
		}
		a.microphones = append(a.microphones, m)
	}
	return a
}

// hear takes the next frame of a channel. Mean squares of white noise and powers relate as powerOf says.
func (a *analysis) hear(channel int, pcm []float32) {
	for i, x := range pcm {
		a.frame[i] = float64(x) * a.shape[i]
	}
	m := a.microphones[channel]
	a.fft.Coefficients(m.spectrum, a.frame[:])
	for b := range bands {
		p := leastPower
		for _, c := range m.spectrum[a.first[b]:a.first[b+1]] {
			p += real(c)*real(c) + imag(c)*imag(c)
		}
		m.power[b] = p
		m.peak[b] = max(p, m.peak[b]*fading)
	}
	m.listenForNoise()
}

var fading, forgotten = ratio(-decay), ratio(-forgetting)

func (m *microphone) listenForNoise() {
	if m.frames == 0 {
		m.smooth = m.power
		for k := range m.least {
			m.least[k] = m.power
		}
	}
	at := m.frames / bucket % buckets
	fresh := m.frames%bucket == 0
	m.frames++
	for b := range bands {
		m.smooth[b] = smoothing*m.smooth[b] + (1-smoothing)*m.power[b]
		if fresh {
			m.least[at][b] = math.Inf(1)
		}
		m.least[at][b] = min(m.least[at][b], m.smooth[b])
		low := math.Inf(1)
		for k := range m.least {
			low = min(low, m.least[k][b])
		}
		m.noise[b] = low * underMean
	}
}

// decide tells of the frame that all channels have heard whose own it is, and learns from it how far channels leak.
func (a *analysis) decide() {
	for i, m := range a.microphones {
		count, own := 0, 0
		var leaked powers
		for j, o := range a.microphones {
			if j == i {
				continue
			}
			for b := range bands {
				leaked[b] += ratio(m.leak[j][b]) * o.peak[b]
			}
		}
		for b := range bands {
			if m.power[b] < ratio(audible)*m.noise[b] {
				continue
			}
			count++
			if m.power[b] > ratio(margin)*leaked[b] {
				own++
			}
		}
		a.audible[i] = count >= fewest
		a.own[i] = own >= fewest && float64(own) >= ownShare*float64(count) && m.power.sum() > ratio(margin)*leaked.sum()
		a.others[i] = leaked.sum() > m.noise.sum()/2
	}
	a.learn()
	for i, m := range a.microphones {
		m.voice *= forgotten
		if a.own[i] && m.power.sum() > ratio(loud)*m.noise.sum() {
			m.voice = max(m.voice, m.smooth.sum())
		}
	}
}

func (a *analysis) learn() {
	loudest := 0
	for i, m := range a.microphones {
		if m.power.sum() > a.microphones[loudest].power.sum() {
			loudest = i
		}
	}
	o := a.microphones[loudest]
	if o.power.sum() < ratio(loud)*o.noise.sum() {
		return
	}
	for i, m := range a.microphones {
		if i == loudest || o.power.sum() < ratio(leading)*m.power.sum() {
			continue
		}
		up := lesson
		if a.own[i] {
			up = doubtful
		}
		leak := &m.leak[loudest]
		for b := range bands {
			// A voice that dies away is no measure: its leak comes later.
			if o.power[b] < ratio(audible)*o.noise[b] || o.power[b] < o.peak[b]/2 {
				continue
			}
			if m.power[b]-m.noise[b] > ratio(leak[b])*o.peak[b] {
				leak[b] = min(leak[b]+up, mostLeak)
			} else {
				leak[b] = max(leak[b]-lesson, leastLeak)
			}
		}
	}
}

// spoken tells whether a channel is as loud as a voice at its microphone, and present whether it is louder than what can't be one.
func (a *analysis) spoken(channel int) (spoken, present bool) {
	m := a.microphones[channel]
	voice := m.voice
	for _, o := range a.microphones {
		voice = max(voice, o.voice*ratio(-stranger))
	}
	level := m.power.sum()
	return level > ratio(speaking)*m.noise.sum() && level > ratio(-weak)*voice, level >= ratio(-faint)*voice
}

// still tells whether nothing is heard in any channel but its noise.
func (a *analysis) still() bool {
	for i, m := range a.microphones {
		if a.own[i] || m.peak.sum() > ratio(quiet)*m.noise.sum() {
			return false
		}
	}
	return true
}

// noiseLevel is the root mean square of white noise that has a channel's noise in the compared bands.
func (a *analysis) noiseLevel(channel int) float32 {
	lines := float64(a.first[bands] - a.first[0])
	return float32(math.Sqrt(a.microphones[channel].noise.sum() / (a.energy * lines)))
}

// ratio of powers that dB say.
func ratio(db float64) float64 { return math.Pow(10, db/10) }
