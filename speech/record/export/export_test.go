package export_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"github.com/courtsense/courtsense/speech/role"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/record"
	"github.com/courtsense/courtsense/speech/record/export"
)

var update = flag.Bool("update", false, "write the golden files anew; look at each change")

func written(t testing.TB, s record.State, o export.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, export.Write(&b, s, o))
	return b.Bytes()
}

// partOf reads a part of a .docx file.
func partOf(t testing.TB, file []byte, path string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	f, err := z.Open(path)
	require.NoError(t, err)
	defer f.Close()
	content, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(content)
}

// paragraphs are the texts of a part's paragraphs.
func paragraphs(t testing.TB, content string) []string {
	t.Helper()
	var out []string
	var text strings.Builder
	d := xml.NewDecoder(strings.NewReader(content))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "br" {
				text.WriteString("\n")
			}
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			if token.Name.Local == "p" {
				out = append(out, strings.TrimPrefix(text.String(), "\n"))
				text.Reset()
			}
		}
	}
}

// The golden files are what a reader of this package should look at first.
func TestGolden(t *testing.T) {
	for name, s := range map[string]record.State{"trial": trial(), "mediation": mediation(), "minutes": minutes()} {
		for _, f := range []export.Format{export.Text, export.SRT, export.VTT, export.JSON} {
			if name != "trial" && f != export.Text {
				continue
			}
			if f == export.JSON {
				s.Turns = s.Turns[7:9]
				for i := range s.Turns {
					s.Turns[i].Words = s.Turns[i].Words[:2]
				}
			}
			t.Run(name+f.Extension(), func(t *testing.T) {
				path := filepath.Join("testdata", "golden", name+f.Extension())
				got := written(t, s, export.Options{Format: f})
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
					require.NoError(t, os.WriteFile(path, got, 0o644))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err)
				assert.Equal(t, string(want), string(got))
			})
		}
	}
}

func TestTheSameRecordGivesTheSameBytes(t *testing.T) {
	for _, f := range export.Formats() {
		assert.Equal(t, written(t, trial(), export.Options{Format: f}), written(t, trial(), export.Options{Format: f}), f)
	}
}

func TestDocument(t *testing.T) {
	file := written(t, trial(), export.Options{Format: export.DOCX, Software: "courtsense 9.9"})
	lines := paragraphs(t, partOf(t, file, "word/document.xml"))
	text := strings.Join(lines, "\n")

	t.Run("the head comes from the case", func(t *testing.T) {
		assert.Equal(t, []string{
			"北京云桥互联网法院", "庭审笔录", "案号：（2026）京9999民初1234号", "案由：网络购物合同纠纷", "开庭时间：2026年11月22日　9时30分", "开庭地点：第三法庭（在线）",
			"审判长：周正", "审判员：林清", "人民陪审员：何平", "书记员：赵敏", "原告：张晓云，女，1988年5月12日出生，住北京市海淀区清河路6号", "委托诉讼代理人：王立诚，北京衡石律师事务所律师",
		}, lines[:12])
	})
	t.Run("turns stand in order, corrected, without what was withdrawn", func(t *testing.T) {
		at := 0
		for _, turn := range trial().Turns {
			if turn.Withdrawn {
				assert.NotContains(t, text, turn.Text)
				continue
			}
			said, _, _ := strings.Cut(turn.Text, "，当事人")
			found := strings.Index(text[at:], said)
			require.GreaterOrEqual(t, found, 0, turn.Text)
			at += found + len(said)
		}
	})
	t.Run("each turn begins with who speaks", func(t *testing.T) {
		assert.Contains(t, text, "\n审判长：请坐。")
		assert.Contains(t, text, "\n审判员：旁听人员")
		assert.Contains(t, text, "\n原告委托诉讼代理人：原告张晓云到庭")
		assert.Contains(t, text, "\n发言人S4：我可以证明")
	})
	t.Run("the words of the law are marked and have their source", func(t *testing.T) {
		assert.Contains(t, text, "第五百七十七条，“"+article577+"”被告")
		assert.Contains(t, partOf(t, file, "word/document.xml"), `<w:rStyle w:val="StatuteQuotation"/><w:rFonts w:hint="eastAsia"/></w:rPr><w:t xml:space="preserve">`+article577)
		assert.Contains(t, partOf(t, file, "word/footnotes.xml"), "《中华人民共和国民法典》（2020-05-28）第五百七十七条")
	})
	t.Run("the agenda parts it", func(t *testing.T) {
		for _, heading := range []string{"\n一、法庭准备\n书记员：请肃静", "\n二、法庭调查\n审判长", "\n三、法庭辩论\n审判长"} {
			assert.Contains(t, text, heading)
		}
	})
	t.Run("everybody signs", func(t *testing.T) {
		n := len(lines)
		assert.Equal(t, []string{
			"原告（张晓云）签名：", "委托诉讼代理人（王立诚）签名：", "被告（杭州远帆家具有限公司）签名：", "法定代表人（陈远）签名：", "委托诉讼代理人（孙可）签名：",
			"审判长（周正）签名：", "审判员（林清）签名：", "人民陪审员（何平）签名：", "书记员（赵敏）签名：",
		}, lines[n-9:])
	})
	t.Run("pages are numbered and A4", func(t *testing.T) {
		footer := partOf(t, file, "word/footer1.xml")
		assert.Contains(t, footer, " PAGE ")
		assert.Contains(t, footer, " NUMPAGES ")
		assert.Contains(t, partOf(t, file, "word/document.xml"), `<w:pgSz w:w="11906" w:h="16838"/>`)
	})
	t.Run("its properties name the record's state", func(t *testing.T) {
		custom := partOf(t, file, "docProps/custom.xml")
		for _, value := range []string{"2026-1122-01", "41", strings.Repeat("0123456789abcdef", 4)} {
			assert.Contains(t, custom, ">"+value+"<")
		}
		assert.Contains(t, partOf(t, file, "docProps/app.xml"), "courtsense 9.9")
		assert.Contains(t, partOf(t, file, "docProps/core.xml"), "2026-11-22T01:30:00Z")
	})
}

