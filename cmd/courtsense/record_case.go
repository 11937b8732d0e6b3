package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
)

// caseFile is what a clerk writes about a hearing.
type caseFile struct {
	Kind      string            `yaml:"kind" json:"kind,omitempty"`
	Number    string            `yaml:"number" json:"number,omitempty"`
	Court     string            `yaml:"court" json:"court,omitempty"`
	Cause     string            `yaml:"cause" json:"cause,omitempty"`
	Title     string            `yaml:"title" json:"title,omitempty"`
	Date      string            `yaml:"date" json:"date,omitempty"`
	Time      string            `yaml:"time" json:"time,omitempty"`
	Place     string            `yaml:"place" json:"place,omitempty"`
	Parties   []caseParty       `yaml:"parties" json:"parties,omitempty"`
	Attendees []caseAttendee    `yaml:"attendees" json:"attendees,omitempty"`
	Agenda    []caseItem        `yaml:"agenda" json:"agenda,omitempty"`
	Extra     map[string]string `yaml:"extra" json:"extra,omitempty"`
}

type caseParty struct {
	Role            string               `yaml:"role" json:"role,omitempty"`
	Name            string               `yaml:"name" json:"name"`
	Details         string               `yaml:"details" json:"details,omitempty"`
	Representatives []caseRepresentative `yaml:"representatives" json:"representatives,omitempty"`
}

type caseRepresentative struct {
	Name    string `yaml:"name" json:"name"`
	Title   string `yaml:"title" json:"title,omitempty"`
	Details string `yaml:"details" json:"details,omitempty"`
}

type caseAttendee struct {
	Role   string `yaml:"role" json:"role,omitempty"`
	Name   string `yaml:"name" json:"name"`
	Title  string `yaml:"title" json:"title,omitempty"`
	Absent bool   `yaml:"absent" json:"absent,omitempty"`
}

type caseItem struct {
	Title     string `yaml:"title" json:"title"`
	Presenter string `yaml:"presenter" json:"presenter,omitempty"`
	Decision  string `yaml:"decision" json:"decision,omitempty"`
}

// UnmarshalYAML implements yaml.Unmarshaler: a name alone is enough.
func (r *caseRepresentative) UnmarshalYAML(n *yaml.Node) error {
	type plain caseRepresentative
	return scalarOr(n, &r.Name, (*plain)(r), "name", "title", "details")
}

// UnmarshalYAML implements yaml.Unmarshaler: a title alone is enough.
func (i *caseItem) UnmarshalYAML(n *yaml.Node) error {
	type plain caseItem
	return scalarOr(n, &i.Title, (*plain)(i), "title", "presenter", "decision")
}

// scalarOr reads a text, or an object with no other keys than these.
func scalarOr(n *yaml.Node, text *string, object any, keys ...string) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(text)
	}
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		if k := n.Content[i]; !slices.Contains(keys, k.Value) {
			return fmt.Errorf("line %d: %q is not known here; there are %s", k.Line, k.Value, strings.Join(keys, ", "))
		}
	}
	return n.Decode(object)
}

var recordKinds = map[string]pb.RecordKind{
	"": pb.RecordKind_RECORD_KIND_UNSPECIFIED, "trial": pb.RecordKind_RECORD_KIND_TRIAL, "mediation": pb.RecordKind_RECORD_KIND_MEDIATION,
	"minutes": pb.RecordKind_RECORD_KIND_MINUTES,
}

// unknownKey is how the YAML decoder says that a key is none of ours, with a name that only this program's authors know.
var unknownKey = regexp.MustCompile(`field (\S+) not found in type \S+`)

// maxCaseFile bounds a file about a hearing.
const maxCaseFile = 1 << 20

// readCase reads what a hearing is about.
func readCase(path string) (*pb.RecordCase, error) {
	content, err := readLimited(path, maxCaseFile)
	if err != nil {
		return nil, usagef("--case: %w", err)
	}
	c, err := parseCase(content)
	if err != nil {
		return nil, usagef("--case: %s: %w", path, err)
	}
	return c, nil
}

func parseCase(content []byte) (*pb.RecordCase, error) {
	var file caseFile
	d := yaml.NewDecoder(bytes.NewReader(content))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New(unknownKey.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: unmarshal errors:\n"), "the key $1 is not known"))
	}
	kind, ok := recordKinds[file.Kind]
	if !ok {
		return nil, fmt.Errorf("kind %q is not known; there are trial, mediation, minutes", file.Kind)
	}
	c := &pb.RecordCase{
		Number: file.Number, Court: file.Court, Cause: file.Cause, Title: file.Title, Kind: kind, Date: file.Date, Time: file.Time, Place: file.Place,
		Extra: file.Extra,
	}
	for _, i := range file.Agenda {
		c.Agenda = append(c.Agenda, &pb.RecordAgendaItem{Title: i.Title, Presenter: i.Presenter, Decision: i.Decision})
	}
	for i, p := range file.Parties {
		role, err := optionalRole(p.Role)
		if err != nil {
			return nil, fmt.Errorf("parties, number %d: %w", i+1, err)
		}
		party := &pb.RecordParty{Role: role, Name: p.Name, Details: p.Details}
		for _, r := range p.Representatives {
			party.Representatives = append(party.Representatives, &pb.RecordRepresentative{Name: r.Name, Title: r.Title, Details: r.Details})
		}
		c.Parties = append(c.Parties, party)
	}
	for i, a := range file.Attendees {
		role, err := optionalRole(a.Role)
		if err != nil {
			return nil, fmt.Errorf("attendees, number %d: %w", i+1, err)
		}
		c.Attendees = append(c.Attendees, &pb.RecordAttendee{Role: role, Name: a.Name, Title: a.Title, Absent: a.Absent})
	}
	return c, nil
}

func optionalRole(name string) (pb.SpeakerRole, error) {
	if name == "" {
		return pb.SpeakerRole_SPEAKER_ROLE_UNSPECIFIED, nil
	}
	return roleNamed(name)
}

// caseJSON writes what a hearing is about with the keys of a case file.
func caseJSON(c *pb.RecordCase) (json.RawMessage, error) {
	if c == nil {
		return nil, nil
	}
	file := caseFile{
		Number: c.GetNumber(), Court: c.GetCourt(), Cause: c.GetCause(), Title: c.GetTitle(), Date: c.GetDate(), Time: c.GetTime(),
		Place: c.GetPlace(), Extra: c.GetExtra(),
	}
	for _, i := range c.GetAgenda() {
		file.Agenda = append(file.Agenda, caseItem{i.GetTitle(), i.GetPresenter(), i.GetDecision()})
	}
	for name, kind := range recordKinds {
		if kind == c.GetKind() {
			file.Kind = name
		}
	}
	for _, p := range c.GetParties() {
		party := caseParty{Role: roleName(p.GetRole()), Name: p.GetName(), Details: p.GetDetails()}
		for _, r := range p.GetRepresentatives() {
			party.Representatives = append(party.Representatives, caseRepresentative{r.GetName(), r.GetTitle(), r.GetDetails()})
		}
		file.Parties = append(file.Parties, party)
	}
	for _, a := range c.GetAttendees() {
		file.Attendees = append(file.Attendees, caseAttendee{roleName(a.GetRole()), a.GetName(), a.GetTitle(), a.GetAbsent()})
	}
	return json.Marshal(file)
}
