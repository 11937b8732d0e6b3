package eval

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/courtsense/courtsense/speech/role"
)

// How turns are compared with what was found, in seconds and shares.
const (
	coveredTurn = .5 // of a turn must be found in its role, and more than in any other
	withinTurns = .5 // of a found segment must lie in turns of its role; else nobody spoke it
	turnCollar  = .5 // before and after a turn: segments are padded, and reach over short pauses
)

// HearingTruth is who sits where in a hearing, and who spoke when: NAME.json beside NAME.wav. Without seats everybody shares one microphone.
type HearingTruth struct {
	Seats []Seat       `json:"seats"`
	Turns []SpokenTurn `json:"turns"`
}

// Seat is somebody at a microphone.
type Seat struct {
	Channel int       `json:"channel"`
	Role    role.Role `json:"role"`
}

// SpokenTurn is what one person said without a break; seconds from the beginning.
type SpokenTurn struct {
	Role       role.Role `json:"role"`
	Start      float64   `json:"start"`
	End        float64   `json:"end"`
	Interrupts bool      `json:"interrupts,omitempty"` // it began before the turn before it had ended
}

// FoundTurn is a final segment with the role that it was given in the end.
type FoundTurn struct {
	Role    role.Role `json:"role"`
	AtOnce  role.Role `json:"at_once,omitempty"` // the role that was known when the segment ended, where that may be another one
	Start   float64   `json:"start"`
	End     float64   `json:"end"`
	Overlap bool      `json:"overlap,omitempty"`
}

// Roles measures to whom turns are given.
type Roles struct {
	Run
	// Hear finds the turns of a recording whose channels are these seats, and how many seconds of sound it has. Without seats it tells the
	// speakers of one channel apart, and their roles by what they say.
	Hear          func(ctx context.Context, path string, seats []Seat) (found []FoundTurn, seconds float64, err error)
	ProcessorTime func() time.Duration // that the process has spent so far; nil where it is not known
}

// RolesReport is the result of [Roles.Folder].
type RolesReport struct {
	Task string `json:"task"` // "roles"
	// Turns were spoken; Right were given to their role, Another to somebody else's and Unknown to nobody's; Spurious segments were given to
	// somebody who did not speak there.
	Turns    int `json:"turns"`
	Right    int `json:"right"`
	Another  int `json:"given_to_another"`
	Unknown  int `json:"unknown"`
	Spurious int `json:"spurious"`
	// AtOnce is what would be right and another's if roles that became known later did not count for earlier turns; of hearings with one
	// microphone only.
	AtOnce *RolesAtOnce `json:"at_once,omitempty"`
	// Share is Right of Turns + Spurious.
	Share            Interval    `json:"right_share"`
	Interrupting     int         `json:"interrupting_turns"`
	InterruptRight   int         `json:"interrupting_turns_right"`
	OverlapsReported int         `json:"overlaps_reported"` // interrupting turns, found, of which an overlap was told
	AudioSeconds     float64     `json:"audio_seconds"`
	CPUFactor        float64     `json:"cpu_factor,omitempty"` // processor time of the whole process by the length of the sound, all channels at once
	PerFile          []RolesFile `json:"per_file"`
	Wrong            []WrongTurn `json:"wrong"` // at most 50
	Unscored         []Problem   `json:"unscored"`
	Setting
}

// RolesAtOnce is how roles stand when a turn has ended.
type RolesAtOnce struct {
	Right   int `json:"right"`
	Another int `json:"given_to_another"`
	Unknown int `json:"unknown"`
}

// RolesFile is the result of one hearing.
type RolesFile struct {
	File     string `json:"file"`
	Turns    int    `json:"turns"`
	Right    int    `json:"right"`
	Spurious int    `json:"spurious"`
}

// WrongTurn is a turn that was not given to its role, or a segment that nobody spoke.
type WrongTurn struct {
	File  string    `json:"file"`
	What  string    `json:"what"` // "missed", "unknown", "given to another" or "spurious"
	Role  role.Role `json:"role"`
	Start float64   `json:"start"`
	End   float64   `json:"end"`
}

// Folder hears every NAME.wav (.flac, ...) of dir that has its NAME.json beside it.
func (m Roles) Folder(ctx context.Context, dir string) (RolesReport, error) {
	report := RolesReport{Task: "roles", PerFile: []RolesFile{}, Wrong: []WrongTurn{}, Unscored: []Problem{}}
	files, err := os.ReadDir(dir)
	if err != nil {
		return report, err
	}
	var names []string
	for _, f := range files {
		if !f.IsDir() && slices.Contains(soundTypes, strings.ToLower(filepath.Ext(f.Name()))) {
			names = append(names, f.Name())
		}
	}
	truths := map[string]HearingTruth{}
	names = slices.DeleteFunc(names, func(name string) bool {
		truth, err := readHearing(filepath.Join(dir, strings.TrimSuffix(name, filepath.Ext(name))+".json"))
		if err != nil {
			report.Unscored = append(report.Unscored, Problem{name, err.Error()})
			return true
		}
		truths[name] = truth
		return false
	})
	if len(names) == 0 {
		return report, fmt.Errorf("%s holds no hearing with its turns: want NAME.json beside NAME.wav (%s)", dir, strings.Join(soundTypes, ", "))
	}
	names = spread(names, m.Limit)
	found := make([][]FoundTurn, len(names))
	lengths := make([]float64, len(names))
	var spent time.Duration
	if m.ProcessorTime != nil {
		spent = m.ProcessorTime()
	}
	err = m.each(ctx, len(names), func(ctx context.Context, i int) (err error) {
		found[i], lengths[i], err = m.Hear(ctx, filepath.Join(dir, names[i]), truths[names[i]].Seats)
		if err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
		return nil
	})
	if err != nil {
		return report, err
	}
	for i, name := range names {
		report.score(name, truths[name].Turns, found[i], len(truths[name].Seats) == 0)
		report.AudioSeconds += lengths[i]
	}
	report.Share = wilson(report.Right, report.Turns+report.Spurious)
	if m.ProcessorTime != nil && report.AudioSeconds > 0 {
		report.CPUFactor = (m.ProcessorTime() - spent).Seconds() / report.AudioSeconds
	}
	return report, nil
}

