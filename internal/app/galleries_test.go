package app_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
)

// keyed configures galleries in a folder, with a key of its own.
func keyed(dir, key string) func(*conf.Config) {
	return func(c *conf.Config) {
		file := filepath.Join(dir, key+".key")
		text := key + ":" + strings.Repeat(fmt.Sprintf("%02x", key[0]), 32)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			panic(err)
		}
		c.Galleries.Path, c.Galleries.KeyFile = filepath.Join(dir, "galleries.db"), file
	}
}

// people are pictures of LFW's folds 7 and 8 by their names there.
func people(t *testing.T, names ...string) map[string]*pb.Image {
	t.Helper()
	f, err := os.Open(filepath.Join(testinput.SharedData(t, "faces/lfw-dev.tar"), "faces", "lfw-dev.tar"))
	require.NoError(t, err)
	defer f.Close()
	out := map[string]*pb.Image{}
	for in := tar.NewReader(bufio.NewReader(f)); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		name := strings.TrimSuffix(filepath.Base(h.Name), ".jpg")
		if slices.Contains(names, name) {
			b, err := io.ReadAll(in)
			require.NoError(t, err)
			out[name] = &pb.Image{Content: b}
		}
	}
	require.Len(t, out, len(names))
	return out
}

const galleryName = "galleries/staff"

func createGallery(t *testing.T, client pb.FaceServiceClient) {
	t.Helper()
	answer, err := client.CreateGallery(callContext(t), &pb.CreateGalleryRequest{
		Purpose: "test", GalleryId: "staff", Gallery: &pb.Gallery{DisplayName: "Staff", Retention: durationpb.New(48 * time.Hour)},
	})
	require.NoError(t, err)
	require.Equal(t, galleryName, answer.GetGallery().GetName())
	require.Equal(t, 48*time.Hour, answer.GetGallery().GetRetention().AsDuration())
	require.True(t, strings.HasPrefix(answer.GetGallery().GetModel(), "models/face-embed"), answer.GetGallery().GetModel())
}

func enrol(t *testing.T, client pb.FaceServiceClient, person string, image *pb.Image) (*pb.EnrolResponse, error) {
	t.Helper()
	return client.Enrol(callContext(t), &pb.EnrolRequest{
		Purpose: "entrance", ConsentId: "c-7", Gallery: galleryName, PersonId: person, Image: image,
		Labels: map[string]string{"zone": "B"}, Profile: pb.QualityProfile_QUALITY_PROFILE_GATE,
	})
}

func identify(t *testing.T, client pb.FaceServiceClient, image *pb.Image) *pb.IdentifyResponse {
	t.Helper()
	answer, err := client.Identify(callContext(t), &pb.IdentifyRequest{Purpose: "entrance", Gallery: galleryName, Image: image})
	require.NoError(t, err)
	return answer
}

