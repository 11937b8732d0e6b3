package export

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/courtsense/courtsense/speech/record"
)

//go:embed templates/*.yaml
var builtin embed.FS

// MaxTemplateBytes is the longest template file that is read.
const MaxTemplateBytes = 256 << 10

// Template says what a document looks like: its title and head, how a speaker is called, what is signed, paper and fonts. It is made
// by [Builtin] or [ParseTemplate] and never changes.
type Template struct {
	file templateFile

	title, head, opening, closing, signatures []pattern
	header, footer                            []pattern
	agenda, decision, turn, unknown, note     pattern

	zone  *time.Location  // of clock times
	named map[string]bool // all places that occur
}

// templateFile is a template as its file has it; templates/trial.yaml explains each item.
type templateFile struct {
	Base       string                 `yaml:"base"`
	Name       string                 `yaml:"name"`
	Language   string                 `yaml:"language"`
	Title      []string               `yaml:"title"`
	Head       []string               `yaml:"head"`
	Opening    []string               `yaml:"opening"`
	Agenda     string                 `yaml:"agenda"`
	Decision   string                 `yaml:"decision"`
	Turn       string                 `yaml:"turn"`
	Unknown    string                 `yaml:"unknown"`
	Empty      string                 `yaml:"empty"`
	Times      Times                  `yaml:"times"`
	UTCOffset  string                 `yaml:"utc_offset"`
	Roles      map[record.Role]string `yaml:"roles"`
	Quotation  quotationMarks         `yaml:"quotation"`
	Closing    []string               `yaml:"closing"`
	Signatures []string               `yaml:"signatures"`
	Page       paper                  `yaml:"page"`
	Fonts      fonts                  `yaml:"fonts"`
	Sizes      sizes                  `yaml:"sizes"`
}

type quotationMarks struct {
	Open  string `yaml:"open"`
	Close string `yaml:"close"`
	Note  string `yaml:"note"`
}

// paper is in millimetres.
type paper struct {
	Width  float64  `yaml:"width"`
	Height float64  `yaml:"height"`
	Top    float64  `yaml:"top"`
	Bottom float64  `yaml:"bottom"`
	Left   float64  `yaml:"left"`
	Right  float64  `yaml:"right"`
	Header []string `yaml:"header"`
	Footer []string `yaml:"footer"`
}

// fonts are names, each with one to take where it isn't installed.
type fonts struct {
	Title     []string `yaml:"title"`
	Body      []string `yaml:"body"`
	Latin     []string `yaml:"latin"`
	Speaker   []string `yaml:"speaker"`
	Quotation []string `yaml:"quotation"`
}

// sizes are points; line is the distance of the lines.
type sizes struct {
	Title  float64 `yaml:"title"`
	Body   float64 `yaml:"body"`
	Margin float64 `yaml:"margin"`
	Line   float64 `yaml:"line"`
}

// Templates names the built-in templates.
func Templates() []string {
	return []string{string(record.Trial), string(record.Mediation), string(record.Minutes)}
}

// Builtin returns a built-in template.
func Builtin(name string) (*Template, error) {
	content, err := builtinFile(name)
	if err != nil {
		return nil, err
	}
	return ParseTemplate(bytes.NewReader(content))
}

func builtinFile(name string) ([]byte, error) {
	if !slices.Contains(Templates(), name) {
		return nil, fmt.Errorf("template %q is not built in; there are %s", name, strings.Join(Templates(), ", "))
	}
	return builtin.ReadFile("templates/" + name + ".yaml")
}

// ParseTemplate reads a template file: YAML, at most [MaxTemplateBytes]. What it leaves out is as in its base, a built-in template
// (default trial). Errors name the item and, of YAML, the line.
func ParseTemplate(r io.Reader) (*Template, error) {
	content, err := io.ReadAll(io.LimitReader(r, MaxTemplateBytes+1))
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	if len(content) > MaxTemplateBytes {
		return nil, fmt.Errorf("template: longer than %d bytes", MaxTemplateBytes)
	}
	if !utf8.Valid(content) {
		return nil, errors.New("template: not UTF-8; save the file as UTF-8")
	}
	t := &Template{}
	if err := t.file.read(content, 0); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	if err := t.compile(); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return t, nil
}

