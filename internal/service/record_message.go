package service

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/speech/record"
)

var caseKinds = map[pb.RecordKind]record.Kind{
	pb.RecordKind_RECORD_KIND_TRIAL: record.Trial, pb.RecordKind_RECORD_KIND_MEDIATION: record.Mediation, pb.RecordKind_RECORD_KIND_MINUTES: record.Minutes,
}

func kindMessage(k record.Kind) pb.RecordKind {
	for m, kind := range caseKinds {
		if kind == k {
			return m
		}
	}
	return pb.RecordKind_RECORD_KIND_UNSPECIFIED
}

// caseOf is a case in the record's words.
func caseOf(c *pb.RecordCase) record.Case {
	out := record.Case{
		Kind: caseKinds[c.GetKind()], Number: c.GetNumber(), Court: c.GetCourt(), Cause: c.GetCause(), Title: c.GetTitle(), Date: c.GetDate(), Time: c.GetTime(),
		Place: c.GetPlace(), Extra: c.GetExtra(),
	}
	for _, p := range c.GetParties() {
		party := record.Party{Role: roleOf(p.GetRole()), Name: p.GetName(), Details: p.GetDetails()}
		for _, r := range p.GetRepresentatives() {
			party.Representatives = append(party.Representatives, record.Representative{Name: r.GetName(), Title: r.GetTitle(), Details: r.GetDetails()})
		}
		out.Parties = append(out.Parties, party)
	}
	for _, a := range c.GetAttendees() {
		out.Attendees = append(out.Attendees, record.Attendee{Role: roleOf(a.GetRole()), Name: a.GetName(), Title: a.GetTitle(), Absent: a.GetAbsent()})
	}
	for _, i := range c.GetAgenda() {
		out.Agenda = append(out.Agenda, record.AgendaItem{Title: i.GetTitle(), Presenter: i.GetPresenter(), Decision: i.GetDecision()})
	}
	return out
}

func caseMessage(c record.Case) *pb.RecordCase {
	m := &pb.RecordCase{
		Kind: kindMessage(c.Kind), Number: c.Number, Court: c.Court, Cause: c.Cause, Title: c.Title, Date: c.Date, Time: c.Time, Place: c.Place,
		Parties: partyMessages(c.Parties), Extra: c.Extra,
	}
	for _, a := range c.Attendees {
		m.Attendees = append(m.Attendees, &pb.RecordAttendee{Role: speakerRole(a.Role), Name: a.Name, Title: a.Title, Absent: a.Absent})
	}
	for _, i := range c.Agenda {
		m.Agenda = append(m.Agenda, &pb.RecordAgendaItem{Title: i.Title, Presenter: i.Presenter, Decision: i.Decision})
	}
	return m
}

func partyMessages(parties []record.Party) (out []*pb.RecordParty) {
	for _, p := range parties {
		m := &pb.RecordParty{Role: speakerRole(p.Role), Name: p.Name, Details: p.Details}
		for _, r := range p.Representatives {
			m.Representatives = append(m.Representatives, &pb.RecordRepresentative{Name: r.Name, Title: r.Title, Details: r.Details})
		}
		out = append(out, m)
	}
	return out
}

// recordMessage is a record without its turns.
func (s *Speech) recordMessage(state record.State) *pb.Record {
	m := &pb.Record{
		Name: recordPrefix + state.ID, Case: caseMessage(state.Case), State: stateMessage(state.Finished), Revision: state.Revision,
		CreateTime: timestamppb.New(state.Created), UpdateTime: timestamppb.New(state.Updated), HeardSeconds: heardSeconds(state),
		SettledSeconds: state.Settled, TurnCount: int64(state.Summary().Turns), AudioChannelCount: int32(state.Channels()), Live: s.isLive(state.ID),
		CaseRevision: state.CaseRevision, HeadSha256: state.Head, Seats: seatMessages(state.Roles),
	}
	if n := len(state.Agenda); n > 0 {
		m.AgendaItem = int32(state.Agenda[n-1].Item)
	}
	return m
}

func seatMessages(seats []record.Seat) (out []*pb.RecordSeat) {
	for _, seat := range seats {
		out = append(out, seatMessage(seat))
	}
	return out
}

func seatMessage(seat record.Seat) *pb.RecordSeat {
	if seat.Speaker != "" {
		return &pb.RecordSeat{Seat: &pb.RecordSeat_Speaker{Speaker: seat.Speaker}, Role: speakerRole(seat.Role)}
	}
	return &pb.RecordSeat{Seat: &pb.RecordSeat_Channel{Channel: int32(seat.Channel)}, Role: speakerRole(seat.Role)}
}

func stateMessage(finished bool) pb.RecordState {
	if finished {
		return pb.RecordState_RECORD_STATE_FINISHED
	}
	return pb.RecordState_RECORD_STATE_OPEN
}

func (s *Speech) summaryMessage(r record.Summary) *pb.Record {
	if r.Problem != "" {
		return &pb.Record{Name: recordPrefix + r.ID, Problem: r.Problem}
	}
	return &pb.Record{
		Name: recordPrefix + r.ID, State: stateMessage(r.Finished), Revision: r.Revision, CreateTime: timestamppb.New(r.Created), UpdateTime: timestamppb.New(r.Updated),
		HeardSeconds: r.Seconds, SettledSeconds: r.Seconds, TurnCount: int64(r.Turns), Live: s.isLive(r.ID),
		AudioChannelCount: int32(r.Channels), Seats: seatMessages(r.Seats),
		Case: &pb.RecordCase{
			Kind: kindMessage(r.Kind), Number: r.Number, Court: r.Court, Cause: r.Cause, Title: r.Title, Date: r.Date, Parties: partyMessages(r.Parties),
		},
	}
}