func TestWithdrawnTurnsCanBeStruck(t *testing.T) {
	o := export.Options{Format: export.DOCX, Withdrawn: export.Struck}
	assert.Contains(t, partOf(t, written(t, trial(), o), "word/document.xml"), `<w:rFonts w:hint="eastAsia"/><w:strike/></w:rPr><w:t xml:space="preserve">我们私下谈过。`)
	o.Format = export.Text
	assert.Contains(t, string(written(t, trial(), o)), "［撤回］我们私下谈过。［/撤回］")
	for _, f := range []export.Format{export.SRT, export.VTT} {
		assert.NotContains(t, string(written(t, trial(), export.Options{Format: f, Withdrawn: export.Struck})), "私下")
	}
}

func TestTimes(t *testing.T) {
	s := trial()
	// The stream broke off and came back ten minutes later.
	s.Sessions = append(s.Sessions, record.Session{At: began.Add(600e9), Position: s.Turns[4].Start})
	assert.Contains(t, string(written(t, s, export.Options{Format: export.Text, Times: export.Offset})), "\n〔00:00:00〕书记员：请肃静")
	text := string(written(t, s, export.Options{Format: export.Text, Times: export.Clock}))
	assert.Contains(t, text, "\n〔09:30:00〕书记员：请肃静")
	assert.Contains(t, text, "\n〔09:40:00〕审判长：现在进行法庭调查")
	assert.Contains(t, text, "\n书记员：（出示证据", "what has no time has none printed")
}

// What a clerk changes is no longer the law's wording, whatever the record still says about it.
func TestOnlyTheLawsWordsAreMarked(t *testing.T) {
	for name, change := range map[string]func(*record.Turn){
		"changed":     func(t *record.Turn) { t.Text = strings.Replace(t.Text, "应当承担", "可以承担", 1) },
		"moved":       func(t *record.Turn) { t.Text = "好的。" + t.Text },
		"cut off":     func(t *record.Turn) { t.Text = "根据民法典。" },
		"no place":    func(t *record.Turn) { t.Quotations[0].Start, t.Quotations[0].End = 9, 3 },
		"before":      func(t *record.Turn) { t.Quotations[0].Start = -4 },
		"unknown law": func(t *record.Turn) { t.Quotations[0].Provision = "" },
		"named only":  func(t *record.Turn) { t.Quotations[0].Recited = false },
	} {
		t.Run(name, func(t *testing.T) {
			s := trial()
			change(&s.Turns[6])
			file := written(t, s, export.Options{Format: export.DOCX})
			assert.NotContains(t, partOf(t, file, "word/document.xml"), "StatuteQuotation")
			assert.NotContains(t, partOf(t, file, "word/footnotes.xml"), "民法典")
		})
	}
	s := trial()
	s.Turns[6].Text = strings.Replace(s.Turns[6].Text, article577, "“"+article577+"”", 1)
	s.Turns[6].Quotations[0].Start++
	s.Turns[6].Quotations[0].End++
	text := string(written(t, s, export.Options{Format: export.Text}))
	assert.Contains(t, text, "，“"+article577+"[1]”被告", "no second pair of marks")
}

