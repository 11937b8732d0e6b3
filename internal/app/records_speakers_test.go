package app_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
)

// Roles in short.
const (
	unknown   = pb.SpeakerRole_SPEAKER_ROLE_UNKNOWN
	judge     = pb.SpeakerRole_SPEAKER_ROLE_JUDGE
	plaintiff = pb.SpeakerRole_SPEAKER_ROLE_PLAINTIFF
	agent     = pb.SpeakerRole_SPEAKER_ROLE_PLAINTIFF_AGENT
	defendant = pb.SpeakerRole_SPEAKER_ROLE_DEFENDANT
)

// apart has the speakers of one microphone told apart.
func apart(c *pb.StreamingConfig) { c.Recognition = &pb.RecognitionConfig{SeparateSpeakers: true} }

// whose are the speakers and roles of turns, in order.
func whose(all []*pb.RecordTurn) (speakers []string, roles []pb.SpeakerRole) {
	for _, t := range all {
		speakers, roles = append(speakers, t.GetSpeaker()), append(roles, t.GetRole())
	}
	return speakers, roles
}

// Two people share a microphone, and give away who they are by what they say.
func TestSpeakersOfOneMicrophoneHaveTheirRolesInTheRecord(t *testing.T) {
	conn, _ := start(t, app.Speech, recorded(t.TempDir()))
	client, ctx := pb.NewSpeechServiceClient(conn), callContext(t)
	createRecord(t, client)
	following, stop := context.WithCancel(ctx)
	defer stop()
	follower, err := client.FollowRecord(following, &pb.FollowRecordRequest{Name: hearing, AfterRevision: proto.Int64(0)})
	require.NoError(t, err)

	sound := sample(t, "speech", "dialogue-zh-opus.ogg")
	heard := speak(t, client, sound, apart)
	require.NoError(t, heard.err)
	var told []pb.SpeakerRole
	for _, s := range heard.finals {
		told = append(told, s.GetRole())
	}
	assert.Equal(t, []pb.SpeakerRole{judge, unknown, judge, plaintiff, judge, plaintiff}, told, "the second one has not said who they are when they first speak")
	all := turns(t, client, nil)
	speakers, roles := whose(all)
	assert.Equal(t, []string{"S1", "S2", "S1", "S2", "S1", "S2"}, speakers)
	assert.Equal(t, []pb.SpeakerRole{judge, plaintiff, judge, plaintiff, judge, plaintiff}, roles, "the record knows it of what was said before, too")
	for {
		m, err := follower.Recv()
		require.NoError(t, err)
		if c := m.GetChange(); c.GetRevision().GetKind() == pb.RecordChangeKind_RECORD_CHANGE_KIND_ASSIGNED {
			require.Len(t, c.GetTurns(), 1)
			assert.Equal(t, all[1].GetName(), c.GetTurns()[0].GetName())
			assert.Equal(t, plaintiff, c.GetTurns()[0].GetRole())
			break
		}
	}

	// The clerk knows better, of all that the speaker said but for the turn that is somebody else's.
	corrected, err := client.CorrectTurn(ctx, &pb.CorrectTurnRequest{
		Name: all[5].GetName(), BaseRevision: all[5].GetRevision(), Author: clerk, Speaker: proto.String("S3"), Role: defendant.Enum(),
	})
	require.NoError(t, err)
	require.Equal(t, "S3", corrected.GetTurn().GetSpeaker())
	_, err = client.AssignRole(ctx, &pb.AssignRoleRequest{Record: hearing, Seat: &pb.AssignRoleRequest_Speaker{Speaker: "S2"}, Role: agent, Author: clerk})
	require.NoError(t, err)
	speakers, roles = whose(turns(t, client, nil))
	assert.Equal(t, []string{"S1", "S2", "S1", "S2", "S1", "S3"}, speakers)
	assert.Equal(t, []pb.SpeakerRole{judge, agent, judge, agent, judge, defendant}, roles)
}

func TestAClerksWordOnASpeakerHoldsForWhatTheySayLater(t *testing.T) {
	conn, _ := start(t, app.Speech, recorded(t.TempDir()))
	client, ctx := pb.NewSpeechServiceClient(conn), callContext(t)
	createRecord(t, client)
	sound := sample(t, "speech", "dialogue-zh-opus.ogg")
	config := &pb.StreamingConfig{Record: hearing}
	apart(config)
	stream := listen2(ctx, t, client, config)
	// The sound comes as far as the second speaker's first sentence.
	require.NoError(t, stream.Send(audioMessage(sound[:len(sound)*45/100])))
	for first := (*pb.SpeechSegment)(nil); first.GetSpeaker() != "S2"; {
		m, err := stream.Recv()
		require.NoError(t, err)
		if first = nil; m.GetResult().GetIsFinal() {
			first = m.GetResult().GetSegments()[0]
		}
	}
	_, err := client.AssignRole(ctx, &pb.AssignRoleRequest{Record: hearing, Seat: &pb.AssignRoleRequest_Speaker{Speaker: "S2"}, Role: defendant, Author: clerk})
	require.NoError(t, err)
	require.NoError(t, stream.Send(audioMessage(sound[len(sound)*45/100:])))
	require.NoError(t, stream.CloseSend())
	rest := listenTo(stream)
	require.NoError(t, rest.err)
	require.Equal(t, defendant, rest.finals[len(rest.finals)-1].GetRole(), "live as well")
	_, roles := whose(turns(t, client, nil))
	assert.Equal(t, []pb.SpeakerRole{judge, defendant, judge, defendant, judge, defendant}, roles, "whatever phrases say")
}

func TestSpeakersOfTwoMicrophonesAreDifferentPeople(t *testing.T) {
	conn, _ := start(t, app.Speech, recorded(t.TempDir()))
	client, ctx := pb.NewSpeechServiceClient(conn), callContext(t)
	createRecord(t, client)
	heard := speak(t, client, sample(t, "speech", "two-seats-16k.wav"), apart)
	require.NoError(t, heard.err)
	speakers, _ := whose(turns(t, client, nil))
	require.Equal(t, []string{"S1", "S1@1"}, speakers)
	_, err := client.AssignRole(ctx, &pb.AssignRoleRequest{Record: hearing, Seat: &pb.AssignRoleRequest_Speaker{Speaker: "S1"}, Role: judge, Author: clerk})
	require.NoError(t, err)
	_, roles := whose(turns(t, client, nil))
	assert.Equal(t, judge, roles[0])
	assert.NotEqual(t, judge, roles[1])
}
