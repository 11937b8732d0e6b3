package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

const maxFileBytes = 1 << 20

// layer is the configuration while sources are laid over each other.
type layer struct {
	config   *Config
	origins  map[string]string
	problems Problems
}

func newLayer() *layer {
	l := &layer{config: new(Config), origins: map[string]string{}}
	for _, k := range theSchema().keys {
		if err := k.set(l.config, k.Default); err != nil {
			panic(fmt.Sprintf("conf: key %s: default: %v", k.Path, err)) // a mistake in a struct tag, found by any test
		}
	}
	return l
}

func (l *layer) problem(where, key, format string, args ...any) {
	l.problems = append(l.problems, Problem{Where: where, Key: key, Message: fmt.Sprintf(format, args...)})
}

func (l *layer) set(k *Key, text, where string) {
	if err := k.set(l.config, text); err != nil {
		l.problem(where, k.Path, "%v", err)
		return
	}
	l.origins[k.Path] = where
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// yaml lays a file's content over the configuration. Anchors and aliases are refused: a configuration has no use for
// them, and they let a small file stand for a huge one.
func (l *layer) yaml(name string, content []byte) {
	if len(content) > maxFileBytes {
		l.problem(name, "", "%d bytes; a configuration file has at most %d", len(content), maxFileBytes)
		return
	}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			l.yamlError(name, err)
		}
		return
	}
	if err := dec.Decode(&more); err == nil {
		l.problem(at(name, &more), "", "a second document; a configuration is one YAML document")
	} else if !errors.Is(err, io.EOF) {
		l.yamlError(name, err)
	}
	if len(doc.Content) == 1 {
		l.section(name, "", doc.Content[0])
	}
}

func (l *layer) yamlError(name string, err error) {
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		text = strings.TrimPrefix(text, m[0])
		if m[1] != "" {
			name += ":" + m[1]
		}
	}
	l.problem(name, "", "not YAML: %s", clip(text))
}

func at(name string, n *yaml.Node) string { return fmt.Sprintf("%s:%d", name, n.Line) }

func (l *layer) section(name, path string, n *yaml.Node) {
	where := at(name, n)
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		l.problem(where, path, "anchors and aliases are not accepted; write the value out")
		return
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return // a section whose keys are all commented out
	case n.Kind != yaml.MappingNode:
		if path == "" {
			l.problem(where, "", "a configuration is a mapping of sections, such as \"server:\"")
		} else {
			l.problem(where, path, "is a section: keys belong below it, not a value")
		}
		return
	}
	s, seen := theSchema(), map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		keyNode, value := n.Content[i], n.Content[i+1]
		where := at(name, keyNode)
		full := keyNode.Value
		if path != "" {
			full = path + "." + full
		}
		if first, dup := seen[full]; dup {
			l.problem(where, full, "is set twice, first in line %d", first)
			continue
		}
		seen[full] = keyNode.Line
		switch {
		case keyNode.Kind != yaml.ScalarNode || keyNode.Anchor != "":
			l.problem(where, path, "a key must be a plain name")
		case s.sections[full] && full != "":
			l.section(name, full, value)
		case s.byPath[full] != nil:
			l.scalar(name, s.byPath[full], value)
		default:
			l.problem(where, "", "%s", unknown("key", full, s.paths()))
		}
	}
}

func (l *layer) scalar(name string, k *Key, n *yaml.Node) {
	where := at(name, n)
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		l.problem(where, k.Path, "anchors and aliases are not accepted; write the value out")
	case n.Kind == yaml.SequenceNode && k.Type == "list":
		items := []string{}
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode || item.Anchor != "" || item.Tag == "!!null" || strings.TrimSpace(item.Value) == "" {
				l.problem(at(name, item), k.Path, "every item must be a plain, non-empty value")
				return
			}
			items = append(items, item.Value)
		}
		if err := k.setList(l.config, items); err != nil {
			l.problem(where, k.Path, "%v", err)
			return
		}
		l.origins[k.Path] = where
	case n.Kind != yaml.ScalarNode:
		l.problem(where, k.Path, "must be one value of type %s", k.Type)
	case n.Tag == "!!null":
		l.problem(where, k.Path, "has no value; give one or remove the key to keep the default %q", k.Default)
	default:
		l.set(k, n.Value, where)
	}
}