func readHearing(name string) (HearingTruth, error) {
	var t HearingTruth
	content, err := os.ReadFile(name)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(content, &t); err != nil {
		return t, err
	}
	for i, turn := range t.Turns {
		if r, ok := role.Parse(string(turn.Role)); !ok || r == role.Unknown || !(turn.Start >= 0) || !(turn.End > turn.Start) {
			return t, fmt.Errorf("%s: turn %d needs a role, a start and a later end", filepath.Base(name), i)
		}
	}
	if len(t.Turns) == 0 {
		return t, fmt.Errorf("%s has no turns", filepath.Base(name))
	}
	return t, nil
}

// verdict is to whom a turn was given.
type verdict string

const (
	toItsRole verdict = "right"
	toAnother verdict = "given to another"
	toNobody  verdict = "unknown"
	notFound  verdict = "missed"
)

// givenTo tells to whom a turn was given, by the role of each segment, and whether its own segments tell of an overlap.
func givenTo(t SpokenTurn, found []FoundTurn, roleOf func(FoundTurn) role.Role) (to verdict, overlap bool) {
	seconds := map[role.Role]float64{}
	for _, f := range found {
		if s := min(f.End, t.End) - max(f.Start, t.Start); s > 0 {
			seconds[roleOf(f)] += s
			overlap = overlap || roleOf(f) == t.Role && f.Overlap
		}
	}
	best := t.Role
	for _, r := range role.All() {
		if seconds[r] > seconds[best] {
			best = r
		}
	}
	switch {
	case seconds[best] < coveredTurn*(t.End-t.Start):
		return notFound, overlap
	case best == t.Role:
		return toItsRole, overlap
	case best == role.Unknown:
		return toNobody, overlap
	}
	return toAnother, overlap
}

// score adds a hearing; of one microphone, with the roles that were known at once.
func (r *RolesReport) score(file string, turns []SpokenTurn, found []FoundTurn, oneMicrophone bool) {
	one := RolesFile{File: file, Turns: len(turns)}
	wrong := func(what string, who role.Role, start, end float64) {
		if len(r.Wrong) < 50 {
			r.Wrong = append(r.Wrong, WrongTurn{file, what, who, start, end})
		}
	}
	if oneMicrophone && r.AtOnce == nil {
		r.AtOnce = &RolesAtOnce{}
	}
	for _, t := range turns {
		to, overlap := givenTo(t, found, func(f FoundTurn) role.Role { return f.Role })
		if t.Interrupts {
			r.Interrupting++
		}
		switch to {
		case toItsRole:
			one.Right++
			if t.Interrupts {
				r.InterruptRight++
				if overlap {
					r.OverlapsReported++
				}
			}
		case toAnother:
			r.Another++
		case toNobody:
			r.Unknown++
		}
		if to != toItsRole {
			wrong(string(to), t.Role, t.Start, t.End)
		}
		if oneMicrophone {
			switch to, _ := givenTo(t, found, func(f FoundTurn) role.Role { return f.AtOnce }); to {
			case toItsRole:
				r.AtOnce.Right++
			case toAnother:
				r.AtOnce.Another++
			case toNobody:
				r.AtOnce.Unknown++
			}
		}
	}
	for _, f := range found {
		if f.Role == role.Unknown {
			continue
		}
		inside := 0.
		for _, t := range turns {
			if t.Role == f.Role {
				inside += max(0, min(f.End, t.End+turnCollar)-max(f.Start, t.Start-turnCollar))
			}
		}
		if inside < withinTurns*(f.End-f.Start) {
			one.Spurious++
			wrong("spurious", f.Role, f.Start, f.End)
		}
	}
	r.Turns, r.Right, r.Spurious = r.Turns+one.Turns, r.Right+one.Right, r.Spurious+one.Spurious
	r.PerFile = append(r.PerFile, one)
}

// WriteText prints the report for people.
func (r RolesReport) WriteText(w io.Writer) error {
	t := newTable(w)
	t.row("hearings", "%d, %.0f s of sound", len(r.PerFile), r.AudioSeconds)
	t.row("turns given to the right role", "%s: %d of %d, and %d spurious", percent(r.Share), r.Right, r.Turns, r.Spurious)
	if r.AtOnce != nil {
		t.row("  of the others", "%d given to another role, %d unknown, %d not found", r.Another, r.Unknown, r.Turns-r.Right-r.Another-r.Unknown)
		t.row("as it stands when they end", "%d right, %d given to another role, %d unknown", r.AtOnce.Right, r.AtOnce.Another, r.AtOnce.Unknown)
	}
	t.row("turns that interrupt", "%d of %d right, overlap told of %d", r.InterruptRight, r.Interrupting, r.OverlapsReported)
	for _, f := range r.PerFile {
		t.row("  "+f.File, "%d of %d, %d spurious", f.Right, f.Turns, f.Spurious)
	}
	for _, x := range r.Wrong {
		t.row("  "+x.What, "%s %s %.1f to %.1f s", x.File, x.Role, x.Start, x.End)
	}
	if r.CPUFactor > 0 {
		t.row("processor time", "%.3f s for a second of sound, all channels", r.CPUFactor)
	}
	t.problems("not scored", r.Unscored)
	t.setting("", r.Setting)
	return t.Flush()
}
