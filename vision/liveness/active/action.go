package active

import (
	"fmt"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/models"
)

// Action is what a person is asked to do; its values are those of the API's LivenessAction.
type Action int

// The actions. Left and right are the person's own.
const (
	Blink Action = iota + 1
	OpenMouth
	TurnLeft
	TurnRight
	Nod
	ComeCloser
)

var actionNames = map[Action]string{
	Blink: "blink", OpenMouth: "open_mouth", TurnLeft: "turn_left", TurnRight: "turn_right", Nod: "nod", ComeCloser: "come_closer",
}

// All lists every action.
func All() []Action { return []Action{Blink, OpenMouth, TurnLeft, TurnRight, Nod, ComeCloser} }

// String returns the action's name in the catalogue's parameter "actions", such as "turn_left".
func (a Action) String() string {
	if n, ok := actionNames[a]; ok {
		return n
	}
	return fmt.Sprintf("Action(%d)", int(a))
}

// ParseAction reads a name that String writes.
func ParseAction(name string) (Action, error) {
	for _, a := range All() {
		if actionNames[a] == name {
			return a, nil
		}
	}
	return 0, fmt.Errorf("action %q is not known; there are blink, open_mouth, turn_left, turn_right, nod and come_closer", name)
}

// turns tells an action that shows the face's relief, which paper does not have.
func (a Action) turns() bool { return a == TurnLeft || a == TurnRight }

// deforms tells an action that changes the face's form, which paper can't, however it is bent.
func (a Action) deforms() bool { return a == Blink || a == OpenMouth }

// Instruction is the sentence that asks for the action.
func (a Action) Instruction() string {
	switch a {
	case Blink:
		return "Close both eyes for a moment, then open them."
	case OpenMouth:
		return "Open your mouth wide, then close it."
	case TurnLeft:
		return "Turn your head to your left, then look straight again."
	case TurnRight:
		return "Turn your head to your right, then look straight again."
	case Nod:
		return "Nod: lower your chin, then look straight again."
	case ComeCloser:
		return "Come closer to the camera."
	}
	return ""
}

// Thresholds are what tells an action, as changes against the person's own resting face. They belong to a landmark model,
// whose catalogue entry is their only home and says where they were measured.
type Thresholds struct {
	Turn   float64 // degrees of yaw
	Relief float64 // of [Measurement.Relief], that a turn must show
	Nod    float64 // degrees of pitch, downwards
	Mouth  float64 // of [Measurement.LipGap]
	Eyes   float64 // share of the resting eye's openness at or below which it is shut, 0..1
	Closer float64 // times the resting face's size
}

// Tells reads from a landmark model's entry which actions its points can tell (parameter "actions", none when it is
// absent), and from which values on (thresholds "active_turn", "active_relief", "active_nod", "active_mouth", "active_eyes"
// and "active_closer"; those that its actions need must be there).
func Tells(e models.Entry) ([]Action, Thresholds, error) {
	var actions []Action
	for _, name := range e.Parameters.Strings("actions", nil) {
		a, err := ParseAction(name)
		if err != nil {
			return nil, Thresholds{}, fmt.Errorf("parameter actions: %w", err)
		}
		actions = append(actions, a)
	}
	var t Thresholds
	for _, want := range []struct {
		name   string
		into   *float64
		lo, hi float64
		of     []Action
	}{
		{"active_turn", &t.Turn, 3, 60, []Action{TurnLeft, TurnRight}},
		{"active_relief", &t.Relief, 0.001, 1, []Action{TurnLeft, TurnRight}},
		{"active_nod", &t.Nod, 2, 45, []Action{Nod}},
		{"active_mouth", &t.Mouth, 0.01, 2, []Action{OpenMouth}},
		{"active_eyes", &t.Eyes, 0.05, 0.95, []Action{Blink}},
		{"active_closer", &t.Closer, 1.05, 4, []Action{ComeCloser}},
	} {
		if !slices.ContainsFunc(actions, func(a Action) bool { return slices.Contains(want.of, a) }) {
			continue
		}
		if *want.into = e.Threshold(want.name, 0); !(*want.into >= want.lo && *want.into <= want.hi) {
			return nil, Thresholds{}, fmt.Errorf("threshold %s is %v; its actions need one from %v to %v", want.name, *want.into, want.lo, want.hi)
		}
	}
	return actions, t, nil
}

func list(actions []Action) string {
	var names []string
	for _, a := range actions {
		names = append(names, a.String())
	}
	return strings.Join(names, ", ")
}