func TestPersonsAreEnrolledFoundAndRemoved(t *testing.T) {
	withWeights(t, func(t *testing.T, dir string) {
		faces3 := people(t, "John_Mayer_0001", "John_Mayer_0002", "Michelle_Kwan_0004", "Michelle_Kwan_0005", "Luciano_Pavarotti_0001")
		folder := t.TempDir()
		client := faces(t, dir, keyed(folder, "a"))
		createGallery(t, client)
		first, err := enrol(t, client, "mayer", faces3["John_Mayer_0001"])
		require.NoError(t, err)
		require.Equal(t, galleryName+"/persons/mayer", first.GetPerson().GetName())
		require.EqualValues(t, 1, first.GetPerson().GetTemplateCount())
		require.Equal(t, map[string]string{"zone": "B"}, first.GetPerson().GetLabels())
		require.NotNil(t, first.GetFace())
		require.NotEmpty(t, first.GetQuality().GetComponents())
		requireProvenance(t, first.GetProvenance(), "image.content", faces3["John_Mayer_0001"].GetContent(), models.TaskFaceEmbedding)
		require.Equal(t, "entrance", first.GetProvenance().GetPurpose())

		_, err = enrol(t, client, "other", faces3["John_Mayer_0002"])
		requireRefused(t, err, codes.AlreadyExists, "DUPLICATE_PERSON")
		require.ErrorContains(t, err, galleryName+"/persons/mayer")
		again, err := enrol(t, client, "mayer", faces3["John_Mayer_0002"])
		require.NoError(t, err, "a further template of the same person is no duplicate")
		require.EqualValues(t, 2, again.GetPerson().GetTemplateCount())
		_, err = enrol(t, client, "kwan", faces3["Michelle_Kwan_0004"])
		require.NoError(t, err)

		found := identify(t, client, faces3["Michelle_Kwan_0005"])
		require.False(t, found.GetUnknown(), "%v", found)
		require.Len(t, found.GetCandidates(), 2)
		best := found.GetCandidates()[0]
		require.Equal(t, galleryName+"/persons/kwan", best.GetPerson().GetName())
		require.Equal(t, pb.MatchVerdict_MATCH_VERDICT_MATCH, best.GetSimilarity().GetVerdict())
		require.Equal(t, pb.MatchVerdict_MATCH_VERDICT_NO_MATCH, found.GetCandidates()[1].GetSimilarity().GetVerdict())
		rule := found.GetRule()
		require.EqualValues(t, 3, rule.GetTemplates())
		require.InDelta(t, 1e-3, rule.GetFalsePositiveIdentificationRate(), 1e-9)
		require.InDelta(t, 1e-3/3, rule.GetFalseMatchRate(), 1e-9)
		require.Equal(t, rule.GetThreshold(), best.GetSimilarity().GetThreshold())
		requireProvenance(t, found.GetProvenance(), "image.content", faces3["Michelle_Kwan_0005"].GetContent(), models.TaskFaceEmbedding)

		stranger := identify(t, client, faces3["Luciano_Pavarotti_0001"])
		require.True(t, stranger.GetUnknown())
		require.Len(t, stranger.GetCandidates(), 2)

		removed, err := client.Remove(callContext(t), &pb.RemoveRequest{Purpose: "left", Name: galleryName + "/persons/kwan"})
		require.NoError(t, err)
		require.EqualValues(t, 1, removed.GetReceipt().GetPersons())
		require.EqualValues(t, 1, removed.GetReceipt().GetTemplates())
		require.Len(t, removed.GetReceipt().GetRecordsSha256(), 64)
		require.True(t, identify(t, client, faces3["Michelle_Kwan_0005"]).GetUnknown())
		_, err = client.Remove(callContext(t), &pb.RemoveRequest{Purpose: "left", Name: galleryName + "/persons/kwan"})
		requireRefused(t, err, codes.NotFound, "NOT_FOUND")

		_, err = client.DeleteGallery(callContext(t), &pb.DeleteGalleryRequest{Purpose: "end", Name: galleryName})
		requireRefused(t, err, codes.FailedPrecondition, "GALLERY_NOT_EMPTY")
		deleted, err := client.DeleteGallery(callContext(t), &pb.DeleteGalleryRequest{Purpose: "end", Name: galleryName, Force: true})
		require.NoError(t, err)
		require.EqualValues(t, 2, deleted.GetReceipt().GetTemplates())
		list, err := client.ListGalleries(callContext(t), &pb.ListGalleriesRequest{Purpose: "look"})
		require.NoError(t, err)
		require.Empty(t, list.GetGalleries())
	}, models.TaskFaceDetection, models.TaskFaceEmbedding)
}

