package microphone

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// On a machine without sound this is the headless case; on any other it records a moment.
func TestOpeningWorksOrSaysWhyNot(t *testing.T) {
	stderr := captureStderr(t, func() {
		devices, err := Devices()
		require.NoError(t, err)
		m, err := Open("")
		if len(devices) == 0 {
			require.ErrorIs(t, err, ErrNoDevice)
			assert.ErrorContains(t, err, "transcribe a file")
			return
		}
		if err != nil {
			t.Skipf("the default device can't be opened: %v", err)
		}
		_, err = io.ReadFull(m, make([]byte, 3200))
		assert.NoError(t, err)
		assert.NoError(t, m.Close())
		assert.NoError(t, m.Close())
	})
	assert.Empty(t, stderr, "the sound libraries must keep quiet")
}

func captureStderr(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	require.NoError(t, err)
	defer file.Close()
	restore := redirect(t, int(file.Fd()))
	defer restore()
	f()
	b, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	return string(b)
}

// redirect points the process's stderr, which C libraries write to, at another file.
func redirect(t *testing.T, to int) (restore func()) {
	t.Helper()
	saved, err := unix.Dup(2)
	require.NoError(t, err)
	require.NoError(t, unix.Dup3(to, 2, 0))
	return func() {
		_ = unix.Dup3(saved, 2, 0)
		_ = unix.Close(saved)
	}
}
