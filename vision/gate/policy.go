package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones where the system has none, as in small containers

	"go.yaml.in/yaml/v3"
)

// Policy says who may pass which gate when. It does not change once parsed.
type Policy struct {
	zones    map[string]*Zone // by camera
	names    []string
	location *time.Location
}

// Zone is a part of the building behind one or more cameras.
type Zone struct {
	Name       string
	Galleries  []string // that are searched
	Liveness   bool     // nobody is admitted whose liveness is not decided
	Tailgating bool     // watch for people who come in on another's admission
	Alarms     []Type
	// Revisit is how long after they were last seen a person at the same camera counts as still there.
	Revisit time.Duration

	directions map[string]Direction
	rules      []rule
}

type rule struct {
	name        string
	admit       bool
	galleries   []string
	persons     []PersonRef
	labels      map[string]string
	days        []time.Weekday // empty: all
	hours       []hours        // empty: all
	from, until time.Time      // zero: no bound; until is the first moment that is over
}

// hours is a span of the day in minutes since midnight. One that ends before it begins goes past midnight.
type hours struct{ from, to int }

// Bounds of a policy file, far beyond any building's.
const (
	maxPolicyBytes = 1 << 20
	maxZones       = 256
	maxRules       = 1000
)

const (
	defaultRevisit = 30 * time.Second
	longestRevisit = time.Hour
)

var (
	policyName  = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	galleryName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	clockSpan   = regexp.MustCompile(`^([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])$`)
)

type policyFile struct {
	TimeZone string              `yaml:"time_zone"`
	Zones    map[string]zoneFile `yaml:"zones"`
}

type zoneFile struct {
	Entry      []string   `yaml:"entry"`
	Exit       []string   `yaml:"exit"`
	Galleries  []string   `yaml:"galleries"`
	Liveness   *bool      `yaml:"liveness"`
	Tailgating *bool      `yaml:"tailgating"`
	Alarms     []string   `yaml:"alarms"`
	Revisit    string     `yaml:"revisit"`
	Rules      []ruleFile `yaml:"rules"`
}

type ruleFile struct {
	Name      string            `yaml:"name"`
	Admit     *bool             `yaml:"admit"`
	Galleries []string          `yaml:"galleries"`
	Persons   []string          `yaml:"persons"`
	Labels    map[string]string `yaml:"labels"`
	Days      []string          `yaml:"days"`
	Hours     []string          `yaml:"hours"`
	From      string            `yaml:"from"`
	Until     string            `yaml:"until"`
}

// ParsePolicy reads a policy file; docs/gates.md describes it. Everything is checked, and all that is wrong is in the error.
func ParsePolicy(content []byte) (*Policy, error) {
	if len(content) > maxPolicyBytes {
		return nil, fmt.Errorf("policy: %d bytes; a policy file has at most %d", len(content), maxPolicyBytes)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(content, &root); err != nil {
		return nil, fmt.Errorf("policy: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	// Aliases let a small file stand for a huge one.
	if n := findAlias(&root); n != nil {
		return nil, fmt.Errorf("policy: line %d: anchors and aliases are not used here; write it out", n.Line)
	}
	var f policyFile
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		var wrong *yaml.TypeError
		if errors.As(err, &wrong) {
			return nil, fmt.Errorf("policy: %s", strings.Join(wrong.Errors, "; "))
		}
		return nil, fmt.Errorf("policy: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("policy: the file holds more than one document")
	}
	return f.policy()
}

func findAlias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return n
	}
	for _, c := range n.Content {
		if found := findAlias(c); found != nil {
			return found
		}
	}
	return nil
}

// problems collects what is wrong with a file.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

func (f policyFile) policy() (*Policy, error) {
	var wrong problems
	p := &Policy{zones: map[string]*Zone{}, location: time.Local}
	if f.TimeZone != "" {
		l, err := time.LoadLocation(f.TimeZone)
		if err != nil {
			wrong.add("time_zone: %q is no time zone; write it like Asia/Shanghai", clip(f.TimeZone))
		} else {
			p.location = l
		}
	}
	if len(f.Zones) == 0 {
		wrong.add("zones: there is no zone")
	}
	if len(f.Zones) > maxZones {
		return nil, fmt.Errorf("policy: zones: %d, at most %d are supported", len(f.Zones), maxZones)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Zones)) {
		f.Zones[name].zone(name, p, &wrong)
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("policy: %w", errors.Join(wrong...))
	}
	return p, nil
}

