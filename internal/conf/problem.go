package conf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	Where   string // "courtsense.yaml:12", "variable COURTSENSE_FACE_MIN_SCORE", "--set"
	Key     string // the key concerned, "" when there is none
	Message string
}

// String writes the problem on one line.
func (p Problem) String() string {
	var parts []string
	for _, s := range []string{p.Where, p.Key, p.Message} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Problems is the error of [Load]: everything that is wrong, not only the first thing.
type Problems []Problem

// Error implements error.
func (ps Problems) Error() string {
	if len(ps) == 1 {
		return "configuration: " + ps[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "configuration: %d problems:", len(ps))
	for _, p := range ps {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// suggest finds what the writer of an unknown name most likely meant, "" when nothing is near.
// A name that ends like exactly one key ("max_pixels") is that key in the wrong section.
func suggest(name string, candidates []string) string {
	var moved []string
	for _, c := range candidates {
		if name != "" && lastPart(c) == lastPart(name) {
			moved = append(moved, c)
		}
	}
	if len(moved) == 1 {
		return moved[0]
	}
	best, bestDistance := "", 1+max(2, len(name)/5)
	if len(name) <= 120 {
		for _, c := range candidates {
			if d := levenshtein.ComputeDistance(name, c); d < bestDistance {
				best, bestDistance = c, d
			}
		}
	}
	return best
}

func lastPart(path string) string {
	return path[strings.LastIndexByte(path, '.')+1:]
}

func unknown(what, name string, candidates []string) string {
	if s := suggest(name, candidates); s != "" {
		return fmt.Sprintf("unknown %s %q; did you mean %q?", what, clip(name), s)
	}
	return fmt.Sprintf("unknown %s %q; every key is listed in docs/configuration.md", what, clip(name))
}

func (s *schema) paths() []string {
	out := make([]string, 0, len(s.keys)+len(s.sections))
	for _, k := range s.keys {
		out = append(out, k.Path)
	}
	for p := range s.sections {
		if p != "" {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}
