package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/speech/record"
)

var updateGolden = flag.Bool("update-record", false, "rewrite testdata/record.golden")

// changing is what differs from run to run: times, hashes and folders.
var changing = regexp.MustCompile(`\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?|[0-9a-f]{64}|/\S*/|\d+ kB`)

// A clerk's afternoon without a microphone, as a script: what was typed, what came.
func TestAClerksAfternoon(t *testing.T) {
	dir := t.TempDir()
	caseFile := filepath.Join(dir, "case.yaml")
	require.NoError(t, os.WriteFile(caseFile, []byte(`kind: trial
number: （2019）京0491民初1234号
court: 北京互联网法院
cause: 网络购物合同纠纷
date: 2019-08-17
parties:
  - {role: plaintiff, name: 张三, representatives: [李四]}
  - {role: defendant, name: 某某公司, representatives: [{name: 王五, title: 委托诉讼代理人}]}
attendees: [{role: judge, name: 赵六, title: 审判长}]
agenda: [法庭调查, {title: 法庭辩论}]
`), 0o600))
	var script bytes.Buffer
	for _, line := range []string{
		"create h1 --case " + caseFile,
		"create h1",
		"create ../h1",
		"insert h1 --role judge --text 现在开庭。",
		"insert h1 --after 1 --role plaintiff --text 请求退还货款三百元。",
		"insert h1 --after 2 --speaker S3 --text 旁听席有人说话。",
		"correct h1 2 --text 请求退还货款3000元。 --reason 听录音",
		"correct h1 2 --text 别的。 --base 3",
		"correct h1 2",
		"correct h1 9 --text 没有。",
		"correct h1 x --text 没有。",
		"role h1 witness --speaker S3",
		"role h1 king --speaker S3",
		"withdraw h1 3 --reason 不必记录",
		"update h1 --agenda 2",
		"show h1 --revisions",
		"show h1 --withdrawn",
		"search h1 退还货款",
		"locate h1 --turn 2 --character 4",
		"locate h1 --at noon",
		"export h1 --format txt -o -",
		"export h1 -o " + dir + "/h1.docx",
		"export h1 -o " + dir + "/h1.txt --template novel",
		"export h1 -o " + dir + "/h1.odt",
		"finish h1",
		"insert h1 --text 太晚了。",
		"reopen h1",
		"reopen h1 --reason 当事人核对",
		"list 张三",
		"list 赵七",
		"show h2",
		"verify h1",
		"audio h1 -o " + dir + "/h1.wav",
		"start " + dir + "/none.wav --record h1",
		"start " + dir + "/none.wav --record h2",
		"start - --record h2",
		"show h2",
		"start x.wav",
	} {
		args := append([]string{"record"}, strings.Fields(line)...)
		args = append(args, "--set", "records.dir="+filepath.Join(dir, "records"))
		if strings.Contains("create insert correct role withdraw update finish reopen export start", args[1]) {
			args = append(args, "--author", "李书记员")
		}
		r := courtsense(t, args...)
		fmt.Fprintf(&script, "$ courtsense record %s\n%s%s", line, r.stdout, r.stderr)
		if r.code != exitOK {
			fmt.Fprintf(&script, "(%d)\n", r.code)
		}
	}
	got := changing.ReplaceAllStringFunc(script.String(), func(s string) string {
		switch {
		case strings.HasPrefix(s, "/"):
			return "DIR/"
		case len(s) == 64:
			return "HASH"
		case strings.HasSuffix(s, "kB"):
			return "SIZE"
		}
		return "TIME"
	})
	const golden = "testdata/record.golden"
	if *updateGolden {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run: go test ./cmd/courtsense -run TestAClerksAfternoon -update-record, and look at the difference")
}

func TestCaseFilesWithMistakesAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		"kind: novel":                          `kind "novel" is not known; there are trial, mediation, minutes`,
		"court: [a]":                           "cannot unmarshal",
		"judge: 赵六":                            "the key judge is not known",
		"parties: [{role: king, name: 张三}]":    "parties, number 1: the role \"king\" is not known",
		"agenda: [{titel: 调查}]":                `"titel" is not known here; there are title, presenter, decision`,
		"attendees: [{role: nobody, name: a}]": "attendees, number 1",
	} {
		_, err := parseCase([]byte(text))
		require.ErrorContains(t, err, says, text)
	}
	c, err := parseCase(nil)
	require.NoError(t, err)
	require.Empty(t, c.GetNumber())
}

