package conf

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md's table and deploy/courtsense.yaml from the struct tags")

const (
	referenceFile = "../../docs/configuration.md"
	sampleFile    = "../../deploy/courtsense.yaml"
	tableBegin    = "<!-- keys: written by go test ./internal/conf -update -->\n"
	tableEnd      = "<!-- end of keys -->\n"
)

func TestEveryKeyIsDescribed(t *testing.T) {
	env := map[string]string{}
	for _, k := range Keys() {
		assert.NotEmpty(t, k.Doc, k.Path)
		assert.True(t, strings.HasSuffix(k.Doc, "."), "%s: the description is a sentence", k.Path)
		assert.Regexp(t, `^[a-z_]+(\.[a-z_]+)+$`, k.Path)
		assert.NotContains(t, k.Doc, "|", "%s: would break the table", k.Path)
		assert.Empty(t, env[k.Env], "%s and %s share a variable", k.Path, env[k.Env])
		env[k.Env] = k.Path
	}
}

func TestReferenceIsComplete(t *testing.T) {
	content, err := os.ReadFile(referenceFile)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(content), tableBegin)
	require.True(t, ok, "%s has no line %q", referenceFile, tableBegin)
	table, after, ok := strings.Cut(rest, tableEnd)
	require.True(t, ok, "%s has no line %q", referenceFile, tableEnd)
	if *update {
		require.NoError(t, os.WriteFile(referenceFile, []byte(before+tableBegin+referenceTable()+tableEnd+after), 0o644))
		return
	}
	assert.Equal(t, referenceTable(), table, "run: go test ./internal/conf -update")
}

func TestSampleIsCompleteAndLoads(t *testing.T) {
	if *update {
		require.NoError(t, os.WriteFile(sampleFile, []byte(sample()), 0o644))
	}
	content, err := os.ReadFile(sampleFile)
	require.NoError(t, err)
	assert.Equal(t, sample(), string(content), "run: go test ./internal/conf -update")

	asIs, err := Parse("courtsense.yaml", content)
	require.NoError(t, err)
	assert.Equal(t, Default(), asIs.Config)

	everyKey := regexp.MustCompile(`(?m)^( *)# ([a-z_]+:)`).ReplaceAll(content, []byte("$1$2"))
	loaded, err := Parse("courtsense.yaml", everyKey)
	require.NoError(t, err)
	assert.Equal(t, Default(), loaded.Config)
	for _, k := range Keys() {
		assert.NotEqual(t, "default", loaded.Origin(k.Path), "%s is missing in %s", k.Path, sampleFile)
	}
}

func referenceTable() string {
	var b strings.Builder
	section := ""
	for _, k := range Keys() {
		if s, _, _ := strings.Cut(k.Path, "."); s != section {
			section = s
			fmt.Fprintf(&b, "\n### %s\n\n| key | type | default | accepts | meaning |\n|---|---|---|---|---|\n", s)
		}
		def := "`" + k.Default + "`"
		if k.Default == "" {
			def = "(empty)"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.Path, k.Type, def, k.Accepts, k.Doc)
	}
	b.WriteString("\n")
	return b.String()
}

func sample() string {
	var b strings.Builder
	b.WriteString("## The configuration of a courtsense server. Every key is here, commented out, at its default.\n")
	b.WriteString("## docs/configuration.md explains the sources, their order and the units.\n")
	var open []string
	for _, k := range Keys() {
		parts := strings.Split(k.Path, ".")
		sections, name := parts[:len(parts)-1], parts[len(parts)-1]
		same := 0
		for same < len(sections) && same < len(open) && sections[same] == open[same] {
			same++
		}
		for depth := same; depth < len(sections); depth++ {
			if depth == 0 {
				b.WriteString("\n")
			}
			fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", depth), sections[depth])
		}
		open = sections
		indent, value := strings.Repeat("  ", len(sections)), k.Default
		switch k.Type {
		case "list":
			value = "[" + strings.ReplaceAll(value, ",", ", ") + "]"
		case "text":
			value = fmt.Sprintf("%q", value)
		}
		fmt.Fprintf(&b, "%s## %s\n%s# %s: %s\n", indent, k.Doc, indent, name, value)
	}
	return b.String()
}
