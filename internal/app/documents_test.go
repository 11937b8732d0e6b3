package app_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/ocr/accuracy"
)

// published starts the documents' services on weights that others published.
func published(t *testing.T, change ...func(*conf.Config)) *grpc.ClientConn {
	t.Helper()
	store := testinput.SharedModels(t, "ocr/ppocrv3_det.onnx", "ocr/ppocr_mobile_v2_rec.onnx", "ocr/ppocr_keys.txt")
	conn, a := start(t, app.Documents|app.ModelAdmin, append(change, func(c *conf.Config) { c.Models.Dir = store })...)
	require.Empty(t, a.Notes())
	return conn
}

func recognize(ctx context.Context, conn *grpc.ClientConn, content []byte, c *pb.DocumentConfig) (*pb.DocumentServiceRecognizeResponse, error) {
	return pb.NewDocumentServiceClient(conn).Recognize(ctx, &pb.DocumentServiceRecognizeRequest{File: &pb.DocumentFile{Content: content}, Config: c})
}

func errorRate(t *testing.T, page *pb.Page, truth []byte) float64 {
	t.Helper()
	var lines []string
	for _, l := range page.GetLines() {
		lines = append(lines, l.GetText())
	}
	return accuracy.Page(strings.Split(strings.TrimSpace(string(truth)), "\n"), lines).CER()
}

func TestPublishedModelsReadAPageWithAllTheirProvenance(t *testing.T) {
	conn := published(t)
	content := sample(t, "documents", "complaint-zh.png")
	answer, err := recognize(callContext(t), conn, content, &pb.DocumentConfig{MaxCandidates: 3})
	require.NoError(t, err)
	page := answer.GetPages()[0].GetPage()
	require.Less(t, errorRate(t, page, sample(t, "documents", "complaint-zh.txt")), 0.05)
	requireProvenance(t, answer.GetProvenance(), "file.content", content, "text-detection")
	requireProvenance(t, answer.GetProvenance(), "file.content", content, "text-recognition")
	require.Equal(t, "onnx", answer.GetProvenance().GetConfiguration()["engine"], "the best one available")
	var stages []string
	for _, s := range answer.GetProvenance().GetTimings() {
		stages = append(stages, s.GetStage())
	}
	require.Subset(t, stages, []string{"open", "decode", "enhance", "detect", "recognize"})
	require.NotNil(t, page.GetQuality())
	require.Contains(t, page.GetEngine(), "text-recognition")
	candidates := 0
	for _, l := range page.GetLines() {
		for _, w := range l.GetWords() {
			for _, s := range w.GetSymbols() {
				candidates = max(candidates, len(s.GetCandidates()))
			}
		}
	}
	require.Equal(t, 3, candidates)

	plain, err := recognize(callContext(t), conn, content, &pb.DocumentConfig{Enhance: proto.Bool(false), Detail: pb.DetailLevel_DETAIL_LEVEL_LINES})
	require.NoError(t, err)
	require.Nil(t, plain.GetPages()[0].GetPage().GetQuality(), "what is switched off is not done")
	require.Equal(t, "false", plain.GetProvenance().GetConfiguration()["enhance"])
}

func TestTwoEnginesAreCompared(t *testing.T) {
	conn := published(t)
	answer, err := recognize(callContext(t), conn, sample(t, "documents", "complaint-zh.png"), &pb.DocumentConfig{Engine: pb.OcrEngine_OCR_ENGINE_COMPARE})
	require.NoError(t, err)
	page := answer.GetPages()[0].GetPage()
	require.NotEmpty(t, page.GetDifferences(), "neither engine reads this page without an error")
	for _, d := range page.GetDifferences() {
		require.NotEqual(t, d.GetText(), d.GetOtherText())
		require.Positive(t, d.GetBox().GetWidth())
	}
	for _, task := range []string{"text-recognition", "ocr-system"} {
		require.True(t, slices.ContainsFunc(answer.GetProvenance().GetModels(), func(m *pb.ModelUse) bool { return m.GetTask() == task }), task)
	}
}

func TestEnginesAndLanguages(t *testing.T) {
	conn := published(t)
	english := sample(t, "documents", "agreement-en.png")
	for name, c := range map[string]struct {
		config *pb.DocumentConfig
		engine string // "" when it is refused
	}{
		"by default":                {nil, "onnx"},
		"named":                     {&pb.DocumentConfig{Engine: pb.OcrEngine_OCR_ENGINE_TESSERACT, Languages: []string{"eng"}}, "tesseract"},
		"both languages":            {&pb.DocumentConfig{Languages: []string{"chi_sim", "eng"}}, "onnx"},
		"a language for one engine": {&pb.DocumentConfig{Languages: []string{"osd"}, Engine: pb.OcrEngine_OCR_ENGINE_ONNX}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := recognize(callContext(t), conn, english, c.config)
			if c.engine == "" {
				requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.engine, answer.GetProvenance().GetConfiguration()["engine"])
		})
	}
}

