package activetest

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/courtsense/courtsense/vision/liveness/active"
)

// Script is who does what before the camera, and what must come of it. Its text is made to be read:
//
//	# A person follows every instruction.
//	challenge turn_left, open_mouth, nod
//	link 15 fps, 80ms late, 40ms jitter
//	A faces the camera for 1s
//	A does what is asked
//	A does what is asked
//	A does what is asked
//	expect LIVE
//
// Lines are played one after the other; see [Script.Play] for what they do. The last line is "expect LIVE", or "expect
// REASON" with one of the reasons of package active, or several with "or" between them.
type Script struct {
	Name      string
	About     string // the comment at its head
	Challenge []active.Action
	FPS       float64
	Late      time.Duration   // how long a message takes, each way
	Jitter    time.Duration   // by how much longer it may take
	Pause     time.Duration   // before each action; 0: drawn
	Expect    []active.Reason // any of them; the empty one is LIVE
	lines     []line
}

type line struct {
	number int
	text   string
	do     func(*play) // nil in what is only checked
}

// command is a form of a script's lines.
type command struct {
	form *regexp.Regexp
	make func(arg []string) func(*play)
}

const (
	numberArg  = `([0-9]+(?:\.[0-9]+)?)`
	secondsArg = numberArg + `s`
)

func form(text string) *regexp.Regexp { return regexp.MustCompile("^" + text + "$") }

func seconds(text string) time.Duration {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || text == "" {
		return 0
	}
	return time.Duration(v * float64(time.Second))
}

var commands = []command{
	// A person or a photograph does nothing.
	{form(`([A-Z]) (?:faces the camera|holds still) for ` + secondsArg), func(a []string) func(*play) {
		return func(p *play) { p.who(a[0], nil); p.hold(seconds(a[1])) }
	}},
	{form(`a photo of ([A-Z]) is held up for ` + secondsArg), func(a []string) func(*play) {
		return func(p *play) { p.who(a[0], &Sheet{}); p.hold(seconds(a[1])) }
	}},
	// The right answer, a moment after it was asked for.
	{form(`([A-Z]) does what is asked(?: after ` + secondsArg + `)?`), func(a []string) func(*play) {
		return func(p *play) {
			p.who(a[0], nil)
			if asked, ok := p.await(); ok {
				p.hold(max(seconds(a[1]), 400*time.Millisecond))
				p.act(asked)
			}
		}
	}},
	// A given action, when it is asked for or at once.
	{form(`([A-Z]) waits, then does ([a-z_]+)`), func(a []string) func(*play) {
		return func(p *play) {
			p.who(a[0], nil)
			if _, ok := p.await(); ok {
				p.hold(400 * time.Millisecond)
				p.act(action(a[1]))
			}
		}
	}},
	{form(`([A-Z]) sways for ` + secondsArg), func(a []string) func(*play) {
		return func(p *play) {
			p.who(a[0], nil)
			p.film(seconds(a[1]), func(t float64) Look { return Look{Roll: 14 * math.Sin(6*t), X: 0.5 * math.Sin(6*t)} })
		}
	}},
	{form(`([A-Z]) does ([a-z_]+)`), func(a []string) func(*play) {
		return func(p *play) { p.who(a[0], nil); p.act(action(a[1])) }
	}},
	{form(`([A-Z]) waits for the instruction`), func(a []string) func(*play) {
		return func(p *play) { p.who(a[0], nil); p.await() }
	}},
	// Paper does what paper can: it is tilted for a turn, bent for a mouth, moved closer.
	{form(`the photo is tilted and moved as is asked`), func([]string) func(*play) {
		return func(p *play) { p.handle(0) }
	}},
	{form(`the photo is bent, tilted and moved as is asked`), func([]string) func(*play) {
		return func(p *play) { p.handle(0.4) }
	}},
	{form(`([A-Z]) takes the place of ([A-Z])`), func(a []string) func(*play) {
		return func(p *play) { p.who(a[0], nil); p.hold(300 * time.Millisecond) }
	}},
	// What was filmed in a session before this one.
	{form(`in an earlier session ([A-Z]) does ([a-z_, ]+)`), func(a []string) func(*play) {
		return func(p *play) { p.record(a[0], actions(a[1])) }
	}},
	{form(`the recording is played`), func([]string) func(*play) { return func(p *play) { p.playRecording(false, 0) } }},
	{form(`the recording is played with its own nonces`), func([]string) func(*play) {
		return func(p *play) { p.playRecording(true, 0) }
	}},
	{form(`the recording is encoded again and played`), func([]string) func(*play) {
		return func(p *play) { p.reencode = true; p.playRecording(false, 0) }
	}},
	{form(`every second frame comes from the recording for ` + secondsArg), func(a []string) func(*play) {
		return func(p *play) { p.mix(seconds(a[0])) }
	}},
	// Tricks with frames.
	{form(`the last ` + secondsArg + ` of frames are sent again`), func(a []string) func(*play) {
		return func(p *play) { p.repeat(seconds(a[0])) }
	}},
	{form(`([A-Z]) waits, then the answer is sent in one burst`), func(a []string) func(*play) {
		return func(p *play) {
			p.who(a[0], nil)
			if asked, ok := p.await(); ok {
				p.burst(asked)
			}
		}
	}},
	{form(`a thousand frames a second are sent for ` + secondsArg), func(a []string) func(*play) {
		return func(p *play) { p.flood(seconds(a[0])) }
	}},
	{form(`the camera is covered for ` + secondsArg), func(a []string) func(*play) {
		return func(p *play) { p.cover(seconds(a[0])) }
	}},
	{form(`no frame is sent for ` + secondsArg), func(a []string) func(*play) {
		return func(p *play) { p.wait(seconds(a[0])) }
	}},
	{form(`the frames are numbered from the start again`), func([]string) func(*play) {
		return func(p *play) { p.skew = -p.at }
	}},
}

