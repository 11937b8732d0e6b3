package hotword

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNumbersAreSaid(t *testing.T) {
	for text, want := range map[string][]string{
		"张三":      {"张三"},
		"3号楼":     {"三号楼"},
		"12号":     {"十二号", "一二号"},
		"200万元":   {"二百万元", "二零零万元", "两百万元"},
		"105":     {"一百零五", "一零五", "幺零五"},
		"0105":    {"零一零五", "零幺零五"},
		"2023年":   {"二零二三年"},
		"3.5万":    {"三点五万"},
		"5%":      {"百分之五"},
		"10001":   {"一万零一", "一零零零一", "幺零零零幺"},
		"1000000": {"一百万", "一零零零零零零", "幺零零零零零零"},
		".":       {""},
		"a.b":     {"ab"},
		"1.2.3":   {"一点二三"},
	} {
		var got []string
		for _, way := range spoken(text) {
			got = append(got, string(way))
		}
		assert.Equal(t, want, got, text)
	}
	for number, want := range map[string]string{
		"0": "零", "10": "十", "20": "二十", "110": "一百一十", "101": "一百零一", "100000": "十万", "100100": "十万零一百",
		"110000": "十一万", "123456789012": "一千二百三十四亿五千六百七十八万九千零一十二", "100000001": "一亿零一", "1010": "一千零一十",
	} {
		assert.Equal(t, want, asNumber(number), number)
	}
	assert.LessOrEqual(t, len(spoken("1和2和33和44和55和66和77")), maxWays)
}
