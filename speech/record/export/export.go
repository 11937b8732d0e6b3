package export

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/speech/record"
)

// Format is what a record is written as.
type Format string

// The formats.
const (
	DOCX Format = "docx" // Office Open XML (ECMA-376)
	Text Format = "text" // UTF-8
	SRT  Format = "srt"  // SubRip subtitles
	VTT  Format = "vtt"  // WebVTT subtitles
	JSON Format = "json" // everything, with all revisions
)

var formats = []struct {
	format               Format
	extension, mediaType string
}{
	{DOCX, ".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{Text, ".txt", "text/plain; charset=utf-8"},
	{SRT, ".srt", "application/x-subrip"},
	{VTT, ".vtt", "text/vtt; charset=utf-8"},
	{JSON, ".json", "application/json"},
}

// Formats lists the formats.
func Formats() []Format {
	all := make([]Format, len(formats))
	for i, f := range formats {
		all[i] = f.format
	}
	return all
}

// MediaType is the format's Internet media type; empty of what is no format.
func (f Format) MediaType() string {
	for _, x := range formats {
		if x.format == f {
			return x.mediaType
		}
	}
	return ""
}

// Extension is how names of its files end, with the dot; empty of what is no format.
func (f Format) Extension() string {
	for _, x := range formats {
		if x.format == f {
			return x.extension
		}
	}
	return ""
}

// ParseFormat reads a format's name.
func ParseFormat(name string) (Format, error) {
	if f := Format(name); slices.Contains(Formats(), f) {
		return f, nil
	}
	return "", fmt.Errorf("format %q is not known; there are %s", name, listed(Formats()))
}

// FormatOf tells the format of a file by its name.
func FormatOf(path string) (Format, error) {
	extension := strings.ToLower(filepath.Ext(path))
	var known []string
	for _, f := range formats {
		if f.extension == extension {
			return f.format, nil
		}
		known = append(known, f.extension)
	}
	return "", fmt.Errorf("%s: no format of a record ends in %q; name the file %s", path, extension, strings.Join(known, ", "))
}

func listed[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, x := range all {
		names[i] = string(x)
	}
	return strings.Join(names, ", ")
}

// Times says which time is printed with each turn.
type Times string

// The times. The zero value is what the template says.
const (
	NoTimes Times = "none"
	Clock   Times = "clock"  // of the day: 09:31:05
	Offset  Times = "offset" // from the beginning of the record's sound: 00:12:33
)

func (t Times) check() error {
	if t != NoTimes && t != Clock && t != Offset {
		return fmt.Errorf("%q is not one of %s", t, listed([]Times{NoTimes, Clock, Offset}))
	}
	return nil
}

// WithdrawnTurns says what documents do with withdrawn turns.
type WithdrawnTurns string

// What is done with them. The zero value leaves them out. Subtitles never show them, JSON always has them.
const (
	LeaveOut WithdrawnTurns = "left_out"
	Struck   WithdrawnTurns = "struck" // printed with a line through the text, in plain text in brackets
)

// Options say how a record is written.
type Options struct {
	Format    Format
	Template  *Template // of documents and plain text; nil: the built-in one of the case's kind
	Times     Times
	Withdrawn WithdrawnTurns
	Software  string // that writes it, for the file's properties; default "courtsense"
}

// Validate tells what is wrong with the options.
func (o Options) Validate() error {
	if _, err := ParseFormat(string(o.Format)); err != nil {
		return err
	}
	if o.Times != "" {
		if err := o.Times.check(); err != nil {
			return fmt.Errorf("times: %w", err)
		}
	}
	if o.Withdrawn != "" && o.Withdrawn != LeaveOut && o.Withdrawn != Struck {
		return fmt.Errorf("withdrawn turns: %q is not one of %s", o.Withdrawn, listed([]WithdrawnTurns{LeaveOut, Struck}))
	}
	return nil
}

// Write writes the record. Whatever its texts hold, the file is sound: what a format can't hold becomes U+FFFD, and JSON
// replaces no more than bytes that are no text.
func Write(w io.Writer, s record.State, o Options) error {
	if err := o.Validate(); err != nil {
		return fmt.Errorf("export record %s: %w", s.ID, err)
	}
	if o.Software == "" {
		o.Software = "courtsense"
	}
	if o.Template == nil {
		t, err := Builtin(string(kindOf(s.Case)))
		if err != nil {
			return fmt.Errorf("export record %s: %w", s.ID, err)
		}
		o.Template = t
	}
	var err error
	switch o.Format {
	case DOCX:
		err = writeDOCX(w, compose(s, o), s, o)
	case Text:
		err = writeText(w, compose(s, o))
	case SRT:
		err = writeSRT(w, compose(s, o))
	case VTT:
		err = writeVTT(w, compose(s, o))
	case JSON:
		err = writeJSON(w, s)
	default:
		err = errors.ErrUnsupported
	}
	if err != nil {
		return fmt.Errorf("export record %s as %s: %w", s.ID, o.Format, err)
	}
	return nil
}

func kindOf(c record.Case) record.Kind {
	if c.Kind == "" {
		return record.Trial
	}
	return c.Kind
}