func TestPicturesAreCleaned(t *testing.T) {
	conn, _ := start(t, app.Documents)
	client := pb.NewDocumentServiceClient(conn)
	content := sample(t, "documents", "judgment-seal-zh.jpg")
	answer, err := client.Enhance(callContext(t), &pb.EnhanceRequest{Image: &pb.Image{Content: content}})
	require.NoError(t, err)
	picture, err := png.DecodeConfig(bytes.NewReader(answer.GetImage().GetContent()))
	require.NoError(t, err)
	require.Positive(t, picture.Width)
	require.Len(t, answer.GetTransformToOriginal(), 6)
	require.NotNil(t, answer.GetQuality())
	require.True(t, slices.ContainsFunc(answer.GetRegions(), func(r *pb.Region) bool { return r.GetKind() == pb.RegionKind_REGION_KIND_SEAL }), "the page bears a seal")
	require.NotEmpty(t, answer.GetProvenance().GetInputSha256()["image.content"])

	measured, err := client.Enhance(callContext(t), &pb.EnhanceRequest{Image: &pb.Image{Content: content}, QualityOnly: true})
	require.NoError(t, err)
	require.Nil(t, measured.GetImage())
	require.Equal(t, answer.GetQuality().GetVerdict(), measured.GetQuality().GetVerdict())

	_, err = client.Enhance(callContext(t), &pb.EnhanceRequest{Image: &pb.Image{Content: []byte("no picture")}})
	requireRefused(t, err, codes.InvalidArgument, "UNSUPPORTED_TYPE")
	_, err = client.DetectOrientation(callContext(t), &pb.DetectOrientationRequest{Image: &pb.Image{Content: content[:300]}})
	require.Error(t, err)
}

func TestPagesAreExported(t *testing.T) {
	conn, _ := start(t, app.Documents)
	client := pb.NewDocumentServiceClient(conn)
	content := sample(t, "documents", "evidence-two-pages.pdf")
	read, err := recognize(callContext(t), conn, content, &pb.DocumentConfig{Dpi: 100})
	require.NoError(t, err)
	pages := &pb.Pages{}
	for _, p := range read.GetPages() {
		pages.Pages = append(pages.Pages, p.GetPage())
	}
	for format, prefix := range map[pb.ExportFormat]string{
		pb.ExportFormat_EXPORT_FORMAT_JSON: `{"pages":[{"page":1,`,
		pb.ExportFormat_EXPORT_FORMAT_TEXT: "",
		pb.ExportFormat_EXPORT_FORMAT_HOCR: "<?xml",
		pb.ExportFormat_EXPORT_FORMAT_ALTO: "<?xml",
		pb.ExportFormat_EXPORT_FORMAT_PDF:  "%PDF-1.7",
	} {
		answer, err := client.Export(callContext(t), &pb.ExportRequest{Pages: pages, Format: format, Original: &pb.DocumentFile{Content: content}, Title: "证据"})
		require.NoError(t, err, format)
		require.True(t, bytes.HasPrefix(answer.GetContent(), []byte(prefix)), "%v: %.40q", format, answer.GetContent())
		require.NotEmpty(t, answer.GetMediaType())
		require.NotEmpty(t, answer.GetProvenance().GetInputSha256()["original.content"])
	}
	refused := func(name string, request *pb.ExportRequest) {
		t.Run(name, func(t *testing.T) {
			_, err := client.Export(callContext(t), request)
			requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
		})
	}
	refused("no original", &pb.ExportRequest{Pages: pages, Format: pb.ExportFormat_EXPORT_FORMAT_PDF})
	refused("no format", &pb.ExportRequest{Pages: pages})
	refused("another original", &pb.ExportRequest{Pages: pages, Format: pb.ExportFormat_EXPORT_FORMAT_PDF, Original: &pb.DocumentFile{Content: sample(t, "documents", "notice-zh.tif")}})
	refused("a page without a size", &pb.ExportRequest{Pages: &pb.Pages{Pages: []*pb.Page{{}}}, Format: pb.ExportFormat_EXPORT_FORMAT_ALTO})
	_, err = client.Export(callContext(t), &pb.ExportRequest{Pages: pages, Format: pb.ExportFormat_EXPORT_FORMAT_PDF, Original: &pb.DocumentFile{
		Content: []byte(strings.Replace(string(content), "/Type", "/ByteRange [0 1 2 3] /Type", 1)),
	}})
	requireRefused(t, err, codes.InvalidArgument, "UNSUPPORTED_TYPE")
}

// blank is a white picture.
func blank(t *testing.T, width, height int) []byte {
	t.Helper()
	p := image.NewGray(image.Rect(0, 0, width, height))
	for i := range p.Pix {
		p.Pix[i] = 255
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, p))
	return b.Bytes()
}
