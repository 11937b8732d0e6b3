package app_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
)

// wave makes seconds of 16-bit sound at 16 kHz.
func wave(seconds float64, at func(t float64) float64) []byte {
	out := make([]byte, 0, int(seconds*32000))
	for i := range int(seconds * 16000) {
		v := min(max(at(float64(i)/16000), -1), 1)
		out = binary.LittleEndian.AppendUint16(out, uint16(int16(v*32767)))
	}
	return out
}

// halved is sound at half its rate, each sample the mean of two.
func halved(pcm []byte) []byte {
	out := make([]byte, 0, len(pcm)/2)
	for i := 0; i+3 < len(pcm); i += 4 {
		sum := int(int16(binary.LittleEndian.Uint16(pcm[i:]))) + int(int16(binary.LittleEndian.Uint16(pcm[i+2:])))
		out = binary.LittleEndian.AppendUint16(out, uint16(int16(sum/2)))
	}
	return out
}

// What is no speech, or badly recorded, is heard to its end; the answer is whatever segments there are, in order and within the
// sound.
func TestOddSoundIsHeardToItsEnd(t *testing.T) {
	conn, _ := start(t, app.Speech)
	client := pb.NewSpeechServiceClient(conn)
	speech := sample(t, "speech", "court-zh-16k.wav")[44:]
	changed := func(f func(v float64) float64) []byte {
		out := bytes.Clone(speech)
		for i := 0; i+1 < len(out); i += 2 {
			v := f(float64(int16(binary.LittleEndian.Uint16(out[i:]))) / 32768)
			binary.LittleEndian.PutUint16(out[i:], uint16(int16(min(max(v, -1), 1)*32767)))
		}
		return out
	}
	seed := uint32(1)
	noise := func(float64) float64 {
		seed = seed*1664525 + 1013904223
		return float64(seed>>8)/(1<<23) - 1
	}
	for name, c := range map[string]struct {
		sound []byte
		text  bool  // what is said is in it
		rate  int32 // that is declared; 0: 16 kHz
	}{
		"silence": {make([]byte, 2*60*32000), false, 0},
		"music": {wave(20, func(t float64) float64 {
			return .3*math.Sin(880*math.Pi*t) + .3*math.Sin(1108*math.Pi*t) + .2*math.Sin(1318*math.Pi*t)
		}), false, 0},
		"noise":          {wave(20, noise), false, 0},
		"full scale":     {wave(10, func(t float64) float64 { return math.Copysign(1, math.Sin(600*t)) }), false, 0},
		"clipped speech": {changed(func(v float64) float64 { return 30 * v }), true, 0},
		"DC offset":      {changed(func(v float64) float64 { return v*.5 + .4 }), true, 0},
		"very quiet":     {changed(func(v float64) float64 { return v * .02 }), false, 0},
		"one sample":     {speech[:2], false, 0},
		"telephone":      {halved(speech), true, 8000},
		// Nothing in raw samples tells their rate. Half or twice as fast it is noise to a recogniser, and heard to its end all the same.
		"half the rate declared":  {speech, false, 8000},
		"twice the rate declared": {speech, false, 32000},
	} {
		t.Run(name, func(t *testing.T) {
			rate := cmp.Or(c.rate, 16000)
			answer, err := client.Recognize(callContext(t), &pb.SpeechServiceRecognizeRequest{
				Config: &pb.RecognitionConfig{Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: rate}, Audio: &pb.AudioFile{Content: c.sound},
			})
			require.NoError(t, err)
			require.InDelta(t, float64(len(c.sound)/2)/float64(rate), answer.GetAudioSeconds(), 1e-9)
			last, text := 0., ""
			for _, s := range answer.GetSegments() {
				require.GreaterOrEqual(t, s.GetStartSeconds(), last)
				require.GreaterOrEqual(t, s.GetEndSeconds(), s.GetStartSeconds())
				require.LessOrEqual(t, s.GetEndSeconds(), answer.GetAudioSeconds()+1e-9)
				last, text = s.GetEndSeconds(), text+s.GetText()
			}
			t.Logf("%d segments: %s", len(answer.GetSegments()), text)
			if c.text {
				require.NotEmpty(t, text)
			}
		})
	}
}

