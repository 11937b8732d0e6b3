package models

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models/embedded"
)

func sumOf(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// entry writes one entry; lines are further keys of the entry and its file's hash line.
func entry(id, task, path, hash string, more ...string) string {
	family := map[string]string{TaskOCRSystem: "tesseract"}[task]
	role := RoleTrainedData
	if family == "" {
		family, role = "yunet", RoleModel
	}
	text := fmt.Sprintf("  - id: %s\n    version: \"1\"\n    title: t\n    task: %s\n    family: %s\n    license: MIT\n    files:\n      - {role: %s, path: %s, %s}\n",
		id, task, family, role, path, hash)
	for _, m := range more {
		text += "    " + m + "\n"
	}
	return text
}

func parse(t *testing.T, entries ...string) *Catalog {
	t.Helper()
	c, err := ParseCatalog([]byte("format: 1\nmodels:\n" + strings.Join(entries, "")))
	require.NoError(t, err)
	return c
}

func put(t *testing.T, dir, path, content string) string {
	t.Helper()
	p := filepath.Join(dir, filepath.FromSlash(path))
	require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
	require.NoError(t, os.WriteFile(p, []byte(content), 0o644))
	return p
}

func openStore(t *testing.T, c *Catalog, dir string, opts ...Option) *Store {
	t.Helper()
	opts = append([]Option{WithEmbedded(fstest.MapFS{}), WithTessdata(), WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	s, err := Open(c, dir, opts...)
	require.NoError(t, err)
	return s
}

func TestSourcesInOrder(t *testing.T) {
	good := "sha256: " + sumOf("embedded weights")
	c := parse(t,
		entry("on-disk", TaskFaceDetection, "a.onnx", "sha256: "+sumOf("disk weights")),
		entry("compiled", TaskFaceDetection, "embedded/c.onnx", good, "embedded: true"))
	emb := WithEmbedded(fstest.MapFS{"c.onnx": {Data: []byte("embedded weights")}})
	dir := t.TempDir()

	s := openStore(t, c, filepath.Join(dir, "absent"), emb)
	a, err := s.Select(TaskFaceDetection)
	require.NoError(t, err)
	require.Equal(t, SourceEmbedded, a.Source)
	require.Equal(t, sumOf("embedded weights"), a.SHA256)
	b, err := a.Bytes(RoleModel)
	require.NoError(t, err)
	require.Equal(t, "embedded weights", string(b))
	_, err = a.Path(RoleModel)
	require.ErrorContains(t, err, "compiled into the program")
	_, err = a.Bytes(RoleKeys)
	require.ErrorContains(t, err, `no file with role "keys"`)

	p := put(t, dir, "a.onnx", "disk weights")
	s = openStore(t, c, dir, emb)
	a, err = s.Select(TaskFaceDetection)
	require.NoError(t, err)
	require.Equal(t, "on-disk", a.Entry.ID)
	require.Equal(t, SourceDisk, a.Source)
	got, err := a.Path(RoleModel)
	require.NoError(t, err)
	require.Equal(t, p, got)

	list := s.List()
	require.True(t, list[0].Active && list[0].Available && list[0].Checked)
	require.Equal(t, "first available for face-detection", list[0].Reason)
	require.True(t, list[1].Available)
	require.False(t, list[1].Active)
	require.Equal(t, "on-disk comes first in the catalogue", list[1].Reason)
}

func TestDamagedModelIsPassedOver(t *testing.T) {
	c := parse(t,
		entry("first", TaskFaceDetection, "a.onnx", "sha256: "+sumOf("right")+", size: 5"),
		entry("second", TaskFaceDetection, "b.onnx", "sha256: "+sumOf("other")))
	dir := t.TempDir()
	put(t, dir, "b.onnx", "other")
	for name, content := range map[string]string{"other bytes": "wrong", "other length": "wrong bytes"} {
		t.Run(name, func(t *testing.T) {
			put(t, dir, "a.onnx", content)
			var logged strings.Builder
			s := openStore(t, c, dir, WithLogger(slog.New(slog.NewTextHandler(&logged, nil))))
			a, err := s.Select(TaskFaceDetection)
			require.NoError(t, err)
			require.Equal(t, "second", a.Entry.ID)
			require.Contains(t, logged.String(), "model passed over")

			_, err = s.Resolve("first")
			var m *MismatchError
			require.ErrorAs(t, err, &m)
			require.ErrorIs(t, err, ErrUnavailable)
			require.ErrorContains(t, err, "courtsense models pull first")
			if name == "other bytes" {
				require.ErrorContains(t, err, sumOf("right"))
				require.ErrorContains(t, err, sumOf("wrong"))
			}
			list := s.List()
			require.False(t, list[0].Available)
			require.ErrorAs(t, list[0].Err, &m)
			require.True(t, list[1].Active)
		})
	}
}

// TestBytesAreHashedAsRead: a file that changes behind the store's back must not be served.
func TestBytesAreHashedAsRead(t *testing.T) {
	dir := t.TempDir()
	p := put(t, dir, "a.onnx", "right")
	info, err := os.Stat(p)
	require.NoError(t, err)
	s := openStore(t, parse(t, entry("m", TaskFaceDetection, "a.onnx", "sha256: "+sumOf("right"))), dir)
	a, err := s.Resolve("m")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(p, []byte("wrong"), 0o644))
	require.NoError(t, os.Chtimes(p, time.Time{}, info.ModTime()))
	_, err = a.Bytes(RoleModel)
	var m *MismatchError
	require.ErrorAs(t, err, &m)
}

func TestHashIsCachedUntilTheFileChanges(t *testing.T) {
	p := put(t, t.TempDir(), "a", "one")
	var d digests
	sum, size, err := d.of(p)
	require.NoError(t, err)
	require.Equal(t, sumOf("one"), sum)
	require.EqualValues(t, 3, size)
	info, err := os.Stat(p)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(p, []byte("two"), 0o644))
	require.NoError(t, os.Chtimes(p, time.Time{}, info.ModTime()))
	sum, _, err = d.of(p)
	require.NoError(t, err)
	require.Equal(t, sumOf("one"), sum, "same size and time: not read again")
	require.NoError(t, os.Chtimes(p, time.Time{}, info.ModTime().Add(time.Second)))
	sum, _, err = d.of(p)
	require.NoError(t, err)
	require.Equal(t, sumOf("two"), sum)
}

func TestSystemModelsBySlot(t *testing.T) {
	c := parse(t,
		entry("ocr-b", TaskOCRSystem, "tessdata/bbb.traineddata", "verified: false", "system: true", "slot: bbb"),
		entry("ocr-a", TaskOCRSystem, "tessdata/aaa.traineddata", "verified: false", "system: true", "slot: aaa"),
		entry("ocr-c", TaskOCRSystem, "tessdata/ccc.traineddata", "verified: false", "system: true", "slot: ccc"))
	sys1, sys2 := t.TempDir(), t.TempDir()
	put(t, sys2, "aaa.traineddata", "aaa")
	put(t, sys1, "bbb.traineddata", "bbb")
	put(t, sys2, "bbb.traineddata", "second")
	s := openStore(t, c, t.TempDir(), WithTessdata(sys1, sys2))
	all, err := s.SelectAll(TaskOCRSystem)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "ocr-b", all[0].Entry.ID)
	require.Equal(t, SourceSystem, all[0].Source)
	require.Equal(t, sumOf("bbb"), all[0].SHA256, "the first folder wins")
	list := s.List()
	require.True(t, list[0].Active)
	require.True(t, list[1].Active, "another slot does not compete")
	require.False(t, list[2].Available)
	require.Contains(t, list[2].Reason, "install the operating system's package")
}

