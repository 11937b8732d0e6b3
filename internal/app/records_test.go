package app_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
)

// recorded configures records in a folder.
func recorded(dir string) func(*conf.Config) {
	return func(c *conf.Config) { c.Records.Dir = dir }
}

const (
	hearing = "records/2019-1234"
	clerk   = "Clerk Li"
)

func createRecord(t *testing.T, client pb.SpeechServiceClient) *pb.Record {
	t.Helper()
	answer, err := client.CreateRecord(callContext(t), &pb.CreateRecordRequest{RecordId: "2019-1234", Author: clerk, Case: &pb.RecordCase{
		Number: "（2019）京0491民初1234号", Court: "北京互联网法院", Cause: "网络购物合同纠纷", Kind: pb.RecordKind_RECORD_KIND_TRIAL, Date: "2019-08-17",
		Parties: []*pb.RecordParty{
			{Role: pb.SpeakerRole_SPEAKER_ROLE_PLAINTIFF, Name: "张三", Representatives: []*pb.RecordRepresentative{{Name: "李四", Title: "委托诉讼代理人"}}},
		},
		Agenda: []*pb.RecordAgendaItem{{Title: "法庭调查"}, {Title: "法庭辩论"}},
	}})
	require.NoError(t, err)
	require.Equal(t, hearing, answer.GetRecord().GetName())
	require.EqualValues(t, 1, answer.GetRecord().GetRevision())
	return answer.GetRecord()
}

var seats = []*pb.ChannelRole{{Channel: 0, Role: pb.SpeakerRole_SPEAKER_ROLE_JUDGE}, {Channel: 1, Role: pb.SpeakerRole_SPEAKER_ROLE_PLAINTIFF}}

// session is what a stream into a record answered.
type session struct {
	ready  *pb.StreamReady
	finals []*pb.SpeechSegment
	last   float64 // recorded_seconds of the last result
	done   *pb.StreamDone
	err    error
}

// speak sends sound into a record, and reads to the end. at, if given, is audio_start_seconds.
func speak(t *testing.T, client pb.SpeechServiceClient, sound []byte, change func(*pb.StreamingConfig)) session {
	t.Helper()
	c := &pb.StreamingConfig{Recognition: &pb.RecognitionConfig{ChannelRoles: seats}, Record: hearing}
	if change != nil {
		change(c)
	}
	stream, err := client.StreamingRecognize(callContext(t))
	require.NoError(t, err)
	require.NoError(t, stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Config{Config: c}}))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for rest := sound; len(rest) > 0; {
			n := min(len(rest), 3200)
			if stream.Send(audioMessage(rest[:n])) != nil {
				return
			}
			rest = rest[n:]
		}
		_ = stream.CloseSend()
	}()
	defer func() { <-sent }()
	return listenTo(stream)
}

// listenTo reads a stream into a record to its end.
func listenTo(stream pb.SpeechService_StreamingRecognizeClient) (s session) {
	for {
		m, err := stream.Recv()
		switch {
		case err == io.EOF:
			return s
		case err != nil:
			s.err = err
			return s
		case m.GetReady() != nil:
			s.ready = m.GetReady()
		case m.GetDone() != nil:
			s.done = m.GetDone()
		case m.GetResult() != nil:
			s.last = m.GetResult().GetRecordedSeconds()
			if m.GetResult().GetIsFinal() {
				s.finals = append(s.finals, m.GetResult().GetSegments()...)
			}
		}
	}
}

func turns(t *testing.T, client pb.SpeechServiceClient, change func(*pb.ListTurnsRequest)) []*pb.RecordTurn {
	t.Helper()
	req := &pb.ListTurnsRequest{Record: hearing, Words: true, Revisions: true}
	if change != nil {
		change(req)
	}
	answer, err := client.ListTurns(callContext(t), req)
	require.NoError(t, err)
	return answer.GetTurns()
}

