package correct

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// surnames are the frequent ones, after the Ministry of Public Security's counts; what is a word as often as a surname is in
// it all the same, because protecting too much only leaves a character as it was read.
const surnames = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付傅方白邹孟熊秦邱江" +
	"尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成" +
	"苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙" +
	"上诸慕尉皇令阿买" // the first characters of compound ones

// labels stand before names.
var labels = regexp.MustCompile(`(?:原审|反诉|再审)?(?:申请执行人|被执行人|委托诉讼代理人|法定代表人|法定代理人|诉讼代理人|委托代理人|利害关系人|人民陪审员|代理审判员|被保险人|被上诉人|被申请人|法官助理` +
	`|上诉人|申请人|第三人|异议人|案外人|被害人|被告人|自诉人|证人|鉴定人|负责人|经营者|辩护人|代理人|代表人|审判长|审判员|陪审员|执行员|书记员|公诉人|检察员|收款人|付款人|收件人|寄件人|联系人` +
	`|承办人|经办人|出租人|承租人|出借人|借款人|担保人|保证人|抵押人|买受人|出卖人|委托人|受托人|投保人|受益人|转让方|受让方|发包人|承包人|持证人|持有人|驾驶人|开户名|账户名|微信名|姓名|户名|昵称|网名|配偶|户主|签字|签名|律师|原告|被告|甲方|乙方|丙方|丁方)` +
	`(?:[（(][^）)，。；:：]{1,6}([:：])|(?:[（(][^）)，。；]{1,12}[）)])?[一二三四甲乙丙丁0-9]?([:：]?))`) // a bracket that closes may be misread

// goesOn are characters that follow a label when no name does.
const goesOn = "诉称辩应未与在向以对于的是为系认不有之及和或提请主要可已因将该所均经从自被住等方承则人名并无还又就需须若如其而出到当作没证供述"

// companies end in one of these words; before it stands the name, as far as no punctuation parts it.
var (
	companies = regexp.MustCompile(`[^，。；：、！？（）()《》〈〉“”"\s]{0,16}(?:[（(][^）)，。；]{1,8}[）)][^，。；：、！？（）()《》〈〉“”"\s]{0,12})?(?:有限责任公司|股份有限公司|有限公司|集团公司|分公司|律师事务所|会计师事务所|合作社|经营部|工作室|商行|支行|加工厂)`)
	plain     = regexp.MustCompile(`[^，。；：、！？（）()《》〈〉“”"\s本该我贵各其此子母总]{2,6}(?:公司|集团|银行)`)
	titled    = regexp.MustCompile(`^名称[:：；;、，,。.]`) // the colon may be misread
	anonymous = regexp.MustCompile(`.?[0-9]?某[某甲乙丙丁戊一二三四0-9A-Za-z×]?|\p{Han}[XxＸ×]{1,3}[0-9]{0,2}`)
)

// colonLike are a colon and the marks that a label's is misread as.
const colonLike = "：:；;，,、。."

const (
	maxNamed   = 24 // characters after a label with a colon
	maxPerson  = 3  // surname and given name, after a label without one
	maxPersons = 64 // names of a page that are looked for elsewhere on it
)

// findNames returns the names of persons and companies in a text, and the persons' names found behind labels. may says whether
// the character at a place is, or may be, one of a set; doubtful whether it may be anything else than it is.
func findNames(text []rune, may func(i int, set string) bool, doubtful func(int) bool) (spans []span, persons [][]rune) {
	s := string(text)
	index := runeIndex(s)
	// A cell or the piece of a line that is no longer than a name, and begins like one, may be one.
	if len(text) >= 2 && len(text) <= maxPerson+1 && may(0, surnames) {
		spans = append(spans, span{fieldName, 0, len(text)})
	}
	for _, m := range labels.FindAllStringSubmatchIndex(s, -1) {
		from := index[m[1]]
		if from < len(text) && strings.ContainsRune("）)", text[from]) { // the label stands in brackets behind another one
			from++
		}
		misread := from+1 < len(text) && strings.ContainsRune(colonLike, text[from]) && !delimiter(text[from+1])
		if misread {
			from++
		}
		if from >= len(text) || delimiter(text[from]) {
			continue
		}
		if m[2] < m[3] || m[4] < m[5] {
			to := until(text, from, maxNamed)
			spans = append(spans, span{fieldName, from, to})
			if to-from >= 2 && to-from <= 4 {
				persons = append(persons, text[from:to])
			}
			continue
		}
		if may(from, surnames) || doubtful(from) && !may(from, goesOn) {
			to := until(text, from, maxPerson)
			spans = append(spans, span{fieldName, from, to})
			if to-from >= 2 && strings.ContainsRune(surnames, text[from]) && !misread {
				persons = append(persons, text[from:to])
			}
		}
	}
	if m := titled.FindStringIndex(s); m != nil {
		spans = append(spans, span{fieldCompany, index[m[1]], until(text, index[m[1]], maxNamed)})
	}
	for _, m := range anonymous.FindAllStringIndex(s, -1) {
		spans = append(spans, span{fieldName, index[m[0]], index[m[1]]})
	}
	for _, re := range []*regexp.Regexp{companies, plain} {
		for _, m := range re.FindAllStringIndex(s, -1) {
			spans = append(spans, span{fieldCompany, index[m[0]], index[m[1]]})
		}
	}
	return spans, persons
}

// again returns where names of persons may stand once more: all their characters but one, or but a doubtful one.
func again(text []rune, persons [][]rune, doubtful func(int) bool) []span {
	var out []span
	for _, name := range persons {
		for from := 0; from+len(name) <= len(text); from++ {
			same, open := 0, 0
			for i, r := range name {
				switch {
				case text[from+i] == r:
					same++
				case doubtful(from + i):
					open++
				}
			}
			if len(name) == 2 && same == 1 && open == 1 || same >= 2 && same >= len(name)-1 {
				out = append(out, span{fieldName, from, from + len(name)})
			}
		}
	}
	return out
}

func until(text []rune, from, most int) int {
	to := from
	for to < len(text) && to < from+most && !delimiter(text[to]) {
		to++
	}
	return to
}

func delimiter(r rune) bool {
	return strings.ContainsRune("，。；：、！？（）()《》“”,.;:!?\n", r) || r == utf8.RuneError
}
