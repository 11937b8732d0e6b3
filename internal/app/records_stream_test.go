package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/telemetry"
)

// raw16 is how raw samples of one channel come.
func raw16(c *pb.StreamingConfig) {
	c.Recognition = &pb.RecognitionConfig{Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: 16000}
}

// utterances are three sentences, with silence between them.
func utterances(t *testing.T) []byte {
	t.Helper()
	one := sample(t, "speech", "court-zh-16k.wav")[44:]
	return bytes.Join([][]byte{one, silence(1.5), one, silence(1.5)}, nil)
}

// texts are what turns say, in order.
func texts(all []*pb.RecordTurn) (out []string) {
	for _, turn := range all {
		out = append(out, turn.GetText())
	}
	return out
}

// whole is what an unbroken stream makes of the sound.
func whole(t *testing.T, sound []byte) []*pb.RecordTurn {
	t.Helper()
	conn, _ := start(t, app.Speech, recorded(t.TempDir()))
	client := pb.NewSpeechServiceClient(conn)
	createRecord(t, client)
	require.NoError(t, speak(t, client, sound, raw16).err)
	return turns(t, client, nil)
}

func TestAStreamThatBreaksOffGoesOnWhereItWas(t *testing.T) {
	sound := utterances(t)
	want := whole(t, sound)
	require.GreaterOrEqual(t, len(want), 4)
	for name, keep := range map[string]bool{"with the sound": true, "without it": false} {
		t.Run(name, func(t *testing.T) {
			conn, _ := start(t, app.Speech, recorded(t.TempDir()), func(c *conf.Config) { c.Records.KeepAudio = keep })
			client := pb.NewSpeechServiceClient(conn)
			createRecord(t, client)
			// The client's connection breaks three times: nothing is half-closed, it is just gone.
			token, acknowledged := "", map[string]string{}
			for cut := 1; cut <= 3; cut++ {
				ctx, cancel := context.WithCancel(callContext(t))
				config := &pb.StreamingConfig{Record: hearing, ResumeToken: token}
				raw16(config)
				stream := listen2(ctx, t, client, config)
				token = stream.ready.GetResumeToken()
				from := 2 * int(stream.ready.GetResumeSeconds()*16000+.5)
				to := len(sound) / 4 * cut
				require.NoError(t, stream.Send(audioMessage(sound[from:max(from, to)])))
				if cut == 2 {
					// So far that something was acknowledged.
					for len(acknowledged) == 0 {
						m, err := stream.Recv()
						require.NoError(t, err)
						for _, s := range m.GetResult().GetSegments() {
							if m.GetResult().GetIsFinal() {
								acknowledged[s.GetTurn()] = s.GetText()
							}
						}
					}
				}
				cancel()
			}
			rest := speak(t, client, nil, func(c *pb.StreamingConfig) { raw16(c); c.ResumeToken = token })
			if rest.err == nil { // a stream without sound is refused where none came at all
				t.Fatal("a stream without sound ended well")
			}
			config := &pb.StreamingConfig{Record: hearing, ResumeToken: rest.ready.GetResumeToken()}
			raw16(config)
			stream := listen2(callContext(t), t, client, config)
			require.NoError(t, stream.Send(audioMessage(sound[2*int(stream.ready.GetResumeSeconds()*16000+.5):])))
			require.NoError(t, stream.CloseSend())
			end := listenTo(stream)
			require.NoError(t, end.err)
			got := turns(t, client, nil)
			for name, text := range acknowledged {
				assert.Contains(t, texts(got), text, name)
			}
			assert.Equal(t, strings.Join(texts(want), ""), strings.Join(texts(got), ""), "every word is there, and none twice")
			checked, err := client.VerifyRecord(callContext(t), &pb.VerifyRecordRequest{Name: hearing})
			require.NoError(t, err)
			require.True(t, checked.GetIntact(), checked.GetDamage())
			if keep {
				audio, err := client.GetRecordAudio(callContext(t), &pb.GetRecordAudioRequest{Name: hearing})
				require.NoError(t, err)
				require.True(t, bytes.Equal(sound, audio.GetContent()[44:]), "the sound is whole: %d and %d bytes", len(sound), len(audio.GetContent())-44)
			}
		})
	}
}

// opened is a stream whose acknowledgement was read.
type opened struct {
	pb.SpeechService_StreamingRecognizeClient
	ready *pb.StreamReady
}

func listen2(ctx context.Context, t *testing.T, client pb.SpeechServiceClient, c *pb.StreamingConfig) opened {
	t.Helper()
	stream, err := client.StreamingRecognize(ctx)
	require.NoError(t, err)
	require.NoError(t, stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Config{Config: c}}))
	m, err := stream.Recv()
	require.NoError(t, err)
	require.NotNil(t, m.GetReady())
	return opened{stream, m.GetReady()}
}

