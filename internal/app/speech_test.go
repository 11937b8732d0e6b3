package app_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/testinput"
)

type interval struct {
	start, end float64
	channel    int32
}

// truth reads the intervals beside a speech sample.
func truth(t *testing.T, name string) []interval {
	var out []interval
	lines := bufio.NewScanner(bytes.NewReader(sample(t, "speech", name+".txt")))
	for lines.Scan() {
		var i interval
		_, err := fmt.Sscanf(lines.Text(), "%f\t%f\t%d", &i.start, &i.end, &i.channel)
		require.NoError(t, err)
		out = append(out, i)
	}
	return out
}

// requireHeard holds segments to the truth: every utterance is covered, and nothing is heard where nobody speaks.
func requireHeard(t *testing.T, want []interval, got []*pb.SpeechSegment) {
	t.Helper()
	for _, w := range want {
		covered := 0.0
		for _, g := range got {
			if g.GetChannel() == w.channel {
				covered += max(0, min(w.end, g.GetEndSeconds())-max(w.start, g.GetStartSeconds()))
			}
		}
		require.Greater(t, covered/(w.end-w.start), .85, "%+v of %v", w, got)
	}
	for _, g := range got {
		within := 0.0
		for _, w := range want {
			if g.GetChannel() == w.channel {
				within += max(0, min(w.end, g.GetEndSeconds())-max(w.start, g.GetStartSeconds()))
			}
		}
		require.Greater(t, within/(g.GetEndSeconds()-g.GetStartSeconds()), .6, "%v against %+v", g, want)
	}
}

// unwritten turns the recogniser off.
func unwritten(c *conf.Config) { c.Speech.Recognition.Model = "none" }

func TestRecordingsOfEveryKindAreSegmented(t *testing.T) {
	conn, _ := start(t, app.Speech, unwritten)
	for _, file := range []string{
		"court-zh-16k.wav", "court-en-16k.wav", "two-seats-16k.wav", "session-en-8k.wav", "opening-zh-48k.flac",
		"opening-zh-opus.ogg", "record-en-44k.mp3",
	} {
		t.Run(file, func(t *testing.T) {
			audio := sample(t, "speech", file)
			answer, err := pb.NewSpeechServiceClient(conn).Recognize(callContext(t), &pb.SpeechServiceRecognizeRequest{
				Audio:  &pb.AudioFile{Content: audio},
				Config: &pb.RecognitionConfig{HotWords: []*pb.HotWord{{Phrase: "合同"}}},
			})
			require.NoError(t, err)
			name, _, _ := strings.Cut(file, ".")
			requireHeard(t, truth(t, name), answer.GetSegments())
			requireProvenance(t, answer.GetProvenance(), "audio.content", audio, "voice-activity")
			require.Equal(t, "NO_RECOGNIZER", answer.GetHotWords().GetUnusable()[0].GetReason())
			for i, s := range answer.GetSegments() {
				require.EqualValues(t, i+1, s.GetId())
				require.Empty(t, s.GetText())
				require.Empty(t, s.GetWords())
			}
		})
	}
}

func TestPublishedDetectorHearsNoSpeechInTones(t *testing.T) {
	models := testinput.SharedModels(t, "speech/silero_vad_16k_op15.onnx")
	conn, _ := start(t, app.Speech, func(c *conf.Config) { c.Models.Dir = models }, unwritten)
	answer, err := pb.NewSpeechServiceClient(conn).Recognize(callContext(t), &pb.SpeechServiceRecognizeRequest{
		Audio: &pb.AudioFile{Content: sample(t, "speech", "tones-16k.wav")},
	})
	require.NoError(t, err)
	require.Empty(t, answer.GetSegments())
	require.Equal(t, "models/vad-silero-16k", answer.GetProvenance().GetModels()[0].GetName())
}

// listen opens a stream with a configuration and reads its acknowledgement.
func listen(ctx context.Context, t *testing.T, client pb.SpeechServiceClient, c *pb.StreamingConfig) pb.SpeechService_StreamingRecognizeClient {
	stream, err := client.StreamingRecognize(ctx)
	require.NoError(t, err)
	require.NoError(t, stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Config{Config: c}}))
	first, err := stream.Recv()
	require.NoError(t, err)
	require.NotNil(t, first.GetReady(), "%v", first)
	require.NotNil(t, first.GetProvenance())
	return stream
}

func audioMessage(b []byte) *pb.StreamingRecognizeRequest {
	return &pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Audio{Audio: b}}
}

