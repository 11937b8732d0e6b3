package models

import (
	"bytes"
	"log/slog"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const streamingFile = "graph and metadata decode_chunk_len 32"

func TestFoldersOfRecognisersAreFound(t *testing.T) {
	c := parse(t, entry("built-in", TaskSpeechRecognition, "speech/known/model.onnx", "sha256: "+sumOf("x")))
	for _, tc := range []struct {
		name  string
		files []string
		want  string // id; "" for none
		main  string
		lacks string
	}{
		{"transducer", []string{"Zh_En 2023/tokens.txt", "Zh_En 2023/encoder-epoch-99-avg-1.onnx", "Zh_En 2023/decoder-epoch-99-avg-1.onnx",
			"Zh_En 2023/joiner-epoch-99-avg-1.onnx"}, "zh-en-2023", "encoder-epoch-99-avg-1.onnx", ""},
		{"8 bits come first", []string{"speech/z/tokens.txt", "speech/z/encoder.onnx", "speech/z/encoder.int8.onnx", "speech/z/decoder.int8.onnx",
			"speech/z/decoder.onnx", "speech/z/joiner.int8.onnx", "speech/z/joiner.onnx"}, "z", "encoder.int8.onnx", ""},
		{"several exports", []string{"z/tokens.txt", "z/encoder-a.onnx", "z/encoder-b.onnx", "z/decoder-b.onnx", "z/joiner-b.onnx"}, "z", "encoder-b.onnx", ""},
		{"names of two patterns", []string{"z/tokens.txt", "z/encoder-epoch-9.onnx", "z/decoder-epoch-9.onnx", "z/joiner.onnx"}, "z", "encoder-epoch-9.onnx", ""},
		{"one network", []string{"ctc/tokens.txt", "ctc/ctc-epoch-20-avg-1-chunk-16-left-128.int8.onnx", "ctc/ctc-epoch-20-avg-1-chunk-16-left-128.onnx"},
			"ctc", "ctc-epoch-20-avg-1-chunk-16-left-128.int8.onnx", ""},
		{"no joiner", []string{"z/tokens.txt", "z/encoder.onnx", "z/decoder.onnx"}, "z", "encoder.onnx", "z/joiner.onnx missing"},
		{"no tokens", []string{"z/joiner.onnx", "z/encoder.onnx", "z/decoder.onnx"}, "z", "encoder.onnx", "z/tokens.txt missing"},
		{"one network without tokens", []string{"z/model.onnx"}, "z", "model.onnx", "z/tokens.txt missing"},
		{"no encoder", []string{"z/tokens.txt", "z/joiner.onnx"}, "z", "encoder.onnx", "z/encoder.onnx, z/decoder.onnx missing"},
		{"a name taken", []string{"built-in/tokens.txt", "built-in/model.onnx"}, "built-in-2", "model.onnx", ""},
		{"the catalogue's", []string{"speech/known/tokens.txt", "speech/known/model.onnx"}, "", "", ""},
		{"too deep", []string{"a/b/c/tokens.txt", "a/b/c/model.onnx"}, "", "", ""},
		{"hidden", []string{".z/tokens.txt", ".z/model.onnx"}, "", "", ""},
		{"no recogniser", []string{"z/model.bin", "y/tokens.txt"}, "", "", ""},
		{"no name", []string{"语音/tokens.txt", "语音/model.onnx"}, "", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range tc.files {
				put(t, dir, f, streamingFile)
			}
			s := openStore(t, c, dir)
			if tc.want == "" {
				require.Equal(t, c, s.Catalog())
				return
			}
			require.Len(t, s.Catalog().Models, 2)
			e := s.Catalog().Models[0]
			require.Equal(t, tc.want, e.ID, "it comes first")
			primary, ok := e.primary()
			require.True(t, ok)
			require.Equal(t, tc.main, path.Base(primary.Path))
			if d, err := e.File(RoleDecoder); err == nil && strings.HasPrefix(tc.name, "8 bits") {
				require.Equal(t, "speech/z/decoder.onnx", d.Path, "it is small, and 8 bits cost most there")
			}
			a, err := s.Select(TaskSpeechRecognition)
			if tc.lacks != "" {
				require.Error(t, err)
				_, err = s.Resolve(e.ID)
				require.ErrorIs(t, err, ErrUnavailable)
				require.ErrorContains(t, err, tc.lacks)
				return
			}
			require.NoError(t, err)
			require.Equal(t, e.ID, a.Entry.ID)
			require.Equal(t, sumOf(streamingFile), a.SHA256)
			for _, role := range append(e.Networks(), RoleTokens) {
				b, err := a.Bytes(role)
				require.NoError(t, err)
				require.Equal(t, streamingFile, string(b))
			}
		})
	}
}

func TestAFolderThatIsNotForStreamingIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "offline/tokens.txt", "a 0")
	put(t, dir, "offline/model.onnx", "graph")
	put(t, dir, "other/detector.onnx", "graph")
	var said bytes.Buffer
	c := parse(t, entry("built-in", TaskSpeechRecognition, "a.onnx", "sha256: "+sumOf("x")))
	s := openStore(t, c, dir, WithLogger(slog.New(slog.NewTextHandler(&said, nil))))
	require.Equal(t, c, s.Catalog())
	require.NotContains(t, said.String(), "detector", "no recogniser, as it has no tokens")
	require.Contains(t, said.String(), "model.onnx has no decode_chunk_len in its metadata, so it is not made for streaming")
}

func TestNetworks(t *testing.T) {
	require.Equal(t, []string{RoleModel}, Entry{}.Networks(), "as for a remote model")
	require.Equal(t, []string{RoleModel}, Entry{Files: []File{{Role: RoleTokens}, {Role: RoleModel}}}.Networks())
	require.Equal(t, []string{RoleEncoder, RoleDecoder, RoleJoiner},
		Entry{Files: []File{{Role: RoleJoiner}, {Role: RoleTokens}, {Role: RoleDecoder}, {Role: RoleEncoder}}}.Networks())
}
