package proposal

import (
	"regexp"
	"strings"
)

// institutions are what names of companies and institutions end in; the longer ones come first.
var institutions = regexp.MustCompile(`有限责任公司|股份有限公司|(?:集团)?有限公司|集团公司|总公司|分公司|公司|集团|银行|支行|分行|信用社|信用联社|营业部|经营部|门市部|律师事务所|会计师事务所|事务所|人民法院|法院|人民检察院|检察院` +
	`|公安分局|公安局|分局|派出所|交警大队|交通警察大队|医院|卫生院|诊所|大学|学院|中学|小学|幼儿园|学校|研究院|研究所|仲裁委员会|委员会|居委会|村委会|人民政府|管理局|监督局|财政局|税务局|教育局|民政局|管理处|办事处|街道办|服务中心|鉴定中心` +
	`|认证中心|中心|协会|商会|基金会|合作社|工作室|商行|超市|酒店|宾馆|饭店|网吧|酒吧|加工厂|[^工出]厂|农场|林场|报社|电视台|出版社|俱乐部|鉴定所|交易所|专卖店|商店|药店|服务部|饭庄|餐厅|茶楼|会所|公证处`)

// common are names that stand for any company or institution.
var common = regexp.MustCompile(`^(?:本|该|我|贵|某|各|其|此|母|子|总|分|两|一|二|原|多|他|你|每|另|何|哪|全|公安|人民|上级|下级|当地|同级|中级|高级|基层|一审|二审|原审|再审|受诉|受理|执行|仲裁|上述|下列|涉案|有关|相关|物业|保险|房地产|开发|建筑|国有|个人|股份|有限|商业|上市|外国|外资|民办|公立|私立|关联|控股|全资|大型|小型|附近|村民|居民|业主)+$`)

var alias = regexp.MustCompile(`(?:以下简称|下称|简称)[“"‘'《]?([\p{Han}A-Za-z0-9·]{2,14})[”"’'》]?`)

// address is the part of an address that a name may follow, up to its last region.
var address = regexp.MustCompile(`^.*(?:[省市县区旗镇乡]|街道)`)

var private = regexp.MustCompile(`^(?:中学|小学|幼儿园|学校|工作室|商行|超市|酒店|宾馆|饭店|网吧|酒吧|加工厂|.厂|农场|专卖店|商店|药店|饭庄|餐厅|茶楼|会所|诊所)$`)

func findOrganizations(f *findings, all []sentence) {
	f.each(all, func(s sentence) {
		text := string(s.text)
		for _, m := range institutions.FindAllStringIndex(text, -1) {
			end := len([]rune(text[:m[1]]))
			start := end - len([]rune(text[m[0]:m[1]]))
			// A branch goes on where the company ends: ...有限公司北京分公司.
			from := organizationEdge(s.text, start)
			// An address before a shop's or a school's name is hardly said with it; of an authority's name the place is a part.
			if r := address.FindStringIndex(string(s.text[from:start])); r != nil && private.MatchString(text[m[0]:m[1]]) {
				if after := from + len([]rune(string(s.text[from:start])[:r[1]])); start-after >= 2 {
					from = after
				}
			}
			if name := s.text[from:end]; start-from >= 2 && !anonymous(name) && !common.MatchString(string(s.text[from:start])) {
				f.add(Organization, string(name))
			}
		}
		for _, m := range alias.FindAllStringSubmatch(text, -1) {
			if institutions.MatchString(m[1]) && !strings.HasPrefix(m[1], "本") {
				f.add(Organization, m[1])
			}
		}
	})
}

// longestName bounds the part of a company's name before its ending, in characters.
const longestName = 24

// organizationEdge is leftEdge, but that it passes the brackets of 中国（北京）某公司.
func organizationEdge(text []rune, end int) int {
	from := leftEdge(text, end, longestName, joints)
	if from > 0 && (text[from-1] == '）' || text[from-1] == ')') {
		for open := from - 2; open > 0 && from-open < 10; open-- {
			if text[open] == '（' || text[open] == '(' {
				if before := leftEdge(text, open, longestName, joints); open-before >= 2 {
					return before
				}
				break
			}
		}
	}
	return from
}

// anonymous tells whether a name was made unreadable: nobody will say 王某某.
func anonymous(name []rune) bool {
	s := string(name)
	return strings.ContainsAny(s, "某×*＊") || strings.Contains(strings.ToUpper(s), "XX")
}