func TestTheWholeLifeOfARecord(t *testing.T) {
	folder := t.TempDir()
	conn, _ := start(t, app.Speech, recorded(folder))
	client, ctx := pb.NewSpeechServiceClient(conn), callContext(t)
	createRecord(t, client)
	_, err := client.CreateRecord(ctx, &pb.CreateRecordRequest{RecordId: "2019-1234", Author: clerk})
	requireRefused(t, err, codes.AlreadyExists, "ALREADY_EXISTS")

	// Whoever follows hears of everything in order.
	following, stop := context.WithCancel(ctx)
	defer stop()
	follower, err := client.FollowRecord(following, &pb.FollowRecordRequest{Name: hearing, AfterRevision: proto.Int64(0)})
	require.NoError(t, err)

	sound := sample(t, "speech", "two-seats-16k.wav")
	heard := speak(t, client, sound, nil)
	require.NoError(t, heard.err)
	require.NotEmpty(t, heard.ready.GetResumeToken())
	require.Zero(t, heard.ready.GetResumeSeconds())
	require.NotEmpty(t, heard.finals)
	all := turns(t, client, nil)
	require.Len(t, all, len(heard.finals))
	for i, f := range heard.finals {
		turn := all[i]
		require.Equal(t, f.GetTurn(), turn.GetName())
		require.Equal(t, f.GetText(), turn.GetText())
		require.Equal(t, f.GetRole(), turn.GetRole())
		require.Equal(t, seats[f.GetChannel()].GetRole(), turn.GetRole())
		require.InDelta(t, f.GetStartSeconds(), turn.GetStartSeconds(), 1e-9)
		require.Len(t, turn.GetWords(), len(f.GetWords()))
		require.Len(t, turn.GetRevisions(), 1)
		require.Equal(t, pb.RecordChangeKind_RECORD_CHANGE_KIND_HEARD, turn.GetRevisions()[0].GetKind())
		require.Empty(t, turn.GetRevisions()[0].GetAuthor())
	}
	head, err := client.GetRecord(ctx, &pb.GetRecordRequest{Name: hearing})
	require.NoError(t, err)
	require.InDelta(t, heard.done.GetAudioSeconds(), head.GetRecord().GetHeardSeconds(), .01)
	require.InDelta(t, heard.done.GetAudioSeconds(), head.GetRecord().GetSettledSeconds(), .01)
	require.EqualValues(t, 2, head.GetRecord().GetAudioChannelCount())
	require.False(t, head.GetRecord().GetLive())

	// The sound is what was sent.
	audio, err := client.GetRecordAudio(ctx, &pb.GetRecordAudioRequest{Name: hearing})
	require.NoError(t, err)
	require.Equal(t, sound[44:44+4000], audio.GetContent()[44:44+4000])
	require.InDelta(t, heard.done.GetAudioSeconds(), audio.GetEndSeconds(), .01)

	// A correction, an insertion, a withdrawal and a role, all of which stay as revisions.
	first := all[0]
	corrected, err := client.CorrectTurn(ctx, &pb.CorrectTurnRequest{
		Name: first.GetName(), Text: proto.String("请原告陈述诉讼请求和理由。"), BaseRevision: first.GetRevision(), Author: clerk, Reason: "听录音",
	})
	require.NoError(t, err)
	require.Equal(t, "请原告陈述诉讼请求和理由。", corrected.GetTurn().GetText())
	require.Len(t, corrected.GetTurn().GetRevisions(), 2)
	require.Equal(t, first.GetText(), corrected.GetTurn().GetRevisions()[0].GetText(), "what was heard stays")
	require.Equal(t, clerk, corrected.GetTurn().GetRevisions()[1].GetAuthor())
	inserted, err := client.InsertTurn(ctx, &pb.InsertTurnRequest{
		Record: hearing, AfterTurn: first.GetName(), Text: "（法官敲击法槌）", Role: pb.SpeakerRole_SPEAKER_ROLE_CLERK, Author: clerk,
	})
	require.NoError(t, err)
	require.True(t, inserted.GetTurn().GetInserted())
	assigned, err := client.AssignRole(ctx, &pb.AssignRoleRequest{
		Record: hearing, Seat: &pb.AssignRoleRequest_Channel{Channel: 1}, Role: pb.SpeakerRole_SPEAKER_ROLE_PLAINTIFF_AGENT, Author: clerk,
	})
	require.NoError(t, err)
	require.Positive(t, assigned.GetTurnCount())
	withdrawn, err := client.WithdrawTurn(ctx, &pb.WithdrawTurnRequest{
		Name: inserted.GetTurn().GetName(), BaseRevision: inserted.GetTurn().GetRevision(), Author: clerk, Reason: "不必记录",
	})
	require.NoError(t, err)
	require.True(t, withdrawn.GetTurn().GetWithdrawn())
	require.Len(t, turns(t, client, nil), len(all))
	require.Len(t, turns(t, client, func(r *pb.ListTurnsRequest) { r.Withdrawn = true }), len(all)+1)
	restored, err := client.RestoreTurn(ctx, &pb.RestoreTurnRequest{Name: inserted.GetTurn().GetName(), BaseRevision: withdrawn.GetTurn().GetRevision(), Author: clerk})
	require.NoError(t, err)
	require.False(t, restored.GetTurn().GetWithdrawn())
	now := turns(t, client, nil)
	require.Equal(t, inserted.GetTurn().GetName(), now[1].GetName(), "it stands behind the first one")
	for _, turn := range now {
		if turn.GetChannel() == 1 {
			require.Equal(t, pb.SpeakerRole_SPEAKER_ROLE_PLAINTIFF_AGENT, turn.GetRole())
		}
	}
	var paged []string
	for token := ""; ; {
		page, err := client.ListTurns(ctx, &pb.ListTurnsRequest{Record: hearing, PageSize: 1, PageToken: token})
		require.NoError(t, err)
		require.Len(t, page.GetTurns(), 1)
		paged = append(paged, page.GetTurns()[0].GetName())
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	require.Len(t, paged, len(now))

	// Text leads to time, and time to text.
	found, err := client.SearchRecord(ctx, &pb.SearchRecordRequest{Name: hearing, Query: "诉讼请求"})
	require.NoError(t, err)
	require.NotEmpty(t, found.GetPlaces())
	place := found.GetPlaces()[0]
	require.Equal(t, first.GetName(), place.GetTurn().GetName())
	require.Equal(t, "诉讼请求", string([]rune(place.GetTurn().GetText())[place.GetStart():place.GetEnd()]))
	require.Greater(t, place.GetStartSeconds(), first.GetStartSeconds())
	at, err := client.LocateInRecord(ctx, &pb.LocateInRecordRequest{Name: hearing, Subject: &pb.LocateInRecordRequest_AtSeconds{AtSeconds: place.GetStartSeconds()}})
	require.NoError(t, err)
	require.Equal(t, first.GetName(), at.GetPlaces()[0].GetTurn().GetName())
	require.InDelta(t, place.GetStart(), at.GetPlaces()[0].GetStart(), 1)
	when, err := client.LocateInRecord(ctx, &pb.LocateInRecordRequest{Name: hearing, Subject: &pb.LocateInRecordRequest_Position{
		Position: &pb.TurnPosition{Turn: first.GetName(), Character: place.GetStart()},
	}})
	require.NoError(t, err)
	require.InDelta(t, place.GetStartSeconds(), when.GetPlaces()[0].GetStartSeconds(), 1e-6)

	// The agenda and the head.
	head, err = client.GetRecord(ctx, &pb.GetRecordRequest{Name: hearing})
	require.NoError(t, err)
	changed := proto.CloneOf(head.GetRecord().GetCase())
	changed.Place = "第三法庭"
	updated, err := client.UpdateRecord(ctx, &pb.UpdateRecordRequest{
		Name: hearing, Case: changed, BaseCaseRevision: head.GetRecord().GetCaseRevision(), AgendaItem: proto.Int32(2), Author: clerk,
	})
	require.NoError(t, err)
	require.Equal(t, "第三法庭", updated.GetRecord().GetCase().GetPlace())
	require.EqualValues(t, 2, updated.GetRecord().GetAgendaItem())
	_, err = client.UpdateRecord(ctx, &pb.UpdateRecordRequest{Name: hearing, Case: changed, BaseCaseRevision: head.GetRecord().GetCaseRevision(), Author: "Clerk Wang"})
	requireRefused(t, err, codes.Aborted, "CASE_CHANGED")

	listed, err := client.ListRecords(ctx, &pb.ListRecordsRequest{Query: "张三"})
	require.NoError(t, err)
	require.Len(t, listed.GetRecords(), 1)
	require.Equal(t, "网络购物合同纠纷", listed.GetRecords()[0].GetCase().GetCause())

	// Finished, exported, checked, reopened.
	_, err = client.FinishRecord(ctx, &pb.FinishRecordRequest{Name: hearing, Author: clerk})
	require.NoError(t, err)
	_, err = client.CorrectTurn(ctx, &pb.CorrectTurnRequest{Name: first.GetName(), Text: proto.String("x"), BaseRevision: corrected.GetTurn().GetRevision(), Author: clerk})
	requireRefused(t, err, codes.FailedPrecondition, "RECORD_FINISHED")
	requireRefused(t, speak(t, client, sound, nil).err, codes.FailedPrecondition, "RECORD_FINISHED")
	for format, begins := range map[pb.RecordFormat]string{
		pb.RecordFormat_RECORD_FORMAT_DOCX: "PK", pb.RecordFormat_RECORD_FORMAT_TEXT: "", pb.RecordFormat_RECORD_FORMAT_SRT: "1\n",
		pb.RecordFormat_RECORD_FORMAT_VTT: "WEBVTT", pb.RecordFormat_RECORD_FORMAT_JSON: "{",
	} {
		document, err := client.ExportRecord(ctx, &pb.ExportRecordRequest{Name: hearing, Format: format, Author: clerk})
		require.NoError(t, err, format)
		require.True(t, bytes.HasPrefix(document.GetContent(), []byte(begins)), format)
		require.NotEmpty(t, document.GetMediaType())
		if format != pb.RecordFormat_RECORD_FORMAT_DOCX {
			require.Contains(t, strings.ReplaceAll(string(document.GetContent()), "\n", ""), "请原告陈述诉讼请求和理由。", "what was corrected is what the document says")
		}
	}
	_, err = client.ExportRecord(ctx, &pb.ExportRecordRequest{Name: hearing, Format: pb.RecordFormat_RECORD_FORMAT_TEXT, Template: "novel"})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
	_, err = client.ExportRecord(ctx, &pb.ExportRecordRequest{Name: hearing, Format: pb.RecordFormat_RECORD_FORMAT_TEXT, TemplateFile: []byte("no: template")})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
	checked, err := client.VerifyRecord(ctx, &pb.VerifyRecordRequest{Name: hearing})
	require.NoError(t, err)
	require.True(t, checked.GetIntact(), checked.GetDamage())
	require.InDelta(t, heard.done.GetAudioSeconds(), checked.GetSoundSeconds(), .01)
	reopened, err := client.ReopenRecord(ctx, &pb.ReopenRecordRequest{Name: hearing, Author: clerk, Reason: "当事人核对"})
	require.NoError(t, err)
	require.Equal(t, pb.RecordState_RECORD_STATE_OPEN, reopened.GetRecord().GetState())
	witnessed, err := client.VerifyRecord(ctx, &pb.VerifyRecordRequest{Name: hearing, WitnessSha256: checked.GetHeadSha256()})
	require.NoError(t, err)
	require.True(t, witnessed.GetIntact())
	require.Positive(t, witnessed.GetWitnessedEntry())

	m, err := follower.Recv()
	require.NoError(t, err)
	require.NotNil(t, m.GetRecord())
	for want := int64(1); want <= reopened.GetRecord().GetRevision(); want++ {
		m, err := follower.Recv()
		require.NoError(t, err)
		require.Equal(t, want, m.GetChange().GetRevision().GetRevision())
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	conn, _ := start(t, app.Speech, recorded(t.TempDir()), unwritten)
	client, ctx := pb.NewSpeechServiceClient(conn), callContext(t)
	_, err := client.GetRecord(ctx, &pb.GetRecordRequest{Name: hearing})
	requireRefused(t, err, codes.NotFound, "NOT_FOUND")
	requireRefused(t, speak(t, client, nil, nil).err, codes.NotFound, "NOT_FOUND")
	createRecord(t, client)
	turn, err := client.InsertTurn(ctx, &pb.InsertTurnRequest{Record: hearing, Text: "现在开庭。", Role: pb.SpeakerRole_SPEAKER_ROLE_JUDGE, Author: clerk})
	require.NoError(t, err)
	name, base := turn.GetTurn().GetName(), turn.GetTurn().GetRevision()

	// Two clerks saw the same turn: the first one's correction stands, the second one is told what it says now.
	_, err = client.CorrectTurn(ctx, &pb.CorrectTurnRequest{Name: name, Text: proto.String("现在开庭！"), BaseRevision: base, Author: clerk})
	require.NoError(t, err)
	_, err = client.CorrectTurn(ctx, &pb.CorrectTurnRequest{Name: name, Text: proto.String("现在闭庭。"), BaseRevision: base, Author: "Clerk Wang"})
	requireRefused(t, err, codes.Aborted, "TURN_CHANGED")
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			assert.Equal(t, "现在开庭！", info.GetMetadata()["text"])
			assert.Equal(t, clerk, info.GetMetadata()["author"])
			assert.Equal(t, "3", info.GetMetadata()["revision"])
		}
	}
	require.Equal(t, "现在开庭！", turns(t, client, nil)[0].GetText())

	missing := hearing + "/turns/99"
	_, err = client.CorrectTurn(ctx, &pb.CorrectTurnRequest{Name: missing, Text: proto.String("x"), BaseRevision: 1, Author: clerk})
	requireRefused(t, err, codes.NotFound, "NOT_FOUND")
	_, err = client.WithdrawTurn(ctx, &pb.WithdrawTurnRequest{Name: missing, BaseRevision: 1, Author: clerk})
	requireRefused(t, err, codes.NotFound, "NOT_FOUND")
	_, err = client.InsertTurn(ctx, &pb.InsertTurnRequest{Record: hearing, AfterTurn: missing, Text: "x", Author: clerk})
	requireRefused(t, err, codes.NotFound, "NOT_FOUND")
	_, err = client.InsertTurn(ctx, &pb.InsertTurnRequest{Record: hearing, AfterTurn: "records/other/turns/1", Text: "x", Author: clerk})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
	_, err = client.CorrectTurn(ctx, &pb.CorrectTurnRequest{Name: name, Text: proto.String("x"), BaseRevision: 3})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE") // nobody made it
	_, err = client.CorrectTurn(ctx, &pb.CorrectTurnRequest{Name: name, Text: proto.String("x"), Author: clerk})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE") // based on nothing
	_, err = client.CorrectTurn(ctx, &pb.CorrectTurnRequest{Name: name, BaseRevision: 3, Author: clerk})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE") // sets nothing
	_, err = client.UpdateRecord(ctx, &pb.UpdateRecordRequest{Name: hearing, Author: clerk})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
	_, err = client.UpdateRecord(ctx, &pb.UpdateRecordRequest{Name: hearing, AgendaItem: proto.Int32(9), Author: clerk})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
	_, err = client.SearchRecord(ctx, &pb.SearchRecordRequest{Name: hearing, Query: "。"})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
	_, err = client.GetRecordAudio(ctx, &pb.GetRecordAudioRequest{Name: hearing})
	requireRefused(t, err, codes.FailedPrecondition, "AUDIO_NOT_KEPT")
	_, err = client.ListTurns(ctx, &pb.ListTurnsRequest{Record: hearing, PageToken: "77"})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
	_, err = client.CreateRecord(ctx, &pb.CreateRecordRequest{RecordId: "../escape", Author: clerk})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
	_, err = client.CreateRecord(ctx, &pb.CreateRecordRequest{RecordId: "..", Author: clerk})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
	follower, err := client.FollowRecord(ctx, &pb.FollowRecordRequest{Name: hearing, AfterRevision: proto.Int64(99)})
	require.NoError(t, err)
	requireRefused(t, drain(follower), codes.InvalidArgument, "INVALID_VALUE")
	_, err = client.ReopenRecord(ctx, &pb.ReopenRecordRequest{Name: hearing, Author: clerk, Reason: "?"})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE") // it is open
}

