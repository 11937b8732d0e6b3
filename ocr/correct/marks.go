package correct

import (
	"slices"
	"strings"
	"unicode"
)

// What the place of a mark adds to its score, natural logarithms: where only one mark can stand, even a reading that the recogniser thinks
// some hundred times less likely is taken.
const (
	bracketed = 5 // a bracket whose counterpart is surely of its kind
	choices   = 5 // what stands before the next choice of a list
	formField = 6 // the colon behind the name of a form's field
)

// marks finds marks that their place tells from others: one of a pair of brackets, the one before the next choice of a list, and the
// colon behind the name of a form's field.
func (c *Corrector) marks(p *page) []change {
	var out []change
	for i, f := range p.flows {
		out = append(out, c.brackets(f, i, p.forbidden[i])...)
		for at, g := range f {
			if g.confidence >= c.config.Doubt || p.forbidden[i][at] {
				continue
			}
			var ch change
			ok := false
			switch {
			case strings.ContainsRune(":：", g.r) && f.beforeChoice(at):
				ch, ok = c.instead(f, i, at, ";；", choices, "a colon follows the next choice's letter")
			case strings.ContainsRune("，、；。,.;", g.r) && f.namesField(at):
				ch, ok = c.instead(f, i, at, "：:", formField, "a colon follows the name of a form's field")
			}
			if ok {
				out = append(out, ch)
			}
		}
	}
	return out
}

// instead returns the change of a glyph to the likeliest of some characters, where what its place adds makes that likelier than what was read.
func (c *Corrector) instead(f flow, number, at int, wanted string, more float32, why string) (change, bool) {
	g := f[at]
	if f.around(at) < c.config.Context {
		return change{}, false
	}
	for _, o := range g.candidates {
		if o.Char == "" || !strings.Contains(wanted, o.Char) {
			continue
		}
		w := c.config.Marks.Recognition
		original, corrected := w*logarithm(g.confidence), w*logarithm(o.Confidence)+more
		return change{place: place{flow: number, at: at}, to: o, original: original, corrected: corrected, why: why}, corrected > original
	}
	return change{}, false
}

// pairs are the brackets that belong together. Those of one shape differ by their width alone, which is no error.
var pairs = []struct {
	open, close rune
	shape       byte
}{{'（', '）', '('}, {'(', ')', '('}, {'《', '》', '<'}, {'〈', '〉', '^'}, {'〔', '〕', '{'}, {'[', ']', '['}, {'［', '］', '['}, {'【', '】', '#'}}

const (
	ofTitles, ofTitlesWithin = 2, 3
	longestBracket           = 40 // characters from one of a pair to the other, at most
	shortRemark              = 4  // as in “（盖章）”; titles are longer
)

// brackets finds pairs of which one is of another kind, and makes one, or both, of the kind that they may be: around the name of a law that
// of titles, within a title that of titles within, around a few characters round ones, else the likelier.
func (c *Corrector) brackets(f flow, number int, forbidden []bool) []change {
	var out []change
	var open []int // glyphs that are opening brackets without a closing one so far
	for at, g := range f {
		kind, opens := bracket(g.r)
		switch {
		case kind < 0:
			continue
		case opens:
			open = append(open, at)
			continue
		case len(open) == 0:
			continue
		}
		from := open[len(open)-1]
		open = open[:len(open)-1]
		other, _ := bracket(f[from].r)
		if pairs[kind].shape == pairs[other].shape || at-from > longestBracket {
			continue
		}
		outer := -1
		if n := len(open); n > 0 {
			outer, _ = bracket(f[open[n-1]].r)
		}
		if outer >= 0 && pairs[kind].shape == pairs[outer].shape {
			open = open[:len(open)-1] // the inner one has none
			continue
		}
		switch {
		case title(kind) != title(other) && f.lawEnds(at):
			kind = ofTitles
			if outer == ofTitles {
				kind = ofTitlesWithin
			}
			out = append(out, c.bracketsOf(f, number, forbidden, from, at, kind)...)
		case title(other) && at-from <= shortRemark:
			if changes := c.bracketsOf(f, number, forbidden, from, at, kind); len(changes) > 0 {
				out = append(out, changes...)
			} else {
				out = append(out, c.bracketsOf(f, number, forbidden, from, at, other)...)
			}
		default:
			first, second := c.bracketsOf(f, number, forbidden, from, at, kind), c.bracketsOf(f, number, forbidden, from, at, other)
			if len(first) == 0 || len(second) > 0 && second[0].corrected-second[0].original > first[0].corrected-first[0].original {
				first = second
			}
			out = append(out, first...)
		}
	}
	return out
}

