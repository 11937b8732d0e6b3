package gate

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const samplePolicy = `
time_zone: Asia/Shanghai
zones:
  courtroom-3:
    entry: [c3-door]
    exit: [c3-inside]
    galleries: [staff, visitors]
    alarms: [unknown]
    revisit: 1m
    rules:
      - {name: banned, admit: false, persons: [visitors/v-17]}
      - {name: judges, admit: true, galleries: [staff], labels: {role: judge}}
      - {name: hearing, admit: true, galleries: [visitors], days: [mon-wed, fri], hours: ["08:30-12:00", "13:30-17:00"], from: 2026-03-02, until: 2026-03-06}
      - {name: night-shift, admit: true, galleries: [staff], days: [fri], hours: ["22:00-06:00"]}
  archive:
    entry: [archive-door]
    galleries: [staff]
    liveness: false
    tailgating: false
`

func TestWhoMayEnterWhen(t *testing.T) {
	p, err := ParsePolicy([]byte(samplePolicy))
	require.NoError(t, err)
	assert.Equal(t, []string{"archive", "courtroom-3"}, p.Zones())
	assert.Equal(t, []string{"archive-door", "c3-door", "c3-inside"}, p.Cameras())
	z, way := p.Zone("c3-inside")
	require.Equal(t, "courtroom-3", z.Name)
	assert.Equal(t, Exit, way)
	assert.Equal(t, time.Minute, z.Revisit)
	assert.True(t, z.Liveness)
	assert.True(t, z.alarm(Unknown))
	assert.False(t, z.alarm(Spoof))
	archive, way := p.Zone("archive-door")
	assert.Equal(t, Entry, way)
	assert.False(t, archive.Liveness || archive.Tailgating)
	none, _ := p.Zone("elsewhere")
	assert.Nil(t, none)

	visitor, judge := PersonRef{Gallery: "visitors", ID: "v-1"}, PersonRef{Gallery: "staff", ID: "li", Labels: map[string]string{"role": "judge"}}
	clerk, banned := PersonRef{Gallery: "staff", ID: "wu"}, PersonRef{Gallery: "visitors", ID: "v-17"}
	for _, c := range []struct {
		who   PersonRef
		at    string // in Shanghai
		admit bool
		rule  string
	}{
		{visitor, "2026-03-02 08:29", false, ""},
		{visitor, "2026-03-02 08:30", true, "hearing"},
		{visitor, "2026-03-02 12:00", false, ""},
		{visitor, "2026-03-04 16:59", true, "hearing"},
		{visitor, "2026-03-05 09:00", false, ""}, // a Thursday
		{visitor, "2026-03-06 16:59", true, "hearing"},
		{visitor, "2026-03-09 09:00", false, ""}, // after the last day
		{visitor, "2026-02-27 09:00", false, ""}, // before the first
		{banned, "2026-03-02 09:00", false, "banned"},
		{judge, "2026-03-01 03:00", true, "judges"},
		{clerk, "2026-03-06 21:59", false, ""},
		{clerk, "2026-03-06 22:00", true, "night-shift"},
		{clerk, "2026-03-07 05:59", true, "night-shift"}, // Friday's shift
		{clerk, "2026-03-07 06:00", false, ""},
		{clerk, "2026-03-06 05:00", false, ""}, // Thursday's
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", c.at, p.Location())
		require.NoError(t, err)
		admit, rule := p.Decide(z, c.who, at.UTC())
		assert.Equal(t, c.admit, admit, "%s at %s", c.who.ID, c.at)
		assert.Equal(t, c.rule, rule, "%s at %s", c.who.ID, c.at)
	}
	admit, rule := p.Decide(archive, clerk, time.Now())
	assert.False(t, admit, "a zone without rules admits nobody")
	assert.Empty(t, rule)
}

