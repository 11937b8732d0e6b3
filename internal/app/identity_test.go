package app_test

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// The specimen card's frame for the portrait, pixels.
const cardX, cardY, cardW, cardH = 724, 114, 204, 283

// card is the specimen card with a portrait in its frame.
func card(t *testing.T, portrait *imaging.Raster) *imaging.Raster {
	t.Helper()
	r := picture(t, sample(t, "documents", "idcard-specimen.jpg"))
	if portrait != nil {
		paste(r, imaging.Resize(portrait, cardW, cardH), cardX, cardY)
	}
	return r
}

// astronautBust is the part of the portrait that a card shows.
func astronautBust(t *testing.T) *imaging.Raster {
	return portraitRaster(t).Crop(128, 20, 200, 277)
}

// copied is a black-and-white copy under a warm lamp.
func copied(r *imaging.Raster) *imaging.Raster {
	out := imaging.NewRaster(r.Width, r.Height)
	copy(out.Pix, r.Pix)
	imaging.ToGray(out)
	rng := rand.New(rand.NewPCG(1, 1))
	for i, v := range out.Pix {
		out.Pix[i] = byte(min(max(float64(v)*[3]float64{0.82, 0.93, 1}[i%3]+3*rng.NormFloat64(), 0), 255))
	}
	return out
}

func verify(t *testing.T, client pb.FaceServiceClient, req *pb.VerifyIdentityRequest) *pb.VerifyIdentityResponse {
	t.Helper()
	req.Purpose = "test"
	answer, err := client.VerifyIdentity(callContext(t), req)
	require.NoError(t, err)
	for i, s := range answer.GetSteps() {
		last := i == len(answer.GetSteps())-1
		require.True(t, s.GetPassed() || last, "what comes after a step that failed is not done: %v", answer)
		require.Equal(t, s.GetPassed(), s.GetReason() == "")
		require.Equal(t, s.GetPassed(), s.GetDetail() == "")
	}
	return answer
}

func steps(a *pb.VerifyIdentityResponse) string {
	var names []string
	for _, s := range a.GetSteps() {
		names = append(names, strings.TrimSuffix(s.GetStep()+" "+s.GetReason(), " "))
	}
	return strings.Join(names, ", ")
}

const (
	verified = pb.IdentityVerdict_IDENTITY_VERDICT_VERIFIED
	rejected = pb.IdentityVerdict_IDENTITY_VERDICT_REJECTED
	review   = pb.IdentityVerdict_IDENTITY_VERDICT_REVIEW
)

func selfie(image *pb.Image) *pb.VerifyIdentityRequest_Selfie {
	return &pb.VerifyIdentityRequest_Selfie{Selfie: image}
}

