package role_test

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/role"
)

var turnLine = regexp.MustCompile(`^(?:(\d) )?(S\d+)?: *(.+) => (\w+)$`)

// TestScripts runs the hearings of testdata, which a clerk can read and add to.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	turns := 0
	for _, name := range files {
		f, err := os.Open(name)
		require.NoError(t, err)
		h := &hearing{}
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			line := strings.TrimSpace(lines.Text())
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if h.line(t, line, name+":"+strconv.Itoa(n)) {
				turns++
			}
		}
		require.NoError(t, lines.Err())
		require.NoError(t, f.Close())
	}
	assert.GreaterOrEqual(t, turns, 60)
}

// hearing is where a script is.
type hearing struct {
	seats   map[int]role.Role
	a       *role.Assigner
	at      float64
	changes []role.Change
}

// line runs one line of a script and tells whether it was a turn.
func (h *hearing) line(t *testing.T, line, where string) bool {
	t.Helper()
	words := strings.Fields(line)
	one := func(name string) role.Role {
		r, ok := role.Parse(name)
		require.True(t, ok, "%s: no role %q", where, name)
		return r
	}
	switch words[0] {
	case "hearing":
		*h = hearing{seats: map[int]role.Role{}}
		h.a = role.NewAssigner(role.DefaultTable(), h.seats)
		return false
	case "seat":
		channel, err := strconv.Atoi(words[1])
		require.NoError(t, err, where)
		h.seats[channel] = one(words[2])
		return false
	case "pause":
		seconds, err := strconv.ParseFloat(words[1], 64)
		require.NoError(t, err, where)
		h.at += seconds
		return false
	case "clerk":
		h.a.Assign(0, words[1], one(words[3]))
		return false
	case "earlier":
		assert.Contains(t, h.changes, role.Change{Speaker: words[1], Role: one(words[3])}, where)
		return false
	}
	m := turnLine.FindStringSubmatch(line)
	require.NotNil(t, m, "%s: %q is no line of a script", where, line)
	turn := role.Turn{Speaker: m[2], Start: h.at, End: h.at + 5, Text: m[3]}
	if m[1] != "" {
		turn.Channel, _ = strconv.Atoi(m[1])
	}
	h.at += 5
	got, changes := h.a.Hear(turn)
	h.changes = changes
	assert.Equal(t, one(m[4]), got, "%s: %s", where, line)
	if turn.Speaker != "" {
		assert.Equal(t, got, h.a.Role(turn.Channel, turn.Speaker), "%s: what is known of the speaker", where)
	}
	return true
}

func TestTablesThatSayNothingAreRefused(t *testing.T) {
	for line, why := range map[string]string{
		"judge 现在开庭":          "want",
		"bailiff says 全体起立":   "no role",
		"unknown says 现在开庭":   "no role",
		"judge says 好的":       "shorter",
		"judge says 现在ABC":    "not Chinese",
		"judge says …现在开庭":    "begins or ends",
		"judge says 现在……开庭":   "two in a row",
		"ask nobody 请你陈述":     "no role",
		"judge must say 现在开庭": "want",
	} {
		_, err := role.ReadTable(strings.NewReader("# first\n" + line + "\n"))
		require.ErrorContains(t, err, why, line)
		require.ErrorContains(t, err, "line 2", line)
	}
}

func FuzzHear(f *testing.F) {
	f.Add("现在开庭", "请原告陈述")
	f.Add("我是", "\xff请被告……")
	f.Fuzz(func(t *testing.T, a, b string) {
		h := role.NewAssigner(role.DefaultTable(), map[int]role.Role{1: role.Witness})
		for i, text := range []string{a, b, a + b} {
			r, _ := h.Hear(role.Turn{Speaker: "S" + strconv.Itoa(i%2), Start: float64(i), End: float64(i + 1), Text: text})
			_, ok := role.Parse(string(r))
			require.True(t, ok)
			r, changes := h.Hear(role.Turn{Channel: 1, Text: text})
			require.Equal(t, role.Witness, r)
			require.Empty(t, changes)
		}
	})
}

func BenchmarkHear(b *testing.B) {
	a := role.NewAssigner(role.DefaultTable(), nil)
	text := strings.Repeat("今天公开审理原告张三诉被告李四民间借贷纠纷一案", 3)
	for b.Loop() {
		a.Hear(role.Turn{Speaker: "S1", Text: text})
	}
}
