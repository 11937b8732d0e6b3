package number_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/speech/number"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]int64{
		"零": 0, "一": 1, "两": 2, "十": 10, "十五": 15, "二十": 20, "一百零五": 105, "一百一十五": 115, "一百十五": 115, "一百二": 120, "两千零五": 2005, "三万五": 35000,
		"三万零五": 30005, "一亿零五百": 100000500, "两亿三": 230000000, "一千二百三十四万五千六百七十八": 12345678, "九千九百九十九亿": 999900000000,
	} {
		got, ok := number.Parse(s)
		assert.True(t, ok, s)
		assert.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "二三", "三四十", "百", "万", "十百", "二零一九", "零五", "一百零", "五百五百", "两十", "一万万", "十十", "幺", "一百零十零", "甲"} {
		_, ok := number.Parse(s)
		assert.False(t, ok, s)
	}
}

func TestChinese(t *testing.T) {
	for n, want := range map[int64]string{
		0: "零", 10: "十", 11: "十一", 20: "二十", 110: "一百一十", 105: "一百零五", 577: "五百七十七", 1260: "一千二百六十", 10010: "一万零一十", 10500: "一万零五百",
		12005000: "一千二百万五千", 100005000: "一亿零五千", 1000000000000: "1000000000000", -1: "-1",
	} {
		assert.Equal(t, want, number.Chinese(n))
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 999999999999).Draw(t, "n")
		got, ok := number.Parse(number.Chinese(n))
		assert.True(t, ok, number.Chinese(n))
		assert.Equal(t, n, got, number.Chinese(n))
	})
}