func TestAFileIsSentAgainAndComesAfter(t *testing.T) {
	conn, _ := start(t, app.Speech, recorded(t.TempDir()))
	client := pb.NewSpeechServiceClient(conn)
	createRecord(t, client)
	file := wav(utterances(t))
	first := speak(t, client, file, func(c *pb.StreamingConfig) {
		c.Recognition = &pb.RecognitionConfig{}
		c.AudioStartSeconds = proto.Float64(0)
	})
	require.NoError(t, first.err)
	have := turns(t, client, nil)
	require.NotEmpty(t, have)
	// The same file once more from its beginning adds nothing.
	again := speak(t, client, file, func(c *pb.StreamingConfig) {
		c.Recognition = &pb.RecognitionConfig{}
		c.AudioStartSeconds = proto.Float64(0)
	})
	require.NoError(t, again.err)
	require.Equal(t, texts(have), texts(turns(t, client, nil)))
	// Another one comes after it, in the record's times.
	after := speak(t, client, file, func(c *pb.StreamingConfig) { c.Recognition = &pb.RecognitionConfig{} })
	require.NoError(t, after.err)
	now := turns(t, client, nil)
	require.Equal(t, append(texts(have), texts(have)...), texts(now))
	length := first.done.GetAudioSeconds()
	for i, turn := range now[len(have):] {
		require.InDelta(t, have[i].GetStartSeconds()+length, turn.GetStartSeconds(), .35)
		require.GreaterOrEqual(t, turn.GetWords()[0].GetStartSeconds(), length-.1)
	}
	// One that would leave a gap is refused, and so is one of another number of channels.
	gap := speak(t, client, file, func(c *pb.StreamingConfig) {
		c.Recognition = &pb.RecognitionConfig{}
		c.AudioStartSeconds = proto.Float64(3*length + 1)
	})
	requireRefused(t, gap.err, codes.InvalidArgument, "RECORD_GAP")
	other := speak(t, client, sample(t, "speech", "two-seats-16k.wav"), nil)
	requireRefused(t, other.err, codes.InvalidArgument, "RECORD_CHANNELS")
	lone := speak(t, client, file, func(c *pb.StreamingConfig) { c.Record = ""; c.ResumeToken = "x" })
	requireRefused(t, lone.err, codes.InvalidArgument, "INVALID_CONFIG")
}

func TestWhoSitsWhereIsTheRecords(t *testing.T) {
	conn, _ := start(t, app.Speech, recorded(t.TempDir()))
	client, ctx := pb.NewSpeechServiceClient(conn), callContext(t)
	createRecord(t, client)
	sound := sample(t, "speech", "two-seats-16k.wav")
	require.NoError(t, speak(t, client, sound, nil).err)
	_, err := client.AssignRole(ctx, &pb.AssignRoleRequest{
		Record: hearing, Seat: &pb.AssignRoleRequest_Channel{Channel: 1}, Role: pb.SpeakerRole_SPEAKER_ROLE_WITNESS, Author: clerk,
	})
	require.NoError(t, err)
	// Streams that go on have the seats, whether they say so or not; what the clerk said counts more.
	plain := speak(t, client, sound, func(c *pb.StreamingConfig) { c.Recognition = &pb.RecognitionConfig{} })
	require.NoError(t, plain.err)
	said := speak(t, client, sound, nil)
	require.NoError(t, said.err)
	require.NotEmpty(t, plain.finals)
	for _, s := range append(plain.finals, said.finals...) {
		want := pb.SpeakerRole_SPEAKER_ROLE_JUDGE
		if s.GetChannel() == 1 {
			want = pb.SpeakerRole_SPEAKER_ROLE_WITNESS
		}
		require.Equal(t, want, s.GetRole(), s)
	}
	head, err := client.GetRecord(ctx, &pb.GetRecordRequest{Name: hearing})
	require.NoError(t, err)
	require.Len(t, head.GetRecord().GetSeats(), 2)
}

