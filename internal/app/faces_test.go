package app_test

import (
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/imaging/draw"
)

// withWeights runs a test with the published weights, where they lie beside the checkout, and with our own, where the
// program carries what the test needs.
func withWeights(t *testing.T, test func(t *testing.T, dir string), tasks ...string) {
	t.Run("published weights", func(t *testing.T) {
		test(t, testinput.SharedModels(t, "face/yunet_n_dynamic.onnx", "face/mobilefacenet.onnx", "face/minifasnet_v2_2.7.onnx", "face/minifasnet_v1se_4.0.onnx", "face/pfld_ghostone_98pt.onnx"))
	})
	t.Run("embedded weights", func(t *testing.T) {
		dir := t.TempDir()
		store, err := models.Open(nil, dir)
		require.NoError(t, err)
		for _, task := range tasks {
			if _, err := store.Select(task); err != nil {
				t.Skipf("no embedded weights for %s", task)
			}
		}
		test(t, dir)
	})
}

func faces(t *testing.T, dir string, change ...func(*conf.Config)) pb.FaceServiceClient {
	t.Helper()
	conn, _ := start(t, app.Faces, append([]func(*conf.Config){func(c *conf.Config) { c.Models.Dir = dir }}, change...)...)
	return pb.NewFaceServiceClient(conn)
}

// jpeg encodes a picture as an image of a request.
func jpeg(t *testing.T, r *imaging.Raster) *pb.Image {
	t.Helper()
	b, err := codec.EncodeJPEG(r, 95)
	require.NoError(t, err)
	return &pb.Image{Content: b}
}

// portraitRaster is the public-domain portrait, 512x512 px; its face is 92x112 px, in the middle of the upper half.
func portraitRaster(t *testing.T) *imaging.Raster {
	t.Helper()
	return picture(t, sample(t, "faces", "astronaut.jpg"))
}

// paste copies a picture into another one.
func paste(into, r *imaging.Raster, x, y int) {
	for row := range r.Height {
		copy(into.Row(y + row)[3*x:], r.Row(row))
	}
}

// awkward are the pictures that nobody wants, by name.
func awkward(t *testing.T) map[string]*pb.Image {
	t.Helper()
	portrait := portraitRaster(t)
	crowd := imaging.NewRaster(5*512, 2*512)
	for i := range 10 {
		paste(crowd, portrait, 512*(i%5), 512*(i/5))
	}
	tiny := imaging.NewRaster(320, 240)
	draw.Fill(tiny, 0, 0, 320, 240, draw.White)
	paste(tiny, imaging.Resize(portrait, 100, 100), 100, 60) // its face is 20 px wide
	masked := portraitRaster(t)
	draw.Fill(masked, 180, 122, 92, 60, draw.Blue)
	mirror := portraitRaster(t)
	for y := range mirror.Height {
		for x := range mirror.Width {
			copy(mirror.Row(y)[3*x:3*x+3], portrait.Row(y)[3*(mirror.Width-1-x):])
		}
	}
	cartoon := imaging.NewRaster(400, 400)
	draw.Fill(cartoon, 0, 0, 400, 400, draw.White)
	draw.Dot(cartoon, draw.Point{X: 200, Y: 200}, draw.Color{R: 255, G: 205, B: 150}, 120)
	for _, x := range []float64{160, 240} {
		draw.Dot(cartoon, draw.Point{X: x, Y: 170}, draw.Black, 14)
	}
	draw.Line(cartoon, draw.Point{X: 150, Y: 255}, draw.Point{X: 250, Y: 255}, draw.Red, 10)
	return map[string]*pb.Image{
		"no face":      jpeg(t, picture(t, sample(t, "documents", "agreement-en.png"))),
		"black frame":  jpeg(t, imaging.NewRaster(640, 480)),
		"ten faces":    jpeg(t, crowd),
		"20-px face":   jpeg(t, tiny),
		"cut by edge":  jpeg(t, portrait.Crop(0, 0, 226, 300)), // through the nose
		"masked":       jpeg(t, masked),
		"mirror image": jpeg(t, mirror),
		"cartoon":      jpeg(t, cartoon),
	}
}