// turnMessage is a turn, with its words and revisions where they are wanted.
func turnMessage(id string, t record.Turn, words, revisions bool) *pb.RecordTurn {
	m := &pb.RecordTurn{
		Name: turnName(id, t.ID), Channel: int32(t.Channel), Speaker: t.Speaker, Role: speakerRole(t.Role), StartSeconds: t.Start, EndSeconds: t.End,
		RecordTime: timestamppb.New(t.At), Text: t.Text, SpokenText: t.Spoken, Confidence: t.Confidence, Overlap: t.Overlap, AgendaItem: int32(t.AgendaItem),
		Inserted: t.Inserted, Withdrawn: t.Withdrawn, Revision: t.Revision(),
	}
	for _, q := range t.Quotations {
		m.Quotations = append(m.Quotations, &pb.StatuteQuotation{
			Start: int32(q.Start), End: int32(q.End), Confidence: q.Confidence, SpokenText: q.Spoken,
			Article: &pb.StatuteArticle{Law: q.Law, Version: q.Version, Article: q.Article, Text: q.Provision, Headings: q.Headings},
		})
	}
	if words {
		for _, w := range t.Words {
			m.Words = append(m.Words, &pb.SpokenWord{Text: w.Text, StartSeconds: w.Start, EndSeconds: w.End, Confidence: w.Confidence, HotWord: w.HotWord})
		}
	}
	if revisions {
		for _, r := range t.Revisions {
			m.Revisions = append(m.Revisions, revisionMessage(r))
		}
	}
	return m
}

var changeKinds = map[record.Act]pb.RecordChangeKind{
	record.Created: pb.RecordChangeKind_RECORD_CHANGE_KIND_CREATED, record.Heard: pb.RecordChangeKind_RECORD_CHANGE_KIND_HEARD,
	record.Corrected: pb.RecordChangeKind_RECORD_CHANGE_KIND_CORRECTED, record.Inserted: pb.RecordChangeKind_RECORD_CHANGE_KIND_INSERTED,
	record.Withdrawn: pb.RecordChangeKind_RECORD_CHANGE_KIND_WITHDRAWN, record.Restored: pb.RecordChangeKind_RECORD_CHANGE_KIND_RESTORED,
	record.Assigned: pb.RecordChangeKind_RECORD_CHANGE_KIND_ASSIGNED, record.CaseSet: pb.RecordChangeKind_RECORD_CHANGE_KIND_CASE_SET,
	record.AgendaSet: pb.RecordChangeKind_RECORD_CHANGE_KIND_AGENDA_SET, record.Finished: pb.RecordChangeKind_RECORD_CHANGE_KIND_FINISHED,
	record.Reopened: pb.RecordChangeKind_RECORD_CHANGE_KIND_REOPENED,
}

func revisionMessage(r record.Revision) *pb.RecordRevision {
	m := &pb.RecordRevision{
		Revision: r.Number, Kind: changeKinds[r.Act], Author: r.Author, RevisionTime: timestamppb.New(r.At), Reason: r.Reason, Text: r.Text, Speaker: r.Speaker,
	}
	if r.Role != nil {
		m.Role = speakerRole(*r.Role).Enum()
	}
	if r.AgendaItem != nil {
		item := int32(*r.AgendaItem)
		m.AgendaItem = &item
	}
	if r.ClockStep != 0 {
		m.ClockStep = durationpb.New(r.ClockStep)
	}
	return m
}

// heardTurn is a final segment as a turn of a record; nothing of the message is kept.
func heardTurn(m *pb.SpeechSegment) record.Turn {
	t := record.Turn{
		Channel: int(m.GetChannel()), Speaker: m.GetSpeaker(), Role: roleOf(m.GetRole()), Start: m.GetStartSeconds(), End: m.GetEndSeconds(), At: time.Now(),
		Text: m.GetText(), Spoken: m.GetSpokenText(), Confidence: m.GetConfidence(), Overlap: m.GetOverlap(),
	}
	for _, w := range m.GetWords() {
		t.Words = append(t.Words, record.Word{Text: w.GetText(), Start: w.GetStartSeconds(), End: w.GetEndSeconds(), Confidence: w.GetConfidence(), HotWord: w.GetHotWord()})
	}
	for _, q := range m.GetQuotations() {
		a := q.GetArticle()
		t.Quotations = append(t.Quotations, record.Quotation{
			Start: int(q.GetStart()), End: int(q.GetEnd()), Law: a.GetLaw(), Version: a.GetVersion(), Article: a.GetArticle(), Headings: a.GetHeadings(),
			Provision: a.GetText(), Spoken: q.GetSpokenText(), Confidence: q.GetConfidence(), Recited: recites(m.GetText(), q),
		})
	}
	return t
}

// recites tells a provision's words from its name.
func recites(text string, q *pb.StatuteQuotation) bool {
	runes := []rune(text)
	if q.GetStart() < 0 || int(q.GetEnd()) > len(runes) || q.GetStart() >= q.GetEnd() {
		return false
	}
	return strings.Contains(q.GetArticle().GetText(), string(runes[q.GetStart():q.GetEnd()]))
}