func TestStreamHearsTheSameInAnyChunks(t *testing.T) {
	conn, _ := start(t, app.Speech)
	client := pb.NewSpeechServiceClient(conn)
	audio := sample(t, "speech", "two-seats-16k.wav")
	whole, err := client.Recognize(callContext(t), &pb.SpeechServiceRecognizeRequest{Audio: &pb.AudioFile{Content: audio}})
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	stream := listen(callContext(t), t, client, &pb.StreamingConfig{
		Recognition: &pb.RecognitionConfig{ChannelRoles: []*pb.ChannelRole{
			{Channel: 0, Role: pb.SpeakerRole_SPEAKER_ROLE_JUDGE}, {Channel: 1, Role: pb.SpeakerRole_SPEAKER_ROLE_CLERK},
		}},
		InterimResults: true, SpeechActivityEvents: true,
	})
	go func() {
		for rest := audio; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(4000))
			if stream.Send(audioMessage(rest[:n])) != nil {
				return
			}
			rest = rest[n:]
		}
		_ = stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_HotWordUpdate{
			HotWordUpdate: &pb.HotWordUpdate{Add: []*pb.HotWord{{Phrase: "海淀"}}},
		}})
		_ = stream.CloseSend()
	}()
	finals, interim, begun, ended := map[int64]*pb.SpeechSegment{}, 0, 0, 0
	var done *pb.StreamDone
	var hotWords *pb.HotWordReport
	for {
		m, err := stream.Recv()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		require.Nil(t, done, "nothing comes after done")
		switch {
		case m.GetResult() != nil:
			s := m.GetResult().GetSegments()[0]
			require.NotContains(t, finals, s.GetId(), "a final segment never changes")
			if m.GetResult().GetIsFinal() {
				finals[s.GetId()] = s
				require.NotNil(t, m.GetProvenance())
			} else {
				interim++
			}
			require.GreaterOrEqual(t, m.GetResult().GetProcessedSeconds(), s.GetStartSeconds())
			require.Equal(t, map[int32]pb.SpeakerRole{0: pb.SpeakerRole_SPEAKER_ROLE_JUDGE, 1: pb.SpeakerRole_SPEAKER_ROLE_CLERK}[s.GetChannel()], s.GetRole())
		case m.GetActivity().GetType() == pb.SpeechActivityType_SPEECH_ACTIVITY_TYPE_BEGIN:
			begun++
		case m.GetActivity().GetType() == pb.SpeechActivityType_SPEECH_ACTIVITY_TYPE_END:
			ended++
		case m.GetHotWords() != nil:
			hotWords = m.GetHotWords()
		case m.GetDone() != nil:
			done = m.GetDone()
			requireProvenance(t, m.GetProvenance(), "audio", audio, "voice-activity")
		}
	}
	require.Len(t, finals, len(whole.GetSegments()))
	for _, w := range whole.GetSegments() {
		s := finals[w.GetId()]
		require.Equal(t, w.GetText(), s.GetText())
		require.NotEmpty(t, s.GetText())
		require.Equal(t, [3]float64{w.GetStartSeconds(), w.GetEndSeconds(), float64(w.GetChannel())}, [3]float64{s.GetStartSeconds(), s.GetEndSeconds(), float64(s.GetChannel())})
	}
	require.Positive(t, interim)
	require.Equal(t, len(finals), begun)
	require.Equal(t, len(finals), ended)
	require.EqualValues(t, 1, hotWords.GetUsableCount())
	require.Empty(t, hotWords.GetUnusable())
	require.EqualValues(t, len(finals), done.GetSegmentCount())
	require.EqualValues(t, 2, done.GetAudioChannelCount())
	require.InDelta(t, whole.GetAudioSeconds(), done.GetAudioSeconds(), 1e-9)
}

