package proposal

import (
	"regexp"
	"strings"

	"github.com/courtsense/courtsense/speech/language"
)

// surnames are the frequent ones, after the Ministry of Public Security's yearly counts, and the compound ones.
const surnames = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付傅方白邹孟熊秦邱江" +
	"尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成" +
	"苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙" +
	"荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郁娄干肇"

var compounds = map[string]bool{"欧阳": true, "上官": true, "司马": true, "诸葛": true, "司徒": true, "夏侯": true, "慕容": true, "尉迟": true, "皇甫": true, "令狐": true, "东方": true, "公孙": true, "轩辕": true, "宇文": true, "长孙": true, "南宫": true, "端木": true, "申屠": true, "呼延": true}

// follows are characters that go on after a name and are rare in given names.
const follows = "窜伙潜翻撬破驶诉称辩述供认表示陈的了与和及跟同向在于由被把将对给让叫使是系为因以到来去入进出回返已未曾经又再还也都均就则即却从自至之其此该并但而或则驾骑乘坐携持拿取用趁窃盗偷抢骗打殴砍刺杀推踢追赶逃跑离赴抵住居租借欠付支汇转购买卖售签订约交收领得获报告起提请求应当可能会要想说讲问答看见听知道认识有无没不向等处家名所停放存" +
	"个只辆台部位人男女（(，。、；：！？,.;:!? ）)“”\"《》—-的上下内外先各共仍多另得一二两三四五六七八九十"

// noGiven end words that are no names, where nothing says that they are.
const noGiven = "路街村镇县市区乡省楼店厂站桥城港顶箱柜包院局所室处号员款案费证"

// before are characters that may stand before a name in the middle of a sentence.
const before = "与和及跟同向由被对给让叫使是系为因将把找等从替帮骗欠借，。、；：！？,.;:（(\" "

// labelled finds the names that stand behind a role, or before what is said of persons only.
var (
	afterRole = regexp.MustCompile(roles.String() + `(?:[（(][^）)，。；]{1,12}[）)])?[一二三四甲乙丙丁0-9]?[:：]?`)
	described = regexp.MustCompile(`[，,]?(?:\(|（)?(?:男|女)[，,（(\d]|[，,（(](?:汉族|回族|满族|壮族|\d{4}年|身份证|公民身份|系(?:原告|被告|被害|死者)|绰号|曾用名|另案处理|已判|均已判|在逃|未成年|时年)`)
)

// personName is a name that may begin at a place, one for each length it may have, the likelier first.
func personName(text []rune, at int) [][]rune {
	if at >= len(text) {
		return nil
	}
	surname := 1
	if at+2 <= len(text) && compounds[string(text[at:at+2])] {
		surname = 2
	} else if !strings.ContainsRune(surnames, text[at]) {
		return nil
	}
	given := func(n int) bool {
		if at+surname+n > len(text) {
			return false
		}
		for _, r := range text[at+surname : at+surname+n] {
			if r < 0x4e00 || r > 0x9fff || r == '某' {
				return false
			}
		}
		return n > 1 || !strings.ContainsRune(follows, text[at+surname])
	}
	ends := func(n int) bool {
		i := at + surname + n
		return i >= len(text) || strings.ContainsRune(follows, text[i])
	}
	two, one := given(2), given(1)
	long := func() []rune { return text[at : at+surname+2] }
	short := func() []rune { return text[at : at+surname+1] }
	switch {
	// The second character of a given name is seldom what goes on after one.
	case two && one && !ends(1) && ends(2):
		return [][]rune{long()}
	case two && one && ends(1) && !ends(2):
		return [][]rune{short()}
	case two && one && ends(1) && ends(2):
		return [][]rune{short(), long()}
	case two && !ends(1):
		return [][]rune{long()}
	case one && ends(1):
		return [][]rune{short()}
	}
	return nil
}

