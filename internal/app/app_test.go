package app_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/testinput"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// long is for waits that correct code never lets run out.
const long = 10 * time.Minute

// start assembles parts on an empty model store, so with embedded and system models, and connects to them.
func start(t *testing.T, parts app.Part, change ...func(*conf.Config)) (*grpc.ClientConn, *app.App) {
	t.Helper()
	cfg := conf.Default()
	cfg.Models.Dir = t.TempDir()
	cfg.OCR.Workers = 2
	for _, c := range change {
		c(&cfg)
	}
	a, err := app.New(t.Context(), cfg, app.Options{Parts: parts, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	session, err := a.InProcess()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, session.Close()) })
	return session.Conn(), a
}

func callContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), long)
	t.Cleanup(cancel)
	return ctx
}

func sample(t *testing.T, elem ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(testinput.Testdata(t, elem...))
	require.NoError(t, err)
	return b
}

func requireRefused(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	st := status.Convert(err)
	require.Equal(t, code, st.Code(), st.Message())
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			require.Equal(t, reason, info.GetReason(), st.Message())
			require.Equal(t, "courtsense", info.GetDomain())
			return
		}
	}
	t.Fatalf("no ErrorInfo in %v", st)
}

func requireProvenance(t *testing.T, p *pb.Provenance, field string, input []byte, task string) {
	t.Helper()
	sum := sha256.Sum256(input)
	require.Equal(t, hex.EncodeToString(sum[:]), p.GetInputSha256()[field])
	require.NotEmpty(t, p.GetRequestId())
	require.NotEmpty(t, p.GetServerVersion())
	require.NotEmpty(t, p.GetTimings())
	require.NotEmpty(t, p.GetConfiguration())
	require.True(t, slices.ContainsFunc(p.GetModels(), func(m *pb.ModelUse) bool {
		return m.GetTask() == task && len(m.GetSha256()) == 64 && m.GetDevice() != ""
	}), "models: %v", p.GetModels())
}

func TestFaceIsFoundWithItsProvenance(t *testing.T) {
	t.Run("embedded weights", func(t *testing.T) { findFace(t, t.TempDir()) })
	t.Run("published weights", func(t *testing.T) { findFace(t, testinput.SharedModels(t, "face/yunet_n_dynamic.onnx")) })
}

func findFace(t *testing.T, models string) {
	conn, _ := start(t, app.Faces, func(c *conf.Config) { c.Models.Dir = models })
	picture := sample(t, "faces", "astronaut.jpg")
	answer, err := pb.NewFaceServiceClient(conn).Detect(callContext(t), &pb.DetectRequest{
		Purpose: "test", ConsentId: "c-1", Image: &pb.Image{Content: picture}, Annotate: true,
	})
	require.NoError(t, err)
	require.Len(t, answer.GetFaces(), 1)
	box := answer.GetFaces()[0].GetBox()
	require.InDelta(t, 225, box.GetX()+box.GetWidth()/2, 25, "the portrait's face is centred near (225, 120): %v", box)
	require.InDelta(t, 120, box.GetY()+box.GetHeight()/2, 30, "%v", box)
	require.EqualValues(t, 512, answer.GetImageWidth())
	require.Equal(t, []byte{0xff, 0xd8}, answer.GetAnnotatedJpeg()[:2])
	requireProvenance(t, answer.GetProvenance(), "image.content", picture, "face-detection")
	require.Equal(t, "test", answer.GetProvenance().GetPurpose())
	require.Equal(t, "c-1", answer.GetProvenance().GetConsentId())
}

func TestFaceRequestsThatAreRefused(t *testing.T) {
	conn, a := start(t, app.Faces)
	require.Empty(t, a.Notes())
	client, ctx := pb.NewFaceServiceClient(conn), callContext(t)
	for name, c := range map[string]struct {
		request *pb.DetectRequest
		code    codes.Code
		reason  string
	}{
		"empty":         {&pb.DetectRequest{Purpose: "t", Image: &pb.Image{}}, codes.InvalidArgument, "EMPTY"},
		"no picture":    {&pb.DetectRequest{Purpose: "t", Image: &pb.Image{Content: []byte("hello")}}, codes.InvalidArgument, "UNSUPPORTED_TYPE"},
		"no purpose":    {&pb.DetectRequest{Image: &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}}, codes.InvalidArgument, "INVALID_VALUE"},
		"truncated":     {&pb.DetectRequest{Purpose: "t", Image: &pb.Image{Content: sample(t, "faces", "astronaut.jpg")[:400]}}, codes.InvalidArgument, "TRUNCATED"},
		"unknown model": {&pb.DetectRequest{Purpose: "t", Model: "none", Image: &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}}, codes.FailedPrecondition, "MODEL_NOT_LOADED"},
	} {
		_, err := client.Detect(ctx, c.request)
		t.Run(name, func(t *testing.T) { requireRefused(t, err, c.code, c.reason) })
	}
	// The method's other modes are not served; which they are is marked in the contract.
	_, err := client.VerifyIdentity(ctx, &pb.VerifyIdentityRequest{Purpose: "t", Live: &pb.VerifyIdentityRequest_Video{Video: []byte("x")}, IdPhoto: &pb.Image{Content: []byte("x")}})
	requireRefused(t, err, codes.Unimplemented, "UNIMPLEMENTED")
}