// Nobody speaks for as long as COURTSENSE_SILENCE says (1h, say), and then somebody does: nothing is heard before, and the sentence
// is, at its time. A client that sends faster than real time is held back, not dropped.
func TestSpeechAfterLongSilence(t *testing.T) {
	length, err := time.ParseDuration(cmp.Or(os.Getenv("COURTSENSE_SILENCE"), "2m"))
	require.NoError(t, err)
	conn, _ := start(t, app.Speech)
	ctx, cancel := context.WithTimeout(t.Context(), long+length)
	defer cancel()
	stream := listen(ctx, t, pb.NewSpeechServiceClient(conn), &pb.StreamingConfig{Recognition: &pb.RecognitionConfig{
		Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: 16000,
	}})
	go func() {
		quiet := make([]byte, 32000)
		for range int(length.Seconds()) {
			if stream.Send(audioMessage(quiet)) != nil {
				return
			}
		}
		_ = stream.Send(audioMessage(sample(t, "speech", "court-zh-16k.wav")[44:]))
		_ = stream.CloseSend()
	}()
	text := ""
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		for _, s := range m.GetResult().GetSegments() {
			require.Greater(t, s.GetStartSeconds(), length.Seconds()-1)
			if m.GetResult().GetIsFinal() {
				text += s.GetText()
			}
		}
	}
	require.NotEmpty(t, text)
}

func TestHotWordsThatCannotBeUsedComeBackWithTheReason(t *testing.T) {
	conn, _ := start(t, app.Speech)
	client := pb.NewSpeechServiceClient(conn)
	words := []*pb.HotWord{
		{Phrase: "海淀区人民法院"}, {Phrase: strings.Repeat("很长的词语", 100)}, {Phrase: "张"}, {Phrase: "海淀区人民法院"},
		{Phrase: "海淀区人民法院", Weight: 3}, {Phrase: "，。！"}, {Phrase: "ᚠᚢᚦ"},
	}
	stream := listen(callContext(t), t, client, &pb.StreamingConfig{Recognition: &pb.RecognitionConfig{
		Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: 16000,
	}})
	report := func(u *pb.HotWordUpdate) *pb.HotWordReport {
		require.NoError(t, stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_HotWordUpdate{HotWordUpdate: u}}))
		m, err := stream.Recv()
		require.NoError(t, err)
		require.NotNil(t, m.GetHotWords(), "%v", m)
		return m.GetHotWords()
	}
	r := report(&pb.HotWordUpdate{Add: words})
	require.EqualValues(t, 1, r.GetUsableCount())
	reasons := map[string]int{}
	for _, u := range r.GetUnusable() {
		reasons[u.GetReason()]++
		require.NotEmpty(t, u.GetDetail())
	}
	require.Equal(t, map[string]int{"TOO_LONG": 1, "TOO_SHORT": 2, "DUPLICATE": 1, "CONFLICT": 1, "NO_TOKENS": 1}, reasons)

	// Ten thousand are taken; what is more is refused with the reason, and the stream goes on.
	many := make([]*pb.HotWord, 9999)
	for i := range many {
		many[i] = &pb.HotWord{Phrase: fmt.Sprintf("证人%c%c%c", '一'+rune(i%89)*7, '丁'+rune(i/89%89)*5, '三'+rune(i/7921)*3)}
	}
	r = report(&pb.HotWordUpdate{Add: many, Remove: []string{"从来没有过"}})
	require.Greater(t, int(r.GetUsableCount()), 9000)
	before := r.GetUsableCount() + int32(len(r.GetUnusable()))
	require.EqualValues(t, 10000, before)
	r = report(&pb.HotWordUpdate{Replace: true, Add: words[:1]})
	require.EqualValues(t, 1, r.GetUsableCount())
	r = report(&pb.HotWordUpdate{Remove: []string{"海淀区人民法院"}})
	require.EqualValues(t, 0, r.GetUsableCount())

	over := make([]*pb.HotWord, 100_000)
	for i := range over {
		over[i] = &pb.HotWord{Phrase: "合同编号"}
	}
	_, err := client.Recognize(callContext(t), &pb.SpeechServiceRecognizeRequest{
		Config: &pb.RecognitionConfig{HotWords: over}, Audio: &pb.AudioFile{Content: sample(t, "speech", "court-en-16k.wav")},
	})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
}

