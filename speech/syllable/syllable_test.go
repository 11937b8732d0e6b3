package syllable

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func parse(t *testing.T, pinyin string) Syllable {
	t.Helper()
	s, ok := Parse(pinyin)
	require.True(t, ok, pinyin)
	return s
}

func TestReadings(t *testing.T) {
	for r, want := range map[rune][]string{
		'中': {"zhong1", "zhong4"}, '法': {"fa3"}, '绿': {"lv4", "lu4"}, '略': {"lve4"}, '的': {"de5", "di1", "di2", "di4"}, '〇': {"ling2", "yuan2", "xing1"},
	} {
		var got []string
		for _, s := range Of(r) {
			got = append(got, s.String())
		}
		assert.Equal(t, want, got, string(r))
	}
	assert.Equal(t, "en2", First('嗯').String(), "a hummed syllable is written with a vowel")
	assert.Nil(t, Of('a'))
	assert.Nil(t, Of('，'))
	assert.Nil(t, Of(-1))
	assert.Nil(t, Of(0x10ffff))
	assert.Zero(t, First('1'))
}

func TestParse(t *testing.T) {
	want := parse(t, "zhong1")
	for _, same := range []string{"zhōng", "ZHONG1", " zhong1 "} {
		assert.Equal(t, want, parse(t, same))
	}
	assert.Equal(t, want.Toneless(), parse(t, "zhong"))
	assert.Equal(t, parse(t, "lü4"), parse(t, "lv4"))
	assert.Equal(t, parse(t, "lüè"), parse(t, "lue4"))
	assert.NotEqual(t, parse(t, "lu4"), parse(t, "lv4"))
	for _, bad := range []string{"", "1", "zhong6", "zhong0", "中", "xyz", "zhong12"} {
		_, ok := Parse(bad)
		assert.False(t, ok, bad)
	}
}

func TestHomophones(t *testing.T) {
	shi := Homophones(parse(t, "shi4"))
	require.Greater(t, len(shi), 20)
	assert.ElementsMatch(t, []rune("是事市"), shi[:3])
	assert.Contains(t, Homophones(parse(t, "hang2")), '行', "by its second reading too")
	assert.Equal(t, '的', Homophones(parse(t, "de5"))[0])
	assert.NotEqual(t, '的', Homophones(parse(t, "di4"))[0], "though 的 is the most frequent of all and is sometimes read di4")
	assert.Equal(t, []rune("第地"), Homophones(parse(t, "di4"))[:2])
	toneless := Homophones(parse(t, "shi"))
	for _, r := range shi {
		assert.Contains(t, toneless, r)
	}
	assert.Greater(t, len(toneless), len(shi))
	assert.Empty(t, Homophones(0))
	assert.Empty(t, Homophones(65535))
}

func TestEveryListedCharacterIsItsOwnHomophone(t *testing.T) {
	all := Homophones(parse(t, "yi"))
	require.NotEmpty(t, all)
	assert.True(t, slices.IsSortedFunc(all[:5], func(a, b rune) int { return int(Frequency(b)) - int(Frequency(a)) }))
	rapid.Check(t, func(t *rapid.T) {
		s := Syllable(rapid.IntRange(0, Limit()-1).Draw(t, "syllable"))
		for _, r := range Homophones(s) {
			assert.True(t, slices.ContainsFunc(Of(r), func(o Syllable) bool { return o == s || o.Toneless() == s }), "%c %v", r, s)
		}
	})
}

func TestSyllablesTakeApartAndTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Syllable(rapid.IntRange(1, Limit()-1).Draw(t, "syllable"))
		back, ok := Parse(s.String())
		assert.True(t, ok)
		assert.Equal(t, s, back)
		assert.Equal(t, s, s.Toneless().WithTone(s.Tone()))
		assert.Equal(t, ToneUnknown, s.Toneless().Tone())
	})
	assert.Empty(t, Syllable(0).String())
	assert.Zero(t, Syllable(0).Toneless())
}

func BenchmarkOf(b *testing.B) {
	text := []rune("第五百七十七条当事人一方不履行合同义务或者履行合同义务不符合约定的应当承担继续履行采取补救措施或者赔偿损失等违约责任")
	n := 0
	for b.Loop() {
		for _, r := range text {
			n += len(Of(r))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(text)), "ns/char")
}

func BenchmarkTables(b *testing.B) {
	for b.Loop() {
		newTables()
	}
}
