package models

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
)

const minimal = `format: 1
models:
  - id: thing
    version: "1"
    title: A thing
    task: face-detection
    family: yunet
    license: MIT
    files:
      - role: model
        path: a/b.onnx
        sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        size: 4
    inputs:
      - {name: x, dtype: float32, shape: [-1, 3, -1, -1], batch_axis: 0, color: BGR, next: y}
    outputs:
      - {name: y, dtype: float32, shape: [-1, 2]}
    parameters: {number: 2.5, count: 3, big: 1e5, list: [1, 2], words: [a, b], on: true}
    thresholds:
      - {name: score, value: 0.5, unit: probability, measured: nowhere}
    batch: {max: 8, delay_ms: 2, dynamic: true}
`

func TestParse(t *testing.T) {
	c, err := ParseCatalog([]byte(minimal))
	require.NoError(t, err)
	e, err := c.Entry("thing")
	require.NoError(t, err)
	in, ok := e.Input("x")
	require.True(t, ok)
	require.Equal(t, 0, in.BatchAxis)
	require.EqualValues(t, 1, in.Scale)
	require.Equal(t, []int64{1, 3, 1, 1}, in.WarmupShape())
	out, ok := e.Output("y")
	require.True(t, ok)
	require.Equal(t, -1, out.BatchAxis, "no batch_axis means none")
	require.EqualValues(t, 4, e.Size())
	require.Equal(t, 0.5, e.Threshold("score", 1))
	require.Equal(t, 1.0, e.Threshold("other", 1))
}

func TestParameters(t *testing.T) {
	c, err := ParseCatalog([]byte(minimal))
	require.NoError(t, err)
	p := c.Models[0].Parameters
	require.Equal(t, 2.5, p.Float("number", 0))
	require.Equal(t, 3.0, p.Float("count", 0))
	require.Equal(t, 3, p.Int("count", 0))
	require.Equal(t, 100000, p.Int("big", 0))
	require.Equal(t, 7, p.Int("number", 7), "2.5 is not a whole number")
	require.Equal(t, []int{1, 2}, p.Ints("list", nil))
	require.Equal(t, []float64{1, 2}, p.Floats("list", nil))
	require.Equal(t, []string{"a", "b"}, p.Strings("words", nil))
	require.Equal(t, []string{"z"}, p.Strings("list", []string{"z"}))
	require.True(t, p.Bool("on", false))
	require.Equal(t, "d", p.String("absent", "d"))
	require.NoError(t, p.Check("on", "list"))
	require.ErrorContains(t, p.Check("on", "size"), `"size" is missing`)
}

