package speech

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/vad"
)

// keeper is a Recorder that remembers.
type keeper struct {
	resume   Resume
	err      error
	channels int
	pcm      []float32
}

func (k *keeper) Begin(channels int) (Resume, error) {
	k.channels = channels
	return k.resume, k.err
}

func (k *keeper) Sound(pcm []float32) error {
	k.pcm = append(k.pcm, pcm...)
	return k.err
}

func TestARecorderHearsWhatIsHeard(t *testing.T) {
	sound := make([]byte, 2*2*3*audio.Rate) // 3 s of two channels
	for i := range sound {
		sound[i] = byte(i * 7)
	}
	s, err := NewSegmenter(vad.NewEnergy(), Config{Audio: audio.Config{Encoding: audio.Linear16, SampleRate: audio.Rate, Channels: 2}})
	require.NoError(t, err)
	none := func(Result) error { return nil }
	all := &keeper{}
	_, err = s.Recording(all).Run(context.Background(), bytes.NewReader(sound), none)
	require.NoError(t, err)
	require.Equal(t, 2, all.channels)
	require.Len(t, all.pcm, len(sound)/2)
	skipped := &keeper{resume: Resume{Skip: audio.Rate, Lead: make([]float32, 2*audio.Rate), Decided: []int64{audio.Rate / 2}}}
	_, err = s.Recording(skipped).Run(context.Background(), bytes.NewReader(sound), none)
	require.NoError(t, err)
	require.Equal(t, all.pcm[2*audio.Rate:], skipped.pcm, "what was heard before is neither kept nor heard again")

	refused := errors.New("no room")
	for name, k := range map[string]*keeper{"at once": {err: refused}, "a lead of half a sample": {resume: Resume{Lead: make([]float32, 3)}}} {
		_, err = s.Recording(k).Run(context.Background(), bytes.NewReader(sound), none)
		require.Error(t, err, name)
	}
}

func TestWhatIsDecidedIsSilent(t *testing.T) {
	var heard []float32
	s := &Segmenter{cfg: Config{recorder: &keeper{resume: Resume{Lead: []float32{1, 1, 1, 1}, Decided: []int64{3, 1}}}}}
	in, err := s.newSource(context.Background(), 2, func(_ context.Context, pcm []float32) error {
		heard = append(heard, pcm...)
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, in.own(context.Background(), []float32{1, 1, 1, 1}))
	require.Equal(t, []float32{0, 0, 0, 1, 0, 1, 1, 1}, heard)
}