func TestAwkwardPicturesAreNotEnrolled(t *testing.T) {
	withWeights(t, func(t *testing.T, dir string) {
		client := faces(t, dir, keyed(t.TempDir(), "a"))
		createGallery(t, client)
		for name, image := range awkward(t) {
			_, err := enrol(t, client, "p", image)
			answer := identify(t, client, image)
			switch name {
			case "no face", "black frame":
				requireRefused(t, err, codes.InvalidArgument, "FACE_NOT_FOUND")
				require.Contains(t, answer.GetReason(), "no face", name)
			case "ten faces":
				requireRefused(t, err, codes.InvalidArgument, "SEVERAL_FACES")
				require.Contains(t, answer.GetReason(), "faces", name)
			case "20-px face":
				requireRefused(t, err, codes.InvalidArgument, "FACE_TOO_SMALL")
				require.Contains(t, answer.GetReason(), "too small", name)
			case "mirror image":
				require.NoError(t, err)
				_, err = client.Remove(callContext(t), &pb.RemoveRequest{Purpose: "t", Name: galleryName + "/persons/p"})
				require.NoError(t, err)
				continue
			default:
				// A face that is covered, cut or drawn is one or is none to the detector; it is never good enough.
				require.Error(t, err, name)
				require.Contains(t, []codes.Code{codes.InvalidArgument}, status.Code(err), name)
			}
			require.True(t, answer.GetUnknown(), name)
			require.Empty(t, answer.GetCandidates(), name)
		}
		got, err := client.GetGallery(callContext(t), &pb.GetGalleryRequest{Purpose: "t", Name: galleryName})
		require.NoError(t, err)
		require.Zero(t, got.GetGallery().GetTemplateCount(), "nothing of a refused picture is kept")
	}, models.TaskFaceDetection, models.TaskFaceEmbedding, models.TaskFaceLandmarks)
}

func TestAnEmptyGalleryKnowsNobody(t *testing.T) {
	withWeights(t, func(t *testing.T, dir string) {
		client := faces(t, dir, keyed(t.TempDir(), "a"))
		createGallery(t, client)
		answer := identify(t, client, &pb.Image{Content: sample(t, "faces", "astronaut.jpg")})
		require.True(t, answer.GetUnknown())
		require.Empty(t, answer.GetReason())
		require.Empty(t, answer.GetCandidates())
	}, models.TaskFaceDetection, models.TaskFaceEmbedding)
}

func TestGalleryCallsThatAreRefused(t *testing.T) {
	withWeights(t, func(t *testing.T, dir string) {
		client, ctx := faces(t, dir, keyed(t.TempDir(), "a")), callContext(t)
		createGallery(t, client)
		portrait := &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}
		_, err := client.CreateGallery(ctx, &pb.CreateGalleryRequest{Purpose: "t", GalleryId: "staff"})
		requireRefused(t, err, codes.AlreadyExists, "ALREADY_EXISTS")
		_, err = client.CreateGallery(ctx, &pb.CreateGalleryRequest{Purpose: "t", GalleryId: "Staff!"})
		requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
		_, err = client.CreateGallery(ctx, &pb.CreateGalleryRequest{GalleryId: "b"})
		requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
		_, err = client.CreateGallery(ctx, &pb.CreateGalleryRequest{Purpose: "t", GalleryId: "b", Gallery: &pb.Gallery{Model: "models/face-detect-embedded"}})
		require.Contains(t, []codes.Code{codes.InvalidArgument, codes.FailedPrecondition}, status.Code(err))
		_, err = client.CreateGallery(ctx, &pb.CreateGalleryRequest{Purpose: "t", GalleryId: "b", Gallery: &pb.Gallery{Retention: durationpb.New(time.Second)}})
		requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
		_, err = client.GetGallery(ctx, &pb.GetGalleryRequest{Purpose: "t", Name: "galleries/none"})
		requireRefused(t, err, codes.NotFound, "NOT_FOUND")
		_, err = client.Identify(ctx, &pb.IdentifyRequest{Purpose: "t", Gallery: "galleries/none", Image: portrait})
		requireRefused(t, err, codes.NotFound, "NOT_FOUND")
		_, err = client.Identify(ctx, &pb.IdentifyRequest{Purpose: "t", Gallery: galleryName, Image: portrait, FalsePositiveIdentificationRate: proto.Float64(1e-6)})
		requireRefused(t, err, codes.FailedPrecondition, "IDENTIFICATION_RATE_UNSUPPORTED")
		_, err = client.ListGalleries(ctx, &pb.ListGalleriesRequest{Purpose: "t", PageToken: "nonsense!"})
		requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
		_, err = client.Enrol(ctx, &pb.EnrolRequest{Purpose: "t", Gallery: galleryName, PersonId: "a b", Image: portrait})
		requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
	}, models.TaskFaceDetection, models.TaskFaceEmbedding)
}

