package speech

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/speech/acoustic"
	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/decode"
	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/endpoint"
	"github.com/courtsense/courtsense/speech/hotword"
	"github.com/courtsense/courtsense/speech/internal/vadtest"
	"github.com/courtsense/courtsense/speech/vad"
)

// openRecognizer opens the embedded recogniser, which lives as long as the test, without a language model.
func openRecognizer(tb testing.TB) *Recognizer {
	tb.Helper()
	store, err := models.Open(nil, tb.TempDir())
	require.NoError(tb, err)
	artifact, err := store.Resolve("speech-recognition-embedded")
	require.NoError(tb, err)
	backend, err := onnx.NewBackend(onnx.Config{})
	if err != nil {
		tb.Skipf("needs ONNX Runtime: %v", err)
	}
	x, err := backend.Open(context.Background(), artifact, pipeline.Options{Device: "cpu", IntraThreads: 1})
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = x.Close() })
	tokens, err := artifact.Bytes(models.RoleTokens)
	require.NoError(tb, err)
	model, err := acoustic.New(context.Background(), artifact.Entry, acoustic.Networks{models.RoleModel: x}, tokens)
	require.NoError(tb, err)
	lex, err := lexicon.FromModel(model.Tokens(), lexicon.Options{})
	require.NoError(tb, err)
	decoder, err := decode.New(lex, decode.Config{Beam: 8})
	require.NoError(tb, err)
	return &Recognizer{Acoustic: model, Decoder: decoder}
}

func (r *Recognizer) graph(tb testing.TB, words ...string) *hotword.Graph {
	tb.Helper()
	var phrases []hotword.Phrase
	for _, w := range words {
		phrases = append(phrases, hotword.Phrase{Text: w})
	}
	g, unusable := hotword.Compile(phrases, hotword.Options{Lexicon: r.Decoder.Lexicon()})
	require.Empty(tb, unusable)
	return g
}

func soundFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(testinput.Testdata(tb, "speech", name))
	require.NoError(tb, err)
	return b
}

func TestWhatIsSaidIsWrittenDown(t *testing.T) {
	r := openRecognizer(t)
	detector, _ := vadtest.Open(t, vadtest.Embedded)
	s, err := NewSegmenter(detector, Config{Recognition: &Recognition{Recognizer: r, Endpoint: DefaultEndpoint(), Alternatives: 3}})
	require.NoError(t, err)
	results, _, err := collect(s, bytes.NewReader(soundFile(t, "court-zh-16k.wav")))
	require.NoError(t, err)
	said := map[int]string{}
	interim := map[int][]Result{}
	for _, x := range results {
		t.Logf("%.2f final=%v stable=%d [%.2f-%.2f] %.2f %s %v", x.Heard, x.Final, x.Stable, x.Start, x.End, x.Confidence, x.Text, x.Alternatives)
		require.LessOrEqual(t, x.Stable, len(x.Words))
		last := x.Start
		for _, w := range x.Words {
			require.GreaterOrEqual(t, w.Start, last, "words follow each other")
			require.GreaterOrEqual(t, w.End, w.Start)
			require.LessOrEqual(t, w.End, x.End)
			require.InDelta(t, .5, w.Confidence, .5)
			last = w.Start
		}
		if !x.Final {
			if before := interim[x.Index]; len(before) > 0 {
				b := before[len(before)-1]
				require.GreaterOrEqual(t, x.Stable, b.Stable, "what is stable stays")
				for i := range b.Stable {
					require.Equal(t, b.Words[i].Text, x.Words[i].Text)
				}
			}
			interim[x.Index] = append(interim[x.Index], x)
			continue
		}
		said[x.Index] = x.Text
		require.Equal(t, len(x.Words), x.Stable)
		require.NotEmpty(t, x.Text)
		require.Positive(t, x.Confidence)
	}
	require.NotEmpty(t, said)
}

// cuts reads in pieces of random sizes.
type cuts struct {
	random *rand.Rand
	rest   []byte
	most   int
}

func (c *cuts) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := min(1+c.random.IntN(c.most), len(c.rest), len(b))
	copy(b, c.rest[:n])
	c.rest = c.rest[n:]
	return n, nil
}

