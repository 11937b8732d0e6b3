package export_test

import (
	"bytes"
	"fmt"
	"github.com/courtsense/courtsense/speech/role"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/record"
	"github.com/courtsense/courtsense/speech/record/export"
)

// office converts documents to PDF as a clerk would, or skips the test by name.
func office(t *testing.T, files map[string][]byte) string {
	t.Helper()
	for _, tool := range []string{"soffice", "pdftotext", "pdfinfo"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	// Where the files can be looked at afterwards.
	dir := os.Getenv("COURTSENSE_RECORDS")
	if dir == "" {
		dir = t.TempDir()
	}
	// A profile of its own, so that the test neither needs nor disturbs an office that is running.
	args := []string{"-env:UserInstallation=file://" + t.TempDir(), "--headless", "--convert-to", "pdf", "--outdir", dir}
	for name, content := range files {
		path := filepath.Join(dir, name+".docx")
		require.NoError(t, os.WriteFile(path, content, 0o644))
		args = append(args, path)
	}
	out, err := exec.CommandContext(t.Context(), "soffice", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir
}

// printed is a PDF's text without blanks, since lines break anywhere between Chinese characters.
func printed(t *testing.T, pdf string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "pdftotext", "-enc", "UTF-8", pdf, "-").Output()
	require.NoError(t, err)
	return unspaced(string(out))
}

func unspaced(s string) string { return strings.Join(strings.Fields(s), "") }

func pageCount(t *testing.T, pdf string) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "pdfinfo", pdf).Output()
	require.NoError(t, err)
	assert.Regexp(t, `Page size:\s+595\.\d+ x 84[12]\.?\d* pts \(A4\)`, string(out))
	n, err := strconv.Atoi(string(regexp.MustCompile(`Pages:\s+(\d+)`).FindSubmatch(out)[1]))
	require.NoError(t, err)
	return n
}

// What a word processor prints is what the record says, in order, page by page.
func TestOpensInLibreOffice(t *testing.T) {
	states := map[string]record.State{"trial": trial(), "mediation": mediation(), "minutes": minutes(), "hostile": hostileState()}
	long := make([]record.Turn, 600)
	for i := range long {
		long[i] = record.Turn{Role: role.Judge, Text: fmt.Sprintf("这是第%d次发言。", i)}
	}
	states["long"] = hearing("long", record.Case{Court: "北京云桥互联网法院", Number: "（2026）京9999民初5号"}, long...)
	files := map[string][]byte{}
	for name, s := range states {
		files[name] = written(t, s, export.Options{Format: export.DOCX})
	}
	dir := office(t, files)

	for name, s := range states {
		t.Run(name, func(t *testing.T) {
			pdf := filepath.Join(dir, name+".pdf")
			text, pages := printed(t, pdf), pageCount(t, pdf)
			if name == "hostile" {
				// Letters of another direction beside a footer mix with it when a PDF is read back.
				assert.GreaterOrEqual(t, strings.Count(text, fmt.Sprintf("共%d页", pages)), pages)
				assert.Contains(t, text, "</w:t></w:r></w:p><w:p/>&amp;<![CDATA[")
				return
			}
			for n := 1; n <= pages; n++ {
				assert.Contains(t, text, fmt.Sprintf("第%d页共%d页", n, pages))
			}
			if name != "long" {
				assert.LessOrEqual(t, pages, 3)
			}
			// Turns that a page break parts have the page's margins inside: each of their halves is looked for.
			at := 0
			for _, turn := range s.Turns {
				if turn.Withdrawn {
					assert.NotContains(t, text, turn.Text)
					continue
				}
				for _, sentence := range strings.SplitAfter(turn.Text, "。") {
					words := []rune(unspaced(sentence))
					if len(words) == 0 {
						continue
					}
					words = words[:min(len(words), 8)]
					found := strings.Index(text[at:], string(words))
					require.GreaterOrEqual(t, found, 0, "%s behind the turns before it", string(words))
					at += found + len(string(words))
				}
			}
		})
	}
	t.Run("statute", func(t *testing.T) {
		text := printed(t, filepath.Join(dir, "trial.pdf"))
		assert.Contains(t, text, "《中华人民共和国民法典》（2020-05-28）第五百七十七条")
		assert.Contains(t, text, "“当事人一方不履行合同义务")
	})
	t.Run("properties", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), "pdfinfo", filepath.Join(dir, "trial.pdf")).Output()
		require.NoError(t, err)
		assert.True(t, bytes.Contains(out, []byte("庭审笔录")), "%s", out)
	})
}