func TestWithoutAKeyThereAreNoGalleries(t *testing.T) {
	client := faces(t, t.TempDir())
	_, err := client.ListGalleries(callContext(t), &pb.ListGalleriesRequest{Purpose: "t"})
	requireRefused(t, err, codes.FailedPrecondition, "GALLERIES_UNCONFIGURED")
	require.ErrorContains(t, err, "galleries.key_file")
	require.ErrorContains(t, err, conf.GalleryKeyVariable)
}

func TestTheKeyCanComeFromTheEnvironment(t *testing.T) {
	t.Setenv(conf.GalleryKeyVariable, strings.Repeat("ab", 32))
	client := faces(t, t.TempDir(), func(c *conf.Config) { c.Galleries.Path = filepath.Join(t.TempDir(), "g.db") })
	_, err := client.ListGalleries(callContext(t), &pb.ListGalleriesRequest{Purpose: "t"})
	require.NoError(t, err)

	t.Setenv(conf.GalleryKeyVariable, "too short")
	cfg := conf.Default()
	cfg.Models.Dir = t.TempDir()
	_, err = app.New(t.Context(), cfg, app.Options{Parts: app.Faces, Logger: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, conf.GalleryKeyVariable)
	require.NotContains(t, err.Error(), "too short", "a key is not shown")
}

// TestFilesOfGalleriesThatAreRefused: another key, a file that was cut or edited, and one that another process has.
func TestFilesOfGalleriesThatAreRefused(t *testing.T) {
	folder := t.TempDir()
	list := func(t *testing.T, change func(*conf.Config)) error {
		_, err := faces(t, t.TempDir(), change).ListGalleries(callContext(t), &pb.ListGalleriesRequest{Purpose: "t"})
		return err
	}
	t.Run("made", func(t *testing.T) { require.NoError(t, list(t, keyed(folder, "a"))) })
	file := filepath.Join(folder, "galleries.db")
	whole := fileContent(t, file)
	t.Run("another key", func(t *testing.T) {
		requireRefused(t, list(t, keyed(folder, "b")), codes.FailedPrecondition, "GALLERY_WRONG_KEY")
	})
	t.Run("in use", func(t *testing.T) {
		first := faces(t, t.TempDir(), keyed(folder, "a"))
		_, err := first.ListGalleries(callContext(t), &pb.ListGalleriesRequest{Purpose: "t"})
		require.NoError(t, err)
		requireRefused(t, list(t, keyed(folder, "a")), codes.Unavailable, "GALLERY_LOCKED")
	})
	for name, content := range map[string][]byte{
		"cut short": whole[:len(whole)/2], "empty": {}, "edited": bytes.ReplaceAll(whole, []byte("SQLite format 3"), []byte("SQLite format 4")),
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(file, content, 0o600))
			requireRefused(t, list(t, keyed(folder, "a")), codes.DataLoss, "GALLERY_DAMAGED")
		})
	}
	t.Run("no folder", func(t *testing.T) {
		err := list(t, func(c *conf.Config) {
			keyed(folder, "a")(c)
			c.Galleries.Path = filepath.Join(folder, "none", "galleries.db")
		})
		requireRefused(t, err, codes.FailedPrecondition, "GALLERY_READ_ONLY")
	})
}