func TestWhatTheRecognizerDoesNotKnowIsRefused(t *testing.T) {
	conn, _ := start(t, app.Speech)
	client := pb.NewSpeechServiceClient(conn)
	sound := &pb.AudioFile{Content: sample(t, "speech", "court-zh-16k.wav")}
	recognize := func(c *pb.RecognitionConfig) (*pb.SpeechServiceRecognizeResponse, error) {
		return client.Recognize(callContext(t), &pb.SpeechServiceRecognizeRequest{Config: c, Audio: sound})
	}
	for _, code := range []string{"zh", "zh-CN", "cmn-Hans-CN", ""} {
		_, err := recognize(&pb.RecognitionConfig{LanguageCode: code})
		require.NoError(t, err, code)
	}
	for _, code := range []string{"en-GB", "not a language"} {
		_, err := recognize(&pb.RecognitionConfig{LanguageCode: code})
		requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")
	}
	_, err := recognize(&pb.RecognitionConfig{Model: "speech-recognition-zipformer-zh"})
	requireRefused(t, err, codes.FailedPrecondition, "MODEL_NOT_LOADED")
	_, err = recognize(&pb.RecognitionConfig{Model: "vad-embedded"})
	requireRefused(t, err, codes.InvalidArgument, "INVALID_VALUE")

	plain, err := recognize(&pb.RecognitionConfig{Model: "speech-recognition-embedded", MaxAlternatives: 4})
	require.NoError(t, err)
	alternatives := 0
	for _, s := range plain.GetSegments() {
		require.LessOrEqual(t, len(s.GetAlternatives()), 4)
		alternatives += len(s.GetAlternatives())
		require.EqualValues(t, len(s.GetWords()), s.GetStableWordCount())
	}
	require.Positive(t, alternatives)
	set := plain.GetProvenance().GetConfiguration()
	require.Equal(t, "speech-recognition-embedded", set["recognition.model"])
	require.Equal(t, "2.4s", set["endpointing.silence_without_text"])
	tasks := map[string]bool{}
	for _, m := range plain.GetProvenance().GetModels() {
		tasks[m.GetTask()] = true
		require.NotEmpty(t, m.GetSha256())
	}
	for _, task := range []string{"voice-activity", "speech-recognition", "speech-language"} {
		require.True(t, tasks[task], "%s of %v", task, tasks)
	}

	cleaned, err := recognize(&pb.RecognitionConfig{SuppressNoise: true, ControlGain: true})
	require.NoError(t, err)
	require.Equal(t, "speexdsp", cleaned.GetProvenance().GetConfiguration()["enhancement.model"])
	require.NotEmpty(t, cleaned.GetSegments())
}