func TestTessdataPrefix(t *testing.T) {
	t.Setenv("TESSDATA_PREFIX", "/some/where")
	require.Equal(t, []string{"/some/where", "/some/where/tessdata"}, tessdataDirs()[:2])
}

func TestRemote(t *testing.T) {
	c := parse(t, `  - id: far
    version: "1"
    title: t
    task: face-detection
    family: yunet
    license: MIT
    remote: {endpoint: "grpc://triton:8001", model: yunet}
`)
	s := openStore(t, c, t.TempDir())
	a, err := s.Resolve("far")
	require.NoError(t, err)
	require.Equal(t, SourceRemote, a.Source)
	require.Equal(t, "grpc://triton:8001", a.Remote.Endpoint)
	_, err = a.Bytes(RoleModel)
	require.Error(t, err)
}

func TestOwnCatalogueComesFirst(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "mine.onnx", "mine")
	put(t, dir, "a.onnx", "replaced")
	put(t, dir, CatalogName, "format: 1\nmodels:\n"+
		entry("known", TaskFaceDetection, "a.onnx", "sha256: "+sumOf("replaced"))+
		entry("mine", TaskFaceDetection, "mine.onnx", "sha256: "+sumOf("mine")))
	c := parse(t,
		entry("other", TaskFaceEmbedding, "o.onnx", "sha256: "+sumOf("o")),
		entry("known", TaskFaceDetection, "a.onnx", "sha256: "+sumOf("original")))
	s := openStore(t, c, dir)
	var ids []string
	for _, e := range s.Catalog().Models {
		ids = append(ids, e.ID)
	}
	require.Equal(t, []string{"mine", "other", "known"}, ids)
	a, err := s.Select(TaskFaceDetection)
	require.NoError(t, err)
	require.Equal(t, "mine", a.Entry.ID)
	_, err = s.Resolve("known")
	require.NoError(t, err)
	require.Len(t, c.Models, 2, "the given catalogue is not changed")

	put(t, dir, CatalogName, "format: 1\nmodel: []\n")
	_, err = Open(c, dir)
	require.ErrorContains(t, err, CatalogName)
	require.ErrorContains(t, err, `did you mean "models"?`)
}

