package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/microphone"
)

func transcribed(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	if _, _, err := onnx.FindLibrary(""); err != nil {
		t.Skip(err)
	}
	t.Setenv("COURTSENSE_MODELS", t.TempDir())
	var out, err bytes.Buffer
	code = run(t.Context(), append([]string{"transcribe"}, args...), strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestTranscribeWritesDownAndPrefersHotWords(t *testing.T) {
	sound := testinput.Testdata(t, "speech", "court-zh-16k.wav")
	words := filepath.Join(t.TempDir(), "words")
	require.NoError(t, os.WriteFile(words, []byte("诉讼请求\t2\n退还货款\nа\n"), 0o600))
	code, stdout, stderr := transcribed(t, sound, "--hotwords", words, "--json")
	require.Equal(t, exitOK, code, stderr)
	var got struct{ Segments []speech.Segment }
	require.NoError(t, json.Unmarshal([]byte(stdout), &got))
	require.Len(t, got.Segments, 2)
	assert.NotEmpty(t, got.Segments[0].Words)
	assert.Contains(t, stdout, `"hot_word":"诉讼请求"`)
	assert.Contains(t, stderr, "can't be used")
	assert.Contains(t, stderr, "TOO_SHORT")

	code, _, stderr = transcribed(t, sound, "--hotwords", filepath.Join(t.TempDir(), "none"))
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "no such file")
	code, _, stderr = transcribed(t, sound, "--language", "sw")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "does not know the language")
}

func TestTranscribeSaysWhoSpeaks(t *testing.T) {
	sound := testinput.Testdata(t, "speech", "two-seats-16k.wav")
	heard := func(args ...string) []speech.Segment {
		code, stdout, stderr := transcribed(t, append([]string{sound, "--json"}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		var got struct{ Segments []speech.Segment }
		require.NoError(t, json.Unmarshal([]byte(stdout), &got))
		require.NotEmpty(t, got.Segments)
		return got.Segments
	}
	seats := map[int]string{0: "judge", 1: "plaintiff_agent"}
	channels := map[int]bool{}
	for _, s := range heard("--seat", "0=judge", "--seat", "1=plaintiff-agent") {
		assert.Equal(t, seats[s.Channel], s.Role)
		channels[s.Channel] = true
	}
	assert.Len(t, channels, 2)
	for _, s := range heard("--separate-speakers", "--as-spoken") {
		assert.NotEmpty(t, s.Speaker)
		assert.NotEmpty(t, s.Role)
		assert.Empty(t, s.Spoken)
		assert.NotContains(t, s.Text, "。", "as spoken")
	}
	for _, s := range heard("--suppress-crosstalk") {
		assert.Empty(t, s.Speaker)
		assert.Empty(t, s.Role)
	}
	for _, seat := range []string{"judge", "8=judge", "0=nobody", "-1=judge"} {
		code, _, _ := transcribed(t, sound, "--seat", seat)
		assert.Equal(t, exitUsage, code, seat)
	}
	code, _, stderr := transcribed(t, sound, "--seat", "0=judge", "--seat", "0=clerk")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "given already")
}

func TestARoleThatIsFoundLateIsThatOfWhatWasSaidBefore(t *testing.T) {
	segments := []speech.Segment{
		{Speaker: "S1", Role: "unknown"}, {Speaker: "S2", Role: "unknown"}, {Speaker: "S1", Role: "judge"},
		{Speaker: "S1", Role: "unknown", Channel: 1}, {Role: "unknown"}, {},
	}
	nameSpeakers(segments)
	var roles []string
	for _, s := range segments {
		roles = append(roles, s.Role)
	}
	assert.Equal(t, []string{"judge", "unknown", "judge", "unknown", "unknown", ""}, roles)
}

func TestTranscribeOfAFolderWritesAFileEach(t *testing.T) {
	out := t.TempDir()
	dir := t.TempDir()
	for _, name := range []string{"court-zh-16k.wav", "opening-zh-opus.ogg"} {
		content, err := os.ReadFile(testinput.Testdata(t, "speech", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.wav"), []byte("RIFF"), 0o600))
	code, _, stderr := transcribed(t, dir, "--format", "srt", "-o", out)
	assert.Equal(t, exitFailed, code, "one file is bad")
	assert.Contains(t, stderr, "bad.wav")
	for _, name := range []string{"court-zh-16k.srt", "opening-zh-opus.srt"} {
		content, err := os.ReadFile(filepath.Join(out, name))
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(content), "1\n00:00:0"), name)
		assert.NotContains(t, string(content), "[speech]", name)
	}
}

// A recording is played to ALSA as a microphone. Its null device keeps no time, so most of the sound is lost: what is shown is
// that a device is opened by name, heard, and let go.
func TestTranscribeHearsAMicrophoneWithoutSoundHardware(t *testing.T) {
	const system = "/usr/share/alsa/alsa.conf"
	if _, err := os.Stat(system); err != nil {
		t.Skipf("needs ALSA's configuration: %v", err)
	}
	dir := t.TempDir()
	sound, err := os.ReadFile(testinput.Testdata(t, "speech", "court-zh-16k.wav"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sound.raw"), sound[44:], 0o600))
	config := "<" + system + ">\npcm.bench {\n type file\n slave.pcm null\n file /dev/null\n infile \"" + filepath.Join(dir, "sound.raw") +
		"\"\n format raw\n hint.description \"a recording played as a microphone\"\n}\n"
	path := filepath.Join(dir, "asound.conf")
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	t.Setenv("ALSA_CONFIG_PATH", path)
	devices, err := microphone.Devices()
	require.NoError(t, err)
	found := false
	for _, d := range devices {
		found = found || d.Name == "bench"
	}
	if !found {
		t.Skipf("PortAudio does not list devices of the configuration: %v", devices)
	}
	code, _, stderr := transcribed(t, "--mic", "--microphone", "bench", "--duration", "500ms")
	assert.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stderr, `recording from "bench"`)
}

func TestLiveTextShowsItsEnd(t *testing.T) {
	var words []speech.Word
	for _, r := range "现在开庭请原告陈述" {
		words = append(words, speech.Word{Text: string(r)})
	}
	assert.Equal(t, "\x1b[1m现在开庭\x1b[0m请原告陈述", liveText(words, 4, 40))
	assert.Equal(t, "告陈述", liveText(words, 4, 7), "the end of what does not fit")
	assert.Equal(t, "the court", liveText([]speech.Word{{Text: "the"}, {Text: "court"}}, 0, 40))
}

func TestMeterFollowsTheLevel(t *testing.T) {
	loud := make([]byte, 3200)
	for i := range loud {
		loud[i] = 0x40
	}
	m := &meter{r: bytes.NewReader(append(make([]byte, 3200), loud...))}
	b := make([]byte, 3200)
	_, err := m.Read(b)
	require.NoError(t, err)
	assert.Equal(t, "[............]", m.bar())
	_, err = m.Read(b)
	require.NoError(t, err)
	assert.InDelta(t, .5, math.Float64frombits(m.level.Load()), .01)
	assert.Equal(t, "[##########..]", m.bar())
}