func TestSpeechStreamRules(t *testing.T) {
	conn, _ := start(t, app.Speech)
	client := pb.NewSpeechServiceClient(conn)
	config := func(c *pb.RecognitionConfig) *pb.StreamingRecognizeRequest {
		return &pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Config{Config: &pb.StreamingConfig{Recognition: c}}}
	}
	raw := &pb.RecognitionConfig{Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: 16000}
	nan := &pb.RecognitionConfig{Encoding: pb.AudioEncoding_AUDIO_ENCODING_FLOAT32, SampleRateHertz: 16000}
	wav := sample(t, "speech", "court-en-16k.wav")
	for name, c := range map[string]struct {
		messages []*pb.StreamingRecognizeRequest
		code     codes.Code
		reason   string
	}{
		"audio first":      {[]*pb.StreamingRecognizeRequest{audioMessage([]byte{1, 2})}, codes.InvalidArgument, "INVALID_CONFIG"},
		"configured twice": {[]*pb.StreamingRecognizeRequest{config(raw), config(raw)}, codes.InvalidArgument, "INVALID_CONFIG"},
		"no rate":          {[]*pb.StreamingRecognizeRequest{config(&pb.RecognitionConfig{Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16})}, codes.InvalidArgument, "INVALID_VALUE"},
		"wrong rate":       {[]*pb.StreamingRecognizeRequest{config(&pb.RecognitionConfig{SampleRateHertz: 8000}), audioMessage(wav)}, codes.InvalidArgument, "INVALID_CONFIG"},
		"wrong encoding":   {[]*pb.StreamingRecognizeRequest{config(&pb.RecognitionConfig{Encoding: pb.AudioEncoding_AUDIO_ENCODING_FLAC}), audioMessage(wav)}, codes.InvalidArgument, "INVALID_CONFIG"},
		"no audio at all":  {[]*pb.StreamingRecognizeRequest{config(&pb.RecognitionConfig{}), audioMessage([]byte(strings.Repeat("text ", 100)))}, codes.InvalidArgument, "UNSUPPORTED_TYPE"},
		"NaN samples":      {[]*pb.StreamingRecognizeRequest{config(nan), audioMessage(bytes.Repeat([]byte{0, 0, 0xc0, 0x7f}, 20000))}, codes.InvalidArgument, "INVALID_VALUE"},
		"long padding": {[]*pb.StreamingRecognizeRequest{config(&pb.RecognitionConfig{VoiceActivity: &pb.VoiceActivityConfig{
			MinSilence: durationpb.New(100 * time.Millisecond), Padding: durationpb.New(300 * time.Millisecond),
		}})}, codes.InvalidArgument, "INVALID_CONFIG"},
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := client.StreamingRecognize(callContext(t))
			require.NoError(t, err)
			for _, m := range c.messages {
				if err := stream.Send(m); err != nil {
					require.ErrorIs(t, err, io.EOF)
				}
			}
			_ = stream.CloseSend()
			requireRefused(t, drain(stream), c.code, c.reason)
		})
	}
}

func TestTheServersPaddingGivesWayToAShorterPause(t *testing.T) {
	conn, _ := start(t, app.Speech)
	answer, err := pb.NewSpeechServiceClient(conn).Recognize(callContext(t), &pb.SpeechServiceRecognizeRequest{
		Audio:  &pb.AudioFile{Content: sample(t, "speech", "court-en-16k.wav")},
		Config: &pb.RecognitionConfig{VoiceActivity: &pb.VoiceActivityConfig{MinSilence: durationpb.New(100 * time.Millisecond)}},
	})
	require.NoError(t, err)
	require.Equal(t, "100ms", answer.GetProvenance().GetConfiguration()["voice_activity.padding"])
}

func TestSilentClientIsToldAndLetGo(t *testing.T) {
	conn, _ := start(t, app.Speech)
	stream := listen(callContext(t), t, pb.NewSpeechServiceClient(conn), &pb.StreamingConfig{
		Recognition: &pb.RecognitionConfig{}, IdleTimeout: durationpb.New(time.Second),
	})
	requireRefused(t, drain(stream), codes.DeadlineExceeded, "IDLE_TIMEOUT")
}

func TestClientThatVanishesLeavesNothingBehind(t *testing.T) {
	conn, _ := start(t, app.Speech)
	ctx, cancel := context.WithCancel(callContext(t))
	stream := listen(ctx, t, pb.NewSpeechServiceClient(conn), &pb.StreamingConfig{Recognition: &pb.RecognitionConfig{}})
	require.NoError(t, stream.Send(audioMessage(sample(t, "speech", "court-en-16k.wav")[:5000])))
	cancel()
	require.Equal(t, codes.Canceled, status.Code(drain(stream)))
	// That no goroutine and no session stays is what TestMain and the app's Close check.
}

func TestEmptyStreamEndsWell(t *testing.T) {
	conn, _ := start(t, app.Speech)
	client := pb.NewSpeechServiceClient(conn)
	nothing, err := client.StreamingRecognize(callContext(t))
	require.NoError(t, err)
	require.NoError(t, nothing.CloseSend())
	require.ErrorIs(t, drain(nothing), io.EOF)

	raw := listen(callContext(t), t, client, &pb.StreamingConfig{Recognition: &pb.RecognitionConfig{
		Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: 16000,
	}})
	require.NoError(t, raw.CloseSend())
	requireRefused(t, drain(raw), codes.InvalidArgument, "EMPTY")
}
