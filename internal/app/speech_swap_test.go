package app_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
)

// A recogniser and a detector that are replaced while a stream is heard are the next stream's: this one's states, tokens and
// provenance are those of the versions that it began with.
func TestStreamKeepsTheModelsThatItBeganWith(t *testing.T) {
	var folder string
	conn, _ := start(t, app.Speech|app.ModelAdmin, func(c *conf.Config) {
		folder = filepath.Join(c.Models.Dir, "ours")
		require.NoError(t, os.Mkdir(folder, 0o755))
		for _, name := range []string{"tokens.txt", network} {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), tiny(t, name), 0o644))
		}
		c.Models.Preload = []string{"ours"}
	})
	client, admin := pb.NewSpeechServiceClient(conn), pb.NewModelServiceClient(conn)
	sound := sample(t, "speech", "court-zh-16k.wav")
	// hear sends the sound, and in the midst of a sentence does something else.
	hear := func(between func()) (text string, provenance *pb.Provenance) {
		stream := listen(callContext(t), t, client, &pb.StreamingConfig{
			Recognition: &pb.RecognitionConfig{Model: "ours"}, InterimResults: true,
		})
		take := func() (*pb.StreamingRecognizeResponse, bool) {
			m, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return nil, false
			}
			require.NoError(t, err)
			if m.GetProvenance() != nil {
				provenance = m.GetProvenance()
			}
			if m.GetResult().GetIsFinal() {
				for _, s := range m.GetResult().GetSegments() {
					text += s.GetText() + "\n"
				}
			}
			return m, true
		}
		half := len(sound) / 4
		require.NoError(t, stream.Send(audioMessage(sound[:half])))
		for speaking := false; !speaking; {
			m, ok := take()
			require.True(t, ok)
			speaking = m.GetResult() != nil && !m.GetResult().GetIsFinal()
		}
		if between != nil {
			between()
		}
		require.NoError(t, stream.Send(audioMessage(sound[half:])))
		require.NoError(t, stream.CloseSend())
		for ok := true; ok; {
			_, ok = take()
		}
		return text, provenance
	}
	want, before := hear(nil)
	require.NotEmpty(t, strings.TrimSpace(want))
	got, during := hear(func() {
		// Another network under the same name, whose tokens mean something else.
		require.NoError(t, os.WriteFile(filepath.Join(folder, network), tiny(t, strings.Replace(network, ".onnx", ".int8.onnx", 1)), 0o644))
		swapped := bytes.NewBuffer(nil)
		for line := range strings.Lines(string(tiny(t, "tokens.txt"))) {
			for from, to := range map[string]string{"法": "壹", "庭": "贰", "原": "叁", "被": "肆", "告": "伍", "请": "陆", "求": "柒", "判": "捌", "令": "玖", "退": "拾", "还": "佰", "款": "仟"} {
				line = strings.Replace(line, from, to, 1)
			}
			swapped.WriteString(line)
		}
		require.NoError(t, os.WriteFile(filepath.Join(folder, "tokens.txt"), swapped.Bytes(), 0o644))
		for _, name := range []string{"models/ours", "models/vad-embedded"} {
			_, err := admin.LoadModel(callContext(t), &pb.LoadModelRequest{Name: name})
			require.NoError(t, err)
		}
	})
	require.Equal(t, want, got)
	recogniser := func(p *pb.Provenance) (all []string) {
		for _, m := range p.GetModels() {
			if m.GetName() == "models/ours" {
				all = append(all, m.GetSha256())
			}
		}
		return all
	}
	require.Equal(t, recogniser(before), recogniser(during))
	after, provenance := hear(nil)
	require.NotEqual(t, want, after)
	require.NotEqual(t, recogniser(before), recogniser(provenance))
}

const network = "ctc-epoch-1-avg-1-chunk-16-left-16.onnx"

// tiny is a file of the small recogniser that the tests of speech/acoustic have.
func tiny(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "speech", "acoustic", "testdata", "ctc", name))
	require.NoError(t, err)
	return b
}