// hostile are texts that nobody says and somebody may send.
var hostile = []string{
	"\x00\x01\x1b[31m红\x7f", "</w:t></w:r></w:p><w:p/>&amp;<![CDATA[", "a\u202eb\u2066c\u200f", "\xff\xfe\xed\xa0\x80\xed\xb0\x80", "\ufffe\uffff\U0001fffe\U000e0041",
	"😀👨‍👩‍👧\U00020BB7𠮷", "مرحبا بالعالم שלום", "一行\r\n审判长：我没有说过\r又一行\u2028\u2029", "\t\t制表", strings.Repeat("e\u0301", 300), "1\n00:00:00,000 --> 99:00:00,000\n\n<v x>", "{judge}[[{{", "%s%n",
}

func hostileState() record.State {
	s := trial()
	all := strings.Join(hostile, "|")
	s.Case.Title, s.Case.Court, s.Case.Extra = all, all, map[string]string{all: all, "": all}
	s.Case.Parties[0].Name, s.Case.Attendees[0].Title = all, all
	s.Case.Agenda[0].Title, s.ID = all, all
	for i, text := range hostile {
		s.Turns = append(s.Turns, record.Turn{ID: int64(100 + i), Text: text, Speaker: text, Start: 200 + float64(i), End: 201 + float64(i), AgendaItem: i - 3, Words: []record.Word{{Text: text, Start: 200}}})
	}
	s.Turns = append(s.Turns, record.Turn{ID: 200, Start: -5, End: 1e12, AgendaItem: math.MaxInt, Text: "很久", Channel: -7}, record.Turn{ID: 201, Start: 300, End: 301})
	return s
}

func TestHostileTexts(t *testing.T) {
	s := hostileState()
	for _, f := range export.Formats() {
		got := written(t, s, export.Options{Format: f, Times: export.Clock, Withdrawn: export.Struck})
		if f == export.DOCX {
			for _, part := range []string{"word/document.xml", "docProps/core.xml", "docProps/custom.xml", "word/header1.xml"} {
				paragraphs(t, partOf(t, got, part))
			}
			got = []byte(strings.Join(paragraphs(t, partOf(t, got, "word/document.xml")), "\n"))
		}
		require.True(t, utf8.Valid(got), f)
		for _, r := range string(got) {
			// JSON escapes control characters and keeps the marks of direction: it is for programs.
			if f != export.JSON && (r < ' ' && r != '\n' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069) {
				t.Fatalf("%s holds %U", f, r)
			}
		}
		if f != export.JSON {
			assert.Contains(t, string(got), "مرحبا", f)
			assert.Contains(t, string(got), "𠮷", f)
			assert.NotContains(t, string(got), "\n审判长：我没有说过", "%s: a line break inside a turn makes no other turn", f)
		} else {
			var parsed record.State
			require.NoError(t, json.Unmarshal(got, &parsed))
			assert.Equal(t, strings.ToValidUTF8(hostile[0], "\ufffd"), parsed.Turns[len(trial().Turns)].Text)
		}
	}
}

func TestLongRecords(t *testing.T) {
	turns := make([]record.Turn, 10_000)
	for i := range turns {
		turns[i] = record.Turn{Role: role.Judge, Text: "第一百二十条规定的情形是否存在？"}
	}
	turns[77].Text = strings.Repeat("长", 100_000)
	s := hearing("long", record.Case{Kind: record.Trial}, turns...)
	for _, f := range export.Formats() {
		got := written(t, s, export.Options{Format: f})
		if f == export.DOCX {
			got = []byte(strings.Join(paragraphs(t, partOf(t, got, "word/document.xml")), "\n"))
		}
		assert.GreaterOrEqual(t, strings.Count(string(got), "第一百二十条"), 9_999, f)
		assert.GreaterOrEqual(t, strings.Count(string(got), "长"), 100_000, f)
	}
}