func TestLockBindsUnverifiedFiles(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.onnx", "first")
	c := parse(t, entry("m", TaskFaceDetection, "a.onnx", "verified: false"))
	s := openStore(t, c, dir)
	a, err := s.Resolve("m")
	require.NoError(t, err)
	require.Equal(t, sumOf("first"), a.SHA256)
	require.False(t, s.List()[0].Checked)
	require.Contains(t, s.List()[0].Reason, "no SHA-256 is known")

	put(t, dir, "a.onnx", "swapped")
	_, err = a.Bytes(RoleModel)
	require.Error(t, err, "what was reported as this model's hash must be what is loaded")
	put(t, dir, "a.onnx", "first")

	require.NoError(t, Lock{}.With(LockedFile{Path: "a.onnx", SHA256: sumOf("first"), Size: 5}).Write(dir))
	require.True(t, s.List()[0].Checked)
	put(t, dir, "a.onnx", "other bytes")
	_, err = s.Resolve("m")
	var m *MismatchError
	require.ErrorAs(t, err, &m)

	put(t, dir, LockName, "files:\n  - {path: a.onnx, sha256: short}\n")
	_, err = ReadLock(dir)
	require.ErrorContains(t, err, "64 lower-case hex digits")
}

func TestErrorsSayWhatToDo(t *testing.T) {
	c := parse(t,
		entry("with-url", TaskFaceDetection, "a.onnx", "url: 'https://x/a.onnx', sha256: "+sumOf("a")),
		entry("without-url", TaskFaceDetection, "b.onnx", "sha256: "+sumOf("b")))
	s := openStore(t, c, t.TempDir())
	_, err := s.Select(TaskFaceDetection)
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorContains(t, err, "get it with 'courtsense models pull with-url'")
	require.ErrorContains(t, err, "pull it with --mirror")
	_, err = s.Select("face-detektion")
	require.ErrorContains(t, err, `did you mean "face-detection"?`)
	_, err = s.Resolve("with-uri")
	require.ErrorIs(t, err, ErrUnknown)
	require.ErrorContains(t, err, `did you mean "with-url"?`)
	file := put(t, t.TempDir(), "f", "")
	_, err = Open(c, file)
	require.ErrorContains(t, err, "is not a folder")
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/data")
	dir, err := DefaultDir()
	require.NoError(t, err)
	require.Equal(t, "/data/courtsense/models", dir)
	t.Setenv("XDG_DATA_HOME", "relative")
	t.Setenv("HOME", "/home/u")
	dir, err = DefaultDir()
	require.NoError(t, err)
	require.Equal(t, "/home/u/.local/share/courtsense/models", dir)
}

