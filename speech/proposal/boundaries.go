package proposal

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// roles stand before the names of persons and parties. The longer ones come first.
var roleWords = strings.Fields(`委托诉讼代理人 法定代表人 法定代理人 诉讼代理人 委托代理人 犯罪嫌疑人 申请执行人 被执行人 利害关系人 人民陪审员 代理审判员 被上诉人 被申请人 被申诉人
	法官助理 指定辩护人 上诉人 申请人 申诉人 第三人 异议人 案外人 被害人 受害人 被告人 嫌疑人 自诉人 鉴定人 负责人 经营者 投资人 辩护人 代理人 代表人 审判长 审判员 陪审员 执行员
	书记员 公诉人 检察员 收款人 付款人 联系人 出租人 承租人 出借人 借款人 担保人 保证人 抵押人 买受人 出卖人 投保人 受益人 转让人 受让人 发包人 承包人 驾驶人 驾驶员 总经理 董事长 实际控制人
	被害单位 被告单位 姓名 户名 昵称 律师 原告 被告 证人 民警 司机 同伙 村民 居民 业主 店主 房东 股东 经理 女青年 男青年 邻居 朋友 同事 同学 妻子 丈夫 儿子 女儿 父亲 母亲 弟弟 哥哥
	姐姐 妹妹 医生 护士 老师 教师 学生 员工 职工 工人 会计 出纳 监护人 嫌犯 老板 队长 主任 科长 处长 局长 校长 院长 行长 书记 先生 女士 甲方 乙方 丙方 丁方 债务人 债权人 继承人 用户 客户 失主 事主 机主 车主`)

var roles = func() *regexp.Regexp {
	words := slices.Clone(roleWords)
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	return regexp.MustCompile(`(?:原审|反诉|一审|二审|再审)?(?:` + strings.Join(words, "|") + `)`)
}()

// joints are the characters that stand before or after a name and seldom in one.
const joints = "与和及向在由被对经系是为称至到于从将把给让找叫使令等的了并或以因入进往去来该本其此各每请又还也都则即却且而后前当时起所有无应"

// placeJoints are those of them that names of places don't hold.
const placeJoints = "与和及向在由被对经系是为至到从将把给让找使令的了或以因往去来该本其此"

// within are words in which a joint is no joint.
var within = []string{"和平", "共和", "和谐", "祥和", "和信", "和美", "太和", "和田", "仁和", "呼和", "中和", "华为", "对外", "向阳", "有限", "国有", "有色", "所有", "应用", "应急", "时代", "当代", "前进", "前锋",
	"进出口", "进口", "来宾", "从化", "后勤", "经济", "经贸", "经营", "经开", "经纪", "经理", "被服", "并州", "本溪", "了望", "来安", "以岭", "使馆", "时尚", "都江", "都昌", "成都", "首都", "都市", "起重", "即墨",
	"以太", "而立", "等离子", "来福", "来宝", "东来", "云来", "福来", "无锡", "无线", "无为", "应城", "当阳", "当涂", "前海", "前门", "后海", "对口", "对面", "进贤", "武进", "新都", "丰都", "时装", "应天", "给水", "寄给", "在线"}

// joint tells whether the character at i is one of the joints and not a part of a word that is none.
func joint(text []rune, i int, joints string) bool {
	if !strings.ContainsRune(joints, text[i]) {
		return false
	}
	for _, w := range within {
		word := []rune(w)
		for shift := range word {
			if from := i - shift; from >= 0 && word[shift] == text[i] && hasPrefix(text[from:], word) {
				return false
			}
		}
	}
	return true
}

// nameable tells whether a character may stand in a name.
func nameable(r rune) bool {
	return unicode.Is(unicode.Han, r) || isLatin(r) || r >= '0' && r <= '9' || r == '·' || r == '&'
}

// leftEdge is where a name that ends at end begins, going back at most so many characters: after a mark, a role, a verb or a
// joint.
func leftEdge(text []rune, end, most int, joints string) int {
	from := end
	for from > 0 && end-from < most && nameable(text[from-1]) {
		from--
	}
	if from > 0 && strings.ContainsRune("*＊×", text[from-1]) {
		return end // the name's beginning was made unreadable
	}
	window := string(text[from:end])
	cut := 0
	for _, re := range []*regexp.Regexp{roles, verbs} {
		if all := re.FindAllStringIndex(window, -1); len(all) > 0 {
			cut = max(cut, all[len(all)-1][1])
		}
	}
	from += len([]rune(window[:cut]))
	for i := end - 1; i >= from; i-- {
		if joint(text, i, joints) {
			return i + 1
		}
	}
	return from
}

// verbs stand before names of companies and places.
var verbs = regexp.MustCompile(`来到|打开|安装|传唤|雇请|位于|前往|进入|就职|任职|担任|通过|送往|送至|送到|委托|经过|签订|返回|窜至|窜到|窜入|行至|途经|行驶|约定|要求|起诉|主张|名下|投保|隶属|成立|注册|入职|租赁|承包|拖欠|支付|属于|逃离|不服` +
	`|作出|移送|报警|报案|接到|拨打|没有|分别|先后|多次|伙同|驾驶|乘坐|骑|住所地?|现住|家住|户籍地?|暂住|住在|籍贯|出生|汉族|本市|我市|全市|抓获|扣押|查获|认为|查明|指控|确认|收到|交付|转账|汇款|购买|出售|销售|盗窃|窃取|窃得|盗走|附近|旁边|门口|门前` +
	`|途中|期间|凌晨|上午|下午|晚上|中午|许|凭|借用|利用|冒充|自称|虚构|谎称|投资|经营的|工作的|所在的?|路过|翻入|潜入|溜入|翻墙|赶到|约至|邀约|纠集|介绍|收取|缴纳|开户|提起|申请|依照|根据|已由|转入|汇入|打入|存入|取自|属|住|赴|抵达|到达|经由|沿`)