func TestAnIdentityIsVerified(t *testing.T) {
	images := testinput.SharedData(t, "images/image_T1.jpg", "images/image_F1.jpg", "images/image_F2.jpg")
	file := func(name string) *pb.Image {
		return &pb.Image{Content: fileContent(t, filepath.Join(images, "images", name))}
	}
	dir := testinput.SharedModels(t, "face/yunet_n_dynamic.onnx", "face/mobilefacenet.onnx", "face/minifasnet_v2_2.7.onnx", "face/minifasnet_v1se_4.0.onnx", "face/pfld_ghostone_98pt.onnx")
	conn, _ := start(t, app.Faces|app.Documents, func(c *conf.Config) { c.Models.Dir = dir })
	client := pb.NewFaceServiceClient(conn)
	live := file("image_T1.jpg")
	found, err := client.Detect(callContext(t), &pb.DetectRequest{Purpose: "test", Image: live})
	require.NoError(t, err)
	box := found.GetFaces()[0].GetBox()
	bust := picture(t, live.GetContent()).Crop(int(box.GetX()-0.5*box.GetWidth()), int(box.GetY()-0.5*box.GetHeight()), int(2*box.GetWidth()), int(2*box.GetHeight()))
	own := card(t, bust)

	answer := verify(t, client, &pb.VerifyIdentityRequest{Live: selfie(live), IdPhoto: jpeg(t, own)})
	require.Equal(t, verified, answer.GetVerdict(), "%v", answer)
	require.Equal(t, "quality, liveness, id_photo, compare", steps(answer))
	require.NotNil(t, answer.GetSteps()[0].GetQuality())
	require.NotNil(t, answer.GetSteps()[1].GetLiveness())
	require.NotNil(t, answer.GetSteps()[2].GetQuality())
	require.GreaterOrEqual(t, answer.GetSteps()[3].GetSimilarity().GetCosine(), answer.GetSteps()[3].GetSimilarity().GetThreshold())
	requireProvenance(t, answer.GetProvenance(), "selfie.content", live.GetContent(), models.TaskFaceEmbedding)

	t.Run("attacks are never compared", func(t *testing.T) {
		for _, name := range []string{"image_F1.jpg", "image_F2.jpg"} {
			answer := verify(t, client, &pb.VerifyIdentityRequest{Live: selfie(file(name)), IdPhoto: jpeg(t, own)})
			require.NotEqual(t, verified, answer.GetVerdict())
			for _, s := range answer.GetSteps() {
				require.NotContains(t, []string{"id_photo", "compare", "id_fields"}, s.GetStep(), "%s: %v", name, answer)
			}
		}
		require.Equal(t, rejected, verify(t, client, &pb.VerifyIdentityRequest{Live: selfie(file("image_F2.jpg")), IdPhoto: jpeg(t, own)}).GetVerdict())
	})
	t.Run("another person", func(t *testing.T) {
		answer := verify(t, client, &pb.VerifyIdentityRequest{Live: selfie(live), IdPhoto: jpeg(t, card(t, astronautBust(t)))})
		require.Equal(t, rejected, answer.GetVerdict())
		require.Equal(t, "quality, liveness, id_photo, compare NOT_THE_SAME_PERSON", steps(answer))
	})
	t.Run("pictures of documents that can't be used", func(t *testing.T) {
		two := imaging.NewRaster(own.Width, 2*own.Height)
		paste(two, own, 0, 0)
		paste(two, card(t, astronautBust(t)), 0, own.Height)
		for name, c := range map[string]struct {
			photo *imaging.Raster
			want  string
		}{
			"no face":   {card(t, nil), "FACE_NOT_FOUND"},
			"two faces": {two, "SEVERAL_FACES"},
			"photocopy": {copied(own), "PHOTOCOPY"},
			"far away":  {imaging.Resize(own, 200, 126), "FACE_TOO_SMALL"},
		} {
			answer := verify(t, client, &pb.VerifyIdentityRequest{Live: selfie(live), IdPhoto: jpeg(t, c.photo)})
			require.Equal(t, review, answer.GetVerdict(), "%s: %v", name, answer)
			require.Equal(t, "quality, liveness, id_photo "+c.want, steps(answer), name)
		}
	})
	t.Run("printed fields", func(t *testing.T) {
		check := func(c *pb.ClaimedIdentity) (*pb.VerifyIdentityResponse, *pb.IdFieldCheck) {
			answer := verify(t, client, &pb.VerifyIdentityRequest{Live: selfie(live), IdPhoto: jpeg(t, own), Claimed: c})
			last := answer.GetSteps()[len(answer.GetSteps())-1]
			require.Equal(t, "id_fields", last.GetStep())
			return answer, last.GetIdFields()
		}
		answer, fields := check(&pb.ClaimedIdentity{FullName: "样本 某"})
		require.Equal(t, "样本某", fields.GetReadName())
		require.Equal(t, verified, answer.GetVerdict(), "%v", answer)
		require.True(t, fields.GetNameMatches())
		require.Nil(t, fields.NumberMatches)
		answer, fields = check(&pb.ClaimedIdentity{FullName: "张三"})
		require.False(t, fields.GetNameMatches())
		require.Contains(t, steps(answer), "id_fields NAME_DIFFERS")
		// The specimen's number is none, so that it is nobody's.
		answer, fields = check(&pb.ClaimedIdentity{IdNumber: "11010519491231002X"})
		require.Contains(t, steps(answer), "id_fields NUMBER_INVALID")
		require.Equal(t, "000000209913400000", fields.GetReadNumber())
		require.False(t, fields.GetNumberValid())
		require.False(t, fields.GetNumberMatches())
		answer, fields = check(&pb.ClaimedIdentity{IdNumber: "110105194912310021"})
		require.Equal(t, rejected, answer.GetVerdict())
		require.Contains(t, steps(answer), "id_fields CLAIM_INVALID")
		require.Empty(t, fields.GetReadNumber(), "what can't be true is not read for")
		answer, _ = check(&pb.ClaimedIdentity{BirthDate: "2001-02-30"})
		require.Contains(t, steps(answer), "id_fields CLAIM_INVALID")
	})
}