func TestPageIsReadWithItsProvenance(t *testing.T) {
	conn, a := start(t, app.Documents, func(c *conf.Config) { c.OCR.Engine = app.EngineTesseract })
	require.Empty(t, a.Notes())
	page := sample(t, "documents", "agreement-en.png")
	answer, err := pb.NewDocumentServiceClient(conn).Recognize(callContext(t), &pb.DocumentServiceRecognizeRequest{
		File: &pb.DocumentFile{Content: page}, Config: &pb.DocumentConfig{Languages: []string{"eng"}},
	})
	require.NoError(t, err)
	require.Len(t, answer.GetPages(), 1)
	require.Contains(t, answer.GetText(), "Agreement")
	line := answer.GetPages()[0].GetPage().GetLines()[0]
	require.NotEmpty(t, line.GetWords())
	require.NotEmpty(t, line.GetWords()[0].GetSymbols())
	requireProvenance(t, answer.GetProvenance(), "file.content", page, "ocr-system")

	lines, err := pb.NewDocumentServiceClient(conn).Recognize(callContext(t), &pb.DocumentServiceRecognizeRequest{
		File:   &pb.DocumentFile{Content: sample(t, "documents", "evidence-two-pages.pdf")},
		Config: &pb.DocumentConfig{PageRanges: []*pb.PageRange{{First: 2}}, Detail: pb.DetailLevel_DETAIL_LEVEL_LINES, Dpi: 100},
	})
	require.NoError(t, err)
	require.EqualValues(t, 2, lines.GetPageCount())
	require.Len(t, lines.GetPages(), 1)
	require.EqualValues(t, 2, lines.GetPages()[0].GetNumber())
	require.EqualValues(t, 100, lines.GetPages()[0].GetPage().GetDpi())
	require.Empty(t, lines.GetPages()[0].GetPage().GetLines()[0].GetWords())
}

func TestDocumentRequestsThatAreRefused(t *testing.T) {
	conn, _ := start(t, app.Documents)
	client, ctx := pb.NewDocumentServiceClient(conn), callContext(t)
	pdf := sample(t, "documents", "evidence-two-pages.pdf")
	for name, c := range map[string]struct {
		request *pb.DocumentServiceRecognizeRequest
		code    codes.Code
		reason  string
	}{
		"empty":        {&pb.DocumentServiceRecognizeRequest{File: &pb.DocumentFile{}}, codes.InvalidArgument, "EMPTY"},
		"no file":      {&pb.DocumentServiceRecognizeRequest{}, codes.InvalidArgument, "INVALID_VALUE"},
		"text":         {&pb.DocumentServiceRecognizeRequest{File: &pb.DocumentFile{Content: []byte("plain text")}}, codes.InvalidArgument, "UNSUPPORTED_TYPE"},
		"pages beyond": {&pb.DocumentServiceRecognizeRequest{File: &pb.DocumentFile{Content: pdf}, Config: &pb.DocumentConfig{PageRanges: []*pb.PageRange{{First: 3}}}}, codes.InvalidArgument, "INVALID_VALUE"},
		"not served":   {&pb.DocumentServiceRecognizeRequest{File: &pb.DocumentFile{Content: pdf}, Document: "documents/a"}, codes.Unimplemented, "UNIMPLEMENTED"},
		"no turning":   {&pb.DocumentServiceRecognizeRequest{File: &pb.DocumentFile{Content: pdf}, Config: &pb.DocumentConfig{Orient: proto.Bool(true), Engine: pb.OcrEngine_OCR_ENGINE_TESSERACT}}, codes.FailedPrecondition, "STAGE_UNAVAILABLE"},
		"candidates":   {&pb.DocumentServiceRecognizeRequest{File: &pb.DocumentFile{Content: pdf}, Config: &pb.DocumentConfig{MaxCandidates: 6}}, codes.InvalidArgument, "INVALID_VALUE"},
		"broken PDF":   {&pb.DocumentServiceRecognizeRequest{File: &pb.DocumentFile{Content: pdf[:300]}}, codes.InvalidArgument, "CORRUPT"},
	} {
		_, err := client.Recognize(ctx, c.request)
		t.Run(name, func(t *testing.T) { requireRefused(t, err, c.code, c.reason) })
	}
}