// A client that lost its connection begins again, and hears what it would have heard.
func TestReconnectingClientIsHeardAnew(t *testing.T) {
	conn, _ := start(t, app.Speech)
	client := pb.NewSpeechServiceClient(conn)
	sound := sample(t, "speech", "court-zh-16k.wav")
	hear := func() (texts []string) {
		stream := listen(callContext(t), t, client, &pb.StreamingConfig{
			Recognition: &pb.RecognitionConfig{}, Endpointing: &pb.EndpointingConfig{SilenceAfterText: durationpb.New(700 * time.Millisecond)},
		})
		require.NoError(t, stream.Send(audioMessage(sound)))
		require.NoError(t, stream.CloseSend())
		for {
			m, err := stream.Recv()
			if err != nil {
				return texts
			}
			for _, s := range m.GetResult().GetSegments() {
				texts = append(texts, s.GetText())
			}
		}
	}
	want := hear()
	require.NotEmpty(t, want)
	for range 3 {
		ctx := callContext(t)
		dying := listen(ctx, t, client, &pb.StreamingConfig{Recognition: &pb.RecognitionConfig{}})
		require.NoError(t, dying.Send(audioMessage(sound[:len(sound)/2])))
		require.NoError(t, dying.CloseSend())
		_ = drain(dying)
		require.Equal(t, want, hear())
	}
}

// A sample that is cut in two says that something is missing: what was heard before it comes, then the refusal.
func TestStreamThatEndsInsideASampleIsToldSo(t *testing.T) {
	conn, _ := start(t, app.Speech)
	speech := sample(t, "speech", "court-zh-16k.wav")[44:]
	stream := listen(callContext(t), t, pb.NewSpeechServiceClient(conn), &pb.StreamingConfig{Recognition: &pb.RecognitionConfig{
		Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: 16000,
	}})
	require.NoError(t, stream.Send(audioMessage(speech[:len(speech)-1])))
	require.NoError(t, stream.CloseSend())
	finals := 0
	for {
		m, err := stream.Recv()
		if err != nil {
			requireRefused(t, err, codes.InvalidArgument, "TRUNCATED")
			break
		}
		if m.GetResult().GetIsFinal() {
			finals++
		}
	}
	require.Equal(t, 2, finals)
}

// A WAV file says how long it is; what follows is no sound of it.
func TestTwoFormatsInOneStream(t *testing.T) {
	conn, _ := start(t, app.Speech)
	client := pb.NewSpeechServiceClient(conn)
	wav := sample(t, "speech", "court-en-16k.wav")
	alone, err := client.Recognize(callContext(t), &pb.SpeechServiceRecognizeRequest{Audio: &pb.AudioFile{Content: wav}})
	require.NoError(t, err)
	both, err := client.Recognize(callContext(t), &pb.SpeechServiceRecognizeRequest{
		Audio: &pb.AudioFile{Content: append(bytes.Clone(wav), sample(t, "speech", "opening-zh-48k.flac")...)},
	})
	require.NoError(t, err)
	require.InDelta(t, alone.GetAudioSeconds(), both.GetAudioSeconds(), 1e-9)
	require.Len(t, both.GetSegments(), len(alone.GetSegments()))
}

func TestHotWordsOfTheServerAreAddedToThoseOfRequests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "words")
	require.NoError(t, os.WriteFile(file, []byte("# of this court\n海淀区人民法院\t2\n诉讼请求\n"), 0o600))
	conn, _ := start(t, app.Speech, func(c *conf.Config) { c.Speech.Recognition.HotWordsFile = file })
	answer, err := pb.NewSpeechServiceClient(conn).Recognize(callContext(t), &pb.SpeechServiceRecognizeRequest{
		Config: &pb.RecognitionConfig{HotWords: []*pb.HotWord{{Phrase: "退还货款"}, {Phrase: "诉讼请求", Weight: 2}}},
		Audio:  &pb.AudioFile{Content: sample(t, "speech", "court-zh-16k.wav")},
	})
	require.NoError(t, err)
	require.EqualValues(t, 3, answer.GetHotWords().GetUsableCount())
	require.Empty(t, answer.GetHotWords().GetUnusable())
	heard := ""
	for _, s := range answer.GetSegments() {
		for _, w := range s.GetWords() {
			heard += w.GetHotWord()
		}
	}
	require.Contains(t, heard, "诉讼请求")
}
