package service

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/vision/gate/journal"
)

// defaultPage is how many records an answer holds that was asked for no number.
const defaultPage = 50

// ListAttendance implements FaceService.
func (s *Face) ListAttendance(ctx context.Context, req *pb.ListAttendanceRequest) (*pb.ListAttendanceResponse, error) {
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	j, running, err := s.openJournal(ctx)
	if err != nil {
		return nil, err
	}
	location := running.Location()
	ev.setting("time_zone", location.String())
	page, next, err := j.Attendance(ctx, journal.AttendanceQuery{
		First: req.GetStartDate(), Last: req.GetEndDate(), Location: location, Person: req.GetPerson(), Zone: req.GetZone(),
		PageSize: cmp.Or(int(req.GetPageSize()), defaultPage), PageToken: req.GetPageToken(),
	})
	if err != nil {
		return nil, journalError(err)
	}
	answer := &pb.ListAttendanceResponse{NextPageToken: next}
	for _, a := range page {
		answer.Records = append(answer.Records, &pb.AttendanceRecord{
			Person: a.Person.Name(), Date: a.Date, FirstSeenTime: timestamppb.New(a.First), LastSeenTime: timestamppb.New(a.Last), Passages: int32(a.Passages),
		})
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// ListVisits implements FaceService.
func (s *Face) ListVisits(ctx context.Context, req *pb.ListVisitsRequest) (*pb.ListVisitsResponse, error) {
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	j, _, err := s.openJournal(ctx)
	if err != nil {
		return nil, err
	}
	moment := func(t *timestamppb.Timestamp) time.Time {
		if t == nil {
			return time.Time{}
		}
		return t.AsTime()
	}
	page, next, err := j.Visits(ctx, journal.VisitQuery{
		From: moment(req.GetStartTime()), Until: moment(req.GetEndTime()), Zone: req.GetZone(), Person: req.GetPerson(),
		PageSize: cmp.Or(int(req.GetPageSize()), defaultPage), PageToken: req.GetPageToken(),
	})
	if err != nil {
		return nil, journalError(err)
	}
	answer := &pb.ListVisitsResponse{NextPageToken: next}
	for _, v := range page {
		m := &pb.Visit{Name: visitPrefix + strconv.FormatInt(v.ID, 10), Person: v.Person.Name(), Zone: v.Zone, EntryTime: timestamppb.New(v.Entry)}
		if !v.Exit.IsZero() {
			m.ExitTime = timestamppb.New(v.Exit)
		}
		for _, seq := range v.Events {
			m.Events = append(m.Events, gateEventName(seq))
		}
		answer.Visits = append(answer.Visits, m)
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}