// bracketsOf returns the changes that make two brackets a pair of a kind, none where one of them may not be it.
func (c *Corrector) bracketsOf(f flow, number int, forbidden []bool, from, to, kind int) []change {
	var out []change
	for _, part := range [...]struct {
		at     int
		wanted rune
	}{{from, pairs[kind].open}, {to, pairs[kind].close}} {
		if f[part.at].r == part.wanted {
			continue
		}
		ch, ok := c.instead(f, number, part.at, string(part.wanted), bracketed, "brackets pair")
		if !ok || forbidden[part.at] || f[part.at].confidence >= c.config.Doubt {
			return nil
		}
		out = append(out, ch)
	}
	return out
}

// title tells brackets around titles.
func title(kind int) bool { return kind == ofTitles || kind == ofTitlesWithin }

// lawEnds tells whether what stands before a place may be the end of a law's name.
func (f flow) lawEnds(at int) bool {
	return at > 0 && strings.ContainsRune("法例定则释见知", f[at-1].r)
}

// bracket returns the index in pairs of a bracket, and whether it opens; -1 for others.
func bracket(r rune) (kind int, opens bool) {
	for i, p := range pairs {
		if r == p.open || r == p.close {
			return i, r == p.open
		}
	}
	return -1, false
}

// beforeChoice tells whether a mark stands before the letter of a choice, as in “A：一个月；B：三个月”, whose colon it is not.
func (f flow) beforeChoice(at int) bool {
	if at == 0 || at+2 >= len(f) || strings.ContainsRune("，。；：,.;:", f[at-1].r) {
		return false
	}
	letter := f[at+1].r
	return letter >= 'B' && letter <= 'H' && strings.ContainsRune(":：", f[at+2].r) && f.held(at, letter-1)
}

// held tells whether a letter with a colon, that of the choice before, stands before a place in the text.
func (f flow) held(at int, letter rune) bool {
	for i := at - 1; i > 0; i-- {
		if f[i-1].r == letter && strings.ContainsRune(":：", f[i].r) {
			return true
		}
	}
	return false
}

// formFields are names of fields of invoices, forms and the heads of contracts.
var formFields = strings.Fields(`发票代码 发票号码 开票日期 校验码 机器编号 纳税人识别号 统一社会信用代码 地址、电话 开户行及账号 开户行 开户银行 账号 收款人 复核 复核人 开票人 销售方
	购买方 名称 姓名 性别 民族 出生日期 出生年月 工作单位 住址 住所地 身份证号 身份证号码 公民身份号码 联系电话 联系地址 通讯地址 送达地址 电话 手机号码 传真 邮编 邮政编码 电子邮箱 法定代表人
	委托代理人 委托诉讼代理人 受托人 委托人 甲方 乙方 丙方 甲方（盖章） 乙方（盖章） 丙方（盖章） 甲方（签字） 乙方（签字） 丙方（签字） 签字 盖章 签订日期 签订地点 合同编号 编号 案号 案由
	立案日期 申请事项 申请人 被申请人 诉讼请求 事实与理由 事实和理由 刑期 代理权限`)

// longestField is how many characters the name of a form's field has at most.
const longestField = 10

// namesField tells whether a mark stands behind the name of a form's field that begins a text or follows a sentence, and before the field's
// value: figures, a bracket, nothing, or a name alone. Longer Chinese may go on with a list of such names, but not behind a semicolon, which
// parts longer things.
func (f flow) namesField(at int) bool {
	from := at
	for from > 0 && f[from-1].line == f[at].line {
		from--
	}
	semicolon := f[at].r == '；' || f[at].r == ';'
	if at-from > longestField || from > 0 && !sentenceEnds(f[from-1].r) && (!semicolon || strings.ContainsRune("，、和及或与", f[from-1].r)) {
		return false
	}
	name := strings.NewReplacer("(", "（", ")", "）").Replace(string(f[from:at].runes()))
	if !slices.Contains(formFields, name) {
		return false
	}
	last := at+1 == len(f) || f[at+1].line != f[at].line
	return last || semicolon || !unicode.Is(unicode.Han, f[at+1].r) || strings.ContainsRune("，。.", f[at].r) && f.endsSoon(at)
}

// endsSoon tells whether a line holds no more than a person's name behind a place: “开票人：沙俊”.
func (f flow) endsSoon(at int) bool {
	to := at + 1
	for to < len(f) && f[to].line == f[at].line {
		if !unicode.Is(unicode.Han, f[to].r) {
			return false
		}
		to++
	}
	return to-at-1 <= maxPerson+1
}

func sentenceEnds(r rune) bool { return strings.ContainsRune("。；：！？", r) || r < 0x80 }

// rather returns changes, and of others those of other places.
func rather(changes, others []change) []change {
	for _, o := range others {
		if !slices.ContainsFunc(changes, func(ch change) bool { return ch.flow == o.flow && ch.at == o.at }) {
			changes = append(changes, o)
		}
	}
	return changes
}
