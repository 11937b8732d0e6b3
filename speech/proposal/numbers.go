package proposal

import (
	"regexp"
	"strings"
)

var (
	// 最高人民法院《关于人民法院案件案号的若干规定》: year, court, kind, number; earlier ones with 字第.
	caseNumbers = regexp.MustCompile(`[（(〔\[]\d{4}[）)〕\]]\p{Han}{1,6}\d{0,5}\p{Han}{1,8}第?\d{1,7}(?:-\d+)?号(?:之[一二三四五六七八九十]+)?`)
	amounts     = regexp.MustCompile(`(?:人民币|美元|港币|欧元|￥|¥)?\d+(?:[,，]\d{3})*(?:\.\d+)?余?(?:[百千万亿]|百万|千万)?余?(?:元|美元|港元|港币|欧元|日元)` +
		`|(?:人民币)?[一二两三四五六七八九十百千万亿零壹贰叁肆伍陆柒捌玖拾佰仟]{2,}(?:余)?(?:元|圆|美元)`)
)

func findCaseNumbers(f *findings, all []sentence) {
	f.each(all, func(s sentence) {
		for _, m := range caseNumbers.FindAllString(string(s.text), -1) {
			f.add(CaseNumber, m)
		}
	})
}

// least is up to how many figures an amount is as good as any other: nobody needs help with 5元.
const leastAmount = 3

func findAmounts(f *findings, all []sentence) {
	f.each(all, func(s sentence) {
		for _, m := range amounts.FindAllString(string(s.text), -1) {
			m = strings.TrimPrefix(m, "人民币")
			if len([]rune(m)) >= leastAmount {
				f.add(Amount, m)
			}
		}
	})
}