func TestVerify(t *testing.T) {
	dir, sys := t.TempDir(), t.TempDir()
	put(t, dir, "ok.onnx", "ok")
	put(t, dir, "bad.onnx", "bad")
	put(t, dir, "long.onnx", "longer")
	put(t, dir, "unknown.onnx", "?")
	put(t, sys, "eng.traineddata", "eng")
	c := parse(t,
		entry("ok", TaskFaceDetection, "ok.onnx", "sha256: "+sumOf("ok")),
		entry("bad", TaskFaceDetection, "bad.onnx", "sha256: "+sumOf("good")),
		entry("long", TaskFaceDetection, "long.onnx", "sha256: "+sumOf("long")+", size: 4"),
		entry("gone", TaskFaceDetection, "gone.onnx", "sha256: "+sumOf("gone")),
		entry("unknown", TaskFaceDetection, "unknown.onnx", "verified: false"),
		entry("eng", TaskOCRSystem, "tessdata/eng.traineddata", "verified: false", "system: true"),
		entry("inside", TaskFaceDetection, "embedded/i.onnx", "sha256: "+sumOf("inside"), "embedded: true"))
	s := openStore(t, c, dir, WithTessdata(sys), WithEmbedded(fstest.MapFS{"i.onnx": {Data: []byte("inside")}}))
	rows, err := Verify(t.Context(), s)
	require.NoError(t, err)
	states := map[string]VerifyState{}
	for _, r := range rows {
		states[r.ID+" "+string(r.Source)] = r.State
		require.Equal(t, r.State == VerifyMismatch, r.Err != nil, r.ID)
	}
	require.Equal(t, map[string]VerifyState{
		"ok disk": VerifyOK, "bad disk": VerifyMismatch, "long disk": VerifyMismatch, "unknown disk": VerifyNoHash,
		"eng system": VerifyNoHash, "inside embedded": VerifyOK,
	}, states)
}

// TestSharedWeightsAreAStore: the folder of published weights can be named as a store as it is.
func TestSharedWeightsAreAStore(t *testing.T) {
	dir := testinput.SharedModels(t, "face/yunet_n_dynamic.onnx", "speech/silero_vad_16k_op15.onnx")
	s, err := Open(nil, dir)
	require.NoError(t, err)
	for task, want := range map[string]string{
		TaskFaceDetection: "face-detect-yunet-n", TaskVoiceActivity: "vad-silero-16k",
		TaskTextRecognition: "text-recognition-ppocr-v2", TaskTextDetection: "text-detection-ppocr-v3",
	} {
		a, err := s.Select(task)
		require.NoError(t, err)
		require.Equal(t, want, a.Entry.ID)
		b, err := a.Bytes(RoleModel)
		require.NoError(t, err)
		f, err := a.Entry.File(RoleModel)
		require.NoError(t, err)
		require.EqualValues(t, f.Size, len(b))
	}
	both, err := s.SelectAll(TaskFaceLiveness)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(both), 2)
	require.Equal(t, "face-liveness-minifasnet-v2", both[0].Entry.ID)
	require.Equal(t, "face-liveness-minifasnet-v1se", both[1].Entry.ID)
}

// TestEmbeddedWeightsAreCatalogued: whoever replaces embedded weights is told what to write into the catalogue.
func TestEmbeddedWeightsAreCatalogued(t *testing.T) {
	c, err := Builtin()
	require.NoError(t, err)
	byPath, files := map[string]Entry{}, map[string]File{}
	for _, e := range c.Models {
		for _, f := range e.Files {
			if e.Embedded {
				byPath[f.Path], files[f.Path] = e, f
			}
		}
	}
	names, err := fs.Glob(embedded.Files, "*")
	require.NoError(t, err)
	for _, name := range names {
		stem, extension, _ := strings.Cut(name, ".")
		if extension == "md" {
			continue
		}
		sum, size, err := hashIn(embedded.Files, name)
		require.NoError(t, err)
		path := embeddedPrefix + name
		e, ok := byPath[path]
		require.True(t, ok, "%s has no entry: sha256 %s, size %d", name, sum, size)
		require.Equal(t, sum, files[path].SHA256, "catalog.yaml: %s", e.ID)
		require.Equal(t, size, files[path].Size, "catalog.yaml: %s", e.ID)
		require.Equal(t, embeddedPrefix+stem+".md", e.Card)
		delete(byPath, path)
	}
	require.Empty(t, byPath, "entries without embedded weights")
}