func TestMomentsAreWrittenAsListsPrintThem(t *testing.T) {
	for text, seconds := range map[string]float64{"00:12:05": 725, "1:02:03.5": 3723.5, "02:03": 123, "62.5": 62.5, "12m5s": 725, "0": 0} {
		var m moment
		require.NoError(t, m.Set(text), text)
		require.InDelta(t, seconds, m.seconds(), 1e-9, text)
	}
	for _, text := range []string{"", "noon", "-1", "-5s", "1:2:3:4", "00:61", "NaN", "1e9"} {
		require.Error(t, new(moment).Set(text), text)
	}
}

func FuzzParseCase(f *testing.F) {
	f.Add([]byte("kind: trial\nparties: [{role: plaintiff, name: 张三, representatives: [李四]}]\nagenda: [a, {title: b}]\n"))
	f.Add([]byte("extra: {a: b}\nattendees: [{absent: true}]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseCase(b)
		if err != nil {
			return
		}
		if _, err := caseJSON(c); err != nil {
			t.Fatal(err)
		}
	})
}

// child is "courtsense serve" as a process of its own, which can be killed.
type child struct {
	cmd     *exec.Cmd
	address string
	ended   chan struct{}
}

// serveChild starts a server on an address, port 0 for any.
func serveChild(t *testing.T, address string, args ...string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"serve", "--models", t.TempDir(), "--grpc-address", address, "--http-address", "", "--log-level", "error"}, args...)...) //nolint:gosec // this very program
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &child{cmd: cmd, ended: make(chan struct{})}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "ready after") {
		if a, ok := strings.CutPrefix(lines.Text(), grpcLine); ok {
			c.address = a
		}
	}
	go func() {
		defer close(c.ended)
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	}()
	t.Cleanup(c.kill)
	require.NotEmpty(t, c.address, "the server did not start")
	return c
}

// kill is kill -9.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
}

// kills is how often a server is killed in mid-stream; COURTSENSE_TEST_KILLS sets more.
func kills(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("COURTSENSE_TEST_KILLS"))
	if err != nil {
		return 3
	}
	t.Logf("%d kills", n)
	return n
}

// The server is killed at random points of a hearing, between any two answers, and started again. The client goes on by the record's id
// and the offset that the server names. What was acknowledged is there word for word, what was said is there once, and the chain is whole.
func TestNothingAcknowledgedIsLostWhenTheServerIsKilled(t *testing.T) {
	sound, err := os.ReadFile(testinput.Testdata(t, "speech", "court-zh-16k.wav"))
	require.NoError(t, err)
	n := kills(t) // before the environment is emptied by courtsense
	hearing := append(bytes.Clone(sound[44:]), make([]byte, 32000)...)
	piece := len(hearing)
	at := func(position int) []byte { // the hearing goes on as long as somebody listens
		return hearing[position%piece:]
	}
	folder := t.TempDir()
	settings := []string{"--set", "records.dir=" + folder}
	// Each server has a port of its own: the one before's may be somebody else's by now.
	begin := func() (*child, pb.SpeechServiceClient) {
		server := serveChild(t, "127.0.0.1:0", settings...)
		conn, err := grpc.NewClient(server.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		return server, pb.NewSpeechServiceClient(conn)
	}
	server, client := begin()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	defer cancel()
	_, err = client.CreateRecord(ctx, &pb.CreateRecordRequest{RecordId: "h1", Author: "test"})
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, uint64(n)))
	acknowledged, furthest, token := map[string]string{}, 0, ""
	hear := func(until func(answers int) bool, end int) (finished bool) {
		streaming, stop := context.WithCancel(ctx)
		defer stop()
		stream, err := client.StreamingRecognize(streaming, grpc.WaitForReady(true))
		require.NoError(t, err)
		require.NoError(t, stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Config{Config: &pb.StreamingConfig{
			Record: "records/h1", InterimResults: true, ResumeToken: token,
			Recognition: &pb.RecognitionConfig{Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: 16000},
		}}}))
		m, err := stream.Recv()
		require.NoError(t, err)
		token = m.GetReady().GetResumeToken()
		position := 2 * int(m.GetReady().GetResumeSeconds()*16000+.5)
		require.LessOrEqual(t, position, max(furthest, 0), "the server asks for sound that it was never sent")
		var sending sync.WaitGroup
		defer sending.Wait()
		defer stop()
		sending.Go(func() {
			for position < end || end == 0 {
				b := at(position)
				b = b[:min(len(b), 1600)]
				if stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Audio{Audio: b}}) != nil {
					return
				}
				position += len(b)
				furthest = max(furthest, position)
			}
			_ = stream.CloseSend()
		})
		for answers := 0; ; answers++ {
			if until(answers) {
				server.kill()
				return false
			}
			m, err := stream.Recv()
			if err == io.EOF {
				return true
			}
			require.NoError(t, err)
			for _, s := range m.GetResult().GetSegments() {
				if m.GetResult().GetIsFinal() && s.GetTurn() != "" {
					acknowledged[s.GetTurn()] = s.GetText()
				}
			}
		}
	}
	for range n {
		killAt := random.IntN(60)
		require.False(t, hear(func(answers int) bool { return answers == killAt }, 0))
		server, client = begin()
	}
	end := (furthest/piece + 1) * piece
	furthest = end
	require.True(t, hear(func(int) bool { return false }, end))

	var all []*pb.RecordTurn
	_, err = eachTurn(ctx, client, &pb.ListTurnsRequest{Record: "records/h1"}, func(turn *pb.RecordTurn) error {
		all = append(all, turn)
		return nil
	})
	require.NoError(t, err)
	byName := map[string]string{}
	last := 0.
	for _, turn := range all {
		byName[turn.GetName()] = turn.GetText()
		require.GreaterOrEqual(t, turn.GetStartSeconds(), last-.6, "said once: %v", turn)
		last = turn.GetEndSeconds()
	}
	require.NotEmpty(t, acknowledged)
	for name, text := range acknowledged {
		require.Equal(t, text, byName[name], name)
	}
	// Each round of the hearing says the same: none of them lacks a sentence.
	rounds := end / piece
	heard := make([]int, rounds)
	for _, turn := range all {
		if r := int((turn.GetStartSeconds() + turn.GetEndSeconds()) / 2 * 32000 / float64(piece)); r < rounds {
			heard[r] += len([]rune(turn.GetText()))
		}
	}
	for r, characters := range heard {
		assert.GreaterOrEqual(t, characters, heard[rounds-1]*4/5, "round %d", r)
	}
	server.kill()
	report, err := record.Verify(ctx, filepath.Join(folder, "h1"), "")
	require.NoError(t, err)
	require.True(t, report.Whole(), report.Problems)
	require.InDelta(t, float64(end)/32000, report.SoundSeconds, .01)
	t.Logf("%d kills over %.0f s of hearing, %d turns acknowledged, %d in the record", n, float64(end)/32000, len(acknowledged), len(all))
}