// From the store to the paper: what a clerk corrects, withdraws and inserts shows in the next export, and the one before stays what it was.
func TestARecordFromTheStore(t *testing.T) {
	ctx := t.Context()
	store, err := record.Open(t.TempDir(), record.Options{})
	require.NoError(t, err)
	defer store.Close()
	clerk := record.Edit{Author: "赵敏", Reason: "核对"}
	r, err := store.Create(ctx, "r1", trial().Case, clerk)
	require.NoError(t, err)
	defer r.Close()
	feed, err := r.Feed(ctx, record.FeedOptions{Channels: 2})
	require.NoError(t, err)
	turns, err := feed.Append(ctx, 9,
		record.Turn{Start: 1, End: 4, Role: role.Plaintiff, Text: "我要求退活。"},
		record.Turn{Start: 5, End: 6, Channel: 1, Role: role.Defendant, Text: "嗯。"},
		record.Turn{Start: 7, End: 9, Channel: 1, Role: role.Defendant, Text: "不同意。"})
	require.NoError(t, err)
	require.NoError(t, feed.Close())
	before := r.Snapshot()

	_, err = r.Correct(ctx, turns[0].ID, record.Correction{Base: turns[0].Revision(), Text: pointer("我要求退货。"), Edit: clerk})
	require.NoError(t, err)
	_, err = r.Withdraw(ctx, turns[1].ID, turns[1].Revision(), clerk)
	require.NoError(t, err)
	_, err = r.Insert(ctx, turns[0].ID, record.Turn{Role: role.Clerk, Text: "（原告出示订单）"}, clerk)
	require.NoError(t, err)

	text := string(written(t, r.Snapshot(), export.Options{Format: export.Text}))
	assert.Contains(t, text, "\n原告：我要求退货。\n书记员：（原告出示订单）\n被告：不同意。\n")
	assert.Contains(t, string(written(t, before, export.Options{Format: export.Text})), "\n原告：我要求退活。\n被告：嗯。\n被告：不同意。\n")
	everything := string(written(t, r.Snapshot(), export.Options{Format: export.JSON}))
	for _, kept := range []string{"我要求退活。", "我要求退货。", "嗯。", "核对", "赵敏"} {
		assert.Contains(t, everything, kept)
	}
	assert.NotContains(t, string(written(t, r.Snapshot(), export.Options{Format: export.SRT})), "出示订单", "nobody said it")
}

func BenchmarkWrite(b *testing.B) {
	turns := make([]record.Turn, 2000)
	for i := range turns {
		turns[i] = record.Turn{Role: role.Judge, Text: "现在进行法庭调查，由原告陈述诉讼请求、事实和理由，被告答辩。"}
	}
	s := hearing("bench", trial().Case, turns...)
	spokenWords(&s)
	for _, f := range export.Formats() {
		b.Run(string(f), func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, export.Write(io.Discard, s, export.Options{Format: f}))
			}
			b.ReportMetric(float64(b.N*len(turns))/b.Elapsed().Seconds(), "turns/s")
		})
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []export.Options{{}, {Format: "pdf"}, {Format: export.Text, Times: "noon"}, {Format: export.Text, Withdrawn: "burnt"}} {
		assert.Error(t, o.Validate())
		assert.Error(t, export.Write(io.Discard, trial(), o))
	}
	s := trial()
	s.Case.Kind = "party"
	assert.ErrorContains(t, export.Write(io.Discard, s, export.Options{Format: export.Text}), `template "party" is not built in; there are trial, mediation, minutes`)

	for _, f := range export.Formats() {
		assert.NotEmpty(t, f.MediaType())
		back, err := export.FormatOf("x/记录" + strings.ToUpper(f.Extension()))
		require.NoError(t, err)
		assert.Equal(t, f, back)
		back, err = export.ParseFormat(string(f))
		require.NoError(t, err)
		assert.Equal(t, f, back)
		require.NoError(t, export.Write(io.Discard, record.State{}, export.Options{Format: f}), "an empty record")
		assert.ErrorIs(t, export.Write(full{}, trial(), export.Options{Format: f}), errFull)
	}
	_, err := export.FormatOf("record.pdf")
	assert.ErrorContains(t, err, ".docx")
	_, err = export.ParseFormat("pdf")
	assert.Error(t, err)
	assert.Empty(t, export.Format("pdf").MediaType()+export.Format("pdf").Extension())
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
