package service

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/speech/statute"
)

// Statutes is an index of laws.
type Statutes = *statute.Index

// defaultMatches is how many provisions are answered when the request doesn't say.
const defaultMatches = 5

// statutes returns the index, or says how to make one.
func (s *Speech) statutes() (Statutes, error) {
	if x := s.cfg.Writing.Statutes; x != nil {
		return x, nil
	}
	text := "no statute index is there: make one of a folder of laws with 'courtsense statutes import DIR', and start the server again"
	if why := s.cfg.Writing.NoStatutes; why != nil {
		text += " (" + why.Error() + ")"
	}
	return nil, rpcerror.New(codes.FailedPrecondition, "STATUTES_UNAVAILABLE", text)
}

// LookupStatute implements SpeechService.
func (s *Speech) LookupStatute(ctx context.Context, req *pb.LookupStatuteRequest) (*pb.LookupStatuteResponse, error) {
	ctx, ev := gather(ctx)
	ev.input("query", []byte(req.GetQuery()))
	x, err := s.statutes()
	if err != nil {
		return nil, err
	}
	day := cmp.Or(req.GetEffectiveDate(), today())
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return nil, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "effective_date: "+day+" is no day of the calendar",
			rpcerror.Field("effective_date", "want YYYY-MM-DD"))
	}
	most := cmp.Or(int(req.GetMaxResults()), defaultMatches)
	ev.setting("effective_date", day)
	ev.setting("max_results", strconv.Itoa(most))
	ev.used(s.cfg.Writing.StatutesUse)
	_, ended := telemetry.Stage(ctx, "lookup")
	found, err := x.Lookup(req.GetQuery(), statute.Options{Day: day, Max: most})
	ended(err)
	if err != nil {
		return nil, err
	}
	answer := &pb.LookupStatuteResponse{}
	for _, m := range found {
		answer.Matches = append(answer.Matches, &pb.StatuteMatch{Article: articleMessage(m.Provision), Confidence: float32(m.Confidence)})
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

func articleMessage(p statute.Provision) *pb.StatuteArticle {
	return &pb.StatuteArticle{Law: p.Law, Version: p.Version, Article: p.Number, Text: p.Text, Headings: p.Headings}
}