// The command that streams waits for a server that is killed and started again, and goes on.
func TestRecordStartOutlivesItsServer(t *testing.T) {
	sound, err := os.ReadFile(testinput.Testdata(t, "speech", "court-zh-16k.wav"))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "hearing.raw.wav")
	body := bytes.Repeat(append(bytes.Clone(sound[44:]), make([]byte, 32000)...), 6)
	head := bytes.Clone(sound[:44])
	for i, n := range map[int]int{4: 36 + len(body), 40: len(body)} {
		head[i], head[i+1], head[i+2], head[i+3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
	}
	require.NoError(t, os.WriteFile(file, append(head, body...), 0o600))
	folder := t.TempDir()
	settings := []string{"--set", "records.dir=" + folder}
	// While the server is gone nobody else takes its port: other tests listen on 127.0.0.1, and connect from there.
	server := serveChild(t, "127.0.0.2:0", settings...)
	out, in := io.Pipe()
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		ended <- run(context.Background(), []string{"record", "start", file, "--record", "h1", "--server", server.address, "--json", "--author", "test", "--patience", "10m"}, nil, in, &stderr)
		_ = in.Close()
	}()
	printed := map[int64]string{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var turn turnJSON
		require.NoError(t, json.Unmarshal(lines.Bytes(), &turn))
		require.NotContains(t, printed, turn.Turn, "a turn is printed once")
		printed[turn.Turn] = turn.Text
		if len(printed) == 2 {
			server.kill()
			server = serveChild(t, server.address, settings...)
		}
	}
	require.Equal(t, exitOK, <-ended, stderr.String())
	require.Contains(t, stderr.String(), "the server went away; waiting for it")
	r := courtsense(t, "record", "show", "h1", "--json", "--server", server.address)
	require.Zero(t, r.code, r.stderr)
	all := strings.Split(strings.TrimSpace(r.stdout), "\n")[1:]
	require.GreaterOrEqual(t, len(all), len(printed))
	text := ""
	for _, line := range all {
		var turn turnJSON
		require.NoError(t, json.Unmarshal([]byte(line), &turn))
		text += turn.Text
		if shown, ok := printed[turn.Turn]; ok {
			require.Equal(t, shown, turn.Text)
		}
	}
	r = courtsense(t, "record", "audio", "h1", "-o", filepath.Join(folder, "whole.wav"), "--server", server.address)
	require.Zero(t, r.code, r.stderr)
	got, err := os.ReadFile(filepath.Join(folder, "whole.wav"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, got[44:]), "%d and %d bytes", len(body), len(got)-44)
	unbroken := courtsense(t, "record", "start", file, "--record", "h2", "--json", "--author", "test", "--server", server.address)
	require.Zero(t, unbroken.code, unbroken.stderr)
	want := ""
	for _, line := range strings.Split(strings.TrimSpace(unbroken.stdout), "\n") {
		var turn turnJSON
		require.NoError(t, json.Unmarshal([]byte(line), &turn))
		want += turn.Text
	}
	require.Equal(t, want, text, "it says what it would have said without the fall")
}

