package export_test

import (
	"github.com/courtsense/courtsense/speech/role"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/courtsense/courtsense/speech/record"
)

// Everybody and everything in these hearings is invented.

const article577 = "当事人一方不履行合同义务或者履行合同义务不符合约定的，应当承担继续履行、采取补救措施或者赔偿损失等违约责任。"

var began = time.Date(2026, 11, 22, 1, 30, 0, 0, time.UTC) // 9:30 in Beijing

func pointer[T any](v T) *T { return &v }

// hearing numbers the turns, puts them one after another and gives each its first revision.
func hearing(id string, c record.Case, turns ...record.Turn) record.State {
	s := record.State{ID: id, Case: c, Created: began, Sessions: []record.Session{{At: began, Channels: 4}}, Head: strings.Repeat("0123456789abcdef", 4)}
	at := 0.5
	for i, t := range turns {
		t.ID = int64(i + 1)
		if !t.Inserted {
			seconds := max(float64(utf8.RuneCountInString(t.Text))/5, 1)
			t.Start, t.End = at, at+seconds
			at += seconds + 0.75
		}
		t.At = began.Add(time.Duration(t.End * float64(time.Second)))
		first := record.Revision{Number: int64(i + 2), Act: record.Heard, At: t.At, Text: pointer(t.Text)}
		if t.Inserted {
			first.Act, first.Author = record.Inserted, "赵敏"
		}
		t.Revisions = append([]record.Revision{first}, t.Revisions...)
		s.Revision = max(s.Revision, t.Revision())
		s.Turns = append(s.Turns, t)
		s.Updated = t.At
	}
	return s
}

// spoken gives a turn a recognised word for each of its characters, two seconds behind its start.
func spokenWords(s *record.State) {
	for i := range s.Turns {
		t := &s.Turns[i]
		var runes []rune
		for _, r := range t.Text {
			if !strings.ContainsRune("，。？：、“”（）；", r) {
				runes = append(runes, r)
			}
		}
		for k, r := range runes {
			width := (t.End - t.Start) / float64(len(runes))
			t.Words = append(t.Words, record.Word{Text: string(r), Start: t.Start + float64(k)*width, End: t.Start + float64(k+1)*width, Confidence: 0.9})
		}
	}
}

func trial() record.State {
	quoting := "根据《中华人民共和国民法典》第五百七十七条，" + article577 + "被告迟延交货三十日，已构成违约，故请求判如所请。"
	from := utf8.RuneCountInString("根据《中华人民共和国民法典》第五百七十七条，")
	s := hearing("2026-1122-01", record.Case{
		Kind: record.Trial, Court: "北京云桥互联网法院", Number: "（2026）京9999民初1234号", Cause: "网络购物合同纠纷",
		Date: "2026-11-22", Time: "9时30分", Place: "第三法庭（在线）",
		Attendees: []record.Attendee{
			{Role: role.Judge, Name: "周正", Title: "审判长"}, {Role: role.Judge, Name: "林清", Title: "审判员"},
			{Role: role.Judge, Name: "何平", Title: "人民陪审员"}, {Role: role.Clerk, Name: "赵敏", Title: "书记员"},
		},
		Parties: []record.Party{
			{Role: role.Plaintiff, Name: "张晓云", Details: "女，1988年5月12日出生，住北京市海淀区清河路6号", Representatives: []record.Representative{
				{Name: "王立诚", Title: "委托诉讼代理人", Details: "北京衡石律师事务所律师"},
			}},
			{Role: role.Defendant, Name: "杭州远帆家具有限公司", Details: "住所地杭州市余杭区文一路99号", Representatives: []record.Representative{
				{Name: "陈远", Title: "法定代表人", Details: "总经理"}, {Name: "孙可", Title: "委托诉讼代理人", Details: "该公司职员"},
			}},
		},
		Agenda: []record.AgendaItem{{Title: "法庭准备"}, {Title: "法庭调查"}, {Title: "法庭辩论"}},
		Extra:  map[string]string{"开庭次数": "第一次", "审理方式": "公开、在线"},
	},
		record.Turn{Role: role.Clerk, AgendaItem: 1, Text: "请肃静，现在宣布法庭纪律。未经许可不得录音、录像、摄影，不得随意走动。全体起立，请审判长、审判员、人民陪审员入庭。"},
		record.Turn{Role: role.Judge, Speaker: "周正", AgendaItem: 1, Text: "请坐。现在开庭。首先核对当事人身份。原告方到庭情况？"},
		record.Turn{Role: role.PlaintiffAgent, Channel: 1, AgendaItem: 1, Text: "原告张晓云到庭，我是原告的委托诉讼代理人王立诚，代理权限为特别授权。"},
		record.Turn{Role: role.DefendantAgent, Channel: 2, AgendaItem: 1, Text: "被告委托诉讼代理人孙可，一般授权。对原告出庭人员没有异议。"},
		record.Turn{Role: role.Judge, Speaker: "周正", AgendaItem: 2, Text: "现在进行法庭调查。由原告陈述诉讼请求、事实和理由。"},
		record.Turn{Role: role.Plaintiff, Channel: 1, AgendaItem: 2, Text: "我于2026年3月8日在被告的网店购买实木书柜一组，价款3.5万元，约定4月1日前送货，被告直到5月1日才送到，且柜门开裂。请求判令被告退还货款3.5万元，并赔偿损失2,000元。"},
		record.Turn{Role: role.PlaintiffAgent, Channel: 1, AgendaItem: 2, Text: quoting, Quotations: []record.Quotation{{
			Start: from, End: from + utf8.RuneCountInString(article577), Law: "中华人民共和国民法典", Version: "2020-05-28", Article: "第五百七十七条",
			Provision: article577, Spoken: "当事人一方不旅行合同义务…", Confidence: 0.99, Recited: true,
		}}},
		record.Turn{Role: role.DefendantAgent, Channel: 2, AgendaItem: 2, Text: "迟延是物流原因。柜门开裂我方不予认可。", Revisions: []record.Revision{
			{Number: 40, Act: record.Corrected, At: began.Add(time.Hour), Author: "赵敏", Reason: "听录音核对", Text: pointer("迟延是物流原因。柜门开裂我方不予认可。")},
		}},
		record.Turn{Role: role.DefendantAgent, Channel: 2, AgendaItem: 2, Text: "我们私下谈过。", Withdrawn: true, Revisions: []record.Revision{
			{Number: 41, Act: record.Withdrawn, At: began.Add(time.Hour), Author: "赵敏", Reason: "与本案无关"},
		}},
		record.Turn{Role: role.Unknown, Speaker: "S4", Channel: 3, AgendaItem: 2, Text: "我可以证明，当时书柜送到的时候我在场。"},
		record.Turn{Role: role.Judge, Speaker: "林清", AgendaItem: 2, Text: "旁听人员未经许可不得发言。"},
		record.Turn{Role: role.Clerk, Channel: -1, Inserted: true, AgendaItem: 2, Text: "（出示证据：照片四张）"},
		record.Turn{Role: role.Judge, Speaker: "周正", AgendaItem: 3, Text: "法庭调查结束，现在进行法庭辩论。双方围绕是否构成违约、损失数额发表辩论意见。"},
		record.Turn{Role: role.DefendantAgent, Channel: 2, AgendaItem: 3, Text: "即使迟延，原告收货后正常使用六个月，不同意退货；愿意就柜门免费维修。"},
		record.Turn{Role: role.Judge, Speaker: "周正", AgendaItem: 3, Text: "双方是否愿意调解？不愿意的，本案将择期宣判。现在休庭。"},
	)
	spokenWords(&s)
	return s
}