func (f zoneFile) zone(name string, p *Policy, wrong *problems) {
	at := "zones." + clip(name)
	if !policyName.MatchString(name) {
		wrong.add("%s: a name is 1 to 63 of a-z, 0-9, \"-\" and \"_\"", at)
	}
	z := &Zone{
		Name: name, Galleries: f.Galleries, Liveness: f.Liveness == nil || *f.Liveness, Tailgating: f.Tailgating == nil || *f.Tailgating,
		Alarms: []Type{Unknown, Spoof, Tailgating}, Revisit: defaultRevisit, directions: map[string]Direction{},
	}
	for _, way := range []struct {
		cameras []string
		to      Direction
	}{{f.Entry, Entry}, {f.Exit, Exit}} {
		for _, camera := range way.cameras {
			if other := p.zones[camera]; other != nil {
				wrong.add("%s: camera %q is in zone %s already; a camera watches one zone in one direction", at, clip(camera), other.Name)
			}
			if !policyName.MatchString(camera) {
				wrong.add("%s: camera %q: a name is 1 to 63 of a-z, 0-9, \"-\" and \"_\"", at, clip(camera))
			}
			p.zones[camera], z.directions[camera] = z, way.to
		}
	}
	if len(z.directions) == 0 {
		wrong.add("%s: no camera; name at least one under entry or exit", at)
	}
	if len(f.Galleries) == 0 {
		wrong.add("%s: galleries: none; name those in which people are looked for", at)
	}
	checkGalleries(at, f.Galleries, wrong)
	if f.Alarms != nil {
		z.Alarms = nil
		for _, a := range f.Alarms {
			i := slices.Index([]string{"admitted", "refused", "unknown", "spoof", "tailgating", "camera_lost"}, a)
			if i < 0 {
				wrong.add("%s: alarms: %q is none of admitted, refused, unknown, spoof, tailgating, camera_lost", at, clip(a))
				continue
			}
			z.Alarms = append(z.Alarms, Type(i+1))
		}
	}
	if f.Revisit != "" {
		d, err := time.ParseDuration(f.Revisit)
		if err != nil || d < 0 || d > longestRevisit {
			wrong.add("%s: revisit: %q is no span of time from 0s to %v; write it like 30s", at, clip(f.Revisit), longestRevisit)
		}
		z.Revisit = d
	}
	if len(f.Rules) > maxRules {
		wrong.add("%s: rules: %d, at most %d are supported", at, len(f.Rules), maxRules)
		return
	}
	seen := map[string]bool{}
	for i, r := range f.Rules {
		at := fmt.Sprintf("%s.rules[%d]", at, i)
		if seen[r.Name] {
			wrong.add("%s: there are two rules named %q", at, clip(r.Name))
		}
		seen[r.Name] = true
		z.rules = append(z.rules, r.rule(at, f.Galleries, p.location, wrong))
	}
	p.names = append(p.names, name)
}

func checkGalleries(at string, names []string, wrong *problems) {
	for _, g := range names {
		if !galleryName.MatchString(g) {
			wrong.add("%s: galleries: %q is no gallery's name", at, clip(g))
		}
	}
}