// TestParseRefuses changes one thing of a good catalogue at a time.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"format: 1", "format: 2", "format is 2, want 1"},
		{"    title:", "    titel:", `line 5: model thing: unknown key "titel", did you mean "title"?`},
		{"size: 4", "size: 0", "line 10: model thing: size of a/b.onnx is 0"},
		{"size: 4", "size: -4", "size of a/b.onnx is -4"},
		{"sha256: 9f86", "sha256: 9F86", "want 64 lower-case hex digits"},
		{"sha256: 9f86", "verified: false\n        sha256: 9f86", "has a sha256 and verified: false"},
		{"size: 4", "verified: true", "verified may only be false"},
		{"path: a/b.onnx", "path: ../b.onnx", "clean relative path"},
		{"path: a/b.onnx", "path: a/../b.onnx", "clean relative path"},
		{"path: a/b.onnx", "path: /etc/passwd", "clean relative path"},
		{"path: a/b.onnx", `path: a\b.onnx`, "clean relative path"},
		{"path: a/b.onnx", "path: C:b.onnx", "clean relative path"},
		{"path: a/b.onnx", "path: a/.hidden", "clean relative path"},
		{"path: a/b.onnx", "path: catalog.yaml", "clean relative path"},
		{"path: a/b.onnx", "path: a/b.onnx.partial", "clean relative path"},
		{"size: 4", "url: http://x/y", "want an https URL"},
		{"size: 4", "url: https://u:p@x/y", "without credentials"},
		{"license: MIT", `license: ""`, "license is missing"},
		{"license: MIT", "license: MIT\n    embedded: true", "must start with embedded/"},
		{"task: face-detection", "task: face-detektion", `did you mean "face-detection"?`},
		{"family: yunet", "family: yolo", `family "yolo" is unknown`},
		{"family: yunet", "family: transducer-stream", `needs a file with role "joiner"`},
		{"id: thing", "id: Thing", "lower-case words"},
		{"role: model", "role: weights", `role "weights" is unknown`},
		{"batch_axis: 0", "batch_axis: 4", "batch_axis 4 of 4 axes"},
		{"color: BGR", "color: BGR, mean: [1]", "one value for each of 3 channels"},
		{"color: BGR", "color: BGR, std: [1, 1, 0]", "std must be positive"},
		{"color: BGR", "color: BGR, scale: .nan", "scale and std must be positive"},
		{"color: BGR", "color: BGR, example: [1, 4, 8, 8]", "does not fit shape"},
		{"color: BGR", "color: BGR, layout: NCH", "one letter for each"},
		{"color: BGR", "color: BGR, step: 0.1", "a picture in uint8, and nothing else"},
		{"dtype: float32, shape: [-1, 3", "dtype: uint8, shape: [-1, 3", "a picture in uint8, and nothing else"},
		{"color: BGR", "color: BGR, block: 9", "block 9"},
		{"next: y", "next: z", `next "z" is not an output`},
		{"shape: [-1, 2]", "shape: [-2, 2]", "dimension -2"},
		{"dynamic: true", "dynamic: false", "needs dynamic: true"},
		{"batch_axis: 0, ", "", "needs a batch_axis"},
		{"measured: nowhere", `measured: ""`, "where it was measured"},
		{"number: 2.5", "number: .inf", "not a finite number"},
		{"number: 2.5", "number: {a: 1}", "flat list"},
		{"number: 2.5", "number: ~", "has a value of type <nil>"},
		{"number: 2.5", "Number: 2.5", "lower-case words joined by '_'"},
		{"version: \"1\"", "version: &v \"1\"", "anchors and aliases"},
		{"version: \"1\"", "version: [1]", "want a single value"},
		{"  - id: thing", "  - ~\n  - id: thing", "want keys and values"},
		{"models:", "---\nmodels:", "more than one YAML document"},
		{"size: 4", "size: many", "cannot unmarshal"},
		{"license: MIT", "license: MIT\n    license: MIT", "already defined"},
		{"license: MIT", "license: MIT\n    remote: {endpoint: 'http://x', model: m}", "want grpc://host:port"},
	} {
		t.Run(c.want, func(t *testing.T) {
			text := strings.Replace(minimal, c.from, c.to, 1)
			require.NotEqual(t, minimal, text)
			_, err := ParseCatalog([]byte(text))
			require.ErrorContains(t, err, c.want)
		})
	}
	for text, want := range map[string]string{
		"":                      "empty",
		"format: 1\nmodels: []": "has no models",
		"- a":                   "want keys and values",
		"format: 1\n" + strings.Repeat("a: 1\n", 100000):                  "has 100001 keys where 2 are known",
		strings.Replace(minimal, "{number: 2.5", "{"+manyParameters(), 1): "more than 64 parameters",
		strings.Repeat("#", MaxCatalogBytes+1):                            "exceed the limit",
	} {
		_, err := ParseCatalog([]byte(text))
		require.ErrorContains(t, err, want)
	}
	_, err := ParseCatalog([]byte(minimal + strings.TrimPrefix(minimal, "format: 1\nmodels:\n")))
	require.ErrorContains(t, err, "line 22: model thing: id is used twice, first in line 3")
}

func manyParameters() string {
	var b strings.Builder
	for i := range 65 {
		fmt.Fprintf(&b, "p%d: 1, ", i)
	}
	return b.String() + "number: 2.5"
}

func TestBuiltinCatalog(t *testing.T) {
	c, err := Builtin()
	require.NoError(t, err)
	for _, e := range c.Models {
		require.NotEmpty(t, e.License, e.ID)
		for _, f := range e.Files {
			if !e.System {
				require.False(t, f.TrustOnFirstUse(), "%s: every published hash is known at present", e.ID)
			}
		}
		if e.Card != "" {
			require.FileExists(t, e.Card, e.ID)
		}
	}
}