func TestAttachShowsWhatHappens(t *testing.T) {
	folder := t.TempDir()
	address := startServer(t, "--set", "records.dir="+folder)
	run1 := func(args ...string) result {
		return courtsense(t, append(append([]string{"record"}, args...), "--server", address)...)
	}
	require.Zero(t, run1("create", "h1", "--author", "a").code)
	require.Zero(t, run1("insert", "h1", "--text", "现在开庭。", "--role", "judge", "--author", "a").code)
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"record", "attach", "h1", "--server", address}, nil, in, io.Discard)
		_ = in.Close()
	}()
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.Contains(t, lines.Text(), "现在开庭。")
	require.Zero(t, run1("correct", "h1", "1", "--text", "现在开庭！", "--author", "李书记员", "--reason", "语气").code)
	require.True(t, lines.Scan())
	require.Contains(t, lines.Text(), "[3: corrected by 李书记员, because 语气]")
	require.True(t, lines.Scan())
	require.Contains(t, lines.Text(), "现在开庭！")
	recording := run1("start", samples+"/speech/court-zh-16k.wav", "--record", "h1", "--author", "a")
	require.Zero(t, recording.code, recording.stderr)
	for range strings.Count(recording.stdout, "\n") {
		require.True(t, lines.Scan())
		require.Contains(t, recording.stdout, lines.Text()+"\n", "who is attached sees what the microphone's clerk sees")
	}
	stop()
	go func() { _, _ = io.Copy(io.Discard, out) }()
	require.Equal(t, exitOK, <-ended)
}

func TestStartWaitsForRoomAndForTheServer(t *testing.T) {
	var said bytes.Buffer
	r := &recordStart{c: &console{err: &said, out: io.Discard}, conn: &connection{}, patience: time.Minute}
	full := rpcerror.New(codes.ResourceExhausted, "STORAGE_FULL", "no room")
	away := rpcerror.New(codes.Unavailable, "DRAINING", "away")
	attempts := 0
	require.NoError(t, r.persist(t.Context(), func() error {
		if attempts++; attempts == 1 {
			return full
		}
		return nil
	}))
	require.Equal(t, "there is no room on the disk for the record; waiting for some\n", said.String())
	require.ErrorIs(t, r.persist(t.Context(), func() error { return away }), away, "in this process nobody can be away")
	r.conn.server = "court-ai:9090"
	attempts = 0
	require.NoError(t, r.persist(t.Context(), func() error {
		if attempts++; attempts == 1 {
			return away
		}
		return nil
	}))
	r.patience = -1
	require.ErrorIs(t, r.persist(t.Context(), func() error { return full }), full, "patience ends")
	finished := rpcerror.New(codes.FailedPrecondition, "RECORD_FINISHED", "finished")
	require.ErrorIs(t, r.persist(t.Context(), func() error { return finished }), finished, "waiting can't help")
}

func TestTapeKeepsWhatIsNotYetThere(t *testing.T) {
	kept := newTape()
	kept.limit = 10
	out, in := io.Pipe()
	done := make(chan struct{})
	go func() { defer close(done); kept.fill(out) }()
	r := kept.from(t.Context(), 0)
	_, err := in.Write([]byte("01234567"))
	require.NoError(t, err)
	b := make([]byte, 4)
	_, err = io.ReadFull(r, b)
	require.NoError(t, err)
	require.Equal(t, "0123", string(b))
	kept.release(2)
	_, err = io.ReadFull(kept.from(t.Context(), 2), b)
	require.NoError(t, err)
	require.Equal(t, "2345", string(b), "what was not released can be had again")
	_, err = kept.from(t.Context(), 1).Read(b)
	require.ErrorIs(t, err, errTapeLost)
	_, err = in.Write([]byte("89abcdef"))
	require.NoError(t, err)
	require.NoError(t, in.Close())
	<-done
	rest, err := io.ReadAll(kept.from(t.Context(), 8))
	require.NoError(t, err)
	require.Equal(t, "89abcdef", string(rest))
	_, err = kept.from(t.Context(), 2).Read(b)
	require.ErrorIs(t, err, errTapeLost, "the limit took it")
	require.EqualValues(t, 16, kept.end())
}
