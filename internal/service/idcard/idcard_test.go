package idcard

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var today = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func TestNumbers(t *testing.T) {
	// The standard's own example, and the way in which people write it.
	for _, text := range []string{"11010519491231002X", "110105 19491231 002x", "１１０１０５１９４９１２３１００２Ｘ", "110105-19491231-002X"} {
		n, err := ParseNumber(text, today)
		require.NoError(t, err, text)
		assert.Equal(t, "11010519491231002X", n.Text)
		assert.Equal(t, "1949-12-31", n.Birth.Format(time.DateOnly))
	}
	for text, want := range map[string]error{
		"": ErrForm, "1101051949123100": ErrForm, "110105491231002": ErrForm, "11010519491231002XX": ErrForm, "1101051949123100X2": ErrForm,
		"11010519491231002Y": ErrForm, strings.Repeat("1", 1000): ErrForm, "样本": ErrForm,
		"990105194912310024": ErrRegion, "000000209913400000": ErrRegion, "110105194902300025": ErrBirth, "110105189912310025": ErrBirth, "110105209912310025": ErrBirth,
		"110105194912310021": ErrCheckDigit,
	} {
		_, err := ParseNumber(text, today)
		assert.ErrorIs(t, err, want, text)
	}
}

// Every single wrong digit and every exchange of neighbours is noticed: that is what the check digit is for.
func TestTheCheckDigitNoticesEverySlip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 25000).Draw(t, "day"))
		first := "110105" + day.Format("20060102") + rapid.StringMatching(`[0-9]{3}`).Draw(t, "serial")
		whole := first + string(CheckDigit(first))
		n, err := ParseNumber(whole, today)
		require.NoError(t, err)
		require.Equal(t, day, n.Birth)
		at, to := rapid.IntRange(0, 16).Draw(t, "at"), rapid.StringMatching(`[0-9]`).Draw(t, "to")
		if slip := whole[:at] + to + whole[at+1:]; slip != whole {
			_, err = ParseNumber(slip, today)
			require.Error(t, err, slip)
		}
		if swapped := whole[:at] + whole[at+1:at+2] + whole[at:at+1] + whole[at+2:]; swapped != whole {
			_, err = ParseNumber(swapped, today)
			require.Error(t, err, swapped)
		}
	})
}

func TestFieldsAreFound(t *testing.T) {
	f := Find([]Line{
		{"姓 名 欧阳某某", []float32{0.9, 0.9, 0.9, 0.9, 0.8, 0.7, 0.99, 0.99}}, {"性别女民族汉", []float32{1}}, {"出生1949年12月31日", []float32{1}},
		{"公民身份号码 1101O5194912310O2x", []float32{0.6}},
	})
	assert.Equal(t, "欧阳某某", f.Name.Text)
	assert.Equal(t, float32(0.7), f.Name.Confidence)
	assert.Equal(t, "11010519491231002X", f.Number.Text)
	assert.Equal(t, float32(0.6), f.Number.Confidence)
	// The name's line goes on with the next label, and the number's label is missing.
	f = Find([]Line{{Text: "姓名：李四性别男"}, {Text: "110105194912310021"}})
	assert.Equal(t, "李四", f.Name.Text)
	assert.Equal(t, "110105194912310021", f.Number.Text)
	assert.Zero(t, f.Name.Confidence)
	// Labels on lines of their own.
	f = Find([]Line{{Text: "姓名"}, {Text: "样本某"}, {Text: "性别女"}, {Text: "公民身份号码"}, {Text: "000000209913400000"}})
	assert.Equal(t, "样本某", f.Name.Text)
	assert.Equal(t, "000000209913400000", f.Number.Text)
	assert.Empty(t, Find([]Line{{Text: "姓名"}, {Text: "性别女"}}).Name.Text, "the next label is no name")
	assert.Equal(t, Fields{}, Find([]Line{{Text: "Agreement"}, {Text: "姓名"}, {Text: "2024年1月8日"}}))
	assert.Equal(t, Fields{}, Find(nil))
}

func TestNames(t *testing.T) {
	assert.True(t, SameName("张 三", "张三"))
	assert.True(t, SameName("买买提·阿不都", "买买提•阿不都"))
	assert.True(t, SameName("Ｅileen", "EILEEN"))
	assert.False(t, SameName("张三", "张五"))
	assert.False(t, SameName("", ""))
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"11010519491231002X", "110105 19491231 002x", "", "１１０", "00000020991340000\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s, today)
		if err != nil {
			return
		}
		if len(n.Text) != 18 || n.Birth.Format("20060102") != n.Text[6:14] || CheckDigit(n.Text[:17]) != n.Text[17] {
			t.Fatalf("%q became %+v", s, n)
		}
	})
}

func FuzzFind(f *testing.F) {
	f.Add("姓 名 样本某", "公民身份号码000000209913400000", float32(0.5))
	f.Add("姓名姓名", "1234567890123456×", float32(2))
	f.Add("\xff\xfe", "ﷺ", float32(0))
	f.Fuzz(func(t *testing.T, a, b string, c float32) {
		found := Find([]Line{{a, []float32{c}}, {b, []float32{c, c}}})
		if len([]rune(found.Name.Text)) > longestName || len(found.Number.Text) > 32 {
			t.Fatalf("%+v", found)
		}
	})
}
