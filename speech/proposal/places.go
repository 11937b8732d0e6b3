package proposal

import (
	"regexp"
	"strings"
)

// regions are what the names of places end in. One of a single character must not begin a longer word.
var regions = regexp.MustCompile(`自治区|自治州|自治县|特别行政区|开发区|高新区|工业园区|工业园|新区|街道|社区|小区|花园|家园|新村|公寓|大厦|广场|商城|商场|市场|大道|大街|胡同|高速公路|高速|国道|省道|机场|火车站|汽车站|地铁站|车站|码头|大桥|立交桥|水库|景区|公园|体育馆|电影院` +
	`|省|市|县|区|旗|镇|乡|村|屯|庄|路|街|巷|弄|苑|里|桥`)

var (
	// Words that end like a place and are none.
	noPlace   = regexp.MustCompile(`^(?:本|该|我|某|各|其|此|全|城|外|省|市|县|区|镇|乡|村|农|山|郊|老|新|同|邻|道|公|马|铁|水|出|一|走|半|回|问|在|修|网|线|铁|上|下|大街|里|这|那|哪|家|城乡|屋|心|夜|手|公里|左|右|前|后|东|南|西|北|中)+(?:省|市|县|区|旗|镇|乡|村|屯|庄|路|街|巷|弄|苑|里|桥|社区|小区|街道|公路|高速|市场|商场|广场|大道|机场)$|公里$|超市$|股市$|门市$|上市$|道路$|走路$|出路$|思路$|线路$|电路$|网路$|通路$|铁路$|公路$|区域|地区$|辖区$|社区$|小区$|园区$|库区$|景区$|夜里$|家里$|手里$|那里$|这里$|哪里$|院里$|屋里$|车里$|店里$|村里$|房里$|包里$|袋里$|柜里$|箱里$|账里$|心里$`)
	provinces = regexp.MustCompile(`北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门`)
)

// longestPlace bounds the part of a place's name before its ending, in characters.
const longestPlace = 6

func findPlaces(f *findings, all []sentence) {
	f.each(all, func(s sentence) {
		text := string(s.text)
		last := 0 // where the region before ends: the next one of an address begins there
		for _, m := range regions.FindAllStringIndex(text, -1) {
			end := len([]rune(text[:m[1]]))
			start := end - len([]rune(text[m[0]:m[1]]))
			from := max(last, leftEdge(s.text, start, longestPlace, placeJoints))
			name := s.text[from:end]
			// What stands before figures, and the word that counts after them, belongs to another part of the address: 478号华星大厦.
			for i := len(name) - 1 - (end - start); i >= 0; i-- {
				if !(name[i] >= 0x4e00 && name[i] <= 0x9fff) {
					name = name[i+1:]
					if len(name) > 0 && strings.ContainsRune("号栋幢楼室层组队路单", name[0]) {
						name = name[1:]
					}
					break
				}
			}
			// After the province's name a new one begins.
			if p := provinces.FindStringIndex(string(name)); p != nil && p[0] == 0 {
				if rest := name[len([]rune(string(name)[:p[1]])):]; len(rest) > end-start+1 {
					name = rest
				}
			}
			if len(name)-(end-start) >= 1 && len(name) >= 3 && !anonymous(name) && !noPlace.MatchString(string(name)) && han(name) {
				f.add(Place, string(name))
				last = end
			}
		}
	})
}

func han(name []rune) bool {
	for _, r := range name {
		if !(r >= 0x4e00 && r <= 0x9fff) {
			return false
		}
	}
	return true
}
