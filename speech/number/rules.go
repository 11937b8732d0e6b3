package number

import (
	"regexp"
	"strconv"
	"strings"
)

// What numbers are made of, and with what a rule's pattern may begin.
const (
	numerals = "零〇一二两三四五六七八九十百千万亿幺"
	heads    = numerals + "第负周星礼（(人"
)

// rule is a row of the table: at a place where the pattern matches, between fitting neighbours, write says what is written instead; without
// write, or when it refuses all, the characters stay.
type rule struct {
	name              string
	pattern           *regexp.Regexp
	behind, notBehind *regexp.Regexp // the text before the place
	ahead, notAhead   *regexp.Regexp // the text after it
	write             func(m []string, s Style) (string, bool)
}

// Of a pattern, {N} is a cardinal number, {F} one that may have a fraction, {S} digits one by one; each is a group.
var pieces = strings.NewReplacer(
	"{N}", `([零〇一二两三四五六七八九十百千万亿]+)`,
	"{F}", `([零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+[万亿]?)?)`,
	"{S}", `([零〇一二三四五六七八九幺]+)`,
)

func head(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`^(?:` + pieces.Replace(pattern) + `)`)
}
func tail(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?:` + pattern + `)$`) }

const (
	metric    = `平方公里|平方千米|公里|千米|平方米|平米|立方米|厘米|毫米|公分|米|公斤|千克|毫克|克|吨|毫升|升|公顷|亩|摄氏度|千瓦时|千瓦|伏|海里|英寸|分贝`
	measured  = `个小时|小时|分钟|秒钟|秒|周岁|岁|倍|折|斤|度|码|兆`
	currency  = `元整|元|块钱|美元|美金|欧元|港元|港币|日元|英镑|韩元|澳元|卢布`
	dayPart   = `上午|下午|凌晨|晚上|早上|早晨|清晨|中午|傍晚|夜里|深夜|半夜|午后|当晚|昨晚|今晚|当日|当天|次日|今天|明天|昨天|后天|[日号][，]?|晚`
	sentence  = `有期徒刑|徒刑|拘役|管制|剥夺政治权利|缓刑|缓期|监禁|刑期|考验期限?|拘留|羁押|减刑|执行|判处|判|处`
	provinces = `京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼兵`
	causes    = `民诉前调|诉前调|知民初|知民终|知行初|知行终|民辖终|行赔初|行赔终|民初|民终|民申|民再|民特|民辖|民撤|民监|民督|民催|民他|刑初|刑终|刑申|刑再|刑更|刑监|行初|行终|行申|行再|行审|行赔|执异|执复|执恢|执保|执监|财保|破申|破终|司惩|委赔|国赔|仲审|诉保|清申|赔|执|破`
)

// rules is the table; of the rows that fit at a place the first counts.
var rules = []rule{
	// ---- what stays ----
	{name: "idiom", pattern: head(idioms)},
	{name: "idiom", pattern: head(`十分`), notAhead: head(`[钟之]`)},
	{name: "idiom", pattern: head(`二百五`), behind: tail(`[个是]`)},
	{name: "holiday", pattern: head(`十一`), ahead: head(`国庆|长假|黄金周|期间|假期|放假`)},
	{name: "holiday", pattern: head(`十一|十二`), behind: tail(`双`)},
	{name: "congress", pattern: head(`(?:十[一二三四五六七八九]|二十)大|[十二三四五六七八九]+届`)},
	// Words that end in 一: 统一百分之十 is not 统 and 一百.
	{name: "word", pattern: head(`一`), behind: tail(`[唯统同单专划归逐之]`)},
	{name: "weekday", pattern: head(`(?:星期|礼拜|周)[一二三四五六日天]`)},
	{name: "lunar date", pattern: head(`[一二三四五六七八九十]+月[初廿]?[一二三四五六七八九十]*`), behind: tail(`农历|阴历|旧历|年(?:的)?农历`)},
	{name: "estimate", pattern: head(`[` + numerals + `]+几[十百千万亿]*`)},
	{name: "estimate", pattern: head(`[十百千万亿]+`), behind: tail(`[几数成好]`)},
	{name: "term", pattern: head(`[` + numerals + `]+(?:年|个月|月|日|天)(?:又|零|，)?(?:[` + numerals + `]+(?:个半?月|月|日|天))*`), behind: tail(`(?:` + sentence + `)(?:[了为期限]|期限为)?`)},
	{name: "term", pattern: head(`[` + numerals + `]+(?:年|个月|月|日|天)`), ahead: head(`(?:以[上下]|[` + numerals + `年个月日天以上下至到或者，、]){0,14}的?(?:有期)?(?:徒刑|拘役|管制|拘留)`)},

	// ---- numbers that name something ----
	{name: "case number", pattern: head(`[（(]?([一二][零〇九][零〇一二三四五六七八九]{2}|两千零[一二三四五六七八九十]+)[）)]?年?[，、]?(最高法知?|[` + provinces + `])([零〇一二三四五六七八九十百幺]*)[，、]?(` + causes + `)[，、]?(?:字第|第)?([零〇一二两三四五六七八九十百千万幺]+)号(之[一二三四五六七八九十]+)?`), write: caseNumber},
	{name: "identity number", pattern: head(`([零〇一二三四五六七八九幺]{17}[xX]|[零〇一二三四五六七八九幺]{17}叉)`), write: func(m []string, _ Style) (string, bool) {
		return strings.NewReplacer("x", "X", "叉", "X").Replace(digitsOf(m[1])), true
	}},
	{name: "plate", pattern: head(`([零〇一二三四五六七八九幺A-Z]{4,6})`), behind: tail(`[` + provinces + `][A-Z]`), write: spelled},
	{name: "generation", pattern: head(`([五六七八九零]零)后`), write: func(m []string, _ Style) (string, bool) { return digitsOf(m[1]) + "后", true }},

	// ---- dates ----
	{name: "year", pattern: head(`([一二][零〇一二三四五六七八九]{3})年`), write: func(m []string, _ Style) (string, bool) { return digitsOf(m[1]) + "年", true }},
	{name: "year", pattern: head(`{N}年`), write: yearByValue},
	{name: "year", pattern: head(`([零〇一二三四五六七八九]{2})年`), write: shortYear},
	{name: "month stays", pattern: head(`五月花|十月怀胎|七月流火|三月三`), notAhead: head(`[十日号]`)},
	{name: "month stays", pattern: head(`[一二三四五六七八九十]+月`), behind: tail(`为期|历时|长达|满|逾|近|每隔`)},
	{name: "month", pattern: head(`([一三四五六七八九]|二|十[一二]?)月`), notBehind: tail(`个|[几数]`), write: func(m []string, _ Style) (string, bool) { return bounded(m[1], 1, 12, "月") }},
	{name: "day", pattern: head(`{N}(日|号)`), behind: tail(`月份?|本月|当月|同月|次月|上月|下月|[日号](?:到|至|和|或|、)`), write: func(m []string, _ Style) (string, bool) { return bounded(m[1], 1, 31, m[2]) }},
	{name: "day", pattern: head(`([一二]?十[一二三四五六七八九]?|三十一?)`), behind: tail(`[` + numerals + `]月`), notAhead: head(`[` + numerals + `]|个|天|元|点五`), write: func(m []string, _ Style) (string, bool) { return bounded(m[1], 1, 31, "") }},

	// ---- times of day ----
	{name: "time", pattern: head(`{N}([时点]){N}分({N}秒)?`), notAhead: head(`之`), write: clock},
	{name: "time", pattern: head(`{N}(点钟|点半|点整|点一刻|点三刻|时整|时许|点许)`), write: func(m []string, _ Style) (string, bool) { return bounded(m[1], 0, 24, m[2]) }},
	{name: "time", pattern: head(`{N}点(零[一二三四五六七八九]|[二三四五]?十[一二三四五六七八九]?)`), notAhead: head(`[` + numerals + `]`), behind: tail(dayPart + `|从|于|在|到|至`), write: clockShort},
	{name: "time", pattern: head(`{N}点([二三四五]?十[一二三四五六七八九]?)`), notAhead: head(`[` + numerals + `]`), write: clockShort},
	{name: "time", pattern: head(`{N}(点|时)`), behind: tail(`(?:` + dayPart + `)的?|[点时半](?:到|至)`), notAhead: head(`[零〇一二三四五六七八九]|意见|要求|建议|理由`), write: func(m []string, _ Style) (string, bool) { return bounded(m[1], 0, 24, m[2]) }},
	{name: "time", pattern: head(`{N}(点|时)`), ahead: head(`左右|前后|多钟`), write: func(m []string, _ Style) (string, bool) { return bounded(m[1], 0, 24, m[2]) }},
	{name: "time", pattern: head(`(十[一二三四五六七八九]?|二十[一二三四]?)(点|时)`), notAhead: head(`[零〇一二三四五六七八九]|意见|要求|建议|理由`), write: func(m []string, _ Style) (string, bool) { return bounded(m[1], 0, 24, m[2]) }},
	{name: "points stay", pattern: head(`[一二两三四五六七八九]点`), behind: tail(`[有这那]|以下|下列|如下|几|补充|说|讲|提`)},

	// ---- shares ----
	{name: "percentage", pattern: head(`百分之(百)`), notAhead: head(`[零一二三四五六七八九十]`), write: func([]string, Style) (string, bool) { return "100%", true }},
	{name: "percentage", pattern: head(`百分之{F}(到|至)(?:百分之)?{F}`), write: shareRange("%")},
	{name: "percentage", pattern: head(`百分之{F}`), notAhead: head(`几`), write: share("%")},
	{name: "per mille", pattern: head(`千分之{F}`), write: share("‰")},
	{name: "fraction stays", pattern: head(`[` + numerals + `]+分之[` + numerals + `]+(?:点[` + numerals + `]+)?`)},
	{name: "ratio", pattern: head(`{N}比{N}`), behind: tail(`比例(?:为|是)?|比分(?:为|是)?|[按以]`), write: ratio},

	// ---- provisions and other ordinals ----
	{name: "article", pattern: head(`第{N}条(之[一二三四五六七八九十]+)?`), write: article},
	{name: "article stays", pattern: head(`[` + numerals + `]+条(?:之[一二三四五六七八九十]+)?`), behind: tail(`法|典|条例|规定|解释|办法|规则|意见`)},
	{name: "ordinal", pattern: head(`第{N}(页|号|行|分钟)`), write: func(m []string, _ Style) (string, bool) {
		to, ok := ordinal(m[1], m[2])
		return "第" + to, ok
	}},
	{name: "ordinal stays", pattern: head(`第[` + numerals + `]+`)},

	// ---- money ----
	{name: "amount", pattern: head(`{F}([到至或]|或者){F}([多余来]?[万亿]?)(` + currency + `)`), write: amountRange},
	{name: "amount", pattern: head(`{N}元{N}角(?:{N}分)?`), write: amountParts},
	{name: "amount", pattern: head(`{N}元零?{N}分`), write: amountCents},
	{name: "amount stays", pattern: head(`(?:二元|一元|三元)`), ahead: head(`结构|化|论|催化|桥|次方程|方程|复始|体系|文化`)},
	{name: "amount", pattern: head(`{F}([多余来]?[万亿]?)(` + currency + `)`), notAhead: head(`旦`), write: amount},
	{name: "amount", pattern: head(`{F}块([一二三四五六七八九])(毛|角)?`), notAhead: head(`[` + numerals + `]`), write: amountSpoken},
	{name: "amount", pattern: head(`{F}(块)`), write: atLeastTen},
	{name: "amount", pattern: head(`{F}`), behind: tail(`人民币`), write: func(m []string, s Style) (string, bool) { return atLeastTen([]string{m[0], m[1], ""}, s) }},

	// ---- measures and addresses ----
	{name: "measure", pattern: head(`{F}([多余来]?)(` + metric + `)`), write: amount},
	{name: "measure", pattern: head(`{F}([多余来]?(?:` + measured + `))`), write: atLeastTen},
	{name: "address", pattern: head(`{S}(号楼|号院|号线|号房|室|房间|单元|栋|幢|弄|号|户)`), write: address},
	{name: "address", pattern: head(`{N}(号楼|号院|号线|单元|栋|幢|号)`), write: func(m []string, _ Style) (string, bool) { return ordinal(m[1], m[2]) }},

	// ---- digits one by one ----
	{name: "digits", pattern: head(`([零〇一二三四五六七八九幺]{5,})`), notAhead: head(`[十百千万亿]`), write: spelled},
	{name: "digits", pattern: head(`([零〇一二三四五六七八九幺]{2,})`), notAhead: head(`[十百千万亿点]`),
		behind: tail(`(?:尾号|车牌号?|号码|账号|卡号|编号|房间号?|房号|邮编|密码|代码|电话|手机号?|拨打|报警|证号|工号|批号|序列号|学号|型号|[A-Za-z])(?:[是为：:]|后四位)?`), write: spelled},
	{name: "digits", pattern: head(`([零〇一二三四五六七八九幺]{3,4})`), notAhead: head(`[十百千万亿点]`), write: func(m []string, s Style) (string, bool) {
		return digitsOf(m[1]), strings.ContainsAny(m[1], "零〇幺")
	}},

	// ---- plain numbers ----
	{name: "decimal", pattern: head(`负{F}`), write: func(m []string, s Style) (string, bool) {
		q, ok := quantityOf(m[1])
		return "-" + q.text(s.Amounts), ok
	}},
	{name: "decimal", pattern: head(`([零〇一二两三四五六七八九十百千万亿]+点[零〇一二三四五六七八九]+[万亿]?)`), notAhead: head(`是|、`), write: func(m []string, s Style) (string, bool) {
		q, ok := quantityOf(m[1])
		return q.text(s.Amounts), ok
	}},
	{name: "range", pattern: head(`{N}(到|至){N}`), write: countRange},
	{name: "count", pattern: head(`十`), ahead: head(`[个人次名份张套件辆天年周种项条位户家篇本部台把间批起笔层楼盒箱瓶包袋粒颗枚只头匹株棵日多余来]`), write: func([]string, Style) (string, bool) { return "10", true }},
	{name: "count", pattern: head(`{N}`), notAhead: head(`点`), write: count},
}

// ordinal writes a number that names something, whether it was said as a number or digit by digit.
func ordinal(n, unit string) (string, bool) {
	v, ok := Parse(n)
	return strconv.FormatInt(v, 10) + unit, ok
}

// bounded writes a number from low to high.
func bounded(n string, low, high int64, unit string) (string, bool) {
	v, ok := Parse(n)
	return strconv.FormatInt(v, 10) + unit, ok && v >= low && v <= high
}

func spelled(m []string, _ Style) (string, bool) { return digitsOf(m[1]), true }

// number writes digits one by one where they were said so, else the value.
func named(s string) (string, bool) {
	if !strings.ContainsAny(s, "十百千万亿两") {
		return digitsOf(s), true
	}
	v, ok := Parse(s)
	return strconv.FormatInt(v, 10), ok
}

func caseNumber(m []string, _ Style) (string, bool) {
	year, ok := named(m[1])
	court := ""
	if m[3] != "" && ok {
		court, ok = named(m[3])
	}
	serial, numbered := named(m[5])
	return "（" + year + "）" + m[2] + court + m[4] + serial + "号" + m[6], ok && numbered
}

// yearByValue writes 两千零一十九年; other numbers before 年 are lengths of time.
func yearByValue(m []string, _ Style) (string, bool) {
	v, ok := Parse(m[1])
	return strconv.FormatInt(v, 10) + "年", ok && v > 1900 && v < 2100
}

// shortYear writes 九八年; 三四年 and the like are estimates.
func shortYear(m []string, _ Style) (string, bool) {
	d := digitsOf(m[1])
	return d + "年", d[1] != d[0]+1 && d != "35"
}

func clock(m []string, _ Style) (string, bool) {
	hour, ok := Parse(m[1])
	minute, good := minutes(m[3])
	out := strconv.FormatInt(hour, 10) + m[2] + minute + "分"
	if m[4] != "" && good {
		var second string
		second, good = minutes(m[5])
		out += second + "秒"
	}
	return out, ok && good && hour <= 24
}

func clockShort(m []string, _ Style) (string, bool) {
	hour, ok := Parse(m[1])
	minute, good := minutes(m[2])
	return strconv.FormatInt(hour, 10) + "点" + minute, ok && good && hour <= 24
}

// minutes writes minutes or seconds; 零五 keeps its zero.
func minutes(s string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, "零"); ok && rest != "" {
		v, good := Parse(rest)
		return "0" + strconv.FormatInt(v, 10), good && v < 10
	}
	v, ok := Parse(s)
	return strconv.FormatInt(v, 10), ok && v < 60
}

func share(sign string) func([]string, Style) (string, bool) {
	return func(m []string, _ Style) (string, bool) {
		q, ok := quantityOf(m[1])
		return q.text(Plain) + sign, ok
	}
}

func shareRange(sign string) func([]string, Style) (string, bool) {
	return func(m []string, _ Style) (string, bool) {
		a, ok := quantityOf(m[1])
		b, good := quantityOf(m[3])
		return a.text(Plain) + sign + m[2] + b.text(Plain) + sign, ok && good
	}
}

func ratio(m []string, _ Style) (string, bool) {
	a, ok := Parse(m[1])
	b, good := Parse(m[2])
	return strconv.FormatInt(a, 10) + ":" + strconv.FormatInt(b, 10), ok && good
}

func article(m []string, s Style) (string, bool) {
	v, ok := Parse(m[1])
	return "第" + strconv.FormatInt(v, 10) + "条" + m[2], ok && s.Articles
}

func amount(m []string, s Style) (string, bool) {
	q, ok := quantityOf(m[1])
	return q.text(s.Amounts) + m[2] + m[3], ok
}

func amountRange(m []string, s Style) (string, bool) {
	a, ok := quantityOf(m[1])
	b, good := quantityOf(m[3])
	// Of 三到五万 both are ten thousands.
	if s.Amounts != Short && a.small() && b.whole >= 1_0000 {
		a.whole *= map[bool]int64{false: 1_0000, true: 1_0000_0000}[strings.HasSuffix(m[3], "亿")]
	}
	return a.text(s.Amounts) + m[2] + b.text(s.Amounts) + m[4] + m[5], ok && good
}

func amountParts(m []string, s Style) (string, bool) {
	yuan, ok := Parse(m[1])
	jiao, good := Parse(m[2])
	out := exact(yuan, s) + "." + strconv.FormatInt(jiao, 10)
	if m[3] != "" && good {
		fen, fine := Parse(m[3])
		good = fine && fen < 10
		out += strconv.FormatInt(fen, 10)
	}
	return out + "元", ok && good && jiao < 10
}

func amountCents(m []string, s Style) (string, bool) {
	yuan, ok := Parse(m[1])
	fen, good := Parse(strings.TrimPrefix(m[2], "零"))
	return exact(yuan, s) + ".0" + strconv.FormatInt(fen, 10) + "元", ok && good && fen < 10
}

// exact writes an amount in which fractions of one count: no larger unit can hold it.
func exact(n int64, s Style) string {
	if s.Amounts == Grouped {
		return whole(n, Grouped)
	}
	return whole(n, Plain)
}

// amountSpoken writes 三块五; 块 stays, as it was said.
func amountSpoken(m []string, s Style) (string, bool) {
	q, ok := quantityOf(m[1])
	return q.text(s.Amounts) + "块" + digitsOf(m[2]) + m[3], ok
}

// atLeastTen writes numbers from ten on and fractions; small ones stay in characters.
func atLeastTen(m []string, s Style) (string, bool) {
	q, ok := quantityOf(m[1])
	return q.text(s.Amounts) + m[2], ok && !q.small()
}

// address writes digits one by one; a single one before 室 or 户 counts rooms, and is left to others.
func address(m []string, _ Style) (string, bool) {
	n := len([]rune(m[1]))
	return digitsOf(m[1]) + m[2], n >= 3 || n == 2 && strings.ContainsAny(m[1], "零〇幺")
}

func countRange(m []string, s Style) (string, bool) {
	a, ok := Parse(m[1])
	b, good := Parse(m[3])
	return whole(a, s.Amounts) + m[2] + whole(b, s.Amounts), ok && good && b >= 10 && a < b
}

func count(m []string, s Style) (string, bool) {
	v, ok := Parse(m[1])
	return whole(v, s.Amounts), ok && v >= 10 && m[1] != "十"
}