func (f ruleFile) rule(at string, galleries []string, location *time.Location, wrong *problems) rule {
	r := rule{name: f.Name, galleries: f.Galleries, labels: f.Labels}
	if !policyName.MatchString(f.Name) {
		wrong.add("%s: name: %q; a rule has a name of 1 to 63 of a-z, 0-9, \"-\" and \"_\"", at, clip(f.Name))
	}
	if f.Admit == nil {
		wrong.add("%s: admit: missing; write true or false", at)
	} else {
		r.admit = *f.Admit
	}
	checkGalleries(at, f.Galleries, wrong)
	for _, g := range f.Galleries {
		if !slices.Contains(galleries, g) {
			wrong.add("%s: galleries: %q is not among the zone's, so that the rule would never apply", at, clip(g))
		}
	}
	for _, p := range f.Persons {
		gallery, id, ok := strings.Cut(p, "/")
		if !ok || !galleryName.MatchString(gallery) || id == "" || len(id) > 64 {
			wrong.add("%s: persons: %q is not GALLERY/PERSON", at, clip(p))
		} else if !slices.Contains(galleries, gallery) {
			wrong.add("%s: persons: gallery %q is not among the zone's, so that the rule would never apply", at, clip(gallery))
		}
		r.persons = append(r.persons, PersonRef{Gallery: gallery, ID: id})
	}
	for _, d := range f.Days {
		days, ok := parseDays(d)
		if !ok {
			wrong.add("%s: days: %q; write mon, tue, wed, thu, fri, sat, sun or a span like mon-fri", at, clip(d))
		}
		r.days = append(r.days, days...)
	}
	for _, h := range f.Hours {
		span, ok := parseHours(h)
		if !ok {
			wrong.add("%s: hours: %q; write a span like 07:30-19:00, up to 24:00", at, clip(h))
		}
		r.hours = append(r.hours, span)
	}
	date := func(key, text string) time.Time {
		if text == "" {
			return time.Time{}
		}
		d, err := time.ParseInLocation(time.DateOnly, text, location)
		if err != nil {
			wrong.add("%s: %s: %q is no date; write it like 2026-03-01", at, key, clip(text))
		}
		return d
	}
	r.from = date("from", f.From)
	if last := date("until", f.Until); !last.IsZero() {
		r.until = last.AddDate(0, 0, 1)
	}
	if !r.from.IsZero() && !r.until.IsZero() && !r.from.Before(r.until) {
		wrong.add("%s: until %s is before from %s", at, f.Until, f.From)
	}
	return r
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func parseDays(text string) ([]time.Weekday, bool) {
	first, last, span := strings.Cut(text, "-")
	i, j := slices.Index(weekdays, first), slices.Index(weekdays, last)
	if !span {
		j = i
	}
	if i < 0 || j < 0 {
		return nil, false
	}
	days := []time.Weekday{time.Weekday(i)}
	for i != j {
		i = (i + 1) % len(weekdays)
		days = append(days, time.Weekday(i))
	}
	return days, true
}

func parseHours(text string) (hours, bool) {
	m := clockSpan.FindStringSubmatch(text)
	if m == nil {
		return hours{}, false
	}
	minutes := func(h, m string) int {
		return (int(h[0]-'0')*10+int(h[1]-'0'))*60 + int(m[0]-'0')*10 + int(m[1]-'0')
	}
	h := hours{minutes(m[1], m[2]), minutes(m[3], m[4])}
	const day = 24 * 60
	return h, h.from < day && h.to <= day && h.from != h.to
}

func clip(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// Zone returns the zone that a camera watches and in which direction, nil when it watches none.
func (p *Policy) Zone(camera string) (*Zone, Direction) {
	z := p.zones[camera]
	if z == nil {
		return nil, 0
	}
	return z, z.directions[camera]
}

// Zones are the zones' names.
func (p *Policy) Zones() []string { return slices.Clone(p.names) }

// Cameras are the names of the cameras that watch a zone.
func (p *Policy) Cameras() []string { return slices.Sorted(maps.Keys(p.zones)) }

// NeedsLiveness tells whether any zone does.
func (p *Policy) NeedsLiveness() bool {
	for _, z := range p.zones {
		if z.Liveness {
			return true
		}
	}
	return false
}

// Location is the time zone of days and hours.
func (p *Policy) Location() *time.Location { return p.location }

// Decide tells whether a person may enter the zone at a time, and the name of the rule that says so: the first that applies,
// "" when none does, which lets nobody in.
func (p *Policy) Decide(z *Zone, who PersonRef, now time.Time) (admit bool, rule string) {
	now = now.In(p.location)
	for _, r := range z.rules {
		if r.applies(who, now) {
			return r.admit, r.name
		}
	}
	return false, ""
}

func (r rule) applies(who PersonRef, now time.Time) bool {
	if len(r.galleries) > 0 && !slices.Contains(r.galleries, who.Gallery) {
		return false
	}
	if len(r.persons) > 0 && !slices.ContainsFunc(r.persons, who.is) {
		return false
	}
	for k, v := range r.labels {
		if who.Labels[k] != v {
			return false
		}
	}
	if now.Before(r.from) || !r.until.IsZero() && !now.Before(r.until) {
		return false
	}
	if len(r.hours) == 0 {
		return r.onDay(now.Weekday())
	}
	minute, yesterday := now.Hour()*60+now.Minute(), now.AddDate(0, 0, -1).Weekday()
	return slices.ContainsFunc(r.hours, func(h hours) bool {
		if h.from < h.to {
			return minute >= h.from && minute < h.to && r.onDay(now.Weekday())
		}
		// A night's shift belongs to the day on which it began.
		return minute >= h.from && r.onDay(now.Weekday()) || minute < h.to && r.onDay(yesterday)
	})
}

func (r rule) onDay(d time.Weekday) bool { return len(r.days) == 0 || slices.Contains(r.days, d) }

// alarm tells whether the zone wants an alarm for a type.
func (z *Zone) alarm(t Type) bool { return slices.Contains(z.Alarms, t) }

// CameraEvent is the event of a camera that was lost or is back, with the alarm that its zone wants for it.
func (p *Policy) CameraEvent(kind Type, camera, reason string, at time.Time) Event {
	e := Event{Type: kind, Camera: camera, Start: at, Time: at, Reason: reason}
	if z, direction := p.Zone(camera); z != nil {
		e.Zone, e.Direction, e.Alarm = z.Name, direction, z.alarm(kind)
	}
	return e
}
