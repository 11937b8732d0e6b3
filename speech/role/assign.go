package role

import "slices"

// Turn is what one speaker says without a break.
type Turn struct {
	Channel    int
	Speaker    string  // label within the stream, such as "S1"; "" where speakers of a channel are not told apart
	Start, End float64 // seconds
	Text       string
}

// Change tells of a speaker whose role became known or turned out to be another one: it is that of their earlier turns too.
type Change struct {
	Channel int
	Speaker string
	Role    Role
}

// answerTime is for how long somebody who is asked to speak is waited for, in seconds.
const answerTime = 30

// maxSpeakers bounds what is remembered of speakers; those beyond it are judged by each of their turns alone.
const maxSpeakers = 256

// Assigner follows a hearing and tells the role of every turn. It is not safe for concurrent use.
type Assigner struct {
	table    *Table
	seats    map[int]Role
	speakers map[speaker]*evidence
	asked    *question
}

type speaker struct {
	channel int
	label   string
}

// evidence is what speaks for a speaker's roles.
type evidence struct {
	points map[Role]int
	role   Role
	fixed  bool // by the clerk
}

// question is a request to speak.
type question struct {
	by   speaker
	role Role
	at   float64
}

// NewAssigner follows a hearing from its begin. seats are the roles of channels that one person sits at; phrases do not change them.
func NewAssigner(t *Table, seats map[int]Role) *Assigner {
	return &Assigner{table: t, seats: seats, speakers: map[speaker]*evidence{}}
}

// Assign sets a speaker's role by the clerk's word, which phrases do not change any more; [Unknown] takes it back.
func (a *Assigner) Assign(channel int, label string, r Role) {
	e := a.of(speaker{channel, label})
	e.role, e.fixed = r, r != Unknown
	if !e.fixed {
		clear(e.points)
	}
}

// Role is what is known of a speaker so far.
func (a *Assigner) Role(channel int, label string) Role {
	if r, ok := a.seats[channel]; ok && r != Unknown && r != "" {
		return r
	}
	if e, ok := a.speakers[speaker{channel, label}]; ok {
		return e.role
	}
	return Unknown
}

func (a *Assigner) of(s speaker) *evidence {
	e, ok := a.speakers[s]
	if !ok {
		e = &evidence{points: map[Role]int{}, role: Unknown}
		if len(a.speakers) < maxSpeakers {
			a.speakers[s] = e
		}
	}
	return e
}

// Hear takes the next turn and returns its role, and the speaker's change if this turn changed what is known of them.
//
// A seat's role is that of whoever speaks there. Others are told by the phrases of the table: each is evidence for its speaker, and a request to
// speak is evidence for the next other speaker. A role is told when it has enough evidence and leads; else it is [Unknown]. Where speakers
// are not told apart, only what a turn itself says counts.
func (a *Assigner) Hear(t Turn) (Role, []Change) {
	who := speaker{t.Channel, t.Speaker}
	seat, seated := a.seats[t.Channel]
	seated = seated && seat != Unknown && seat != ""
	apart := seated || t.Speaker != ""
	e := &evidence{points: map[Role]int{}, role: Unknown}
	if known, ok := a.speakers[who]; ok && (apart || known.fixed) {
		e = known
	} else if t.Speaker != "" && !seated {
		e = a.of(who)
	}
	before := e.role
	asked := a.asked
	if asked != nil && (t.Start-asked.at > answerTime || apart && asked.by != who) {
		a.asked = nil
	}
	for _, p := range a.table.find(t.Text) {
		// Parties ask each other, too.
		if p.cue.asks == "" || e.role == Unknown || e.role == p.cue.says {
			e.points[p.cue.says] += p.cue.points
		}
		if p.cue.asks != "" && apart {
			a.asked = &question{who, p.cue.asks, t.End}
		}
	}
	// Who was asked is whoever speaks next, if it is soon and somebody else. What they say of themselves was heard first.
	if asked != nil && t.Start-asked.at <= answerTime && apart && asked.by != who {
		e.points[e.forParty(asked.role)] += whole
	}
	if seated {
		return seat, nil
	}
	if !e.fixed {
		e.decide()
	}
	if t.Speaker == "" || e.role == before || e.role == Unknown {
		return e.role, nil
	}
	return e.role, []Change{{t.Channel, t.Speaker, e.role}}
}

// agents are those who speak for a party when it is asked.
var agents = map[Role]Role{Plaintiff: PlaintiffAgent, Defendant: DefendantAgent}

// forParty is the role of a speaker who answers for a party: the party's own, or its agent's where they said to be that.
func (e *evidence) forParty(asked Role) Role {
	if agent, ok := agents[asked]; ok && e.points[agent] >= whole {
		return agent
	}
	return asked
}

// decide takes the role with most points, if they are enough and lead. Whoever clearly has another role as well may be two people that were taken for
// one, and is nobody unless one role outweighs the other.
func (e *evidence) decide() {
	best, second := Unknown, 0
	for _, r := range Roles {
		switch p := e.points[r]; {
		case best == Unknown && p > 0 || p > e.points[best]:
			second, best = e.points[best], r
		default:
			second = max(second, p)
		}
	}
	e.role = Unknown
	if e.points[best] >= enough && e.points[best]-second >= ahead && (second < enough || e.points[best] >= outweighs*second) {
		e.role = best
	}
}

// Speakers are the labels of a channel that turns had, sorted.
func (a *Assigner) Speakers(channel int) (labels []string) {
	for s := range a.speakers {
		if s.channel == channel {
			labels = append(labels, s.label)
		}
	}
	slices.Sort(labels)
	return labels
}