// findPersons looks behind roles first; the names found there, and those in their company (张三、李四), are then known
// everywhere. Where nothing labels a name, it must stand between joints and be unexpected to the background model.
func (p *Proposer) findPersons(f *findings, all []sentence) {
	votes := map[string]int{}
	var order []string
	vote := func(name []rune, n int) {
		if votes[string(name)] == 0 {
			order = append(order, string(name))
		}
		votes[string(name)] += n
	}
	f.each(all, func(s sentence) {
		text := string(s.text)
		for _, m := range afterRole.FindAllStringIndex(text, -1) {
			p.list(s.text, len([]rune(text[:m[1]])), vote)
		}
		for _, m := range described.FindAllStringIndex(text, -1) {
			end := len([]rune(text[:m[0]]))
			for _, n := range []int{3, 2, 4} {
				if from := end - n; from >= 0 && (from == 0 || strings.ContainsRune(before, s.text[from-1]) || endsInRole(s.text[:from])) && n <= 4 {
					for _, name := range personName(s.text, from) {
						if len(name) == n {
							vote(name, 3)
						}
					}
				}
			}
		}
		for at := range s.text {
			free := at == 0 || strings.ContainsRune(before, s.text[at-1])
			for _, name := range personName(s.text, at) {
				if end := at + len(name); (end == len(s.text) || strings.ContainsRune(follows, s.text[end])) && !strings.ContainsRune(noGiven, name[len(name)-1]) && p.unexpected(s.text, at, len(name), free) {
					vote(name, 1)
					break
				}
			}
		}
	})
	for _, name := range order {
		// Of 张三 and 张三丰 the one that was met more often is the name; the other one is its beginning, or what went on after it.
		r := []rune(name)
		doubt := false
		for _, other := range order {
			o := []rune(other)
			if len(o) == len(r)+1 && hasPrefix(o, r) && votes[other] >= votes[name] || len(r) == len(o)+1 && hasPrefix(r, o) && votes[other] > votes[name] {
				doubt = true
			}
		}
		if !doubt && !roles.MatchString(name) && !terms().has(name) {
			f.add(Person, name)
		}
	}
}

func endsInRole(text []rune) bool {
	tail := string(text[max(0, len(text)-8):])
	m := roles.FindAllStringIndex(tail, -1)
	return len(m) > 0 && m[len(m)-1][1] == len(tail)
}

// list votes for the name at a place and for those that follow it after a comma of enumeration or an "and".
func (p *Proposer) list(text []rune, at int, vote func([]rune, int)) {
	for {
		names := personName(text, at)
		if len(names) == 0 {
			// Names of other peoples have no surname known here: up to a mark.
			if end := foreignName(text, at); end > at {
				vote(text[at:end], 2)
			}
			return
		}
		for i, name := range names {
			vote(name, 3-i)
		}
		next := at + len(names[0])
		if next >= len(text) {
			return
		}
		if strings.ContainsRune("、和与及，", text[next]) {
			at = next + 1
			if text[next] == '，' && (at >= len(text) || !strings.ContainsRune(surnames, text[at])) {
				return
			}
			continue
		}
		return
	}
}

// foreignName is where a name with a middle dot ends: 买买提·阿不都.
func foreignName(text []rune, at int) int {
	end, dot := at, false
	for end < len(text) && end-at < 16 && (text[end] >= 0x4e00 && text[end] <= 0x9fff || text[end] == '·' || text[end] == '•') {
		if dot && strings.ContainsRune(follows, text[end]) {
			break
		}
		dot = dot || text[end] == '·' || text[end] == '•'
		end++
	}
	if !dot || end-at < 4 {
		return at
	}
	return end
}

// Unexpected names: nats that the given name's characters and all characters must cost on average. Chosen on the first half of the
// sentences that TestProposalsOnLabelledSentences measures on.
const (
	leastGiven, leastName   = 5.5, 6.0 // after a joint
	insideGiven, insideName = 7.0, 7.0 // where no joint stands before
)

// unexpected tells whether the background model finds the name's characters unlikely where they stand, as it does with names and
// not with words.
func (p *Proposer) unexpected(text []rune, at, n int, free bool) bool {
	if p.background == nil {
		return false
	}
	s := p.background.Start()
	for _, r := range text[max(0, at-language.MaxOrder):at] {
		if r < 0x4e00 || r > 0x9fff {
			continue
		}
		s = language.After(s, r)
	}
	sum, given := 0.0, 0.0
	for i, r := range text[at : at+n] {
		var logp float32
		logp, s = p.background.Score(s, r)
		sum -= float64(logp)
		if i > 0 {
			given -= float64(logp)
		}
	}
	given, sum = given/float64(n-1), sum/float64(n)
	if !free {
		return given >= insideGiven && sum >= insideName
	}
	return given >= leastGiven && sum >= leastName
}
