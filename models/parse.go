package models

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxCatalogBytes bounds a catalogue file.
const MaxCatalogBytes = 1 << 20

// ParseError is one fault of a catalogue. [ParseCatalog] joins all it finds.
type ParseError struct {
	Line int    // 1-based; 0 when the document as a whole is meant
	ID   string // entry, "" when the fault is outside any
	Msg  string
}

// Error implements error.
func (e *ParseError) Error() string {
	var b strings.Builder
	b.WriteString("catalogue")
	if e.Line > 0 {
		fmt.Fprintf(&b, " line %d", e.Line)
	}
	if e.ID != "" {
		fmt.Fprintf(&b, ": model %s", e.ID)
	}
	return b.String() + ": " + e.Msg
}

// ParseCatalog reads a catalogue strictly: unknown keys, aliases, further documents, duplicate ids and anything that
// docs/models.md does not allow are refused, each with its line and entry.
func ParseCatalog(b []byte) (*Catalog, error) {
	if len(b) > MaxCatalogBytes {
		return nil, &ParseError{Msg: fmt.Sprintf("%d bytes exceed the limit of %d", len(b), MaxCatalogBytes)}
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &ParseError{Msg: "empty"}
		}
		return nil, &ParseError{Msg: strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, &ParseError{Msg: "holds more than one YAML document"}
	}
	if len(doc.Content) != 1 {
		return nil, &ParseError{Msg: "empty"}
	}
	root := doc.Content[0]
	v := &validation{}
	v.shape(root, reflect.TypeFor[Catalog](), "")
	if err := v.err(); err != nil {
		return nil, err
	}
	var c Catalog
	if err := root.Decode(&c); err != nil {
		return nil, &ParseError{Msg: strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	v.catalog(root, &c)
	if err := v.err(); err != nil {
		return nil, err
	}
	return &c, nil
}

// UnmarshalYAML fills in what a tensor has when the catalogue does not say.
func (t *TensorSpec) UnmarshalYAML(n *yaml.Node) error {
	type plain TensorSpec
	p := plain{Scale: 1, BatchAxis: -1}
	if err := n.Decode(&p); err != nil {
		return err
	}
	*t = TensorSpec(p)
	return nil
}

// validation collects faults; maxFaults keeps the answer to a file that is something else entirely readable.
type validation struct {
	faults []error
}

const (
	maxFaults     = 20
	maxParameters = 64
)

func (v *validation) fail(line int, id, format string, args ...any) {
	if len(v.faults) < maxFaults {
		v.faults = append(v.faults, &ParseError{Line: line, ID: id, Msg: fmt.Sprintf(format, args...)})
	}
}

func (v *validation) err() error { return errors.Join(v.faults...) }

// shape compares the node tree with the Go types before decoding, because the decoder neither names the entry nor
// suggests the key that was meant. id is the entry around n.
func (v *validation) shape(n *yaml.Node, t reflect.Type, id string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		v.fail(n.Line, id, "anchors and aliases are not allowed: write the value out")
		return
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct:
		v.mapping(n, t, id)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			v.fail(n.Line, id, "want a list")
			return
		}
		for _, item := range n.Content {
			if len(v.faults) >= maxFaults {
				return
			}
			within := id
			if t.Elem() == reflect.TypeFor[Entry]() {
				within = scalarAt(item, "id")
			}
			v.shape(item, t.Elem(), within)
		}
	case reflect.Map:
		if n.Kind != yaml.MappingNode {
			v.fail(n.Line, id, "want keys and values")
			return
		}
		// The YAML library compares every key with every other.
		if len(n.Content) > 2*maxParameters {
			v.fail(n.Line, id, "more than %d parameters", maxParameters)
			return
		}
		for _, child := range n.Content {
			v.parameter(child, id)
		}
	default:
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			v.fail(n.Line, id, "want a single value")
		}
	}
}

func (v *validation) mapping(n *yaml.Node, t reflect.Type, id string) {
	if n.Kind != yaml.MappingNode {
		v.fail(n.Line, id, "want keys and values")
		return
	}
	known := fieldsOf(t)
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.name
	}
	if len(n.Content) > 4*len(known) {
		v.fail(n.Line, id, "has %d keys where %d are known", len(n.Content)/2, len(known))
		return
	}
	for i := 0; i+1 < len(n.Content) && len(v.faults) < maxFaults; i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		found := false
		for _, f := range known {
			if found = f.name == key.Value && key.Kind == yaml.ScalarNode; found {
				v.shape(value, f.typ, id)
				break
			}
		}
		if !found {
			v.fail(key.Line, id, "unknown key %q%s", key.Value, suggest(key.Value, names))
		}
	}
}

// parameter allows scalars and flat lists of scalars.
func (v *validation) parameter(n *yaml.Node, id string) {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	for _, i := range append(items, n) {
		if i.Anchor != "" || (i != n && i.Kind != yaml.ScalarNode) || (i == n && i.Kind != yaml.ScalarNode && i.Kind != yaml.SequenceNode) {
			v.fail(i.Line, id, "a parameter is a single value or a flat list, without anchors")
			return
		}
	}
}

type yamlField struct {
	name string
	typ  reflect.Type
}

func fieldsOf(t reflect.Type) []yamlField {
	var out []yamlField
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" {
			out = append(out, yamlField{strings.Split(tag, ",")[0], t.Field(i).Type})
		}
	}
	return out
}

// valueAt returns the value of a mapping's key, or nil.
func valueAt(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func scalarAt(n *yaml.Node, key string) string {
	if v := valueAt(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}