func TestPageLimitIsTheConfigurations(t *testing.T) {
	conn, _ := start(t, app.Documents, func(c *conf.Config) { c.Limits.MaxPages = 1 })
	_, err := pb.NewDocumentServiceClient(conn).Recognize(callContext(t), &pb.DocumentServiceRecognizeRequest{
		File: &pb.DocumentFile{Content: sample(t, "documents", "evidence-two-pages.pdf")},
	})
	requireRefused(t, err, codes.ResourceExhausted, "TOO_MANY_PAGES")
	require.Contains(t, status.Convert(err).Message(), "limits.max_pages")
}

func TestOneBadFileOfAStreamIsOneBadAnswer(t *testing.T) {
	conn, _ := start(t, app.Documents)
	stream, err := pb.NewDocumentServiceClient(conn).RecognizeStream(callContext(t))
	require.NoError(t, err)
	send := func(m *pb.RecognizeStreamRequest) { require.NoError(t, stream.Send(m)) }
	send(&pb.RecognizeStreamRequest{StreamingRequest: &pb.RecognizeStreamRequest_Config{
		Config: &pb.DocumentConfig{Languages: []string{"eng"}, Detail: pb.DetailLevel_DETAIL_LEVEL_LINES},
	}})
	for key, content := range map[string][]byte{
		"good": sample(t, "documents", "agreement-en.png"), "two": sample(t, "documents", "evidence-two-pages.pdf"),
		"bad": []byte("no page at all"), "cut": sample(t, "documents", "agreement-en.png")[:2000],
	} {
		send(&pb.RecognizeStreamRequest{StreamingRequest: &pb.RecognizeStreamRequest_File{
			File: &pb.StreamedFile{Key: key, File: &pb.DocumentFile{Content: content}},
		}})
	}
	require.NoError(t, stream.CloseSend())
	pages, ends := map[string]int{}, map[string]*pb.StreamedFileEnd{}
	for {
		m, err := stream.Recv()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if p := m.GetPage(); p != nil {
			require.Nil(t, ends[p.GetKey()], "a page after its file's end")
			require.NotEmpty(t, p.GetFileSha256())
			require.NotNil(t, m.GetProvenance())
			if p.GetResult().GetPage() != nil {
				pages[p.GetKey()]++
			}
		}
		if e := m.GetFileEnd(); e != nil {
			ends[e.GetKey()] = e
		}
	}
	require.Len(t, ends, 4)
	require.Equal(t, 1, pages["good"])
	require.Equal(t, 2, pages["two"])
	require.EqualValues(t, 2, ends["two"].GetReadCount())
	require.EqualValues(t, codes.OK, ends["good"].GetStatus().GetCode())
	require.EqualValues(t, codes.InvalidArgument, ends["bad"].GetStatus().GetCode())
	require.Zero(t, ends["cut"].GetReadCount())
}

func TestPageStreamRules(t *testing.T) {
	conn, _ := start(t, app.Documents)
	file := func(key string) *pb.RecognizeStreamRequest {
		return &pb.RecognizeStreamRequest{StreamingRequest: &pb.RecognizeStreamRequest_File{
			File: &pb.StreamedFile{Key: key, File: &pb.DocumentFile{Content: []byte("x")}},
		}}
	}
	config := &pb.RecognizeStreamRequest{StreamingRequest: &pb.RecognizeStreamRequest_Config{Config: &pb.DocumentConfig{}}}
	for name, c := range map[string]struct {
		messages []*pb.RecognizeStreamRequest
		reason   string
	}{
		"file first":       {[]*pb.RecognizeStreamRequest{file("a")}, "INVALID_CONFIG"},
		"configured twice": {[]*pb.RecognizeStreamRequest{config, config}, "INVALID_CONFIG"},
		"key used twice":   {[]*pb.RecognizeStreamRequest{config, file("a"), file("a")}, "INVALID_VALUE"},
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := pb.NewDocumentServiceClient(conn).RecognizeStream(callContext(t))
			require.NoError(t, err)
			for _, m := range c.messages {
				if err := stream.Send(m); err != nil {
					require.ErrorIs(t, err, io.EOF)
				}
			}
			requireRefused(t, drain(stream), codes.InvalidArgument, c.reason)
		})
	}
}

