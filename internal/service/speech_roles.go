package service

import (
	"strings"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/speech/role"
)

// When cross-talk between channels is suppressed where a request does not say.
const (
	CrosstalkSeats  = "seats"  // of sound whose channels have roles
	CrosstalkAlways = "always" // of all sound of several channels
	CrosstalkNever  = "never"
)

// RolesConfig sets up how [Speech] tells who speaks.
type RolesConfig struct {
	Crosstalk string      // one of the Crosstalk constants; "" is CrosstalkSeats
	Cues      *role.Table // phrases that give away who speaks; nil: the built-in ones
}

// suppress tells whether cross-talk is suppressed for a request.
func (c RolesConfig) suppress(req *pb.RecognitionConfig) bool {
	if req.SuppressCrosstalk != nil {
		return req.GetSuppressCrosstalk()
	}
	switch c.Crosstalk {
	case CrosstalkAlways:
		return true
	case CrosstalkNever:
		return false
	}
	return len(req.GetChannelRoles()) > 0
}

// roleOf is the role of a message; "" when it is not given.
func roleOf(r pb.SpeakerRole) role.Role {
	if r == pb.SpeakerRole_SPEAKER_ROLE_UNSPECIFIED {
		return ""
	}
	return role.Role(strings.ToLower(strings.TrimPrefix(r.String(), "SPEAKER_ROLE_")))
}

// speakerRole is the message of a role; that of "" is UNSPECIFIED.
func speakerRole(r role.Role) pb.SpeakerRole {
	return pb.SpeakerRole(pb.SpeakerRole_value["SPEAKER_ROLE_"+strings.ToUpper(string(r))])
}