func mediation() record.State {
	s := hearing("2026-1122-02", record.Case{
		Kind: record.Mediation, Court: "北京云桥互联网法院", Number: "（2026）京9999民初88号", Cause: "房屋租赁合同纠纷", Date: "2026-11-22", Place: "调解室",
		Attendees: []record.Attendee{{Role: role.Judge, Name: "林清"}, {Role: role.Clerk, Name: "赵敏"}},
		Parties:   []record.Party{{Role: role.Plaintiff, Name: "刘燕"}, {Role: role.Plaintiff, Name: "刘鸿"}, {Role: role.Defendant, Name: "吴凡"}},
	},
		record.Turn{Role: role.Judge, Text: "今天组织双方调解。原告先说意见。"},
		record.Turn{Role: role.Plaintiff, Speaker: "刘燕", Text: "同意被告分两期付清租金8,000元。"},
		record.Turn{Role: role.Plaintiff, Speaker: "刘鸿", Text: "我也同意。"},
		record.Turn{Role: role.Defendant, Text: "同意。2026年12月31日前付清。"},
	)
	spokenWords(&s)
	return s
}

func minutes() record.State {
	s := hearing("2026-1122-03", record.Case{
		Kind: record.Minutes, Court: "北京云桥互联网法院", Title: "审判委员会第十二次会议", Date: "2026-11-20", Time: "14:00", Place: "二层会议室",
		Attendees: []record.Attendee{
			{Role: role.Judge, Name: "周正", Title: "院长"}, {Role: role.Clerk, Name: "赵敏"}, {Name: "林清"}, {Name: "何平", Absent: true},
		},
		Agenda: []record.AgendaItem{
			{Title: "通报收结案情况", Presenter: "林清"}, {Title: "讨论电子卷宗随案生成办法", Presenter: "周正", Decision: "原则通过，12月1日起试行。"},
			{Title: "其他事项", Decision: "下次会议时间另行通知。"},
		},
	},
		record.Turn{Role: role.Judge, Speaker: "周正", AgendaItem: 1, Text: "现在开会。先请林清通报。"},
		record.Turn{Speaker: "林清", AgendaItem: 1, Text: "1月至10月收案12,345件，结案11,980件，结收比97.0%。"},
		record.Turn{Role: role.Judge, Speaker: "周正", AgendaItem: 2, Text: "下面讨论办法草案。"},
		record.Turn{Speaker: "S3", Channel: 0, AgendaItem: 2, Text: "建议先在三个庭试行。"},
	)
	spokenWords(&s)
	return s
}
