package export

import (
	"cmp"
	"fmt"
	"github.com/courtsense/courtsense/speech/role"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/courtsense/courtsense/speech/record"
	"github.com/courtsense/courtsense/speech/record/export/docx"
)

// document is a record as a template shows it, before it takes the form of a file. Its texts hold nothing that a file can't.
type document struct {
	template       *Template
	title, head    []string
	opening        []string
	body           []block
	closing        []string
	signatures     []string
	header, footer []string // with pageMark and pagesMark
}

// Marks of the page's number and the number of pages in headers and footers; cleaned texts have no control characters.
const pageMark, pagesMark = "\x01", "\x02"

// block is the heading of a point of the agenda, what was decided on it, or a turn: one of the three.
type block struct {
	heading, decision string
	turn              *shownTurn
}

// shownTurn is a turn with what stands before it.
type shownTurn struct {
	record.Turn
	label  string // with the colon
	voice  string // the speaker alone
	spans  []span
	struck bool
}

// span is a stretch of a turn's text.
type span struct {
	text   string
	quoted bool   // the words of a law
	note   string // where they are from
}

// composer fills a template with one record.
type composer struct {
	state  record.State
	t      *Template
	o      Options
	zone   *time.Location
	common map[string]string // of the case
	extra  map[string]string
}

func compose(s record.State, o Options) document {
	c := &composer{state: s, t: o.Template, o: o, zone: o.Template.zone}
	if c.o.Times == "" {
		c.o.Times = c.t.file.Times
	}
	c.gather()
	d := document{
		template: c.t,
		title:    c.lines(c.t.title), head: c.lines(c.t.head), opening: c.lines(c.t.opening),
		closing: c.lines(c.t.closing), signatures: c.lines(c.t.signatures), header: c.lines(c.t.header), footer: c.lines(c.t.footer),
	}
	d.body = c.body()
	return d
}

// gather collects what the case's places stand for.
func (c *composer) gather() {
	k := c.state.Case
	c.common = map[string]string{
		"court": k.Court, "number": k.Number, "cause": k.Cause, "title": k.Title, "date": c.date(k.Date), "time": k.Time, "place": k.Place,
		"record": c.state.ID, "revision": strconv.FormatInt(c.state.Revision, 10), "page": pageMark, "pages": pagesMark,
	}
	var present, absent []string
	byRole := map[record.Role][]string{}
	for _, p := range k.Parties {
		byRole[p.Role] = append(byRole[p.Role], p.Name)
		for _, r := range p.Representatives {
			if role := agentOf(p.Role); role != "" {
				byRole[role] = append(byRole[role], r.Name)
			}
		}
	}
	for _, a := range k.Attendees {
		if a.Absent {
			absent = append(absent, a.Name)
			continue
		}
		present = append(present, a.Name)
		byRole[a.Role] = append(byRole[a.Role], a.Name)
	}
	c.common["attendees"], c.common["absent"] = strings.Join(present, "、"), strings.Join(absent, "、")
	for _, r := range role.All() {
		c.common[string(r)] = strings.Join(byRole[r], "、")
	}
	if len(c.state.Sessions) > 0 {
		c.common["began"] = c.state.Sessions[0].At.In(c.zone).Format("15:04")
		last := 0.
		for _, t := range c.state.Turns {
			last = max(last, t.End)
		}
		c.common["ended"] = c.clock(last).Format("15:04")
	}
	for place, v := range c.common {
		if v != pageMark && v != pagesMark {
			c.common[place] = oneLine(v)
		}
	}
	c.extra = map[string]string{}
	for name, v := range k.Extra {
		c.extra[name] = oneLine(v)
	}
}

// value is what a place of the case stands for.
func (c *composer) value(place string) string {
	if name, ok := strings.CutPrefix(place, extraPrefix); ok {
		return c.extra[name]
	}
	return c.common[place]
}