// TestLogsTellNothingOfPersons: not at the lowest level, not in errors, and nothing of a picture or a template lies on the disk.
func TestLogsTellNothingOfPersons(t *testing.T) {
	folder := t.TempDir()
	cfg := conf.Default()
	cfg.Models.Dir = testinput.SharedModels(t, "face/yunet_n_dynamic.onnx", "face/mobilefacenet.onnx")
	keyed(folder, "a")(&cfg)
	var log bytes.Buffer
	a, err := app.New(t.Context(), cfg, app.Options{Parts: app.Faces, Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	require.NoError(t, err)
	session, err := a.InProcess()
	require.NoError(t, err)
	client, ctx := pb.NewFaceServiceClient(session.Conn()), callContext(t)
	createGallery(t, client)
	portrait := &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}
	const person = "confidential-person"
	request := func(image *pb.Image) *pb.EnrolRequest {
		return &pb.EnrolRequest{
			Purpose: "confidential purpose", ConsentId: "confidential consent", Gallery: galleryName, PersonId: person, Image: image,
			Labels: map[string]string{"confidential": "label"}, Profile: pb.QualityProfile_QUALITY_PROFILE_GATE,
		}
	}
	_, err = client.Enrol(ctx, request(portrait))
	require.NoError(t, err)
	_, err = client.Enrol(ctx, request(&pb.Image{Content: sample(t, "documents", "agreement-en.png")}))
	require.Error(t, err)
	require.False(t, identify(t, client, portrait).GetUnknown())
	_, err = client.Remove(ctx, &pb.RemoveRequest{Purpose: "confidential purpose", Name: galleryName + "/persons/nobody-confidential"})
	require.Error(t, err)
	require.NoError(t, session.Close())
	require.NoError(t, a.Close())
	require.NotEmpty(t, log.String())
	require.NotContains(t, log.String(), "confidential")

	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, f := range files {
		content := fileContent(t, filepath.Join(folder, f.Name()))
		require.NotContains(t, string(content), "confidential", f.Name())
		require.NotContains(t, string(content), string(portrait.GetContent()[1000:1200]), f.Name())
	}
}

// TestAKilledServerLosesNoEnrolment runs a server as its own process, enrols, kills it with SIGKILL, and looks again.
func TestAKilledServerLosesNoEnrolment(t *testing.T) {
	if dir := os.Getenv("COURTSENSE_TEST_ENROLLER"); dir != "" {
		enrolUntilKilled(t, dir)
		return
	}
	weights := testinput.SharedModels(t, "face/yunet_n_dynamic.onnx", "face/mobilefacenet.onnx")
	folder := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestAKilledServerLosesNoEnrolment$", "-test.v")
	child.Env = append(os.Environ(), "COURTSENSE_TEST_ENROLLER="+folder)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	child.Stderr = os.Stderr
	require.NoError(t, child.Start())
	acknowledged := 0
	for lines := bufio.NewScanner(out); lines.Scan() && acknowledged < 12; {
		if strings.HasPrefix(lines.Text(), "enrolled ") {
			acknowledged++
		}
	}
	require.NoError(t, child.Process.Kill())
	_ = child.Wait() // it was killed
	require.Equal(t, 12, acknowledged)

	client := faces(t, weights, keyed(folder, "a"))
	got, err := client.GetGallery(callContext(t), &pb.GetGalleryRequest{Purpose: "t", Name: galleryName})
	require.NoError(t, err)
	assert.GreaterOrEqual(t, got.GetGallery().GetTemplateCount(), int64(acknowledged))
	assert.False(t, identify(t, client, &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}).GetUnknown())
}

func enrolUntilKilled(t *testing.T, folder string) {
	client := faces(t, testinput.SharedModels(t), keyed(folder, "a"), func(c *conf.Config) { c.Galleries.MaxTemplates = 1000 })
	createGallery(t, client)
	portrait := &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}
	for i := range 1000 {
		_, err := enrol(t, client, "one", portrait)
		require.NoError(t, err)
		fmt.Println("enrolled", i)
	}
}
