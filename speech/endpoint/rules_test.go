package endpoint

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// frame is the step at which the scripts look at the rules.
const frame = 100 * time.Millisecond

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	require.NoError(t, err)
	return d
}

func TestScripts(t *testing.T) {
	script, err := os.ReadFile("testdata/rules.test")
	require.NoError(t, err)
	cases := strings.Split(string(script), "\ncase: ")[1:]
	require.NotEmpty(t, cases)
	for _, text := range cases {
		name, steps, _ := strings.Cut(text, "\n")
		t.Run(name, func(t *testing.T) {
			var rules Rules
			var u Utterance
			ended, at := None, time.Duration(0)
			for step := range strings.Lines(steps) {
				f := strings.Fields(step)
				if len(f) == 0 {
					continue
				}
				switch f[0] {
				case "rules:":
					for _, setting := range f[1:] {
						key, value, _ := strings.Cut(setting, "=")
						*map[string]*time.Duration{
							"silence_without_text": &rules.SilenceWithoutText, "silence_after_text": &rules.SilenceAfterText,
							"max_utterance": &rules.MaxUtterance,
						}[key] = duration(t, value)
					}
					require.NoError(t, rules.Check())
				case "text", "nothing":
					for range duration(t, f[1]) / frame {
						u.Length += frame
						u.Trailing += frame
						if f[0] == "text" {
							u.Trailing, u.HasText = 0, true
						}
						if ended == None {
							ended, at = rules.Ended(u), u.Length
						}
					}
				case "ends":
					assert.Equal(t, f[1], ended.String())
					assert.Equal(t, duration(t, f[2]), at)
				case "goes":
					assert.Equal(t, None, ended, "ended at %v by %v", at, ended)
				default:
					t.Fatalf("unknown step %q", step)
				}
			}
		})
	}
}

func TestRulesThatWouldCutWordsAreRefused(t *testing.T) {
	for field, r := range map[string]Rules{
		"silence_without_text": {SilenceWithoutText: time.Millisecond}, "silence_after_text": {SilenceAfterText: -time.Second},
		"max_utterance": {MaxUtterance: 2 * time.Minute},
	} {
		err := r.Check()
		e, ok := refusal.As(err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, "config.endpointing."+field, e.Field)
	}
}
