package microphone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gordonklaus/portaudio"

	"github.com/courtsense/courtsense/speech/audio"
)

// ErrNoDevice is wrapped when there is nothing to record with.
var ErrNoDevice = errors.New("no input device")

// library serialises what PortAudio does not: initialising, opening and terminating.
var library sync.Mutex

// Device is an input device.
type Device struct {
	Index      int // names the device for Open, as does any part of Name that is unique
	Name       string
	Host       string // ALSA, JACK, ...
	Channels   int
	SampleRate float64 // Hz, the device's default
	Default    bool
}

// Devices lists the input devices; none is no error.
func Devices() ([]Device, error) {
	library.Lock()
	defer library.Unlock()
	if err := start(); err != nil {
		return nil, err
	}
	defer func() { _ = portaudio.Terminate() }()
	devices, _, err := inputs()
	return devices, err
}

func start() error {
	quiet()
	if err := portaudio.Initialize(); err != nil {
		return fmt.Errorf("start PortAudio: %w", err)
	}
	return nil
}

func inputs() ([]Device, []*portaudio.DeviceInfo, error) {
	all, err := portaudio.Devices()
	if err != nil {
		return nil, nil, fmt.Errorf("list sound devices: %w", err)
	}
	standard, _ := portaudio.DefaultInputDevice()
	var devices []Device
	var infos []*portaudio.DeviceInfo
	for _, d := range all {
		if d.MaxInputChannels < 1 {
			continue
		}
		host := ""
		if d.HostApi != nil {
			host = d.HostApi.Name
		}
		devices = append(devices, Device{Index: len(devices), Name: d.Name, Host: host, Channels: d.MaxInputChannels,
			SampleRate: d.DefaultSampleRate, Default: standard != nil && d.Name == standard.Name})
		infos = append(infos, d)
	}
	return devices, infos, nil
}

// choose finds the device that name means: its index, its name, or a part that only one name has; "" is the default.
func choose(devices []Device, name string) (int, error) {
	if len(devices) == 0 {
		return 0, fmt.Errorf("%w: PortAudio sees no microphone (in a container, pass /dev/snd; without sound hardware, transcribe a file instead)", ErrNoDevice)
	}
	if name == "" {
		for i, d := range devices {
			if d.Default {
				return i, nil
			}
		}
		return 0, nil
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(devices) {
		return i, nil
	}
	found, names := -1, make([]string, len(devices))
	for i, d := range devices {
		names[i] = fmt.Sprintf("%d %q", i, d.Name)
		switch {
		case d.Name == name:
			return i, nil
		case !strings.Contains(strings.ToLower(d.Name), strings.ToLower(name)):
		case found >= 0:
			return 0, fmt.Errorf("microphone %q is ambiguous: there are %s", name, strings.Join(names, ", "))
		default:
			found = i
		}
	}
	if found < 0 {
		return 0, fmt.Errorf("%w %q: there are %s", ErrNoDevice, name, strings.Join(names, ", "))
	}
	return found, nil
}

// blocks is how many blocks of 32 ms wait for a slow reader before sound is lost: four seconds.
const blocks = 128

// Microphone is an open input device. Read is for one goroutine; Close may be called from any.
type Microphone struct {
	stream  *portaudio.Stream
	device  Device
	rate    int
	queue   chan []byte
	rest    []byte
	done    chan struct{}
	once    sync.Once
	dropped atomic.Int64 // samples
	err     error        // of closing
}

// Open starts recording one channel at 16 kHz, or at the device's own rate where it can't do that. name is as [Device]
// says; "" is the default device. The caller closes it.
func Open(name string) (*Microphone, error) {
	library.Lock()
	defer library.Unlock()
	if err := start(); err != nil {
		return nil, err
	}
	m, err := open(name)
	if err != nil {
		_ = portaudio.Terminate()
	}
	return m, err
}

func open(name string) (*Microphone, error) {
	devices, infos, err := inputs()
	if err != nil {
		return nil, err
	}
	i, err := choose(devices, name)
	if err != nil {
		return nil, err
	}
	m := &Microphone{device: devices[i], queue: make(chan []byte, blocks), done: make(chan struct{})}
	var failures []error
	for _, rate := range []int{audio.Rate, int(devices[i].SampleRate)} {
		p := portaudio.LowLatencyParameters(infos[i], nil)
		p.Input.Channels, p.SampleRate, p.FramesPerBuffer = 1, float64(rate), rate*32/1000
		m.rate = rate
		if m.stream, err = portaudio.OpenStream(p, m.record); err != nil {
			failures = append(failures, fmt.Errorf("at %d Hz: %w", rate, err))
			continue
		}
		if err = m.stream.Start(); err == nil {
			return m, nil
		}
		failures = append(failures, fmt.Errorf("at %d Hz: %w", rate, err), m.stream.Close())
	}
	return nil, fmt.Errorf("open microphone %q: %w", devices[i].Name, errors.Join(failures...))
}

// record is called by the sound library's thread, which must never wait.
func (m *Microphone) record(in []int16) {
	b := make([]byte, 0, 2*len(in))
	for _, x := range in {
		b = binary.LittleEndian.AppendUint16(b, uint16(x))
	}
	select {
	case m.queue <- b:
	default:
		m.dropped.Add(int64(len(in)))
	}
}

// Device returns the device that is open.
func (m *Microphone) Device() Device { return m.device }

// Config describes the bytes that Read returns.
func (m *Microphone) Config() audio.Config {
	return audio.Config{Encoding: audio.Linear16, SampleRate: m.rate, Channels: 1}
}

// Dropped returns how many samples were lost because nobody read them.
func (m *Microphone) Dropped() int64 { return m.dropped.Load() }

// Read waits for sound. After Close it returns io.EOF.
func (m *Microphone) Read(p []byte) (int, error) {
	if len(m.rest) == 0 {
		select {
		case <-m.done:
			return 0, io.EOF
		case m.rest = <-m.queue:
		}
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

// Close stops recording. It is idempotent.
func (m *Microphone) Close() error {
	m.once.Do(func() {
		library.Lock()
		defer library.Unlock()
		m.err = errors.Join(m.stream.Abort(), m.stream.Close(), portaudio.Terminate())
		close(m.done)
	})
	return m.err
}