func TestFacesAreCompared(t *testing.T) {
	withWeights(t, func(t *testing.T, dir string) {
		client, ctx := faces(t, dir), callContext(t)
		portrait := &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}
		small := jpeg(t, imaging.Resize(portraitRaster(t), 300, 300))
		answer, err := client.Compare(ctx, &pb.CompareRequest{Purpose: "test", ConsentId: "c-1", Left: portrait, Right: small})
		require.NoError(t, err)
		s := answer.GetSimilarity()
		require.Equal(t, pb.MatchVerdict_MATCH_VERDICT_MATCH, s.GetVerdict(), "%v", s)
		require.NotNil(t, s.Cosine)
		require.GreaterOrEqual(t, s.GetCosine(), s.GetThreshold())
		require.Contains(t, s.GetFalseMatchRate().GetMeasuredOn(), "people")
		require.LessOrEqual(t, s.GetFalseMatchRate().GetRate(), s.GetRequestedFalseMatchRate())
		require.LessOrEqual(t, s.GetFalseMatchRate().GetRate(), s.GetFalseMatchRate().GetUpper())
		require.NotNil(t, answer.GetLeftFace())
		require.NotEmpty(t, answer.GetRightQuality().GetComponents())
		requireProvenance(t, answer.GetProvenance(), "left.content", portrait.GetContent(), models.TaskFaceEmbedding)
		require.Equal(t, "c-1", answer.GetProvenance().GetConsentId())
		require.Len(t, answer.GetProvenance().GetConfiguration()["calibration_sha256"], 64)
		require.NotContains(t, answer.GetProvenance().String(), "-0.", "no template is in provenance")

		stranger := filepath.Join(testinput.SharedData(t, "images/image_T1.jpg"), "images/image_T1.jpg")
		answer, err = client.Compare(ctx, &pb.CompareRequest{Purpose: "test", Left: portrait, Right: &pb.Image{Content: fileContent(t, stranger)}, FalseMatchRate: proto.Float64(1e-2)})
		require.NoError(t, err)
		require.Equal(t, pb.MatchVerdict_MATCH_VERDICT_NO_MATCH, answer.GetSimilarity().GetVerdict(), "%v", answer.GetSimilarity())
		require.InDelta(t, 1e-2, answer.GetSimilarity().GetRequestedFalseMatchRate(), 1e-12)
	}, models.TaskFaceDetection, models.TaskFaceEmbedding)
}

func TestTurnedFacesAreFoundWhenAskedFor(t *testing.T) {
	withWeights(t, func(t *testing.T, dir string) {
		client, ctx := faces(t, dir), callContext(t)
		for orientation, name := range map[imaging.Orientation]string{6: "90 degrees", 3: "180 degrees", 8: "270 degrees"} {
			turned := jpeg(t, imaging.Orient(portraitRaster(t), orientation))
			answer, err := client.Detect(ctx, &pb.DetectRequest{Purpose: "test", Image: turned, AnyOrientation: true})
			require.NoError(t, err)
			require.Len(t, answer.GetFaces(), 1, name)
			require.Equal(t, "true", answer.GetProvenance().GetConfiguration()["any_orientation"])
		}
	}, models.TaskFaceDetection)
}

func TestComparingAwkwardPictures(t *testing.T) {
	withWeights(t, func(t *testing.T, dir string) {
		client, ctx := faces(t, dir), callContext(t)
		portrait := &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}
		pictures := awkward(t)
		for name, reason := range map[string]string{
			"no face": "no face was found", "black frame": "no face was found", "ten faces": "10 faces are about as large as each other",
			"20-px face": "pixels from eye to eye", "cut by edge": "", "cartoon": "",
		} {
			answer, err := client.Compare(ctx, &pb.CompareRequest{Purpose: "test", Left: portrait, Right: pictures[name]})
			require.NoError(t, err, name)
			s := answer.GetSimilarity()
			if reason == "" {
				// Whether a detector finds half a face or a drawn one is its own affair; it is never the person.
				require.NotEqual(t, pb.MatchVerdict_MATCH_VERDICT_MATCH, s.GetVerdict(), "%s: %v", name, s)
				continue
			}
			require.Equal(t, pb.MatchVerdict_MATCH_VERDICT_UNDECIDED, s.GetVerdict(), "%s: %v", name, s)
			require.Nil(t, s.Cosine, name)
			require.Nil(t, s.GetFalseMatchRate(), name)
			require.Contains(t, s.GetReason(), "right picture: ", name)
			require.Contains(t, s.GetReason(), reason, name)
			require.Equal(t, pb.QualityVerdict_QUALITY_VERDICT_RETAKE, answer.GetRightQuality().GetVerdict(), name)
		}
		answer, err := client.Compare(ctx, &pb.CompareRequest{Purpose: "test", Left: portrait, Right: pictures["mirror image"]})
		require.NoError(t, err)
		require.Equal(t, pb.MatchVerdict_MATCH_VERDICT_MATCH, answer.GetSimilarity().GetVerdict(), "a mirror image shows the same person")
		answer, err = client.Compare(ctx, &pb.CompareRequest{Purpose: "test", Left: pictures["black frame"], Right: pictures["no face"]})
		require.NoError(t, err)
		require.Contains(t, answer.GetSimilarity().GetReason(), "left picture: no face was found; right picture: no face was found")
		require.Nil(t, answer.GetLeftFace())
	}, models.TaskFaceDetection, models.TaskFaceEmbedding)
}