// lines fills in the lines. Neighbouring lines about parties and their representatives are repeated party by party.
func (c *composer) lines(patterns []pattern) []string {
	var out []string
	add := func(p pattern, values map[string]string) {
		line, ok := p.fill(func(place string) string {
			if v, ok := values[place]; ok {
				return oneLine(v)
			}
			return c.value(place)
		})
		if ok {
			out = append(out, line)
		}
	}
	ofParty := func(p pattern) bool { return p.has(partyPrefix) || p.has(representativePrefix) }
	for len(patterns) > 0 {
		n := 1
		switch p := patterns[0]; {
		case ofParty(p):
			for n < len(patterns) && ofParty(patterns[n]) {
				n++
			}
			c.parties(patterns[:n], add)
		case p.has(attendeePrefix):
			for _, a := range c.state.Case.Attendees {
				if !a.Absent {
					add(p, map[string]string{"attendee.role": c.t.file.Roles[a.Role], "attendee.name": a.Name, "attendee.title": cmp.Or(a.Title, c.t.file.Roles[a.Role])})
				}
			}
		case p.has(otherPrefix):
			names := make([]string, 0, len(c.state.Case.Extra))
			for name := range c.state.Case.Extra {
				if !c.t.named[extraPrefix+name] {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			for _, name := range names {
				add(p, map[string]string{"other.name": name, "other.value": c.state.Case.Extra[name]})
			}
		default:
			add(p, nil)
		}
		patterns = patterns[n:]
	}
	return out
}

func (c *composer) parties(patterns []pattern, add func(pattern, map[string]string)) {
	for _, party := range c.state.Case.Parties {
		values := map[string]string{"party.role": c.t.file.Roles[party.Role], "party.name": party.Name, "party.details": party.Details}
		for _, p := range patterns {
			if !p.has(representativePrefix) {
				add(p, values)
				continue
			}
			role := c.t.file.Roles[agentOf(party.Role)]
			for _, r := range party.Representatives {
				with := map[string]string{
					"representative.role": role, "representative.name": r.Name, "representative.title": cmp.Or(r.Title, role), "representative.details": r.Details,
				}
				for place, v := range values {
					with[place] = v
				}
				add(p, with)
			}
		}
	}
}

// agentOf is the role of those who speak for a party.
func agentOf(party record.Role) record.Role {
	switch party {
	case role.Plaintiff:
		return role.PlaintiffAgent
	case role.Defendant:
		return role.DefendantAgent
	}
	return ""
}

func (c *composer) body() []block {
	var out []block
	item := 0
	agenda := c.state.Case.Agenda
	decided := make([]bool, len(agenda)+1)
	heading := func(item int) {
		if text, ok := c.t.agenda.fill(c.point(item)); ok {
			out = append(out, block{heading: text})
		}
	}
	decision := func(item int) {
		if item == 0 || decided[item] {
			return
		}
		decided[item] = true
		if text, ok := c.t.decision.fill(c.point(item)); ok {
			out = append(out, block{decision: text})
		}
	}
	shown := make([]record.Turn, 0, len(c.state.Turns))
	for _, t := range c.state.Turns {
		if !t.Withdrawn || c.o.Withdrawn == Struck {
			shown = append(shown, t)
		}
	}
	// A decision stands where its item is left for the last time.
	last := map[int]int{}
	for i, t := range shown {
		last[t.AgendaItem] = i
	}
	for i, t := range shown {
		if t.AgendaItem != item && t.AgendaItem > 0 && t.AgendaItem <= len(agenda) {
			item = t.AgendaItem
			heading(item)
		}
		out = append(out, block{turn: c.turn(t)})
		if last[item] == i {
			decision(item)
		}
	}
	// What was decided without anybody speaking is part of the minutes all the same.
	for n := 1; n <= len(agenda); n++ {
		if !decided[n] && agenda[n-1].Decision != "" {
			if _, spoken := last[n]; !spoken {
				heading(n)
			}
			decision(n)
		}
	}
	return out
}

// point gives the places of a point of the agenda.
func (c *composer) point(item int) func(string) string {
	return func(place string) string {
		a := c.state.Case.Agenda[item-1]
		switch place {
		case "numeral":
			return numeral(item)
		case "index":
			return strconv.Itoa(item)
		case "title":
			return oneLine(a.Title)
		case "presenter":
			return oneLine(a.Presenter)
		case "decision":
			return oneLine(a.Decision)
		}
		return ""
	}
}

func (c *composer) turn(t record.Turn) *shownTurn {
	out := &shownTurn{Turn: t, struck: t.Withdrawn}
	role, name := c.speaker(t)
	values := map[string]string{"role": role, "name": name, "time": c.time(t)}
	p := c.t.turn
	if role == "" {
		p = c.t.unknown
		if name == "" {
			values["speaker"] = anonymous(t)
		}
	}
	out.label, _ = p.fill(func(place string) string { return oneLine(values[place]) })
	delete(values, "time")
	out.voice, _ = p.fill(func(place string) string { return oneLine(values[place]) })
	out.voice = strings.TrimRight(out.voice, "：: ")
	if out.spans = c.spans(t); len(out.spans) == 0 {
		out.spans = []span{{text: c.t.file.Empty}}
	}
	return out
}

// speaker returns how the speaker's role is called, and the name where it is known and the role alone would not tell who it is.
func (c *composer) speaker(t record.Turn) (part, name string) {
	told := t.Role.Told()
	if told {
		part = c.t.file.Roles[t.Role]
	}
	if !label(t.Speaker) {
		name = t.Speaker
	}
	if !told {
		return "", name
	}
	var called []string // how each of those is called who have the part
	for _, p := range c.state.Case.Parties {
		if p.Role == t.Role {
			called = append(called, part)
		}
		if agentOf(p.Role) == t.Role {
			called = slices.Grow(called, len(p.Representatives))
			for range p.Representatives {
				called = append(called, part)
			}
		}
	}
	for _, a := range c.state.Case.Attendees {
		if a.Role != t.Role || a.Absent {
			continue
		}
		title := cmp.Or(oneLine(a.Title), part)
		called = append(called, title)
		if a.Name == t.Speaker {
			part = title
		}
	}
	// Of one who has the part alone, the title is known whoever it is.
	if len(called) == 1 {
		part = called[0]
	}
	same := 0
	for _, title := range called {
		if title == part {
			same++
		}
	}
	if part != "" && same == 1 {
		name = ""
	}
	return part, name
}

// label tells the names that clustering gives to speakers, S1 and so on, from those of people.
func label(speaker string) bool {
	digits, ok := strings.CutPrefix(speaker, "S")
	return speaker == "" || ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// anonymous is what a speaker of whom nothing is known is called.
func anonymous(t record.Turn) string {
	switch {
	case t.Speaker != "":
		return t.Speaker
	case t.Channel >= 0:
		return strconv.Itoa(t.Channel + 1)
	}
	return "？"
}

func (c *composer) time(t record.Turn) string {
	if t.Inserted && t.End <= t.Start {
		return ""
	}
	switch c.o.Times {
	case Clock:
		if len(c.state.Sessions) == 0 {
			return t.At.In(c.zone).Format(time.TimeOnly)
		}
		return c.clock(t.Start).Format(time.TimeOnly)
	case Offset:
		s := int(t.Start)
		return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return ""
}

// clock is the time of the day at a place in the record's sound.
func (c *composer) clock(seconds float64) time.Time {
	var session record.Session
	for i, x := range c.state.Sessions {
		if i == 0 || x.Position <= seconds {
			session = x
		}
	}
	return session.At.Add(time.Duration((seconds - session.Position) * float64(time.Second))).In(c.zone)
}

// date writes a day as it is written in the template's language; what is no day stays.
func (c *composer) date(s string) string {
	day, err := time.Parse(time.DateOnly, s)
	if err != nil || !strings.HasPrefix(c.t.file.Language, "zh") {
		return s
	}
	return day.Format("2006年1月2日")
}

// numeral writes a number from 1 to 99 in Chinese numerals, others in digits.
func numeral(n int) string {
	const digits = "〇一二三四五六七八九"
	if n < 1 || n > 99 {
		return strconv.Itoa(n)
	}
	digit := func(n int) string { return string([]rune(digits)[n]) }
	s := ""
	if n >= 20 {
		s = digit(n / 10)
	}
	if n >= 10 {
		s += "十"
	}
	if n%10 > 0 {
		s += digit(n % 10)
	}
	return s
}

// oneLine cleans a text that has no line breaks of its own.
func oneLine(s string) string { return strings.TrimSpace(blanks.Replace(docx.Clean(s))) }

var blanks = strings.NewReplacer("\n", " ", "\t", " ")
