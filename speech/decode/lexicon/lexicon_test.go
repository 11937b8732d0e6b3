package lexicon

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/acoustic"
	"github.com/courtsense/courtsense/speech/syllable"
)

func written(l *Lexicon, pinyin string) (all []string) {
	s, _ := syllable.Parse(pinyin)
	for _, h := range l.Homophones(s) {
		all = append(all, l.Text(h.Unit))
	}
	return all
}

func TestUnits(t *testing.T) {
	l, err := New([]Token{{}, {Text: "事"}, {Text: "he", WordStart: true}, {Text: "llo"}, {Text: "\xe6\xb3"}, {Text: "事", WordStart: true}}, 0, Options{})
	require.NoError(t, err)
	assert.Equal(t, 6, l.Tokens())
	assert.Equal(t, Unit(1), l.UnitOf(5), "two tokens that write the same character are one unit")
	assert.Equal(t, '事', l.Han(1))
	assert.Zero(t, l.Han(2))
	assert.Equal(t, "llo", l.Text(3))
	assert.Nil(t, l.Runes(4), "part of a character")
	beyond := l.Character('是')
	assert.GreaterOrEqual(t, int(beyond), l.Tokens())
	assert.Equal(t, "是", l.Text(beyond))
	assert.Equal(t, '是', l.Han(beyond))
	assert.Equal(t, "shi4", l.Readings(beyond)[0].Syllable.String())
	assert.False(t, l.WordStart(beyond))
	assert.True(t, l.WordStart(2))
	assert.Equal(t, Unit(1), l.Character('事'))
	shi := written(l, "shi")
	assert.Subset(t, shi, []string{"事", "是", "市"}, "common characters are found, though they are no tokens")
	assert.LessOrEqual(t, len(shi), defaultHomophones)
	assert.Empty(t, written(l, "fa"), "nothing that is read so can be heard")
	assert.Nil(t, l.Homophones(syllable.Syllable(syllable.Limit())))
}

func TestSounds(t *testing.T) {
	l, err := New([]Token{{}, {Text: "事"}, {Text: "OK"}}, 0, Options{})
	require.NoError(t, err)
	for r, want := range map[rune]bool{'事': true, '是': true, '谥': true, '法': false, 'k': true, 'K': true, 'x': false, '。': false} {
		assert.Equal(t, want, l.Sounds(r), string(r))
	}
	bytes, err := New([]Token{{}, {Text: "\xe6"}}, 0, Options{})
	require.NoError(t, err)
	assert.True(t, bytes.Sounds('法'), "bytes spell anything")
}

func TestUnusableTables(t *testing.T) {
	_, err := New([]Token{{}, {Text: "事"}}, 2, Options{})
	assert.ErrorContains(t, err, "blank is token 2 of 2")
	_, err = New([]Token{{}, {}}, 0, Options{})
	assert.ErrorContains(t, err, "none of the 2 tokens")
}

func TestFromModel(t *testing.T) {
	table, err := acoustic.ParseTokens([]byte("<blk>\n<unk>\n法\n▁ok\n<0xE6>\n"))
	require.NoError(t, err)
	l, err := FromModel(table, Options{})
	require.NoError(t, err)
	assert.Zero(t, l.Blank())
	assert.Empty(t, l.Text(1), "the unknown token is never written")
	assert.Equal(t, "法", l.Text(2))
	assert.Equal(t, "ok", l.Text(3))
	assert.True(t, l.WordStart(3))
	assert.Equal(t, "\xe6", l.Text(4))
}

func TestLetters(t *testing.T) {
	for r, want := range map[rune]bool{'a': true, '7': true, '\'': true, 'é': true, '法': false, ' ': false, '。': false} {
		assert.Equal(t, want, Letter(r), string(r))
	}
	assert.Equal(t, 'é', Fold('É'))
}