func TestFaceComparisonsThatAreRefused(t *testing.T) {
	portrait := &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}
	withWeights(t, func(t *testing.T, dir string) {
		client, ctx := faces(t, dir), callContext(t)
		for name, c := range map[string]struct {
			request *pb.CompareRequest
			code    codes.Code
			reason  string
		}{
			"no purpose":        {&pb.CompareRequest{Left: portrait, Right: portrait}, codes.InvalidArgument, "INVALID_VALUE"},
			"one picture":       {&pb.CompareRequest{Purpose: "t", Left: portrait}, codes.InvalidArgument, "INVALID_VALUE"},
			"no picture at all": {&pb.CompareRequest{Purpose: "t", Left: portrait, Right: &pb.Image{Content: []byte("hello")}}, codes.InvalidArgument, "UNSUPPORTED_TYPE"},
			"rate too low":      {&pb.CompareRequest{Purpose: "t", Left: portrait, Right: portrait, FalseMatchRate: proto.Float64(1e-6)}, codes.FailedPrecondition, "FALSE_MATCH_RATE_UNSUPPORTED"},
			"rate of NaN":       {&pb.CompareRequest{Purpose: "t", Left: portrait, Right: portrait, FalseMatchRate: proto.Float64(math.NaN())}, codes.InvalidArgument, "INVALID_VALUE"},
			"rate too high":     {&pb.CompareRequest{Purpose: "t", Left: portrait, Right: portrait, FalseMatchRate: proto.Float64(0.5)}, codes.InvalidArgument, "INVALID_VALUE"},
		} {
			_, err := client.Compare(ctx, c.request)
			t.Run(name, func(t *testing.T) { requireRefused(t, err, c.code, c.reason) })
		}
	}, models.TaskFaceDetection, models.TaskFaceEmbedding)
}

func TestPicturesAreAssessed(t *testing.T) {
	withWeights(t, func(t *testing.T, dir string) {
		client, ctx := faces(t, dir), callContext(t)
		assess := func(image *pb.Image, profile pb.QualityProfile) *pb.AssessResponse {
			answer, err := client.Assess(ctx, &pb.AssessRequest{Purpose: "test", Image: image, Profile: profile})
			require.NoError(t, err)
			return answer
		}
		portrait := &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}
		answer := assess(portrait, pb.QualityProfile_QUALITY_PROFILE_UNSPECIFIED)
		q := answer.GetQuality()
		require.Equal(t, pb.QualityProfile_QUALITY_PROFILE_SELFIE, q.GetProfile())
		require.NotEqual(t, pb.QualityVerdict_QUALITY_VERDICT_RETAKE, q.GetVerdict(), "%v", q)
		requireProvenance(t, answer.GetProvenance(), "image.content", portrait.GetContent(), models.TaskFaceDetection)
		require.Equal(t, "selfie", answer.GetProvenance().GetConfiguration()["profile"])

		for name, image := range awkward(t) {
			answer := assess(image, pb.QualityProfile_QUALITY_PROFILE_ID_PHOTO)
			q := answer.GetQuality()
			for _, c := range q.GetComponents() {
				assert.Equal(t, c.GetVerdict() == pb.QualityVerdict_QUALITY_VERDICT_ACCEPT, c.GetAdvice() == "", "%s: advice on %v", name, c)
			}
			switch name {
			case "no face", "black frame":
				require.Nil(t, answer.GetFace(), name)
				require.Len(t, q.GetComponents(), 1, name)
				fallthrough
			case "ten faces", "20-px face", "cut by edge":
				require.Equal(t, pb.QualityVerdict_QUALITY_VERDICT_RETAKE, q.GetVerdict(), "%s: %v", name, q)
			}
		}
	}, models.TaskFaceDetection)
}

