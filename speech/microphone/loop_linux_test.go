package microphone

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestALoopThatCarriesSound plays noise into a PulseAudio sink that goes nowhere and records the sink's monitor through ALSA, as a
// machine without sound hardware can: what is recorded must be what was played.
func TestALoopThatCarriesSound(t *testing.T) {
	device := soundLoop(t)
	devices, err := Devices()
	require.NoError(t, err)
	if _, err := choose(devices, device); err != nil {
		t.Skipf("ALSA has no plugin for PulseAudio (Debian: libasound2-plugins): %v", err)
	}
	m, err := Open(device)
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, device, m.Device().Name)
	require.Equal(t, 16000, m.Config().SampleRate)

	const seconds = 1.5
	played := make([]byte, 0, int(2*16000*seconds))
	random := rand.New(rand.NewPCG(1, 2))
	for range cap(played) / 2 {
		played = binary.LittleEndian.AppendUint16(played, uint16(int16(random.IntN(16000)-8000))) //nolint:gosec // the bits of a sample
	}
	path := filepath.Join(t.TempDir(), "noise.raw")
	require.NoError(t, os.WriteFile(path, played, 0o600))
	play := func() <-chan error {
		done := make(chan error, 1)
		go func() {
			out, err := exec.Command("pacat", "--playback", "--device="+device, "--rate=16000", "--channels=1", "--format=s16le", path).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			done <- err
		}()
		return done
	}

	sample := func(b []byte, i int) float64 { return float64(int16(binary.LittleEndian.Uint16(b[2*i:]))) } //nolint:gosec // the bits of a sample
	// A quarter of a second from its middle is looked for in what was recorded while it was played, and half a second more.
	const from, length = 8000, 4000
	best := 0.0
	// On a busy machine the sound server may leave out some of it: then it is played again.
	for deadline := time.Now().Add(2 * time.Minute); best < 0.95 && time.Now().Before(deadline); {
		var heard []byte
		block := make([]byte, 3200)
		record := func() {
			_, err := io.ReadFull(m, block)
			require.NoError(t, err)
			heard = append(heard, block...)
		}
		for done := play(); done != nil; {
			record()
			select {
			case err := <-done:
				require.NoError(t, err)
				done = nil
			default:
			}
		}
		for range 5 {
			record()
		}
		if best == 0 {
			assert.Zero(t, m.Dropped(), "until here nothing was done but reading")
		}
		for at := 0; at+length <= len(heard)/2; at++ {
			var both, here, there float64
			for i := range length {
				a, b := sample(played, from+i), sample(heard, at+i)
				both, here, there = both+a*b, here+a*a, there+b*b
			}
			if there > 0 {
				best = max(best, both/math.Sqrt(here*there))
			}
		}
	}
	assert.Greater(t, best, 0.95, "correlation of what was recorded with what was played")
}

// soundLoop starts a sound server for the test alone, with one sink whose monitor ALSA knows by the name that is returned.
func soundLoop(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"pulseaudio", "pactl", "pacat"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (Debian: pulseaudio, pulseaudio-utils, libasound2-plugins)", program)
		}
	}
	const name = "courtroom"
	dir := t.TempDir()
	config := filepath.Join(dir, "asound.conf")
	require.NoError(t, os.WriteFile(config, []byte("</usr/share/alsa/alsa.conf>\npcm."+name+" { type pulse device \""+name+".monitor\" hint { show on description \""+name+"\" } }\n"), 0o600))
	socket := filepath.Join(dir, "native")
	t.Setenv("HOME", dir)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("PULSE_SERVER", "unix:"+socket)
	t.Setenv("ALSA_CONFIG_PATH", config)
	server := exec.Command("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes",
		"-L", "module-native-protocol-unix auth-anonymous=1 socket="+socket, "-L", "module-null-sink rate=16000 channels=1 sink_name="+name)
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for exec.CommandContext(ctx, "pactl", "info").Run() != nil {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Skip("PulseAudio does not run here")
		}
	}
	return name
}
