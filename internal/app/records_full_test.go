//go:build linux

package app_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
)

// The disk is full in the middle of a hearing: the stream ends with the reason, what was acknowledged is there and can be read, and
// when there is room the stream goes on where it was.
func TestADiskThatIsFullInTheMiddleOfAHearing(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=700k"); err != nil {
		t.Skipf("needs to mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	conn, _ := start(t, app.Speech, recorded(folder), unwritten)
	client := pb.NewSpeechServiceClient(conn)
	createRecord(t, client)
	var sound []byte
	for range 5 {
		sound = append(sound, utterances(t)...)
	}
	ended := speak(t, client, sound, raw16)
	requireRefused(t, ended.err, codes.ResourceExhausted, "STORAGE_FULL")
	require.NotEmpty(t, ended.finals)
	have := turns(t, client, nil)
	require.GreaterOrEqual(t, len(have), len(ended.finals))
	for i, f := range ended.finals {
		require.Equal(t, f.GetTurn(), have[i].GetName(), "what was acknowledged is there")
	}
	again := speak(t, client, sound[2*int(ended.last*16000):], func(c *pb.StreamingConfig) { raw16(c); c.ResumeToken = ended.ready.GetResumeToken() })
	requireRefused(t, again.err, codes.ResourceExhausted, "STORAGE_FULL")

	require.NoError(t, syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_REMOUNT, "size=20m"))
	head, err := client.GetRecord(callContext(t), &pb.GetRecordRequest{Name: hearing})
	require.NoError(t, err)
	rest := speak(t, client, sound[2*int(head.GetRecord().GetSettledSeconds()*16000+.5):], raw16)
	require.NoError(t, rest.err)
	all := turns(t, client, nil)
	for i, turn := range have {
		require.Equal(t, turn.GetName(), all[i].GetName())
	}
	require.Greater(t, len(all), len(have))
	checked, err := client.VerifyRecord(callContext(t), &pb.VerifyRecordRequest{Name: hearing})
	require.NoError(t, err)
	require.True(t, checked.GetIntact(), checked.GetDamage())
	require.InDelta(t, float64(len(sound))/32000, checked.GetSoundSeconds(), .01)
}