func TestPoliciesThatAreRefused(t *testing.T) {
	zone := "zones: {a: {entry: [c], galleries: [g], "
	for content, want := range map[string]string{
		"":          "there is no zone",
		"zones: []": "cannot unmarshal",
		"zones:\n  a: &x {entry: [c], galleries: [g]}\n  b: *x":                         "anchors and aliases",
		"time_zone: Mars\n" + zone + "}}":                                               `"Mars" is no time zone`,
		zone + "rule: []}}":                                                             "field rule not found",
		"zones: {A: {entry: [c], galleries: [g]}}":                                      "a name is 1 to 63",
		"zones: {a: {galleries: [g]}}":                                                  "no camera",
		"zones: {a: {entry: [c]}}":                                                      "galleries: none",
		"zones: {a: {entry: [c], exit: [c], galleries: [g]}}":                           "in zone a already",
		"zones: {a: {entry: [c], galleries: [g]}, b: {entry: [c], galleries: [g]}}":     "in zone a already",
		zone + "alarms: [fire]}}":                                                       `"fire" is none of`,
		zone + "revisit: soon}}":                                                        "no span of time",
		zone + "rules: [{name: x}]}}":                                                   "admit: missing",
		zone + "rules: [{admit: true}]}}":                                               "a rule has a name",
		zone + "rules: [{name: x, admit: true}, {name: x, admit: true}]}}":              "two rules named",
		zone + "rules: [{name: x, admit: true, galleries: [other]}]}}":                  "not among the zone's",
		zone + "rules: [{name: x, admit: true, persons: [li]}]}}":                       "not GALLERY/PERSON",
		zone + "rules: [{name: x, admit: true, persons: [other/li]}]}}":                 "not among the zone's",
		zone + "rules: [{name: x, admit: true, days: [monday]}]}}":                      `"monday"`,
		zone + `rules: [{name: x, admit: true, hours: ["9-17"]}]}}`:                     "07:30-19:00",
		zone + `rules: [{name: x, admit: true, hours: ["24:00-25:00"]}]}}`:              "07:30-19:00",
		zone + "rules: [{name: x, admit: true, from: 1.3.2026}]}}":                      "is no date",
		zone + "rules: [{name: x, admit: true, from: 2026-03-02, until: 2026-03-01}]}}": "before from",
		zone + "}}\n---\nzones: {}":                                                     "more than one document",
		"zones: {a: [":                                                                  "line",
	} {
		_, err := ParsePolicy([]byte(content))
		if assert.Error(t, err, content) {
			assert.Contains(t, err.Error(), want, content)
		}
	}
	_, err := ParsePolicy([]byte(zone + "rules: [{name: x, hours: [y]}], alarms: [fire]}}"))
	for _, want := range []string{"admit: missing", "hours:", "alarms:"} {
		assert.ErrorContains(t, err, want, "everything that is wrong is said at once")
	}
}

func TestAWrongFileLeavesThePolicyAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gates.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	_, err := OpenPolicy(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	write("zones: {a: {entry: [c]}}")
	_, err = OpenPolicy(path)
	require.ErrorContains(t, err, "galleries: none", "at the start there is no policy that could stay")

	write(samplePolicy)
	f, err := OpenPolicy(path)
	require.NoError(t, err)
	first := f.Policy()
	changed, err := f.Reload()
	require.NoError(t, err)
	assert.False(t, changed)

	write("zones: {a: {entry: [c]}}")
	changed, err = f.Reload()
	assert.True(t, changed)
	require.ErrorContains(t, err, "galleries: none")
	assert.Same(t, first, f.Policy())
	require.Error(t, f.Problem())
	changed, _ = f.Reload()
	assert.False(t, changed, "it is said once")

	require.NoError(t, os.Remove(path))
	changed, err = f.Reload()
	assert.True(t, changed)
	require.ErrorIs(t, err, os.ErrNotExist)
	changed, _ = f.Reload()
	assert.False(t, changed)
	assert.Same(t, first, f.Policy())

	write("zones: {a: {entry: [c], galleries: [g]}}")
	changed, err = f.Reload()
	assert.True(t, changed)
	require.NoError(t, err)
	assert.Equal(t, []string{"a"}, f.Policy().Zones())
	require.NoError(t, f.Problem())
}

// FuzzParsePolicy holds that a policy that is accepted can be asked anything.
func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(samplePolicy))
	f.Add([]byte("zones: {a: {entry: [c], galleries: [g], rules: [{name: x, admit: true, hours: [\"22:00-06:00\"]}]}}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		p, err := ParsePolicy(content)
		if err != nil {
			return
		}
		for _, camera := range p.Cameras() {
			z, way := p.Zone(camera)
			if z == nil || way == 0 {
				t.Fatalf("camera %q has no zone", camera)
			}
			if admit, rule := p.Decide(z, PersonRef{Gallery: "g", ID: "x"}, time.Unix(1772352000, 0)); admit && rule == "" {
				t.Fatal("admitted by no rule")
			}
		}
	})
}
