package service

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/record"
	"github.com/courtsense/courtsense/speech/role"
)

func TestAStoresErrorsSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		code   codes.Code
		reason string
	}{
		"full":      {fmt.Errorf("journal: %w", record.ErrFull), codes.ResourceExhausted, "STORAGE_FULL"},
		"locked":    {fmt.Errorf("x: %w", record.ErrLocked), codes.Unavailable, "RECORD_LOCKED"},
		"read-only": {fmt.Errorf("x: %w", record.ErrReadOnly), codes.FailedPrecondition, "RECORDS_READ_ONLY"},
		"closed":    {fmt.Errorf("x: %w", record.ErrClosed), codes.Unavailable, "DRAINING"},
		"taken":     {fmt.Errorf("x: %w", record.ErrTakenOver), codes.Aborted, "RECORD_TAKEN_OVER"},
		"damaged":   {fmt.Errorf("x: %w", &record.DamageError{Path: "/secret/journal", Entry: 7, Detail: "checksum"}), codes.DataLoss, "RECORD_DAMAGED"},
		"the case":  {fmt.Errorf("x: %w", &record.ConflictError{Base: 1, Present: 3}), codes.Aborted, "CASE_CHANGED"},
	} {
		t.Run(name, func(t *testing.T) {
			st := status.Convert(recordError(c.err))
			assert.Equal(t, c.code, st.Code())
			assert.Equal(t, c.reason, rpcerror.Reason(st))
			assert.NotContains(t, st.String(), "/secret")
		})
	}
	require.NoError(t, recordError(nil))
	other := rpcerror.New(codes.InvalidArgument, "X", "y")
	require.Equal(t, other, recordError(other))
}

// TestAChangeOfManyTurnsComesInPieces: a role may be given at the end of a long hearing, and concerns all that was said before.
func TestAChangeOfManyTurnsComesInPieces(t *testing.T) {
	store, err := record.Open(t.TempDir(), record.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	by := record.Edit{Author: "clerk"}
	r, err := store.Create(t.Context(), "long", record.Case{}, by)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	change := record.Change{Revision: record.Revision{Number: 7, Act: record.Assigned, Author: "clerk"}}
	for i := range 3000 {
		change.Turns = append(change.Turns, record.Turn{ID: int64(i + 1), Text: strings.Repeat("审判长", 200), Revisions: []record.Revision{change.Revision}})
	}
	s := NewSpeech(SpeechConfig{})
	messages := s.changeMessages(r, change)
	require.Greater(t, len(messages), 3)
	next := 1
	for i, m := range messages {
		last := i == len(messages)-1
		assert.Less(t, proto.Size(m), 2*changeSize)
		assert.EqualValues(t, 7, m.GetRevision().GetRevision())
		assert.Equal(t, !last, m.GetMoreTurns())
		assert.Equal(t, last, m.GetRecord() != nil)
		for _, turn := range m.GetTurns() {
			require.Equal(t, turnName("long", int64(next)), turn.GetName())
			next++
		}
	}
	assert.Equal(t, 3001, next)
	change.Turns = change.Turns[:1]
	assert.Len(t, s.changeMessages(r, change), 1)
	change.Turns = nil
	assert.Len(t, s.changeMessages(r, change), 1)
}

func TestEveryRoleActAndKindHasItsMessage(t *testing.T) {
	for number := range pb.SpeakerRole_name {
		r := pb.SpeakerRole(number)
		require.Equal(t, r, speakerRole(roleOf(r)))
		require.True(t, roleOf(r).Valid(), r)
	}
	for _, r := range role.All() {
		require.Equal(t, r, roleOf(speakerRole(r)))
	}
	for _, act := range []record.Act{
		record.Created, record.Heard, record.Corrected, record.Inserted, record.Withdrawn, record.Restored, record.Assigned, record.CaseSet,
		record.AgendaSet, record.Finished, record.Reopened,
	} {
		require.NotZero(t, changeKinds[act], act)
	}
	require.Len(t, changeKinds, len(pb.RecordChangeKind_name)-1)
	for _, k := range []record.Kind{record.Trial, record.Mediation, record.Minutes} {
		require.Equal(t, k, caseKinds[kindMessage(k)])
	}
}

// What is settled is what a stream that goes on would not hear again: never past something that is being said, or may be.
func TestNothingIsSettledBeforeItIsFinal(t *testing.T) {
	in := &recordStream{margin: 1.5, open: map[int64]float64{}, finals: map[int]lastFinal{}}
	result := func(start, end, heard float64, final bool) speech.Result {
		return speech.Result{Segment: speech.Segment{Start: start, End: end}, Heard: heard, Final: final}
	}
	in.settle(10)
	assert.InDelta(t, 8.5, in.settled, 1e-9, "somebody may have begun just now")
	in.spoken(1, result(9, 10.5, 10.5, false))
	in.settle(20)
	assert.InDelta(t, 9, in.settled, 1e-9, "somebody speaks")
	in.spoken(2, result(12, 20, 20, false))
	delete(in.open, 1)
	in.finals[0] = lastFinal{end: 18, known: 21}
	in.settle(21)
	assert.InDelta(t, 12, in.settled, 1e-9, "somebody else still does")
	delete(in.open, 2)
	in.finals[1] = lastFinal{end: 15, known: 22} // cut at a pause long before the end: it goes on from there
	in.settle(22)
	assert.InDelta(t, 15, in.settled, 1e-9)
	in.settle(24.1)
	assert.InDelta(t, 22.6, in.settled, 1e-9, "it did not go on")
	in.settle(1)
	assert.InDelta(t, 22.6, in.settled, 1e-9, "it never goes back")
}

func TestSpeakersOfLaterStreamsAndOtherChannelsAreOthers(t *testing.T) {
	first, third := &recordStream{}, &recordStream{state: record.State{Sessions: make([]record.Session, 2)}}
	assert.Equal(t, "S1", first.label(0, "S1"))
	assert.Equal(t, "S1@3", first.label(3, "S1"))
	assert.Equal(t, "S1.3", third.label(0, "S1"))
	assert.Equal(t, "S1@3.3", third.label(3, "S1"))
	assert.Empty(t, third.label(3, ""))
}

func TestInterimResultsWaitForNobody(t *testing.T) {
	var rs records
	slow, leave := rs.overhear("a")
	for i := range int64(100) {
		rs.tell("a", &pb.SpeechSegment{Id: i})
		rs.tell("b", &pb.SpeechSegment{Id: -1})
	}
	require.EqualValues(t, 99, (<-slow).GetId(), "the latest one")
	leave()
	rs.tell("a", &pb.SpeechSegment{})
	require.Empty(t, rs.listeners)
}

func TestWAVFilesSayWhatTheyHold(t *testing.T) {
	b := wavFile(bytes.Repeat([]byte{1, 2, 3, 4}, 8), 2)
	require.Equal(t, "RIFF", string(b[:4]))
	require.EqualValues(t, len(b)-8, binary.LittleEndian.Uint32(b[4:]))
	require.EqualValues(t, 2, binary.LittleEndian.Uint16(b[22:]))
	require.EqualValues(t, 64000, binary.LittleEndian.Uint32(b[28:]))
	require.EqualValues(t, 32, binary.LittleEndian.Uint32(b[40:]))
}
