package statute_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/statute"
)

// sound is evidence of a tenth of a second for each character: what was truly said there, and what it was taken for.
type sound struct {
	said  []string // in each place, by how likely; the first is what was recognised
	begin float64
}

// Fit aligns a text with the places; what may have been said there costs 2 nats, anything else 12.
func (s *sound) Fit(text string, from, to float64) float64 {
	at := func(seconds float64) int { return min(max(int((seconds-s.begin)*10+.5), 0), len(s.said)) }
	places, runes := s.said[at(from):at(to)], []rune(text)
	cost := make([]float64, len(runes)+1)
	for j := range cost {
		cost[j] = -12 * float64(j)
	}
	for _, p := range places {
		diagonal := cost[0]
		silent := -12.
		if strings.Contains(p, "_") {
			silent = -2
		}
		cost[0] += silent
		for j, r := range runes {
			here := -12.
			switch k := strings.IndexRune(p, r); {
			case k == 0:
				here = 0
			case k > 0:
				here = -2
			}
			diagonal, cost[j+1] = cost[j+1], max(diagonal+here, cost[j+1]+silent, cost[j]-12)
		}
	}
	return cost[len(runes)]
}

// heardAs has a reader hear results. In each text a character in brackets was recognised, and what follows a slash in it may have been said
// as well: [醒/形]; _ is silence. All start a tenth of a second apart.
func heardAs(t *testing.T, x *statute.Index, results ...string) []statute.Snapped {
	t.Helper()
	r := x.NewReader()
	var out []statute.Snapped
	for i, text := range results {
		e := &sound{begin: float64(100 * i)}
		var o statute.Options
		heard := ""
		for rest := text; rest != ""; {
			one := string([]rune(rest)[:1])
			rest = rest[len(one):]
			if one == "[" {
				one, rest, _ = strings.Cut(rest, "]")
			}
			c := []rune(one)[0]
			e.said = append(e.said, strings.ReplaceAll(one, "/", ""))
			heard += string(c)
			k := float64(len(o.Times))
			o.Times = append(o.Times, [2]float64{e.begin + k/10, e.begin + (k+1)/10})
			o.Confidence = append(o.Confidence, .75)
		}
		o.Evidence = e
		got, err := r.Snap(heard, o)
		require.NoError(t, err)
		assert.NotEmpty(t, got.Text)
		out = append(out, got)
	}
	return out
}

// TestEvidenceDecidesWhatWasMisheard: the same words are a mishearing where the law's could have been said as well, and else other words.
func TestEvidenceDecidesWhatWasMisheard(t *testing.T) {
	x := opened(t)
	for name, c := range map[string]struct{ heard, want []string }{
		"misheard where the law's words fit too": {
			[]string{"根据虚构借贷法第三条借船人[亲/应][等/当]在出海前[家/检][长/查]船[里/底]和[床/船][单/帆]发现[破/破][烂/损]的应当在[四/十]日内以书[本/面]形式告知船主"},
			[]string{"根据虚构借贷法第三条借船人应当在出海前检查船底和船帆，发现破损的，应当在十日内以书面形式告知船主。"},
		},
		"other words": {
			[]string{"根据虚构借贷法第三条借船人可以在出海前检查船底和船帆发现破损的应当在十日内以书面形式告知船主"},
			nil,
		},
		"another number": {
			[]string{"根据虚构借贷法第三条借船人[亲/应]当在出海前检查船底和船[单/帆]发现破损的应当在九日内以书面形式告知船主"},
			nil,
		},
		"other words behind a name": {
			[]string{"根据虚构借贷法第三条被告没有检查船只也没有告知原告应当承担责任"},
			nil,
		},
		"a breath before it": {
			[]string{"[一/_]借船人应当在出海前检查船底和船帆发现破损的应当在十日内以书面形式告知船主"},
			[]string{"借船人应当在出海前检查船底和船帆，发现破损的，应当在十日内以书面形式告知船主。"},
		},
		"a word before it": {
			[]string{"那借船人应当在出海前检查船底和船帆发现破损的应当在十日内以书面形式告知船主"},
			[]string{"那借船人应当在出海前检查船底和船帆，发现破损的，应当在十日内以书面形式告知船主。"},
		},
		"over a pause, with a character that was heard on both sides": {
			[]string{"根据虚构借贷法第三条借船人应当在出海前检查船", "[船/_]底和[全/船][单/帆]发现破损的应当在十日内以书面形式告知船主"},
			[]string{"根据虚构借贷法第三条借船人应当在出海前检查船", "底和船帆，发现破损的，应当在十日内以书面形式告知船主。"},
		},
		"other words at its end": {
			[]string{"根据虚构借贷法第三条借船人应当在出海前检查船底和风筝"},
			nil,
		},
		"no clause is added that was not said": {
			[]string{"根据虚构借贷法第三条借船人应当在出海前检查船底和船帆应当在十日内以书面形式告知船主"},
			nil,
		},
	} {
		got := heardAs(t, x, c.heard...)
		for i := range c.heard {
			if c.want == nil {
				plain := ""
				for _, q := range got[i].Quotations {
					require.False(t, q.Recited && bareOf(q.Spoken) != bareOf(string([]rune(got[i].Text)[q.Start:q.End])), "%s: %s", name, got[i].Text)
				}
				for _, r := range c.heard[i] {
					if !strings.ContainsRune("[]", r) {
						plain += string(r)
					}
				}
				continue
			}
			assert.Equal(t, c.want[i], got[i].Text, name)
		}
	}
}

func bareOf(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("，。；：、", r) {
			return -1
		}
		return r
	}, s)
}