func TestOneStreamAtATimeIsHeardIntoARecord(t *testing.T) {
	conn, _ := start(t, app.Speech, recorded(t.TempDir()), unwritten)
	client := pb.NewSpeechServiceClient(conn)
	createRecord(t, client)
	config := &pb.StreamingConfig{Record: hearing}
	raw16(config)
	first := listen2(callContext(t), t, client, config)
	require.NoError(t, first.Send(audioMessage(silence(1))))
	head, err := client.GetRecord(callContext(t), &pb.GetRecordRequest{Name: hearing})
	require.NoError(t, err)
	require.True(t, head.GetRecord().GetLive())
	requireRefused(t, speak(t, client, nil, raw16).err, codes.Aborted, "RECORD_BUSY")
	requireRefused(t, speak(t, client, nil, func(c *pb.StreamingConfig) { raw16(c); c.ResumeToken = "a guess" }).err, codes.Aborted, "RECORD_BUSY")
	// Its own client goes on from it, though the server has not noticed yet that the connection broke.
	taking := proto.CloneOf(config)
	taking.ResumeToken = first.ready.GetResumeToken()
	second := listen2(callContext(t), t, client, taking)
	requireRefused(t, drain(first), codes.Aborted, "RECORD_TAKEN_OVER")
	require.NotEqual(t, first.ready.GetResumeToken(), second.ready.GetResumeToken())
	require.NoError(t, second.Send(audioMessage(silence(1))))
	require.NoError(t, second.CloseSend())
	require.NoError(t, listenTo(second).err)
}

func TestWhatAClientSentBeforeItVanishedIsInTheRecord(t *testing.T) {
	sound := sample(t, "speech", "court-zh-16k.wav")[44:]
	sound = sound[:len(sound)*4/5] // in the middle of a sentence
	want := strings.Join(texts(whole(t, sound)), "")
	conn, _ := start(t, app.Speech, recorded(t.TempDir()))
	client := pb.NewSpeechServiceClient(conn)
	createRecord(t, client)
	ctx, vanish := context.WithCancel(callContext(t))
	config := &pb.StreamingConfig{Record: hearing, InterimResults: true}
	raw16(config)
	stream := listen2(ctx, t, client, config)
	require.NoError(t, stream.Send(audioMessage(sound)))
	for length := float64(len(sound)) / 32000; ; {
		m, err := stream.Recv()
		require.NoError(t, err)
		if m.GetResult().GetProcessedSeconds() > length-.5 {
			break
		}
	}
	vanish()
	require.Equal(t, codes.Canceled, status.Code(drain(stream)))
	// Another client, which knows nothing of the first one, need not wait until that is given up.
	second := listenWhenFree(t, client, config)
	require.Greater(t, second.ready.GetResumeSeconds(), float64(len(sound))/32000-1, "what was sent is settled")
	require.Equal(t, want, strings.Join(texts(turns(t, client, nil)), ""))
	require.NoError(t, second.Send(audioMessage(silence(1))))
	_, err := client.FinishRecord(callContext(t), &pb.FinishRecordRequest{Name: hearing, Author: clerk})
	requireRefused(t, err, codes.Aborted, "RECORD_BUSY")
	require.NoError(t, second.CloseSend())
	require.NoError(t, listenTo(second).err)
	_, err = client.FinishRecord(callContext(t), &pb.FinishRecordRequest{Name: hearing, Author: clerk})
	require.NoError(t, err)
}

// listenWhenFree opens a stream as soon as the record's last one has left it.
func listenWhenFree(t *testing.T, client pb.SpeechServiceClient, c *pb.StreamingConfig) opened {
	t.Helper()
	for {
		stream, err := client.StreamingRecognize(callContext(t))
		require.NoError(t, err)
		require.NoError(t, stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Config{Config: c}}))
		m, err := stream.Recv()
		if err == nil {
			return opened{stream, m.GetReady()}
		}
		requireRefused(t, err, codes.Aborted, "RECORD_BUSY")
	}
}

func TestFollowersSeeWhatIsSaidAndHoldNobodyUp(t *testing.T) {
	conn, _ := start(t, app.Speech, recorded(t.TempDir()))
	client := pb.NewSpeechServiceClient(conn)
	createRecord(t, client)
	// One follows and never reads, one follows and goes away.
	_, err := client.FollowRecord(callContext(t), &pb.FollowRecordRequest{Name: hearing, InterimResults: true, AfterRevision: proto.Int64(0)})
	require.NoError(t, err)
	vanishing, vanish := context.WithCancel(callContext(t))
	gone, err := client.FollowRecord(vanishing, &pb.FollowRecordRequest{Name: hearing})
	require.NoError(t, err)
	_, err = gone.Recv()
	require.NoError(t, err)
	vanish()
	following, stop := context.WithCancel(callContext(t))
	defer stop()
	live, err := client.FollowRecord(following, &pb.FollowRecordRequest{Name: hearing, InterimResults: true})
	require.NoError(t, err)
	m, err := live.Recv()
	require.NoError(t, err)
	require.Equal(t, hearing, m.GetRecord().GetName())

	heard := speak(t, client, utterances(t), raw16)
	require.NoError(t, heard.err)
	interims, final := 0, []string{}
	for len(final) < len(heard.finals) {
		m, err := live.Recv()
		require.NoError(t, err)
		if m.GetInterim() != nil {
			interims++
		}
		for _, turn := range m.GetChange().GetTurns() {
			final = append(final, turn.GetText())
		}
	}
	require.Positive(t, interims)
	require.Equal(t, texts(turns(t, client, nil)), final)
}

