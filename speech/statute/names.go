package statute

import (
	_ "embed"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/courtsense/courtsense/speech/number"
	"github.com/courtsense/courtsense/speech/syllable"
)

//go:embed abbreviations.txt
var abbreviationTable string

// issuer is what stands before the subject of an interpretation or regulation, and is left out when it is named.
var issuer = regexp.MustCompile(`^(?:最高人民法院[、 ]?最高人民检察院|最高人民法院|最高人民检察院|国务院|全国人民代表大会常务委员会|公安部)(?:关于)?`)

// names of a law that is said without it mean too many things.
const shortestName = 2

// learnNames makes the table of names from the titles: whole, without 中华人民共和国, without who issued it, and the abbreviations.
func (x *Index) learnNames() {
	x.names = map[uint64][]int{}
	short := map[string][]string{}
	for line := range strings.Lines(abbreviationTable) {
		if alias, title, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && !strings.HasPrefix(line, "#") {
			short[name(title)] = append(short[name(title)], alias)
		}
	}
	for i := range x.laws {
		title := x.laws[i].Title
		bare := name(title)
		names := []string{title, bare, strings.ReplaceAll(bare, "中华人民共和国", "")}
		if cut := issuer.ReplaceAllString(bare, ""); len(cut) >= 3*6 {
			names = append(names, cut, strings.ReplaceAll(cut, "中华人民共和国", ""))
		}
		names = append(names, short[bare]...)
		for _, n := range names {
			h := listen(n)
			if len(h.sounds) < shortestName {
				continue
			}
			hash := uint64(nameSeed)
			for j := len(h.sounds) - 1; j >= 0; j-- {
				hash = extend(hash, h.sounds[j])
			}
			if !slices.Contains(x.names[hash], i) {
				x.names[hash] = append(x.names[hash], i)
				x.longest = max(x.longest, len(h.sounds))
			}
		}
	}
}

const nameSeed = 0xcbf29ce484222325

func extend(hash uint64, s syllable.Syllable) uint64 {
	return (hash ^ uint64(s)) * 0x100000001b3
}

// mention is a place where a provision is named.
type mention struct {
	start, end int // in characters of the text, with the law's name
	laws       []int
	number     string // 第五百七十七条
}

// spokenNumbers are the characters that numbers sound like.
var spokenNumbers = func() map[syllable.Syllable]rune {
	out := map[syllable.Syllable]rune{}
	for _, r := range "零一二三四五六七八九十百千" {
		out[toneless(r)] = r
	}
	return out
}()

var (
	soundOrdinal = toneless('第')
	soundArticle = toneless('条')
)

// ordinal is a place where an article's number is said: 第五百七十七条.
type ordinal struct {
	from, to int // in heard characters
	number   string
}

// ordinals finds the numbers of articles, by sound, in figures as well.
func (h heard) ordinals() []ordinal {
	spoken, sound := h.runes, h.sounds
	var out []ordinal
	for i := 0; i < len(sound); i++ {
		if sound[i] != soundOrdinal {
			continue
		}
		end := i + 1
		var digits []rune
		for end < len(sound) && end-i < 12 {
			r, ok := spokenNumbers[sound[end]]
			if !ok {
				break
			}
			digits, end = append(digits, r), end+1
		}
		if end >= len(sound) || sound[end] != soundArticle || len(digits) == 0 {
			continue
		}
		n, ok := number.Parse(string(digits))
		if !ok || n < 1 || n > 9999 {
			continue
		}
		end++
		o := ordinal{from: i, number: "第" + number.Chinese(n) + "条"}
		if end+1 < len(spoken) && spoken[end] == '之' {
			if r, ok := spokenNumbers[sound[end+1]]; ok && strings.ContainsRune("一二三四五六七八九", r) && spoken[end+1] == r {
				o.number += "之" + string(r)
				end += 2
			}
		}
		o.to = end
		out = append(out, o)
		i = end - 1
	}
	return out
}

// mentions finds where a text names provisions: 根据民法典第五百七十七条. A number without a name belongs to the name before it, when nothing but
// provisions stands between.
func (x *Index) mentions(text string) []mention {
	h := listen(text)
	spoken, sound := h.runes, h.sounds
	var out []mention
	for _, o := range h.ordinals() {
		m := mention{start: int(h.places[o.from]), end: int(h.ends[o.to-1]), number: o.number}
		// 民法典第二条, and 民法典的第二条.
		for _, behind := range []int{o.from, o.from - 1} {
			if m.laws != nil || behind < 1 || behind < o.from && spoken[behind] != '的' {
				break
			}
			hash := uint64(nameSeed)
			for j := behind - 1; j >= 0 && behind-j <= x.longest; j-- {
				if hash = extend(hash, sound[j]); len(x.names[hash]) > 0 && behind-j >= shortestName {
					m.laws, m.start = x.names[hash], int(h.places[j])
				}
			}
		}
		if m.laws == nil && len(out) > 0 && m.start-out[len(out)-1].end <= 12 {
			m.laws = out[len(out)-1].laws
		}
		if m.laws != nil {
			// The name's opening bracket belongs to it.
			if r := []rune(text); m.start > 0 && r[m.start-1] == '《' {
				m.start--
			}
			out = append(out, m)
		}
	}
	return out
}

// named returns the provisions that a mention means, the one in force on the day first.
func (x *Index) named(m mention, day string) ([]Provision, []int, error) {
	laws := slices.Clone(m.laws)
	slices.SortStableFunc(laws, func(a, b int) int {
		fa, fb := x.laws[a].inForce(day), x.laws[b].inForce(day)
		if fa != fb {
			if fa {
				return -1
			}
			return 1
		}
		return compareLaws(x.laws[a], x.laws[b])
	})
	var out []Provision
	var from []int
	for _, l := range laws {
		articles, err := x.unpacked(l)
		if err != nil {
			return nil, nil, err
		}
		for i := range articles {
			if sameNumber(articles[i].Number, m.number) {
				out, from = append(out, x.provision(l, articles[i])), append(from, x.laws[l].first+i)
			}
		}
	}
	return out, from, nil
}

// sameNumber compares an article's printed number, in characters or figures, with 第五百七十七条.
func sameNumber(printed, number string) bool {
	return printed == number || canonical(printed) == number
}

func canonical(printed string) string {
	m := articleHead.FindStringSubmatch(printed)
	if m == nil {
		return ""
	}
	n, err := strconv.ParseInt(m[2], 10, 64)
	if err != nil {
		var ok bool
		if n, ok = number.Parse(m[2]); !ok {
			return ""
		}
	}
	return "第" + number.Chinese(n) + "条" + m[3]
}