func TestADamagedRecordIsNamedAndTheOthersServe(t *testing.T) {
	folder := t.TempDir()
	first, _ := start(t, app.Speech, recorded(folder), unwritten)
	client := pb.NewSpeechServiceClient(first)
	createRecord(t, client)
	_, err := client.InsertTurn(callContext(t), &pb.InsertTurnRequest{Record: hearing, Text: "现在开庭。", Author: clerk})
	require.NoError(t, err)
	_, err = client.CreateRecord(callContext(t), &pb.CreateRecordRequest{RecordId: "whole", Author: clerk})
	require.NoError(t, err)
	// Beside the server, as a disk that fails or a hand that meddles would: a letter in the middle.
	journal := filepath.Join(folder, "2019-1234", "journal")
	b, err := os.ReadFile(journal)
	require.NoError(t, err)
	b[bytes.Index(b, []byte("京0491"))] ^= 1
	require.NoError(t, os.WriteFile(journal, b, 0o600))
	checked, err := client.VerifyRecord(callContext(t), &pb.VerifyRecordRequest{Name: hearing})
	require.NoError(t, err)
	require.False(t, checked.GetIntact())
	require.NotEmpty(t, checked.GetDamage())

	copied := t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(folder)))
	second, _ := start(t, app.Speech, recorded(copied), unwritten)
	other := pb.NewSpeechServiceClient(second)
	_, err = other.GetRecord(callContext(t), &pb.GetRecordRequest{Name: hearing})
	requireRefused(t, err, codes.DataLoss, "RECORD_DAMAGED")
	require.NotContains(t, status.Convert(err).Message(), copied, "where it lies is the server's business")
	listed, err := other.ListRecords(callContext(t), &pb.ListRecordsRequest{})
	require.NoError(t, err)
	require.Len(t, listed.GetRecords(), 2)
	require.NotEmpty(t, listed.GetRecords()[0].GetProblem())
	require.Empty(t, listed.GetRecords()[1].GetProblem())
	_, err = other.GetRecord(callContext(t), &pb.GetRecordRequest{Name: "records/whole"})
	require.NoError(t, err)
}

func TestRecordsCanBeTurnedOff(t *testing.T) {
	conn, _ := start(t, app.Speech, recorded("none"), unwritten)
	client := pb.NewSpeechServiceClient(conn)
	_, err := client.ListRecords(callContext(t), &pb.ListRecordsRequest{})
	requireRefused(t, err, codes.FailedPrecondition, "RECORDS_UNCONFIGURED")
	requireRefused(t, speak(t, client, nil, nil).err, codes.FailedPrecondition, "RECORDS_UNCONFIGURED")
}

// silence is seconds of 16-bit sound at 16 kHz in which nothing is said.
func silence(seconds float64) []byte { return make([]byte, 2*int(seconds*16000)) }

// wav puts 16-bit samples of one channel at 16 kHz into a file.
func wav(pcm []byte) []byte {
	b := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(36+len(pcm)))...)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data"...)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(pcm))), pcm...)
}