func TestLivenessIsTold(t *testing.T) {
	images := testinput.SharedData(t, "images/image_T1.jpg", "images/image_F1.jpg", "images/image_F2.jpg")
	image := func(name string) *pb.Image {
		return &pb.Image{Content: fileContent(t, filepath.Join(images, "images", name))}
	}
	withWeights(t, func(t *testing.T, dir string) {
		client, ctx := faces(t, dir), callContext(t)
		check := func(images ...*pb.Image) *pb.CheckLivenessResponse {
			answer, err := client.CheckLiveness(ctx, &pb.CheckLivenessRequest{Purpose: "test", Images: images})
			require.NoError(t, err)
			return answer
		}
		published := strings.Contains(dir, "shared")
		for name, want := range map[string]pb.LivenessVerdict{
			"image_T1.jpg": pb.LivenessVerdict_LIVENESS_VERDICT_LIVE, "image_F1.jpg": pb.LivenessVerdict_LIVENESS_VERDICT_ATTACK,
			"image_F2.jpg": pb.LivenessVerdict_LIVENESS_VERDICT_ATTACK,
		} {
			answer := check(image(name))
			l := answer.GetLiveness()
			if published {
				require.Equal(t, want, l.GetVerdict(), "%s: %v", name, l)
			}
			require.Equal(t, l.GetVerdict() == pb.LivenessVerdict_LIVENESS_VERDICT_LIVE, l.GetScore() >= l.GetThreshold())
			require.NotNil(t, answer.GetFace())
			requireProvenance(t, answer.GetProvenance(), "images[0].content", image(name).GetContent(), models.TaskFaceLiveness)
		}
		several := check(image("image_T1.jpg"), image("image_T1.jpg"), image("image_T1.jpg")).GetLiveness()
		require.EqualValues(t, 3, several.GetFrames())
		require.InDelta(t, check(image("image_T1.jpg")).GetLiveness().GetScore(), several.GetScore(), 1e-4)
		for name, image := range awkward(t) {
			l := check(image).GetLiveness()
			switch name {
			case "no face", "black frame", "ten faces", "20-px face", "cut by edge":
				require.Equal(t, pb.LivenessVerdict_LIVENESS_VERDICT_UNDECIDED, l.GetVerdict(), "%s: %v", name, l)
				require.NotEmpty(t, l.GetReason(), name)
			}
		}
	}, models.TaskFaceDetection, models.TaskFaceLiveness)
}

// TestAMissingModelStopsTheStart: a server that is to use a model which is not there says at once how to get it.
func TestAMissingModelStopsTheStart(t *testing.T) {
	for id, set := range map[string]func(*conf.Config, string){
		"face-embedding-mobilefacenet": func(c *conf.Config, id string) { c.Face.Embedding = id },
		"face-liveness-minifasnet-v2":  func(c *conf.Config, id string) { c.Face.Liveness = []string{id} },
	} {
		cfg := conf.Default()
		cfg.Models.Dir = t.TempDir()
		set(&cfg, id)
		_, err := app.New(t.Context(), cfg, app.Options{Parts: app.Faces, Logger: slog.New(slog.DiscardHandler)})
		require.ErrorIs(t, err, models.ErrUnavailable, id)
		require.ErrorContains(t, err, "courtsense models pull "+id)
	}
}

func TestAModelWithoutACalibrationComparesNothing(t *testing.T) {
	dir := testinput.SharedModels(t, "face/yunet_n_dynamic.onnx", "face/mobilefacenet.onnx")
	// The same weights under another hash: a curve of other weights says nothing about them.
	other := uncalibrated(t, dir)
	client, ctx := faces(t, other), callContext(t)
	portrait := &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}
	_, err := client.Compare(ctx, &pb.CompareRequest{Purpose: "t", Left: portrait, Right: portrait})
	requireRefused(t, err, codes.FailedPrecondition, "CALIBRATION_MISSING")
	require.ErrorContains(t, err, "courtsense eval face calibrate")
}

func fileContent(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

// uncalibrated makes a store whose embedding model is the published one with a comment added, so with other bytes.
func uncalibrated(t *testing.T, published string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "face"), 0o755))
	detector := fileContent(t, filepath.Join(published, "face", "yunet_n_dynamic.onnx"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "face", "yunet_n_dynamic.onnx"), detector, 0o600))
	// Field 6 of an ONNX model is its documentation.
	weights := append(fileContent(t, filepath.Join(published, "face", "mobilefacenet.onnx")), 6<<3|2, 1, 'x')
	require.NoError(t, os.WriteFile(filepath.Join(dir, "face", "own.onnx"), weights, 0o600))
	catalogue := `format: 1
models:
  - id: own-embedding
    version: "1"
    title: An embedding nobody calibrated
    task: face-embedding
    family: embedding
    license: Apache-2.0
    training_data: not known
    source: https://example.org
    files:
      - {role: model, path: face/own.onnx, verified: false}
    inputs:
      - name: input0
        dtype: float32
        shape: [1, 3, 112, 112]
        layout: NCHW
        color: RGB
        scale: 0.00392156862745098
        mean: [0.485, 0.456, 0.406]
        std: [0.229, 0.224, 0.225]
        batch_axis: 0
    outputs:
      - {name: output0, dtype: float32, shape: [1, 128], layout: NC, batch_axis: 0}
    batch: {max: 1}
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, models.CatalogName), []byte(catalogue), 0o600))
	return dir
}
