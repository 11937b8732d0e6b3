package benchmarks

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// BenchmarkVerifyIdentity is one verification of a selfie of 512x512 pixels and an identity card of 1012x638, through
// everything that a call goes through, with embedded weights. "cpu-ms/op" is the time of all threads, client included;
// bar 1,000, goal 200 where nothing is read.
func BenchmarkVerifyIdentity(b *testing.B) {
	for name, claimed := range map[string]*pb.ClaimedIdentity{"faces": nil, "faces and printed name": {FullName: "样本某"}} {
		b.Run(name, func(b *testing.B) {
			cfg := conf.Default()
			if cfg.Models.Dir = os.Getenv("COURTSENSE_TEST_MODELS"); cfg.Models.Dir == "" {
				cfg.Models.Dir = b.TempDir()
			}
			a, err := app.New(b.Context(), cfg, app.Options{Parts: app.Faces | app.Documents, Logger: slog.New(slog.DiscardHandler)})
			require.NoError(b, err)
			defer func() { require.NoError(b, a.Close()) }()
			session, err := a.InProcess()
			require.NoError(b, err)
			defer func() { require.NoError(b, session.Close()) }()
			selfie, err := os.ReadFile(testinput.Testdata(b, "faces", "astronaut.jpg"))
			require.NoError(b, err)
			req := &pb.VerifyIdentityRequest{
				Purpose: "benchmark", Live: &pb.VerifyIdentityRequest_Selfie{Selfie: &pb.Image{Content: selfie}},
				IdPhoto: &pb.Image{Content: specimenCard(b, selfie)}, Claimed: claimed,
			}
			client := pb.NewFaceServiceClient(session.Conn())
			call := func() {
				answer, err := client.VerifyIdentity(context.Background(), req)
				require.NoError(b, err)
				require.Equal(b, pb.IdentityVerdict_IDENTITY_VERDICT_VERIFIED, answer.GetVerdict(), "%v", answer.GetSteps())
			}
			call()
			before := processorTime()
			for b.Loop() {
				call()
			}
			b.ReportMetric(float64((processorTime()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// specimenCard is the specimen with the portrait in its frame.
func specimenCard(b *testing.B, portrait []byte) []byte {
	b.Helper()
	decode := func(content []byte) *imaging.Raster {
		r, _, err := codec.Decode(b.Context(), content, imaging.DefaultLimits())
		require.NoError(b, err)
		return r
	}
	content, err := os.ReadFile(testinput.Testdata(b, "documents", "idcard-specimen.jpg"))
	require.NoError(b, err)
	card := decode(content)
	face := imaging.Resize(decode(portrait).Crop(128, 20, 200, 277), 204, 283)
	for y := range face.Height {
		copy(card.Row(114 + y)[3*724:], face.Row(y))
	}
	out, err := codec.EncodeJPEG(card, 90)
	require.NoError(b, err)
	return out
}
