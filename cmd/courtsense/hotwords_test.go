package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
)

func TestHotWords(t *testing.T) {
	dir := t.TempDir()
	complaint, words := filepath.Join(dir, "complaint.txt"), filepath.Join(dir, "case.words")
	require.NoError(t, os.WriteFile(complaint, []byte("原告欧阳锦绣诉称，被告戚泽慧尚欠借款126万元。戚泽慧辩称已经还清。\n"), 0o600))
	r := courtsense(t, "hotwords", "--kinds", "person,amount", complaint, "-o", words)
	require.Equal(t, 0, r.code, r.stderr)
	written, err := os.ReadFile(words)
	require.NoError(t, err)
	require.Equal(t, "# person\n戚泽慧\n欧阳锦绣\n# amount\n126万元\n", string(written))

	r = courtsense(t, "hotwords", complaint, "-o", words)
	require.Equal(t, 2, r.code)
	r.requireOneLine(t, "exists")

	r = courtsense(t, "hotwords", "--json", "--max", "1", complaint)
	require.Equal(t, 0, r.code, r.stderr)
	var answer pb.ProposeHotwordsResponse
	require.NoError(t, protojson.Unmarshal([]byte(r.stdout), &answer))
	require.Len(t, answer.GetProposals(), 1)
	require.Equal(t, "complaint.txt", answer.GetProposals()[0].GetSources()[0].GetSource())

	r = courtsense(t, "hotwords", complaint)
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, "戚泽慧")

	r = courtsense(t, "hotwords", filepath.Join(dir, "absent.txt"), complaint)
	require.Equal(t, 1, r.code)
	r.requireOneLine(t, "absent.txt")
	r = courtsense(t, "hotwords", "--built-in")
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, "\n抵押权\t0.25\n")
	require.Contains(t, r.stdout, "\n民间借贷纠纷\t0.25\n")
	r = courtsense(t, "hotwords", "--built-in", complaint)
	require.Equal(t, 2, r.code)
	r = courtsense(t, "hotwords", "--kinds", "animal", complaint)
	require.Equal(t, 2, r.code)
}

func TestLMTrainAndEval(t *testing.T) {
	dir := t.TempDir()
	law, chat, model := filepath.Join(dir, "law.txt"), filepath.Join(dir, "chat.md"), filepath.Join(dir, "court.lm")
	var lines []byte
	for range 60 {
		lines = append(lines, "人民法院应当公开审理案件。当事人应当提供证据，第577条除外。\n"...)
	}
	require.NoError(t, os.WriteFile(law, lines, 0o600))
	require.NoError(t, os.WriteFile(chat, []byte("今天天气很好，今天我们去公园。\n"), 0o600))
	r := courtsense(t, "lm", "train", law, "--and", chat, "--weights", "0.8,0.2", "--out", model, "--json")
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, `"weight":0.8`)

	r = courtsense(t, "lm", "eval", "--model", model, "--model", "embedded", "--weights", "0.5,0.5", law)
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, "law.txt")
	r = courtsense(t, "lm", "eval", "--json", "--model", model, law)
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, `"coverage":1`)

	for _, args := range [][]string{
		{"train", law},
		{"train", law, "--out", model},
		{"train", law, "--weights", "0.5,0.5", "--out", filepath.Join(dir, "other.lm")},
		{"eval", "--model", model, "--weights", "1,2", law},
	} {
		r = courtsense(t, append([]string{"lm"}, args...)...)
		require.Equal(t, 2, r.code, "%q: %s", args, r.stderr)
	}
	r = courtsense(t, "lm", "eval", "--model", law, law)
	require.Equal(t, 1, r.code)
	r.requireOneLine(t, "law.txt", "not a language model")
	r = courtsense(t, "lm", "train", filepath.Join(dir, "absent"), "--out", filepath.Join(dir, "other.lm"))
	require.Equal(t, 1, r.code)
	r.requireOneLine(t, "absent")
}