func TestAFollowerThatDoesNotReadLosesItsStreamAndNothingElse(t *testing.T) {
	cfg := conf.Default()
	cfg.Models.Dir, cfg.Records.Dir = t.TempDir(), t.TempDir()
	cfg.Server.Timeouts.Send = conf.Duration(3 * time.Second) // who reads is never so late
	unwritten(&cfg)
	metrics := telemetry.NewMetrics()
	a, err := app.New(t.Context(), cfg, app.Options{Parts: app.Speech, Logger: slog.New(slog.DiscardHandler), Metrics: metrics})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	here, err := a.InProcess()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, here.Close()) })
	client := pb.NewSpeechServiceClient(here.Conn())
	createRecord(t, client)
	asleep, err := client.FollowRecord(callContext(t), &pb.FollowRecordRequest{Name: hearing})
	require.NoError(t, err)
	text := strings.Repeat("一", 20000)
	for range 40 { // more than gRPC takes for a client that does not read
		_, err := client.InsertTurn(callContext(t), &pb.InsertTurnRequest{Record: hearing, Text: text, Author: clerk})
		require.NoError(t, err, "who does not read holds nobody up")
	}
	// The server gives the follower up while it sleeps; its metrics say when.
	require.Eventually(t, func() bool {
		families, err := metrics.Registry().Gather()
		require.NoError(t, err)
		for _, f := range families {
			if f.GetName() == "courtsense_rpc_errors_total" && strings.Contains(f.String(), "SLOW_CLIENT") {
				return true
			}
		}
		return false
	}, long, 20*time.Millisecond)
	last := int64(0)
	for err == nil {
		var m *pb.FollowRecordResponse
		if m, err = asleep.Recv(); err == nil && m.GetChange() != nil {
			last = m.GetChange().GetRevision().GetRevision()
		}
	}
	requireRefused(t, err, codes.Aborted, "SLOW_CLIENT")
	// It goes on from the last revision that it has.
	awake, err := client.FollowRecord(callContext(t), &pb.FollowRecordRequest{Name: hearing, AfterRevision: &last})
	require.NoError(t, err)
	_, err = awake.Recv()
	require.NoError(t, err)
	for want := last + 1; want <= 41; want++ {
		m, err := awake.Recv()
		require.NoError(t, err)
		require.Equal(t, want, m.GetChange().GetRevision().GetRevision())
	}
}

func TestRecordedStreamsEndWithTheServerAndGoOnAtTheNext(t *testing.T) {
	folder, sound := t.TempDir(), utterances(t)
	var token string
	func() {
		cfg := conf.Default()
		cfg.Models.Dir, cfg.Records.Dir = t.TempDir(), folder
		cfg.Server.Timeouts.Drain = conf.Duration(200 * time.Millisecond)
		a, err := app.New(t.Context(), cfg, app.Options{Parts: app.Speech})
		require.NoError(t, err)
		here, err := a.InProcess()
		require.NoError(t, err)
		client := pb.NewSpeechServiceClient(here.Conn())
		createRecord(t, client)
		config := &pb.StreamingConfig{Record: hearing}
		raw16(config)
		stream := listen2(callContext(t), t, client, config)
		token = stream.ready.GetResumeToken()
		require.NoError(t, stream.Send(audioMessage(sound[:len(sound)/3])))
		for m, err := stream.Recv(); !m.GetResult().GetIsFinal(); m, err = stream.Recv() {
			require.NoError(t, err)
		}
		require.NoError(t, here.Close())
		require.NoError(t, a.Close())
	}()
	conn, _ := start(t, app.Speech, recorded(folder))
	client := pb.NewSpeechServiceClient(conn)
	config := &pb.StreamingConfig{Record: hearing, ResumeToken: token}
	raw16(config)
	stream := listen2(callContext(t), t, client, config)
	require.NoError(t, stream.Send(audioMessage(sound[2*int(stream.ready.GetResumeSeconds()*16000+.5):])))
	require.NoError(t, stream.CloseSend())
	require.NoError(t, listenTo(stream).err)
	assert.Equal(t, strings.Join(texts(whole(t, sound)), ""), strings.Join(texts(turns(t, client, nil)), ""))
}
