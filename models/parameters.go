package models

import (
	"fmt"
	"math"
	"slices"
)

// Parameters are the settings of a decoding family. Values are what YAML gives: bool, int, float64, string, or lists of
// these. The accessors return def when the key is absent or holds another type; [Parameters.Check] finds such keys.
type Parameters map[string]any

// Float returns a number.
func (p Parameters) Float(name string, def float64) float64 {
	if v, ok := asFloat(p[name]); ok {
		return v
	}
	return def
}

// Int returns a whole number.
func (p Parameters) Int(name string, def int) int {
	if v, ok := asInt(p[name]); ok {
		return v
	}
	return def
}

// Bool returns a truth value.
func (p Parameters) Bool(name string, def bool) bool {
	if v, ok := p[name].(bool); ok {
		return v
	}
	return def
}

// String returns a text.
func (p Parameters) String(name, def string) string {
	if v, ok := p[name].(string); ok {
		return v
	}
	return def
}

// Floats returns a list of numbers.
func (p Parameters) Floats(name string, def []float64) []float64 { return list(p, name, def, asFloat) }

// Ints returns a list of whole numbers.
func (p Parameters) Ints(name string, def []int) []int { return list(p, name, def, asInt) }

// Strings returns a list of texts.
func (p Parameters) Strings(name string, def []string) []string {
	return list(p, name, def, func(v any) (string, bool) { s, ok := v.(string); return s, ok })
}

// Has reports whether name is given.
func (p Parameters) Has(name string) bool { _, ok := p[name]; return ok }

// Check fails when a name in required is absent, so that a family can refuse an incomplete entry when it is loaded.
func (p Parameters) Check(required ...string) error {
	for _, name := range required {
		if !p.Has(name) {
			return fmt.Errorf("parameter %q is missing", name)
		}
	}
	return nil
}

func list[T any](p Parameters, name string, def []T, as func(any) (T, bool)) []T {
	raw, ok := p[name].([]any)
	if !ok {
		return slices.Clone(def)
	}
	out := make([]T, 0, len(raw))
	for _, v := range raw {
		t, ok := as(v)
		if !ok {
			return slices.Clone(def)
		}
		out = append(out, t)
	}
	return out
}

func asFloat(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func asInt(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case float64:
		// 1e5 is a float in YAML but a fine count.
		if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return int(n), true
		}
	}
	return 0, false
}
