package app_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/speech/statute"
)

// inventedLaws makes an index of the invented laws of speech/statute.
func inventedLaws(t *testing.T) string {
	t.Helper()
	laws, _, err := statute.Import(context.Background(), os.DirFS("../../speech/statute/testdata/laws"))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "statutes.idx")
	require.NoError(t, statute.WriteFile(path, laws))
	return path
}

func TestStatutesAreLookedUp(t *testing.T) {
	index := inventedLaws(t)
	conn, _ := start(t, app.Speech, func(c *conf.Config) {
		c.Speech.Recognition.Model, c.Speech.Writing.Statutes = "none", index
	})
	client := pb.NewSpeechServiceClient(conn)
	answer, err := client.LookupStatute(callContext(t), &pb.LookupStatuteRequest{Query: "根据虚构借贷法第三条之一"})
	require.NoError(t, err)
	require.NotEmpty(t, answer.GetMatches())
	article := answer.GetMatches()[0].GetArticle()
	require.Equal(t, "中华人民共和国虚构借贷法", article.GetLaw())
	require.Equal(t, "2020-09-10", article.GetVersion())
	require.Equal(t, "第三条之一", article.GetArticle())
	require.Equal(t, "船主不得要求借船人替其喂猫，但是双方另有约定的除外。", article.GetText())
	require.Equal(t, []string{"第二章 借船", "第一节 检查"}, article.GetHeadings())
	require.NotEmpty(t, answer.GetProvenance().GetModels()[0].GetSha256(), "which index answered")

	answer, err = client.LookupStatute(callContext(t), &pb.LookupStatuteRequest{Query: "虚构借贷法第四条", EffectiveDate: "2015-01-01", MaxResults: 1})
	require.NoError(t, err)
	require.Equal(t, "2012-03-05", answer.GetMatches()[0].GetArticle().GetVersion())

	answer, err = client.LookupStatute(callContext(t), &pb.LookupStatuteRequest{Query: "今天天气很好"})
	require.NoError(t, err)
	require.Empty(t, answer.GetMatches())

	_, err = client.LookupStatute(callContext(t), &pb.LookupStatuteRequest{Query: "第三条", EffectiveDate: "2020-02-31"})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	_, err = client.LookupStatute(callContext(t), &pb.LookupStatuteRequest{})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}

func TestWithoutAnIndexItIsSaidHowToMakeOne(t *testing.T) {
	conn, _ := start(t, app.Speech, func(c *conf.Config) {
		c.Speech.Recognition.Model, c.Speech.Writing.Statutes = "none", "none"
	})
	client := pb.NewSpeechServiceClient(conn)
	_, err := client.LookupStatute(callContext(t), &pb.LookupStatuteRequest{Query: "第三条"})
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.ErrorContains(t, err, "courtsense statutes import")
	wanted := true
	_, err = client.Recognize(callContext(t), &pb.SpeechServiceRecognizeRequest{
		Config: &pb.RecognitionConfig{SnapStatutes: &wanted}, Audio: &pb.AudioFile{Content: []byte("RIFF")},
	})
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
}

func TestTextIsPunctuated(t *testing.T) {
	conn, _ := start(t, app.Speech, func(c *conf.Config) { c.Speech.Recognition.Model = "none" })
	client := pb.NewSpeechServiceClient(conn)
	text := "被告人张某在公园内盗窃被害人李某的手机一部经鉴定该手机价值三万五千元"
	answer, err := client.Punctuate(callContext(t), &pb.PunctuateRequest{Text: text})
	require.NoError(t, err)
	require.Contains(t, answer.GetText(), "3.5万元")
	require.Regexp(t, `手机一部[，。].*[。？！]$`, answer.GetText())
	requireProvenance(t, answer.GetProvenance(), "text", []byte(text), "punctuation")
	spoken := false
	answer, err = client.Punctuate(callContext(t), &pb.PunctuateRequest{Text: text, WriteNumbers: &spoken})
	require.NoError(t, err)
	require.Contains(t, answer.GetText(), "三万五千元")
}

func TestADamagedIndexIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "statutes.idx")
	require.NoError(t, os.WriteFile(path, []byte("CSST damaged"), 0o600))
	cfg := conf.Default()
	cfg.Models.Dir, cfg.Speech.Recognition.Model, cfg.Speech.Writing.Statutes = t.TempDir(), "none", path
	_, err := app.New(context.Background(), cfg, app.Options{Parts: app.Speech})
	require.ErrorContains(t, err, "speech.writing.statutes")
}