func TestSelfiesThatGiveNoDecision(t *testing.T) {
	withWeights(t, func(t *testing.T, dir string) {
		client := faces(t, dir)
		id := jpeg(t, card(t, astronautBust(t)))
		pictures := awkward(t)
		for name, want := range map[string]string{
			"no face": "quality FACE_NOT_FOUND", "black frame": "quality FACE_NOT_FOUND", "ten faces": "quality SEVERAL_FACES", "20-px face": "quality ",
		} {
			answer := verify(t, client, &pb.VerifyIdentityRequest{Live: selfie(pictures[name]), IdPhoto: id})
			require.Equal(t, review, answer.GetVerdict(), name)
			require.Len(t, answer.GetSteps(), 1, name)
			require.Contains(t, steps(answer), want, name)
		}
		portrait := verify(t, client, &pb.VerifyIdentityRequest{Live: selfie(&pb.Image{Content: sample(t, "faces", "astronaut.jpg")}), IdPhoto: id})
		t.Logf("the astronaut's portrait: %s: %s", portrait.GetVerdict(), steps(portrait))
	}, models.TaskFaceDetection, models.TaskFaceEmbedding, models.TaskFaceLiveness)
}

func TestVerificationsThatAreRefused(t *testing.T) {
	portrait := &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}
	client := faces(t, t.TempDir())
	for name, c := range map[string]struct {
		request *pb.VerifyIdentityRequest
		code    codes.Code
		reason  string
	}{
		"nothing":          {&pb.VerifyIdentityRequest{Purpose: "t"}, codes.InvalidArgument, "INVALID_VALUE"},
		"no document":      {&pb.VerifyIdentityRequest{Purpose: "t", Live: selfie(portrait)}, codes.InvalidArgument, "INVALID_VALUE"},
		"a video":          {&pb.VerifyIdentityRequest{Purpose: "t", Live: &pb.VerifyIdentityRequest_Video{Video: []byte("x")}, IdPhoto: portrait}, codes.Unimplemented, "UNIMPLEMENTED"},
		"unknown session":  {&pb.VerifyIdentityRequest{Purpose: "t", Live: &pb.VerifyIdentityRequest_LivenessSession{LivenessSession: "livenessSessions/x"}, IdPhoto: portrait}, codes.NotFound, "LIVENESS_SESSION_UNKNOWN"},
		"no session":       {&pb.VerifyIdentityRequest{Purpose: "t", Live: &pb.VerifyIdentityRequest_LivenessSession{}, IdPhoto: portrait}, codes.InvalidArgument, "INVALID_VALUE"},
		"no picture":       {&pb.VerifyIdentityRequest{Purpose: "t", Live: selfie(portrait), IdPhoto: &pb.Image{Content: []byte("hello")}}, codes.InvalidArgument, "UNSUPPORTED_TYPE"},
		"a rate too low":   {&pb.VerifyIdentityRequest{Purpose: "t", Live: selfie(portrait), IdPhoto: portrait, FalseMatchRate: proto.Float64(1e-6)}, codes.FailedPrecondition, "FALSE_MATCH_RATE_UNSUPPORTED"},
		"nobody who reads": {&pb.VerifyIdentityRequest{Purpose: "t", Live: selfie(portrait), IdPhoto: portrait, Claimed: &pb.ClaimedIdentity{FullName: "x"}}, codes.FailedPrecondition, "ENGINE_UNAVAILABLE"},
		"no date":          {&pb.VerifyIdentityRequest{Purpose: "t", Live: selfie(portrait), IdPhoto: portrait, Claimed: &pb.ClaimedIdentity{BirthDate: "yesterday"}}, codes.InvalidArgument, "INVALID_VALUE"},
	} {
		_, err := client.VerifyIdentity(callContext(t), c.request)
		t.Run(name, func(t *testing.T) { requireRefused(t, err, c.code, c.reason) })
	}
}