// A stream gives exactly the results of the file, however its bytes are cut: text, times, confidences and interim results.
func TestStreamedResultsEqualTheFilesForAnyCuts(t *testing.T) {
	r := openRecognizer(t)
	detector, _ := vadtest.Open(t, vadtest.Embedded)
	words := r.graph(t, "海淀区", "人民法院")
	for _, name := range []string{"court-zh-16k.wav", "two-seats-16k.wav", "opening-zh-opus.ogg"} {
		t.Run(name, func(t *testing.T) {
			sound := soundFile(t, name)
			s, err := NewSegmenter(detector, Config{Interim: 300 * time.Millisecond, Recognition: &Recognition{
				Recognizer: r, HotWords: words, Alternatives: 2,
				Endpoint: endpoint.Rules{SilenceAfterText: 300 * time.Millisecond, MaxUtterance: 2 * time.Second},
			}})
			require.NoError(t, err)
			want, _, err := collect(s, bytes.NewReader(sound))
			require.NoError(t, err)
			for seed := range uint64(6) {
				most := []int{200, 2000, 20000}[seed%3]
				got, _, err := collect(s, &cuts{rand.New(rand.NewPCG(seed, 1)), sound, most})
				require.NoError(t, err)
				require.Equal(t, want, got, "seed %d, pieces of up to %d bytes", seed, most)
			}
		})
	}
}

func TestRulesEndUtterancesThatVoiceActivityDoesNot(t *testing.T) {
	r := openRecognizer(t)
	sound := soundFile(t, "court-zh-16k.wav")
	run := func(rules endpoint.Rules, cfg vad.Config) []Result {
		s, err := NewSegmenter(vad.NewEnergy(), Config{VAD: cfg, Interim: -1, Recognition: &Recognition{Recognizer: r, Endpoint: rules}})
		require.NoError(t, err)
		results, _, err := collect(s, bytes.NewReader(sound))
		require.NoError(t, err)
		return results
	}
	whole := vad.Config{MinSilence: 10 * time.Second, Pad: -1} // the pauses between the sentences belong to the speech
	one := run(endpoint.Rules{}, whole)
	require.Len(t, one, 1)
	cut := run(endpoint.Rules{SilenceAfterText: 600 * time.Millisecond}, whole)
	require.Greater(t, len(cut), 1)
	text := ""
	for i, x := range cut {
		t.Logf("[%.2f-%.2f] %v %s", x.Start, x.End, x.EndedBy, x.Text)
		require.NotEmpty(t, x.Text, "what has no text is not reported once a rule has ended the segment before")
		require.Equal(t, i, x.Index)
		if i > 0 {
			require.GreaterOrEqual(t, x.Start, cut[i-1].End)
		}
		text += x.Text
	}
	require.InDelta(t, len(one[0].Text), len(text), 12, "nothing is lost or said twice: %s and %s", one[0].Text, text)

	long := run(endpoint.Rules{MaxUtterance: 2 * time.Second}, whole)
	require.Greater(t, len(long), len(cut))
	text = ""
	for _, x := range long {
		t.Logf("[%.2f-%.2f] %v %s", x.Start, x.End, x.EndedBy, x.Text)
		require.Less(t, x.End-x.Start, 2.8)
		text += x.Text
	}
	require.InDelta(t, len(one[0].Text), len(text), 24, "%s and %s", one[0].Text, text)
}

func TestHotWordsComeAndGoInMidStream(t *testing.T) {
	r := openRecognizer(t)
	s, err := NewSegmenter(vad.NewEnergy(), Config{Recognition: &Recognition{Recognizer: r}})
	require.NoError(t, err)
	sound := soundFile(t, "court-zh-16k.wav")
	var with []string
	st := s.Open(t.Context(), func(x Result) error {
		for _, w := range x.Words {
			if x.Final && w.HotWord != "" {
				with = append(with, w.HotWord)
			}
		}
		return nil
	})
	defer st.Close()
	st.SetHotWords(r.graph(t, "现在开庭"))
	require.NoError(t, st.Write(t.Context(), sound))
	st.SetHotWords(nil)
	_, err = st.Finish(t.Context())
	require.NoError(t, err)
	t.Log(with)
}

func TestNothingToHearGivesNoText(t *testing.T) {
	r := openRecognizer(t)
	detector, _ := vadtest.Open(t, vadtest.Embedded)
	s, err := NewSegmenter(detector, Config{
		Audio: audio.Config{Encoding: audio.Linear16, SampleRate: 16000}, Recognition: &Recognition{Recognizer: r, Endpoint: DefaultEndpoint()},
	})
	require.NoError(t, err)
	results, summary, err := collect(s, &endless{sound: make([]byte, 32000), left: 60 * 32000})
	require.NoError(t, err)
	assert.Empty(t, results)
	assert.Equal(t, time.Minute, summary.Duration)
}
