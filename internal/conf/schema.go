package conf

import (
	"encoding"
	"fmt"
	"math"
	"net"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// EnvPrefix starts the name of every environment variable that sets a key.
const EnvPrefix = "COURTSENSE_"

// Key describes one configuration key.
type Key struct {
	Path    string // "server.timeouts.unary"
	Env     string // "COURTSENSE_SERVER_TIMEOUTS_UNARY"
	Type    string // "duration", "bytes", "count", "integer", "number", "text", "yes/no", "list"
	Default string // as written in a file
	Accepts string // the range or the choices, "" when every value of the type is accepted
	Doc     string

	field    []int // reflect index path into Config
	min, max string
	oneof    []string
	check    string
}

type schema struct {
	keys     []Key
	byPath   map[string]*Key
	byEnv    map[string]*Key
	sections map[string]bool
}

var theSchema = sync.OnceValue(func() *schema {
	s := &schema{byPath: map[string]*Key{}, byEnv: map[string]*Key{}, sections: map[string]bool{"": true}}
	s.add(reflect.TypeFor[Config](), "", nil)
	for i := range s.keys {
		k := &s.keys[i]
		s.byPath[k.Path], s.byEnv[k.Env] = k, k
	}
	return s
})

// Keys lists every key in the order of the reference.
func Keys() []Key { return append([]Key(nil), theSchema().keys...) }

func (s *schema) add(t reflect.Type, prefix string, index []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		path := f.Tag.Get("key")
		if prefix != "" {
			path = prefix + "." + path
		}
		at := append(append([]int(nil), index...), i)
		if f.Type.Kind() == reflect.Struct {
			s.sections[path] = true
			s.add(f.Type, path, at)
			continue
		}
		k := Key{
			Path: path, Env: EnvPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_")), Type: typeName(f.Type),
			Default: f.Tag.Get("default"), Doc: f.Tag.Get("doc"), field: at,
			min: f.Tag.Get("min"), max: f.Tag.Get("max"), check: f.Tag.Get("check"),
		}
		if o := f.Tag.Get("oneof"); o != "" {
			k.oneof = strings.Split(o, "|")
		}
		k.Accepts = k.accepts()
		s.keys = append(s.keys, k)
	}
}

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Bytes]():
		return "bytes"
	case reflect.TypeFor[Count]():
		return "count"
	case reflect.TypeFor[Duration]():
		return "duration"
	}
	switch t.Kind() {
	case reflect.Int:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "yes/no"
	case reflect.Slice:
		return "list"
	default:
		return "text"
	}
}

func (k *Key) accepts() string {
	switch {
	case len(k.oneof) > 0:
		return strings.Join(k.oneof, ", ")
	case k.min != "" && k.max != "":
		return k.min + " to " + k.max
	}
	return ""
}

func (k *Key) value(c *Config) reflect.Value {
	return reflect.ValueOf(c).Elem().FieldByIndex(k.field)
}

// set parses text and stores it in c; an error leaves c as it was.
func (k *Key) set(c *Config, text string) error {
	v := reflect.New(k.value(c).Type()).Elem()
	if err := parseInto(v, text); err != nil {
		return err
	}
	if err := k.validate(v); err != nil {
		return err
	}
	k.value(c).Set(v)
	return nil
}

func (k *Key) setList(c *Config, items []string) error {
	v := reflect.ValueOf(items)
	if err := k.validate(v); err != nil {
		return err
	}
	k.value(c).Set(v)
	return nil
}

// Text writes the key's value in c as it would stand in a file.
func (k *Key) Text(c *Config) string {
	v := k.value(c)
	if l, ok := v.Interface().([]string); ok {
		return strings.Join(l, ",")
	}
	return fmt.Sprint(v.Interface())
}

func parseInto(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	trimmed := strings.TrimSpace(text)
	switch v.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(trimmed)
		if err != nil {
			return fmt.Errorf("%q is no whole number", clip(text))
		}
		v.SetInt(int64(n))
	case reflect.Float64:
		f, err := strconv.ParseFloat(trimmed, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%q is no number", clip(text))
		}
		v.SetFloat(f)
	case reflect.Bool:
		switch strings.ToLower(trimmed) {
		case "true", "yes", "on", "1":
			v.SetBool(true)
		case "false", "no", "off", "0":
			v.SetBool(false)
		default:
			return fmt.Errorf("%q is neither true nor false", clip(text))
		}
	case reflect.Slice:
		v.Set(reflect.ValueOf(splitList(text)))
	default:
		v.SetString(text)
	}
	return nil
}

func splitList(text string) []string {
	items := []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func (k *Key) validate(v reflect.Value) error {
	if k.min != "" || k.max != "" {
		lo, hi, got := k.bound(k.min, v.Type(), math.Inf(-1)), k.bound(k.max, v.Type(), math.Inf(1)), asFloat(v)
		if got < lo || got > hi {
			return fmt.Errorf("%v is out of range; accepted: %s", v.Interface(), k.Accepts)
		}
	}
	if len(k.oneof) > 0 {
		for _, o := range k.oneof {
			if v.String() == o {
				return nil
			}
		}
		return fmt.Errorf("%q is not one of %s", clip(v.String()), k.Accepts)
	}
	return checkText(k.check, v)
}

func (k *Key) bound(text string, t reflect.Type, absent float64) float64 {
	if text == "" {
		return absent
	}
	v := reflect.New(t).Elem()
	if err := parseInto(v, text); err != nil {
		panic(fmt.Sprintf("conf: key %s: bound %q: %v", k.Path, text, err)) // a mistake in a struct tag, found by any test
	}
	return asFloat(v)
}

func asFloat(v reflect.Value) float64 {
	if v.CanInt() {
		return float64(v.Int())
	}
	return v.Float()
}

var devicePattern = regexp.MustCompile(`^(auto|cpu|(cuda|tensorrt)(:[0-9]{1,3})?)$`)

func checkText(check string, v reflect.Value) error {
	switch check {
	case "":
		return nil
	case "device":
		if !devicePattern.MatchString(v.String()) {
			return fmt.Errorf("%q is no device; accepted: auto, cpu, cuda:N, tensorrt:N", clip(v.String()))
		}
		return nil
	case "hostport", "hostport-or-empty":
		if v.String() == "" && check == "hostport-or-empty" {
			return nil
		}
		_, port, err := net.SplitHostPort(v.String())
		if err != nil {
			return fmt.Errorf("%q is no host:port", clip(v.String()))
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return fmt.Errorf("%q: the port is no number from 0 to 65535", clip(v.String()))
		}
		return nil
	}
	panic("conf: unknown check " + check)
}
