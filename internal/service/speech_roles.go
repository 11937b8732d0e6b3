package service

import (
	"context"
	"strings"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/role"
	"github.com/courtsense/courtsense/speech/speaker"
)

// When cross-talk between channels is suppressed where a request does not say.
const (
	CrosstalkSeats  = "seats"  // of sound whose channels have roles
	CrosstalkAlways = "always" // of all sound of several channels
	CrosstalkNever  = "never"
)

// SpeakersConfig sets up how [Speech] tells the speakers of one channel apart.
type SpeakersConfig struct {
	Active  string // id of the model that tells voices apart; "" when there is none
	Missing error  // why there is none
	Max     int    // speakers of a channel
}

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

// separation says how a request's speakers are told apart; nil when they are not.
func (s *Speech) separation(ctx context.Context, c *pb.RecognitionConfig) (*speech.Separation, error) {
	if !c.GetSeparateSpeakers() {
		return nil, nil
	}
	embedder, err := s.speakers.hold(ctx, "")
	if err != nil {
		return nil, err
	}
	out := &speech.Separation{Embedder: embedder, Config: speaker.Config{MaxSpeakers: s.cfg.Speakers.Max}, Alone: map[int]bool{}}
	for _, r := range c.GetChannelRoles() {
		out.Alone[int(r.GetChannel())] = told(r.GetRole())
	}
	ev := evidenceOf(ctx)
	ev.setting("separate_speakers", "true")
	ev.setting("speakers.model", embedder.Name())
	return out, nil
}

// told tells whether a role says who it is.
func told(r pb.SpeakerRole) bool {
	return r != pb.SpeakerRole_SPEAKER_ROLE_UNSPECIFIED && r != pb.SpeakerRole_SPEAKER_ROLE_UNKNOWN
}

// assigner follows who speaks, for a request whose speakers are told apart; nil for others.
func assigner(c *pb.RecognitionConfig, cues *role.Table) *role.Assigner {
	if !c.GetSeparateSpeakers() {
		return nil
	}
	seats := map[int]role.Role{}
	for _, r := range c.GetChannelRoles() {
		seats[int(r.GetChannel())] = roleOf(r.GetRole())
	}
	if cues == nil {
		cues = role.DefaultTable()
	}
	return role.NewAssigner(cues, seats)
}

// Assigner follows who speaks by what is said, for a request whose speakers are told apart; nil for others.
func (s *Speech) Assigner(c *pb.RecognitionConfig) *role.Assigner {
	return assigner(c, s.cfg.Roles.Cues)
}

// who sets the speaker and the role of a segment.
func (h *hearing) who(r speech.Result, m *pb.SpeechSegment) {
	m.Role, m.Speaker = h.roles[m.Channel], r.Speaker
	if h.assigner == nil {
		return
	}
	if !r.Final {
		// Whose a segment is is known when it has ended.
		if m.Role == pb.SpeakerRole_SPEAKER_ROLE_UNSPECIFIED {
			m.Role = pb.SpeakerRole_SPEAKER_ROLE_UNKNOWN
		}
		return
	}
	found, changed := h.assigner.Hear(role.Turn{Channel: r.Channel, Speaker: r.Speaker, Start: r.Start, End: r.End, Text: r.Text})
	m.Role, h.changed = speakerRole(found), changed
}

// changes returns the speakers whose role became known, or another one, with the latest final segment: it is that of their earlier segments
// too. They are returned once.
func (h *hearing) changes() []role.Change {
	out := h.changed
	h.changed = nil
	return out
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
