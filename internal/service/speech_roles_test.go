package service

import (
	"testing"

	"github.com/stretchr/testify/assert"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
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