// drain reads a stream to its end.
func drain[M any](stream interface{ Recv() (*M, error) }) error {
	for {
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
}

func TestModelsAreListedLoadedAndUnloaded(t *testing.T) {
	conn, _ := start(t, app.Speech|app.ModelAdmin)
	client, ctx := pb.NewModelServiceClient(conn), callContext(t)
	var all []*pb.Model
	for token := ""; ; {
		answer, err := client.ListModels(ctx, &pb.ListModelsRequest{PageSize: 7, PageToken: token})
		require.NoError(t, err)
		all = append(all, answer.GetModels()...)
		if token = answer.GetNextPageToken(); token == "" {
			break
		}
	}
	require.Greater(t, len(all), 10)
	i := slices.IndexFunc(all, func(m *pb.Model) bool {
		return m.GetState() == pb.ModelState_MODEL_STATE_READY && m.GetTask() == "voice-activity"
	})
	require.GreaterOrEqual(t, i, 0, "the embedded voice activity detector is loaded: %v", all)
	vad := all[i]
	require.Equal(t, pb.ModelSource_MODEL_SOURCE_EMBEDDED, vad.GetSource())

	unloaded, err := client.UnloadModel(ctx, &pb.UnloadModelRequest{Name: vad.GetName()})
	require.NoError(t, err)
	require.Equal(t, pb.ModelState_MODEL_STATE_UNLOADED, unloaded.GetModel().GetState())
	_, err = client.UnloadModel(ctx, &pb.UnloadModelRequest{Name: vad.GetName()})
	requireRefused(t, err, codes.FailedPrecondition, "MODEL_NOT_LOADED")
	_, err = pb.NewSpeechServiceClient(conn).Recognize(ctx, &pb.SpeechServiceRecognizeRequest{Audio: &pb.AudioFile{Content: sample(t, "speech", "court-en-16k.wav")}})
	requireRefused(t, err, codes.FailedPrecondition, "MODEL_NOT_LOADED")
	loaded, err := client.LoadModel(ctx, &pb.LoadModelRequest{Name: vad.GetName()})
	require.NoError(t, err)
	require.Equal(t, pb.ModelState_MODEL_STATE_READY, loaded.GetModel().GetState())

	_, err = client.GetModel(ctx, &pb.GetModelRequest{Name: "models/none"})
	requireRefused(t, err, codes.NotFound, "MODEL_UNKNOWN")
	_, err = client.LoadModel(ctx, &pb.LoadModelRequest{Name: "models/face-detect-yunet-n"})
	requireRefused(t, err, codes.FailedPrecondition, "MODEL_UNAVAILABLE")
	_, err = client.ListModels(ctx, &pb.ListModelsRequest{PageToken: "nonsense"})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
}

func TestDamagedWeightsAreNamed(t *testing.T) {
	conn, _ := start(t, app.ModelAdmin, func(c *conf.Config) {
		folder := filepath.Join(c.Models.Dir, "face")
		require.NoError(t, os.MkdirAll(folder, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "yunet_n_dynamic.onnx"), make([]byte, 322906), 0o644))
	})
	_, err := pb.NewModelServiceClient(conn).LoadModel(callContext(t), &pb.LoadModelRequest{Name: "models/face-detect-yunet-n"})
	requireRefused(t, err, codes.DataLoss, "MODEL_DAMAGED")
}

func TestMistakesInTheConfigurationAreErrors(t *testing.T) {
	for name, change := range map[string]func(*conf.Config){
		"unknown detector":        func(c *conf.Config) { c.Face.Model = "none" },
		"a model of another task": func(c *conf.Config) { c.Face.Model = "vad-embedded" },
		"unknown preload":         func(c *conf.Config) { c.Models.Preload = []string{"none"} },
		"missing library":         func(c *conf.Config) { c.ONNXRuntime.Library = "/nowhere/libonnxruntime.so" },
		"contradicting speech":    func(c *conf.Config) { c.Speech.VAD.MaxSegment = conf.Duration(time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := conf.Default()
			cfg.Models.Dir = t.TempDir()
			change(&cfg)
			_, err := app.New(t.Context(), cfg, app.Options{Parts: app.Faces | app.Speech | app.ModelAdmin, Logger: slog.New(slog.DiscardHandler)})
			require.Error(t, err)
		})
	}
}
