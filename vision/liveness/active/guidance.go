package active

import "time"

// encourage is what to say to a person who does not do the action, or not enough.
func encourage(a Action, amount float64, since time.Duration) string {
	if amount < 0.35 {
		if since < 1500*time.Millisecond {
			return ""
		}
		return a.Instruction()
	}
	switch a {
	case Blink:
		return "Close both eyes fully."
	case OpenMouth:
		return "Open your mouth a little wider."
	case TurnLeft:
		return "Turn a little more to your left."
	case TurnRight:
		return "Turn a little more to your right."
	case Nod:
		return "Lower your chin a little more."
	case ComeCloser:
		return "Come a little closer."
	}
	return ""
}
