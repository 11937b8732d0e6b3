package service

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
)

// printed is a reader of a card on which these lines are printed.
type printed struct {
	lines      []string
	confidence float32
}

func (p printed) Recognize(_ context.Context, req *pb.DocumentServiceRecognizeRequest) (*pb.DocumentServiceRecognizeResponse, error) {
	page := &pb.Page{}
	for _, text := range p.lines {
		word := &pb.Word{}
		for _, r := range text {
			word.Symbols = append(word.Symbols, &pb.Symbol{Text: string(r), Confidence: p.confidence})
		}
		page.Lines = append(page.Lines, &pb.Line{Text: text, Words: []*pb.Word{word}})
	}
	return &pb.DocumentServiceRecognizeResponse{Pages: []*pb.PageResult{{Page: page}}}, nil
}

func TestClaimsAreHeldAgainstWhatIsPrinted(t *testing.T) {
	card := []string{"姓名样本某", "性别女民族汉", "出生1949年12月31日", "公民身份号码11010519491231002X"}
	const number = "11010519491231002X"
	for name, c := range map[string]struct {
		claimed *pb.ClaimedIdentity
		lines   []string
		sure    float32
		verdict pb.IdentityVerdict // 0: the step passes
		reason  string
	}{
		"nothing is claimed":  {&pb.ClaimedIdentity{}, nil, 1, 0, ""},
		"all of it":           {&pb.ClaimedIdentity{FullName: "样本某", IdNumber: "110105 19491231 002x", BirthDate: "1949-12-31"}, card, 0.9, 0, ""},
		"the number alone":    {&pb.ClaimedIdentity{IdNumber: number}, card, 0.3, 0, ""},
		"another name":        {&pb.ClaimedIdentity{FullName: "张三", IdNumber: number}, card, 0.9, rejected, reasonNameDiffers},
		"born too long ago":   {&pb.ClaimedIdentity{IdNumber: "440524188001010014"}, card, 0.9, rejected, reasonClaimInvalid},
		"another number":      {&pb.ClaimedIdentity{IdNumber: "110105194912310011"}, card, 0.9, rejected, reasonNumberDiffers},
		"another birthday":    {&pb.ClaimedIdentity{BirthDate: "1949-12-30"}, card, 0.9, rejected, reasonBirthDiffers},
		"no day":              {&pb.ClaimedIdentity{BirthDate: "1949-02-30"}, card, 0.9, rejected, reasonClaimInvalid},
		"hardly readable":     {&pb.ClaimedIdentity{FullName: "张三"}, card, 0.5, review, reasonNameDiffers},
		"a wrong check digit": {&pb.ClaimedIdentity{IdNumber: number}, []string{"公民身份号码110105194912310021"}, 0.9, rejected, reasonNumberInvalid},
		"no card":             {&pb.ClaimedIdentity{IdNumber: number, FullName: "样本某"}, []string{"Agreement"}, 0.9, review, reasonFieldsUnreadable},
		"nothing to read":     {&pb.ClaimedIdentity{FullName: "样本某"}, nil, 0.9, review, reasonFieldsUnreadable},
	} {
		v := &verification{
			service: &Face{}, request: &pb.VerifyIdentityRequest{Claimed: c.claimed, IdPhoto: &pb.Image{}}, answer: &pb.VerifyIdentityResponse{},
			reader: printed{c.lines, c.sure},
		}
		ctx, _ := gather(t.Context())
		passed, err := v.idFields(ctx)
		require.NoError(t, err, name)
		require.Equal(t, c.verdict == 0, passed, "%s: %v", name, v.answer)
		require.Equal(t, c.verdict, v.answer.GetVerdict(), "%s: %v", name, v.answer)
		if c.reason != "" {
			require.Equal(t, c.reason, v.answer.GetSteps()[0].GetReason(), name)
		}
	}
}

func TestSessionsAreRememberedForAWhile(t *testing.T) {
	p := proofs{validity: time.Minute}
	now := time.Unix(1e9, 0)
	source := &counting{}
	first, err := p.add(proof{template: []float32{1}}, source, now)
	require.NoError(t, err)
	second, err := p.add(proof{}, source, now.Add(30*time.Second))
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	for range mostUses {
		got, err := p.use(first, now.Add(59*time.Second))
		require.NoError(t, err)
		require.Equal(t, []float32{1}, []float32(got.template))
		got.template[0] = 2 // a copy
	}
	_, err = p.use(first, now.Add(59*time.Second))
	require.ErrorContains(t, err, "5 verifications", "a session is used up")
	_, err = p.use(second, now.Add(91*time.Second))
	require.Error(t, err, "a session is over")
	_, err = p.use("livenessSessions/guess", now)
	require.Error(t, err)
	for range mostProofs + 5 {
		_, err := p.add(proof{}, source, now.Add(2*time.Hour))
		require.NoError(t, err)
	}
	require.Len(t, p.named, mostProofs)
	require.Len(t, p.order, mostProofs)
}

// counting is no randomness, but never the same.
type counting struct{ n uint32 }

func (c *counting) Read(b []byte) (int, error) {
	c.n++
	for i := range b {
		b[i] = byte(c.n >> (8 * (i % 4)))
	}
	return len(b), nil
}