func action(name string) active.Action {
	a, err := active.ParseAction(strings.TrimSpace(name))
	if err != nil {
		panic(err) // Parse has tried it
	}
	return a
}

func actions(names string) (out []active.Action) {
	for name := range strings.SplitSeq(names, ",") {
		out = append(out, action(name))
	}
	return out
}

var secondsForm = form(secondsArg)

var linkForm = form(numberArg + ` fps, ([0-9]+)ms late, ([0-9]+)ms jitter`)

// Parse reads a script.
func Parse(name string, r io.Reader) (s *Script, err error) {
	s = &Script{Name: name, FPS: 10, Late: 40 * time.Millisecond, Jitter: 20 * time.Millisecond}
	number, ended := 0, false
	defer func() {
		// An unknown action is found where it is used.
		if v := recover(); v != nil {
			s, err = nil, fmt.Errorf("%s:%d: %v", name, number, v)
		}
	}()
	in := bufio.NewScanner(r)
	for in.Scan() {
		number++
		text := strings.TrimSpace(in.Text())
		word, rest, _ := strings.Cut(text, " ")
		switch {
		case text == "":
		case ended:
			return nil, fmt.Errorf("%s:%d: nothing may follow what is expected", name, number)
		case word == "#":
			if len(s.lines) == 0 && s.Challenge == nil {
				s.About = strings.TrimSpace(s.About + " " + rest)
			}
		case word == "challenge":
			s.Challenge = actions(rest)
		case word == "pause" && secondsForm.MatchString(rest):
			s.Pause = seconds(strings.TrimSuffix(rest, "s"))
		case word == "link":
			a := linkForm.FindStringSubmatch(rest)
			if a == nil {
				return nil, fmt.Errorf("%s:%d: want \"link N fps, Nms late, Nms jitter\"", name, number)
			}
			s.FPS, _ = strconv.ParseFloat(a[1], 64)
			s.Late, s.Jitter = seconds(a[2])/1000, seconds(a[3])/1000
		case word == "expect":
			ended = true
			for name := range strings.SplitSeq(rest, " or ") {
				reason := active.Reason(name)
				if name == "LIVE" {
					reason = ""
				} else if reason.Detail() == "" {
					return nil, fmt.Errorf("%s:%d: %q is no reason", s.Name, number, name)
				}
				s.Expect = append(s.Expect, reason)
			}
		default:
			do := parseLine(text)
			if do == nil {
				return nil, fmt.Errorf("%s:%d: nobody knows how to play %q", name, number, text)
			}
			s.lines = append(s.lines, line{number, text, do})
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if !ended || len(s.Challenge) == 0 || s.About == "" || !(s.FPS > 0) {
		return nil, fmt.Errorf("%s: a script has a comment, a challenge and, at its end, what is expected", name)
	}
	return s, nil
}

func parseLine(text string) func(*play) {
	for _, c := range commands {
		if a := c.form.FindStringSubmatch(text); a != nil {
			for _, arg := range a[1:] {
				if len(arg) > 2 && strings.Trim(arg, "abcdefghijklmnopqrstuvwxyz_, ") == "" {
					actions(arg)
				}
			}
			return c.make(a[1:])
		}
	}
	return nil
}