// TestSharedWeightsIndex holds the catalogue against the list that came with the weights beside the checkout.
func TestSharedWeightsIndex(t *testing.T) {
	dir := testinput.SharedModels(t, "INDEX.tsv")
	raw, err := os.ReadFile(filepath.Join(dir, "INDEX.tsv"))
	require.NoError(t, err)
	c, err := Builtin()
	require.NoError(t, err)
	byPath := map[string]File{}
	for _, e := range c.Models {
		for _, f := range e.Files {
			byPath[f.Path] = f
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n")[1:] {
		col := strings.Split(line, "\t")
		f, ok := byPath[col[0]]
		require.True(t, ok, "%s is not in the catalogue", col[0])
		require.Equal(t, col[1], f.SHA256, col[0])
		require.Equal(t, col[2], fmt.Sprint(f.Size), col[0])
		if f.URL != "" {
			require.Equal(t, "https://raw.githubusercontent.com/"+col[4]+"/"+col[5]+"/"+col[6], f.URL)
		}
	}
}

// TestDocumentedKeys keeps docs/models.md and the format in step, both ways.
func TestDocumentedKeys(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(testinput.Root(), "docs", "models.md"))
	require.NoError(t, err)
	_, table, found := strings.Cut(string(raw), "| key | meaning |")
	require.True(t, found)
	table, families, _ := strings.Cut(table, "\n\n")
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_.]+)` \\|").FindAllStringSubmatch(table, -1) {
		documented[m[1]] = true
	}
	want := map[string]bool{}
	var walk func(prefix string, typ reflect.Type)
	walk = func(prefix string, typ reflect.Type) {
		for _, f := range fieldsOf(typ) {
			name := prefix + f.name
			want[name] = true
			elem := f.typ
			for elem.Kind() == reflect.Slice || elem.Kind() == reflect.Pointer {
				elem = elem.Elem()
			}
			if elem.Kind() == reflect.Struct {
				next := name + "."
				if f.name == "models" {
					next = ""
				}
				walk(strings.Replace(next, "outputs.", "inputs.", 1), elem)
			}
		}
	}
	walk("", reflect.TypeFor[Catalog]())
	require.Equal(t, want, documented)
	c, err := Builtin()
	require.NoError(t, err)
	for _, e := range c.Models {
		row := regexp.MustCompile("(?m)^\\| `" + e.Family + "` \\|.*$").FindString(families)
		for name := range e.Parameters {
			require.Contains(t, row, "`"+name+"`", "parameter of %s", e.ID)
		}
	}
	for _, list := range [][]string{Tasks(), Families(), Roles()} {
		for _, word := range list {
			require.Contains(t, string(raw), "`"+word+"`")
		}
	}
}

func TestBind(t *testing.T) {
	e := Entry{ID: "m", Inputs: []TensorSpec{{Name: ""}}, Outputs: []TensorSpec{{Name: "y"}}}
	b, err := e.Bind([]string{"x"}, []string{"y", "z"})
	require.NoError(t, err)
	require.Equal(t, "x", b.Inputs[0].Name)
	require.Empty(t, e.Inputs[0].Name, "the entry itself is not changed")
	_, err = e.Bind([]string{"x", "w"}, []string{"y"})
	require.ErrorContains(t, err, "the graph has 2")
	_, err = e.Bind([]string{"x"}, []string{"z"})
	require.ErrorContains(t, err, `no output "y"`)
}

func FuzzParseCatalog(f *testing.F) {
	f.Add([]byte(minimal))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCatalog(b)
		if err != nil {
			return
		}
		ids := map[string]bool{}
		for _, e := range c.Models {
			if ids[e.ID] {
				t.Fatalf("id %q twice", e.ID)
			}
			ids[e.ID] = true
			for _, file := range e.Files {
				// Whatever was accepted must stay inside the store.
				if !filepath.IsLocal(filepath.FromSlash(file.Path)) {
					t.Fatalf("path %q leaves the store", file.Path)
				}
			}
			for _, in := range e.Inputs {
				for _, d := range in.WarmupShape() {
					if d < 1 {
						t.Fatalf("warm-up shape %v", in.WarmupShape())
					}
				}
			}
		}
	})
}
