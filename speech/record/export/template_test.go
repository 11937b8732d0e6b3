package export_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/speech/record"
	"github.com/courtsense/courtsense/speech/record/export"
)

func parsed(t testing.TB, content string) *export.Template {
	t.Helper()
	x, err := export.ParseTemplate(strings.NewReader(content))
	require.NoError(t, err)
	return x
}

func TestEveryBuiltInTemplate(t *testing.T) {
	for _, name := range export.Templates() {
		x, err := export.Builtin(name)
		require.NoError(t, err)
		assert.Equal(t, name, x.Name())
		for _, s := range []record.State{trial(), mediation(), minutes()} {
			assert.NotEmpty(t, written(t, s, export.Options{Format: export.DOCX, Template: x}))
		}
	}
}

func TestACourtsOwnTemplate(t *testing.T) {
	x := parsed(t, `
base: mediation
name: 我院笔录
title: ["{court}", "{extra.审理方式}调解笔录"]
head: ["主审：{judge}", "没有：{extra.没有}", "[原告代理：{plaintiff_agent}]", "其他——{other.name}＝{other.value}", "花括号 {{x}} [[y]]", "开始 {began}，结束 {ended}"]
turn: "[{time} ]【{role}】[{name}] "
roles: {judge: 主审法官}
times: clock
utc_offset: "+09:00"
quotation: {open: 「, close: 」, note: ""}
signatures: []
closing: ["记录 {record} 第 {revision} 版"]
`)
	assert.Equal(t, "我院笔录", x.Name())
	lines := strings.Split(string(written(t, trial(), export.Options{Format: export.Text, Template: x})), "\n")
	assert.Equal(t, []string{
		"北京云桥互联网法院", "公开、在线调解笔录", "", "主审：周正、林清、何平", "原告代理：王立诚", "其他——开庭次数＝第一次", "花括号 {x} [y]", "开始 10:30，结束 10:31", "",
	}, lines[:9])
	text := strings.Join(lines, "\n")
	assert.Contains(t, text, "\n10:30:00 【书记员】 请肃静")
	assert.Contains(t, text, "「"+article577+"」被告", "marks without a note")
	assert.NotContains(t, text, "签名")
	assert.True(t, strings.HasSuffix(text, "\n记录 2026-1122-01 第 41 版\n\n"))
}

func TestTemplateErrorsSayWhatAndWhere(t *testing.T) {
	for content, want := range map[string]string{
		"titel: [x]":                              "line 1: field titel not found",
		"head: 3":                                 "line 1",
		"head: [\"{nubmer}\"]":                    "head, line 1: {nubmer} is nothing that can stand here; there are {court}, {number}",
		"head: [\"{number\"]":                     "{ without } after it",
		"head: [\"{}\"]":                          "{} names nothing",
		"head: [\"x}\"]":                          "} without { before it",
		"head: [\"[x\"]":                          "[ without ] after it",
		"head: [\"x]\"]":                          "] without [ before it",
		"head: [\"[a[b]]\"]":                      "brackets inside brackets",
		"head: [\"{extra.}\"]":                    "{extra.} is nothing",
		"title: [\"{party.name}\"]":               "title, line 1: {party.name} is nothing that can stand here",
		"head: [\"{page}\"]":                      "{page} is nothing",
		"head: [\"{party.name}{attendee.name}\"]": "not for two of them",
		"turn: \"{text}\"":                        "turn: {text} is nothing",
		"roles: {jugde: 法官}":                      `roles: there is no role "jugde"`,
		"times: never":                            "times: ",
		"utc_offset: Beijing":                     "utc_offset: ",
		"page: {width: 30}":                       "page.width: 30 mm is not within 50 to 500",
		"page: {width: .nan}":                     "page.width",
		"page: {left: 100, right: 100}":           "less than 40 mm",
		"sizes: {body: 1000}":                     "sizes.body",
		"fonts: {body: []}":                       "fonts.body",
		"base: verdict":                           `base: template "verdict" is not built in`,
		"\xff":                                    "not UTF-8",
		"a: &a [*a]":                              "",
		strings.Repeat("#", export.MaxTemplateBytes+1): "longer than",
		"opening: [" + strings.Repeat("x,", 300) + "]": "at most 200",
	} {
		_, err := export.ParseTemplate(strings.NewReader(content))
		assert.ErrorContains(t, err, want, "%.60q", content)
	}
	x := parsed(t, "")
	assert.Equal(t, "trial", x.Name(), "an empty file is the built-in template")
	_, err := export.Builtin("../trial")
	assert.Error(t, err)
}

// Whatever a template file holds is refused with an error or gives sound documents.
func FuzzParseTemplate(f *testing.F) {
	for _, name := range export.Templates() {
		content, err := os.ReadFile(filepath.Join("templates", name+".yaml"))
		require.NoError(f, err)
		f.Add(content)
	}
	f.Add([]byte("head: [\"{party.role}[：{party.name}][[\"]\npage: {width: 80, header: [\"{page}{pages}\"]}"))
	f.Add([]byte("base: minutes\nroles: {\"\": 某人, unknown: x}\nturn: \"\"\nunknown: \"[{name}]\""))
	f.Fuzz(func(t *testing.T, content []byte) {
		x, err := export.ParseTemplate(bytes.NewReader(content))
		if err != nil {
			return
		}
		file := written(t, minutes(), export.Options{Format: export.DOCX, Template: x})
		for _, part := range []string{"word/document.xml", "word/styles.xml", "word/fontTable.xml", "word/settings.xml", "docProps/core.xml"} {
			paragraphs(t, partOf(t, file, part))
		}
		written(t, trial(), export.Options{Format: export.Text, Template: x, Times: export.Clock})
	})
}

func TestTheManualsExample(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join(testinput.Root(), "docs", "export.md"))
	require.NoError(t, err)
	_, example, ok := strings.Cut(string(manual), "```yaml\n")
	require.True(t, ok)
	example, _, ok = strings.Cut(example, "```")
	require.True(t, ok)
	text := string(written(t, trial(), export.Options{Format: export.Text, Template: parsed(t, example)}))
	assert.Contains(t, text, "北京云桥互联网法院\n法庭笔录\n\n案号：（2026）京9999民初1234号\n时间：2026年11月22日　9时30分\n原告：张晓云，女")
	assert.Contains(t, text, "\n原告（签名）：")
}