// read fills in the base and then what the file says.
func (f *templateFile) read(content []byte, depth int) error {
	var head struct {
		Base string `yaml:"base"`
	}
	// Whatever is wrong with the file is reported by the strict decoder below, in the same words.
	if err := yaml.Unmarshal(content, &head); err == nil && depth == 0 && head.Base == "" {
		head.Base = string(record.Trial)
	}
	if head.Base != "" {
		base, err := builtinFile(head.Base)
		if err != nil {
			return fmt.Errorf("base: %w", err)
		}
		if depth < 2 && !bytes.Equal(base, content) {
			if err := f.read(base, depth+1); err != nil {
				return err
			}
		}
	}
	d := yaml.NewDecoder(bytes.NewReader(content))
	d.KnownFields(true)
	if err := d.Decode(f); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// Name is the template's own name.
func (t *Template) Name() string { return t.file.Name }

// maxLines bounds each list of a template.
const maxLines = 200

func (t *Template) compile() error {
	f := &t.file
	t.named = map[string]bool{}
	for _, list := range []struct {
		item   string
		lines  []string
		into   *[]pattern
		places placeSet
	}{
		{"title", f.Title, &t.title, casePlaces},
		{"head", f.Head, &t.head, casePlaces | personPlaces},
		{"opening", f.Opening, &t.opening, casePlaces},
		{"closing", f.Closing, &t.closing, casePlaces},
		{"signatures", f.Signatures, &t.signatures, casePlaces | personPlaces},
		{"page.header", f.Page.Header, &t.header, casePlaces | pagePlaces},
		{"page.footer", f.Page.Footer, &t.footer, casePlaces | pagePlaces},
	} {
		if len(list.lines) > maxLines {
			return fmt.Errorf("%s: %d lines; at most %d", list.item, len(list.lines), maxLines)
		}
		*list.into = nil
		for i, line := range list.lines {
			p, err := checked(line, list.places)
			if err != nil {
				return fmt.Errorf("%s, line %d: %w", list.item, i+1, err)
			}
			p.places(func(name string) { t.named[name] = true })
			*list.into = append(*list.into, p)
		}
	}
	for _, one := range []struct {
		item, line string
		into       *pattern
		places     placeSet
	}{
		{"agenda", f.Agenda, &t.agenda, agendaPlaces},
		{"decision", f.Decision, &t.decision, agendaPlaces},
		{"turn", f.Turn, &t.turn, turnPlaces},
		{"unknown", f.Unknown, &t.unknown, turnPlaces},
		{"quotation.note", f.Quotation.Note, &t.note, notePlaces},
	} {
		p, err := checked(one.line, one.places)
		if err != nil {
			return fmt.Errorf("%s: %w", one.item, err)
		}
		*one.into = p
	}
	at, err := time.Parse("-07:00", f.UTCOffset)
	if err != nil {
		return fmt.Errorf("utc_offset: %q is not like +08:00", f.UTCOffset)
	}
	_, seconds := at.Zone()
	t.zone = time.FixedZone(f.UTCOffset, seconds)
	return f.check()
}

// checked reads a line and refuses places that are nothing here.
func checked(line string, allowed placeSet) (pattern, error) {
	p, err := parsePattern(line)
	if err != nil {
		return nil, err
	}
	p.places(func(name string) {
		if err == nil && !allowed.has(name) {
			err = fmt.Errorf("{%s} is nothing that can stand here; there are %s", name, allowed)
		}
	})
	repeated := 0
	for _, repeats := range []bool{p.has(partyPrefix) || p.has(representativePrefix), p.has(attendeePrefix), p.has(otherPrefix)} {
		if repeats {
			repeated++
		}
	}
	if err == nil && repeated > 1 {
		err = errors.New("a line is repeated for parties, for attendees or for other information, not for two of them")
	}
	return p, err
}

func (f *templateFile) check() error {
	if err := f.Times.check(); err != nil {
		return fmt.Errorf("times: %w", err)
	}
	for _, role := range slices.Sorted(maps.Keys(f.Roles)) {
		if !role.Valid() {
			return fmt.Errorf("roles: there is no role %q", role)
		}
	}
	for _, x := range []struct {
		item               string
		value, least, most float64
		unit               string
	}{
		{"page.width", f.Page.Width, 50, 500, "mm"}, {"page.height", f.Page.Height, 50, 500, "mm"},
		{"page.top", f.Page.Top, 0, 200, "mm"}, {"page.bottom", f.Page.Bottom, 0, 200, "mm"},
		{"page.left", f.Page.Left, 0, 200, "mm"}, {"page.right", f.Page.Right, 0, 200, "mm"},
		{"sizes.title", f.Sizes.Title, 4, 100, "pt"}, {"sizes.body", f.Sizes.Body, 4, 100, "pt"},
		{"sizes.margin", f.Sizes.Margin, 4, 100, "pt"}, {"sizes.line", f.Sizes.Line, 4, 200, "pt"},
	} {
		// Not-a-number is outside too.
		if !(x.value >= x.least && x.value <= x.most) {
			return fmt.Errorf("%s: %g %s is not within %g to %g", x.item, x.value, x.unit, x.least, x.most)
		}
	}
	if f.Page.Width-f.Page.Left-f.Page.Right < 40 || f.Page.Height-f.Page.Top-f.Page.Bottom < 40 {
		return errors.New("page: the margins leave less than 40 mm for the text")
	}
	for _, x := range []struct {
		item  string
		names []string
	}{{"title", f.Fonts.Title}, {"body", f.Fonts.Body}, {"latin", f.Fonts.Latin}, {"speaker", f.Fonts.Speaker}, {"quotation", f.Fonts.Quotation}} {
		if len(x.names) < 1 || len(x.names) > 2 || slices.Contains(x.names, "") {
			return fmt.Errorf("fonts.%s: a font and, if you like, one to take its place", x.item)
		}
	}
	return nil
}
