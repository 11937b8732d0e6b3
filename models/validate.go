package models

import (
	"math"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	idPattern        = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	slotPattern      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	parameterPattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

const (
	maxName     = 64
	maxPath     = 255
	maxFileSize = 1 << 40 // bytes; anything larger is a slip of the pen
	maxBatch    = 1024
	maxDelayMS  = 1000
)

// familyRoles are the files without which a family can't run; every other family needs a model.
var familyRoles = map[string][]string{
	FamilyTransducerStream: {RoleEncoder, RoleDecoder, RoleJoiner, RoleTokens},
	FamilyCTCStream:        {RoleModel, RoleTokens},
	FamilyTesseract:        {RoleTrainedData},
	FamilyLSTMLM:           {RoleLM},
	FamilyNGramLM:          {RoleLM},
}

func (v *validation) catalog(root *yaml.Node, c *Catalog) {
	if c.Format != 1 {
		v.fail(root.Line, "", "format is %d, want 1", c.Format)
	}
	nodes := valueAt(root, "models")
	if nodes == nil || len(c.Models) == 0 {
		v.fail(root.Line, "", "has no models")
		return
	}
	ids := map[string]int{}
	paths := map[string]File{}
	for i := range c.Models {
		if len(v.faults) >= maxFaults {
			return
		}
		e, n := &c.Models[i], nodes.Content[i]
		if first, twice := ids[e.ID]; twice {
			v.fail(n.Line, e.ID, "id is used twice, first in line %d", first)
		}
		ids[e.ID] = n.Line
		v.entry(n, e)
		for j, f := range e.Files {
			// Two models may share a file (tokens), but then it must be one and the same.
			if other, ok := paths[f.Path]; ok && (other.SHA256 != f.SHA256 || other.Size != f.Size || other.URL != f.URL) {
				v.fail(lineAt(n, j, "files"), e.ID, "file %s is named elsewhere with another sha256, size or url", f.Path)
			}
			paths[f.Path] = f
		}
	}
}

func (v *validation) entry(n *yaml.Node, e *Entry) {
	line := func(key string) int {
		if at := valueAt(n, key); at != nil {
			return at.Line
		}
		return n.Line
	}
	if !idPattern.MatchString(e.ID) || len(e.ID) > maxName {
		v.fail(line("id"), e.ID, "id %q: want lower-case words joined by '-', at most %d characters", e.ID, maxName)
	}
	for _, text := range []struct{ key, value string }{{"version", e.Version}, {"title", e.Title}, {"license", e.License}} {
		if strings.TrimSpace(text.value) == "" {
			v.fail(line(text.key), e.ID, "%s is missing", text.key)
		}
	}
	v.oneOf(line("task"), e.ID, "task", e.Task, Tasks())
	v.oneOf(line("family"), e.ID, "family", e.Family, Families())
	if e.Slot != "" && (!slotPattern.MatchString(e.Slot) || len(e.Slot) > maxName) {
		v.fail(line("slot"), e.ID, "slot %q: want letters, digits, '.', '_' or '-'", e.Slot)
	}
	if e.Source != "" {
		v.https(line("source"), e.ID, "source", e.Source)
	}
	if e.Card != "" {
		v.path(line("card"), e.ID, "card", e.Card)
	}
	v.files(n, e)
	v.tensors(n, e)
	v.parameters(line("parameters"), e)
	v.thresholds(n, e)
	v.batch(line("batch"), e)
	if r := e.Remote; r != nil {
		u, err := url.Parse(r.Endpoint)
		if err != nil || (u.Scheme != "grpc" && u.Scheme != "grpcs") || u.Host == "" || u.User != nil {
			v.fail(line("remote"), e.ID, "remote endpoint %q: want grpc://host:port or grpcs://host:port", r.Endpoint)
		}
		if r.Model == "" {
			v.fail(line("remote"), e.ID, "remote model is missing")
		}
	}
}

func (v *validation) files(n *yaml.Node, e *Entry) {
	if len(e.Files) == 0 {
		if e.Remote == nil || e.Embedded || e.System {
			v.fail(n.Line, e.ID, "has no files")
		}
		return
	}
	need := familyRoles[e.Family]
	if need == nil {
		need = []string{RoleModel}
	}
	for _, role := range need {
		if _, err := e.File(role); err != nil {
			v.fail(n.Line, e.ID, "family %s needs a file with role %q", e.Family, role)
		}
	}
	seen := map[string]bool{}
	for i, f := range e.Files {
		at := lineAt(n, i, "files")
		v.oneOf(at, e.ID, "role", f.Role, Roles())
		if seen[f.Role] {
			v.fail(at, e.ID, "two files with role %q", f.Role)
		}
		seen[f.Role] = true
		v.path(at, e.ID, "path", f.Path)
		if f.URL != "" {
			v.https(at, e.ID, "url", f.URL)
		}
		node := valueAt(n, "files").Content[i]
		switch {
		case f.Verified != nil && *f.Verified:
			v.fail(at, e.ID, "verified may only be false: a sha256 says the rest")
		case f.TrustOnFirstUse() && f.SHA256 != "":
			v.fail(at, e.ID, "file %s has a sha256 and verified: false", f.Path)
		case f.TrustOnFirstUse() && e.Embedded:
			v.fail(at, e.ID, "embedded file %s needs a sha256", f.Path)
		case !f.TrustOnFirstUse() && !isSHA256(f.SHA256):
			v.fail(at, e.ID, "sha256 %q of %s: want 64 lower-case hex digits, or verified: false where none is known", f.SHA256, f.Path)
		}
		if valueAt(node, "size") != nil && (f.Size <= 0 || f.Size > maxFileSize) {
			v.fail(at, e.ID, "size of %s is %d: want more than 0 and at most %d bytes, or leave it out", f.Path, f.Size, int64(maxFileSize))
		}
		if e.Embedded && !strings.HasPrefix(f.Path, embeddedPrefix) {
			v.fail(at, e.ID, "path %s of an embedded file must start with %s", f.Path, embeddedPrefix)
		}
	}
}

func (v *validation) tensors(n *yaml.Node, e *Entry) {
	for _, side := range []struct {
		key  string
		list []TensorSpec
	}{{"inputs", e.Inputs}, {"outputs", e.Outputs}} {
		names := map[string]bool{}
		for i, t := range side.list {
			at := lineAt(n, i, side.key)
			if t.Name == "" && len(side.list) > 1 {
				v.fail(at, e.ID, "%s without a name; only the single tensor of its side may go without", side.key)
			}
			if names[t.Name] {
				v.fail(at, e.ID, "two %s called %q", side.key, t.Name)
			}
			names[t.Name] = true
			v.tensor(at, e, t)
		}
	}
}

func (v *validation) tensor(at int, e *Entry, t TensorSpec) {
	v.oneOf(at, e.ID, "dtype", t.DType, []string{"float32", "int64", "uint8"})
	for i, d := range t.Shape {
		if d != -1 && d < 1 {
			v.fail(at, e.ID, "tensor %s: shape %v has dimension %d, want -1 (any) or more than 0", t.Name, t.Shape, d)
		}
		if i < len(t.Example) && d > 0 && t.Example[i] != d {
			v.fail(at, e.ID, "tensor %s: example %v does not fit shape %v", t.Name, t.Example, t.Shape)
		}
	}
	if len(t.Example) > 0 && (len(t.Example) != len(t.Shape) || slices.Min(t.Example) < 1 || slices.Max(t.Example) > 1<<20) {
		v.fail(at, e.ID, "tensor %s: example %v is not a concrete form of shape %v", t.Name, t.Example, t.Shape)
	}
	if t.Layout != "" && len(t.Layout) != len(t.Shape) {
		v.fail(at, e.ID, "tensor %s: layout %s needs one letter for each of %d axes", t.Name, t.Layout, len(t.Shape))
	}
	if t.BatchAxis < -1 || t.BatchAxis >= len(t.Shape) {
		v.fail(at, e.ID, "tensor %s: batch_axis %d of %d axes", t.Name, t.BatchAxis, len(t.Shape))
	}
	channels := 0
	if t.Color != "" {
		v.oneOf(at, e.ID, "color", t.Color, []string{"BGR", "RGB", "GRAY"})
		channels = map[string]int{"BGR": 3, "RGB": 3, "GRAY": 1}[t.Color]
	}
	for _, list := range [][]float64{t.Mean, t.Std} {
		if len(list) > 0 && len(list) != channels {
			v.fail(at, e.ID, "tensor %s: mean and std need one value for each of %d channels", t.Name, channels)
		}
	}
	if !finite(t.Scale) || t.Scale <= 0 || slices.ContainsFunc(t.Mean, func(f float64) bool { return !finite(f) }) ||
		slices.ContainsFunc(t.Std, func(f float64) bool { return !finite(f) || f <= 0 }) {
		v.fail(at, e.ID, "tensor %s: scale and std must be positive, mean finite", t.Name)
	}
	if t.MultipleOf < 0 || t.MultipleOf > 4096 {
		v.fail(at, e.ID, "tensor %s: multiple_of %d, want 0 to 4096", t.Name, t.MultipleOf)
	}
	if picture := t.DType == "uint8" && t.Color != ""; picture != (t.Step > 0) || !finite(t.Step) || t.Step < 0 || t.ZeroPoint < 0 || t.ZeroPoint > 255 {
		v.fail(at, e.ID, "tensor %s: step %v and zero_point %d; a picture in uint8, and nothing else, needs a step above 0 and a zero_point of 0 to 255", t.Name, t.Step, t.ZeroPoint)
	}
	if t.Block < 0 || t.Block > 8 {
		v.fail(at, e.ID, "tensor %s: block %d, want 0 to 8", t.Name, t.Block)
	}
	if t.Next != "" {
		if _, ok := e.Output(t.Next); !ok {
			v.fail(at, e.ID, "tensor %s: next %q is not an output", t.Name, t.Next)
		}
	}
}

func (v *validation) parameters(at int, e *Entry) {
	for name, value := range e.Parameters {
		if !parameterPattern.MatchString(name) {
			v.fail(at, e.ID, "parameter %q: want lower-case words joined by '_'", name)
		}
		items, isList := value.([]any)
		if !isList {
			items = []any{value}
		}
		for _, item := range items {
			switch x := item.(type) {
			case bool, int, string:
			case float64:
				if !finite(x) {
					v.fail(at, e.ID, "parameter %s is not a finite number", name)
				}
			default:
				v.fail(at, e.ID, "parameter %s has a value of type %T: want a number, text or truth value", name, item)
			}
		}
	}
}

func (v *validation) thresholds(n *yaml.Node, e *Entry) {
	seen := map[string]bool{}
	for i, t := range e.Thresholds {
		at := lineAt(n, i, "thresholds")
		if t.Name == "" || t.Unit == "" || t.Measured == "" || !finite(t.Value) {
			v.fail(at, e.ID, "threshold %q needs a name, a finite value, a unit and where it was measured", t.Name)
		}
		if seen[t.Name] {
			v.fail(at, e.ID, "two thresholds called %q", t.Name)
		}
		seen[t.Name] = true
	}
}

func (v *validation) batch(at int, e *Entry) {
	b := e.Batch
	if b.Max < 0 || b.Max > maxBatch || !finite(b.DelayMS) || b.DelayMS < 0 || b.DelayMS > maxDelayMS {
		v.fail(at, e.ID, "batch: max is 0 to %d, delay_ms 0 to %d", maxBatch, maxDelayMS)
	}
	joined := slices.ContainsFunc(e.Inputs, func(t TensorSpec) bool { return t.BatchAxis >= 0 })
	switch {
	case !b.Dynamic && b.Max > 1:
		v.fail(at, e.ID, "batch: max %d needs dynamic: true", b.Max)
	case b.Dynamic && !joined:
		v.fail(at, e.ID, "batch: dynamic needs a batch_axis on at least one input")
	}
}

func (v *validation) oneOf(at int, id, what, got string, want []string) {
	if !slices.Contains(want, got) {
		v.fail(at, id, "%s %q is unknown%s", what, got, suggest(got, want))
	}
}

func (v *validation) https(at int, id, what, raw string) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		v.fail(at, id, "%s %q: want an https URL without credentials", what, raw)
	}
}

// path refuses whatever could leave the store, hide in it, or collide with the store's own files.
func (v *validation) path(at int, id, what, p string) {
	bad := p == "" || len(p) > maxPath || path.IsAbs(p) || path.Clean(p) != p || strings.ContainsAny(p, "\\:\x00") ||
		p == CatalogName || p == LockName || strings.Contains(p, ".partial")
	for _, part := range strings.Split(p, "/") {
		bad = bad || strings.HasPrefix(part, ".")
	}
	bad = bad || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
	if bad {
		v.fail(at, id, "%s %q: want a clean relative path with '/' and without hidden parts", what, p)
	}
}

// lineAt is the line of item i of a list, or of the entry when the list is gone.
func lineAt(entry *yaml.Node, i int, key string) int {
	if list := valueAt(entry, key); list != nil && i < len(list.Content) {
		return list.Content[i].Line
	}
	return entry.Line
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
