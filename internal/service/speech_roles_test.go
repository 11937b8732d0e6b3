package service

import (
	"testing"

	"github.com/stretchr/testify/assert"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/role"
)

func TestRolesAreThoseOfTheContract(t *testing.T) {
	assert.Equal(t, pb.SpeakerRole_SPEAKER_ROLE_UNSPECIFIED, speakerRole(""))
	for number := range pb.SpeakerRole_name {
		m := pb.SpeakerRole(number)
		r := roleOf(m)
		assert.Equal(t, m, speakerRole(r))
		if r == "" {
			continue
		}
		_, known := role.Parse(string(r))
		assert.True(t, known, "%v", m)
	}
	assert.Len(t, pb.SpeakerRole_name, len(role.Roles)+2, "UNSPECIFIED and UNKNOWN")
}

func TestCrosstalkIsSuppressedWhereSeatsAreKnown(t *testing.T) {
	seats := &pb.RecognitionConfig{ChannelRoles: []*pb.ChannelRole{{Role: pb.SpeakerRole_SPEAKER_ROLE_JUDGE}}}
	for crosstalk, want := range map[string][2]bool{"": {false, true}, CrosstalkSeats: {false, true}, CrosstalkAlways: {true, true}, CrosstalkNever: {false, false}} {
		c := RolesConfig{Crosstalk: crosstalk}
		assert.Equal(t, want, [2]bool{c.suppress(&pb.RecognitionConfig{}), c.suppress(seats)}, "%q", crosstalk)
		for _, says := range []bool{false, true} {
			assert.Equal(t, says, c.suppress(&pb.RecognitionConfig{SuppressCrosstalk: &says}), "what the request says counts")
		}
	}
}

func TestRolesOfSpeakersWhoAreToldApart(t *testing.T) {
	judge := &pb.ChannelRole{Channel: 1, Role: pb.SpeakerRole_SPEAKER_ROLE_JUDGE}
	h := newHearing(&pb.RecognitionConfig{SeparateSpeakers: true, ChannelRoles: []*pb.ChannelRole{judge}}, nil)
	at := 0.
	say := func(channel int, speaker, text string, final bool) *pb.SpeechSegment {
		at += 5
		return h.segment(speech.Result{Segment: speech.Segment{Channel: channel, Speaker: speaker, Start: at - 5, End: at, Text: text}, Final: final})
	}
	interim := say(0, "", "我是原告", false)
	assert.Equal(t, pb.SpeakerRole_SPEAKER_ROLE_UNKNOWN, interim.Role, "whose it is is known when it has ended")
	assert.Equal(t, pb.SpeakerRole_SPEAKER_ROLE_UNKNOWN, say(0, "S1", "大家好", true).Role)
	assert.Empty(t, h.changes())
	first := say(0, "S1", "我是原告", true)
	assert.Equal(t, pb.SpeakerRole_SPEAKER_ROLE_PLAINTIFF, first.Role)
	assert.Equal(t, "S1", first.Speaker)
	assert.Equal(t, []role.Change{{Speaker: "S1", Role: role.Plaintiff}}, h.changes(), "what was said before has the role too")
	assert.Empty(t, h.changes(), "once")
	assert.Equal(t, pb.SpeakerRole_SPEAKER_ROLE_JUDGE, say(1, "", "请被告陈述", true).Role)
	assert.Equal(t, pb.SpeakerRole_SPEAKER_ROLE_DEFENDANT, say(0, "S2", "我没有收到货", true).Role)

	plain := newHearing(&pb.RecognitionConfig{ChannelRoles: []*pb.ChannelRole{judge}}, nil)
	m := plain.segment(speech.Result{Segment: speech.Segment{Text: "我是原告"}, Final: true})
	assert.Equal(t, pb.SpeakerRole_SPEAKER_ROLE_UNSPECIFIED, m.Role, "nobody asked")
}
