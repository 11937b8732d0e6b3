package app_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
)

func proposed(answer *pb.ProposeHotwordsResponse, phrase string) *pb.HotWordProposal {
	for _, p := range answer.GetProposals() {
		if p.GetHotWord().GetPhrase() == phrase {
			return p
		}
	}
	return nil
}

func TestHotWordsAreProposedFromTexts(t *testing.T) {
	conn, _ := start(t, app.Speech)
	client := pb.NewSpeechServiceClient(conn)
	text := "原告欧阳锦绣诉称，被告戚泽慧尚欠借款126万元。戚泽慧辩称已经还清。"
	answer, err := client.ProposeHotwords(callContext(t), &pb.ProposeHotwordsRequest{Materials: []*pb.HotWordMaterial{
		{Source: "complaint", Material: &pb.HotWordMaterial_Text{Text: text}},
		{Source: "answer", Material: &pb.HotWordMaterial_Text{Text: "答辩人：戚泽慧。"}},
	}})
	require.NoError(t, err)
	person := proposed(answer, "戚泽慧")
	require.NotNil(t, person)
	require.Equal(t, pb.HotWordKind_HOT_WORD_KIND_PERSON, person.GetKind())
	require.EqualValues(t, 3, person.GetCount())
	require.Equal(t, "complaint", person.GetSources()[0].GetSource())
	require.Equal(t, "原告欧阳锦绣诉称，被告戚泽慧尚欠借款126万元。", person.GetSources()[0].GetSentence())
	require.Equal(t, "answer", person.GetSources()[2].GetSource())
	require.Equal(t, pb.HotWordKind_HOT_WORD_KIND_AMOUNT, proposed(answer, "126万元").GetKind())
	require.NotNil(t, proposed(answer, "欧阳锦绣"))
	require.NotNil(t, proposed(answer, "原告"))
	requireProvenance(t, answer.GetProvenance(), "materials[0].text", []byte(text), "speech-language")

	few, err := client.ProposeHotwords(callContext(t), &pb.ProposeHotwordsRequest{MaxResults: 1, Materials: []*pb.HotWordMaterial{
		{Source: "complaint", Material: &pb.HotWordMaterial_Text{Text: text}},
	}})
	require.NoError(t, err)
	require.Len(t, few.GetProposals(), 1)
	require.Equal(t, pb.HotWordKind_HOT_WORD_KIND_PERSON, few.GetProposals()[0].GetKind(), "names first")
}

func TestHotWordsAreProposedFromPages(t *testing.T) {
	conn, _ := start(t, app.Speech|app.Documents, func(c *conf.Config) { c.OCR.Engine = app.EngineTesseract })
	content := sample(t, "documents", "complaint-zh.png")
	answer, err := pb.NewSpeechServiceClient(conn).ProposeHotwords(callContext(t), &pb.ProposeHotwordsRequest{Materials: []*pb.HotWordMaterial{
		{Source: "scan", Material: &pb.HotWordMaterial_File{File: &pb.DocumentFile{Content: content}}},
	}})
	require.NoError(t, err)
	requireProvenance(t, answer.GetProvenance(), "materials[0].file.content", content, "ocr-system")
	placed := 0
	for _, p := range answer.GetProposals() {
		require.Equal(t, "scan", p.GetSources()[0].GetSource())
		require.EqualValues(t, 1, p.GetSources()[0].GetPage())
		if p.GetSources()[0].GetPolygon() != nil {
			placed++
		}
	}
	require.Greater(t, placed, 3)
	require.NotNil(t, proposed(answer, "原告"))
}

func TestProposalRequestsThatAreRefused(t *testing.T) {
	conn, _ := start(t, app.Speech)
	client := pb.NewSpeechServiceClient(conn)
	for name, c := range map[string]struct {
		materials []*pb.HotWordMaterial
		code      codes.Code
		says      string
	}{
		"nothing":       {nil, codes.InvalidArgument, "materials"},
		"no source":     {[]*pb.HotWordMaterial{{Material: &pb.HotWordMaterial_Text{Text: "原告"}}}, codes.InvalidArgument, "source"},
		"no material":   {[]*pb.HotWordMaterial{{Source: "a"}}, codes.InvalidArgument, "material"},
		"pages":         {[]*pb.HotWordMaterial{{Source: "a", Material: &pb.HotWordMaterial_File{File: &pb.DocumentFile{Content: []byte("x")}}}}, codes.FailedPrecondition, "materials[0].file"},
		"too much text": {manyTexts(), codes.ResourceExhausted, "5000000"},
	} {
		_, err := client.ProposeHotwords(callContext(t), &pb.ProposeHotwordsRequest{Materials: c.materials})
		require.Equal(t, c.code, status.Code(err), "%s: %v", name, err)
		require.ErrorContains(t, err, c.says, name)
	}
}

func manyTexts() []*pb.HotWordMaterial {
	var out []*pb.HotWordMaterial
	for range 6 {
		out = append(out, &pb.HotWordMaterial{Source: "a", Material: &pb.HotWordMaterial_Text{Text: strings.Repeat("法", 999_999)}})
	}
	return out
}
