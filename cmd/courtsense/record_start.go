package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/speech/microphone"
)

// recordStart is one run of "courtsense record start".
type recordStart struct {
	*recordFlags
	record     string
	caseFile   string
	seats      []string
	hotWords   string
	model      string
	separate   bool
	mic        bool
	microphone string
	duration   time.Duration
	resume     bool
	appended   bool
	patience   time.Duration

	c      *console
	conn   *connection
	client pb.SpeechServiceClient
	config *pb.StreamingConfig
	token  string
	base   float64 // where in the record the source's first sample lies, seconds
	moved  bool    // something was written since the last attempt
	last   int64   // number of the last turn that was printed
}

func newRecordStartCommand() *cobra.Command {
	r := &recordStart{}
	cmd := &cobra.Command{
		Use:   "start FILE|--mic --record RECORD",
		Short: "Write what is said into a record, while it is spoken",
		Long: `Streams a recording, or what a microphone hears, into a record, and prints the turns when they are on the disk. The record is begun when
there is none (--case says what the hearing is about). --seat says who sits at which channel's microphone.

When the server goes away in the middle, or its disk is full, the command waits (--patience) and goes on where the record ends: nothing that was
said meanwhile is lost. When the command itself was ended, start it again: a FILE with --resume goes on where the record ends, with --append
it comes after what is there; a microphone always comes after it.`,
		Example: `  courtsense record start --mic --record 2019-1234 --case case.yaml --server court-ai
  courtsense record start hearing.flac --record 2019-1234 --seat 0=judge --seat 1=plaintiff --seat 2=defendant
  courtsense record start hearing.flac --record 2019-1234 --resume
  courtsense record start meeting.wav --record meeting-7 --separate-speakers`,
	}
	r.recordFlags = addRecordFlags(cmd).withAuthor(cmd, "")
	set := cmd.Flags()
	set.StringVar(&r.record, "record", "", "the record: 1 to 128 of a-z, A-Z, 0-9, dot, underscore and hyphen")
	set.StringVar(&r.caseFile, "case", "", "YAML file with what the hearing is about; 'record create --help' shows one")
	addSeatFlag(set, &r.seats)
	set.StringVar(&r.hotWords, "hotwords", "", "file of words that are likely to be said, one a line, with a weight after a tab if wanted")
	set.StringVar(&r.model, "model", "", "recogniser, by its id (default: the best one available)")
	set.BoolVar(&r.separate, "separate-speakers", false, "tell those apart who speak into one microphone; who they are is told by what they say, or with 'record role'")
	set.BoolVar(&r.mic, "mic", false, "record from a microphone instead of reading a file")
	set.StringVar(&r.microphone, "microphone", "", "which one: its number or a part of its name (default: the system's)")
	set.DurationVar(&r.duration, "duration", 0, "record for this long, such as 2h (default: until Ctrl-C)")
	set.BoolVar(&r.resume, "resume", false, "the record holds the beginning of FILE already: go on where it ends")
	set.BoolVar(&r.appended, "append", false, "FILE comes after what the record holds already")
	set.DurationVar(&r.patience, "patience", 2*time.Minute, "how long a server that went away, or whose disk is full, is waited for")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := r.check(cmd, args); err != nil {
			return err
		}
		r.c = newConsole(cmd)
		return r.with(cmd, r.c, true, func(ctx context.Context, client pb.SpeechServiceClient, conn *connection) error {
			r.client, r.conn = client, conn
			if err := r.begin(ctx); err != nil {
				return err
			}
			if r.mic {
				return r.hearMicrophone(ctx)
			}
			return r.hearFile(ctx, args[0])
		})
	}
	return cmd
}

func (r *recordStart) check(cmd *cobra.Command, args []string) error {
	switch {
	case r.record == "":
		return usagef("name the record with --record")
	case checkRecord(r.record) != nil:
		return checkRecord(r.record)
	case r.mic && len(args) > 0:
		return usagef("--mic and files exclude each other")
	case !r.mic && len(args) != 1:
		return usagef("name one recording, or record with --mic; see '%s --help'", cmd.CommandPath())
	case !r.mic && args[0] == "-":
		return usagef("a record needs a file that can be read again; standard input can't")
	case !r.mic && (r.microphone != "" || r.duration != 0):
		return usagef("--microphone and --duration need --mic")
	case r.resume && r.appended:
		return usagef("--resume and --append exclude each other")
	case r.mic && r.resume:
		return usagef("--resume is for files: what a microphone hears always comes after what is there")
	}
	if !r.mic {
		// Before the record is made: one that nothing is heard into would only be in the way.
		if _, err := os.Stat(args[0]); err != nil {
			return err
		}
	}
	r.config = &pb.StreamingConfig{Record: recordName(r.record), Recognition: &pb.RecognitionConfig{Model: r.model, SeparateSpeakers: r.separate}}
	var err error
	if r.config.Recognition.ChannelRoles, err = channelRoles(r.seats); err != nil {
		return err
	}
	if r.hotWords != "" {
		if r.config.Recognition.HotWords, err = hotWordsOf(r.hotWords); err != nil {
			return err
		}
	}
	return nil
}

// begin makes the record, unless it is there.
func (r *recordStart) begin(ctx context.Context) error {
	r.config.InterimResults = r.c.errTerm && !r.json
	now, err := r.client.GetRecord(ctx, &pb.GetRecordRequest{Name: r.config.GetRecord()})
	if status.Code(err) == codes.NotFound {
		req := &pb.CreateRecordRequest{RecordId: strings.TrimPrefix(r.config.GetRecord(), recordPrefix)}
		if req.Author, err = r.by(); err != nil {
			return err
		}
		if r.caseFile != "" {
			if req.Case, err = readCase(r.caseFile); err != nil {
				return err
			}
		}
		_, err = r.client.CreateRecord(ctx, req)
		return err
	}
	if err != nil {
		return err
	}
	heard := now.GetRecord().GetHeardSeconds()
	switch {
	case r.caseFile != "":
		return usagef("the record %s is there already: change what it is about with 'courtsense record update %s --case %s'", r.record, r.record, r.caseFile)
	case heard > 0 && !r.mic && !r.resume && !r.appended:
		return usagef("the record %s holds %s already: add --resume when that is the beginning of this file, or --append when the file comes after it", r.record, clockOf(heard))
	}
	if !r.resume {
		r.base = heard
	}
	return nil
}

// hearFile streams a recording; it is opened again for every attempt, and the server leaves out what it has.
func (r *recordStart) hearFile(ctx context.Context, path string) error {
	return r.persist(ctx, func() error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		config := proto.CloneOf(r.config)
		config.AudioStartSeconds = &r.base
		return r.stream(ctx, config, 32<<10, func(float64) (io.Reader, error) { return f, nil }, func(float64) {})
	})
}

// hearMicrophone streams a microphone; what the server has not got yet is kept.
func (r *recordStart) hearMicrophone(ctx context.Context) error {
	m, err := microphone.Open(r.microphone)
	if err != nil {
		return fmt.Errorf("microphone: %w", err)
	}
	defer m.Close()
	recording := ctx
	if r.duration > 0 {
		var cancel context.CancelFunc
		recording, cancel = context.WithTimeout(ctx, r.duration)
		defer cancel()
	}
	defer context.AfterFunc(recording, func() { _ = m.Close() })()
	r.c.note("recording from %q; Ctrl-C ends it", m.Device().Name)
	r.c.meter = &meter{r: m}
	kept := newTape()
	filled := make(chan struct{})
	go func() {
		defer close(filled)
		kept.fill(r.c.meter)
	}()
	defer func() { _ = m.Close(); <-filled }()
	c := m.Config()
	config := proto.CloneOf(r.config)
	config.Recognition.Encoding = pb.AudioEncoding_AUDIO_ENCODING_LINEAR16
	config.Recognition.SampleRateHertz, config.Recognition.AudioChannelCount = int32(c.SampleRate), int32(c.Channels)
	frame := int64(2 * c.Channels)
	position := func(seconds float64) int64 {
		return max(0, int64((seconds-r.base)*float64(c.SampleRate)+.5)*frame)
	}
	// What was heard is brought to its turns after the recording has ended.
	ctx = context.WithoutCancel(ctx)
	err = r.persist(ctx, func() error {
		attempt := proto.CloneOf(config)
		if r.token == "" {
			attempt.AudioStartSeconds = &r.base // nothing of what was said before can be sent again
		}
		return r.stream(ctx, attempt, c.SampleRate/10*int(frame), func(resume float64) (io.Reader, error) {
			if attempt.AudioStartSeconds != nil {
				resume = r.base
			}
			return kept.from(ctx, position(resume)), nil
		}, func(recorded float64) { kept.release(position(recorded)) })
	})
	if n := m.Dropped(); n > 0 {
		r.c.note("%d samples were lost because this machine could not keep up", n)
	}
	return err
}

// passing says why an attempt failed that may succeed later: the server is away, or its disk is full.
func (r *recordStart) passing(err error) (why string, ok bool) {
	st := status.Convert(err)
	switch {
	case errorReason(st) == "STORAGE_FULL":
		return "there is no room on the disk for the record; waiting for some", true
	case r.conn.server != "" && errorReason(st) == "STREAM_TIMEOUT":
		return "the server ends streams after some time; going on with another one", true
	case r.conn.server != "" && (errors.Is(err, errDrained) || st.Code() == codes.Unavailable):
		return "the server went away; waiting for it", true
	}
	return "", false
}

// persist tries again while the server is away, or its disk full.
func (r *recordStart) persist(ctx context.Context, attempt func() error) error {
	const first, longest = 500 * time.Millisecond, 5 * time.Second
	wait, since := first, time.Time{}
	for {
		r.moved = false
		err := attempt()
		if err == nil || ctx.Err() != nil {
			return err
		}
		why, ok := r.passing(err)
		if !ok {
			return err
		}
		if r.moved || since.IsZero() {
			wait, since = first, time.Now()
			r.c.note("%s", why)
		}
		if time.Since(since) > r.patience {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
		wait = min(2*wait, longest)
	}
}

// errDrained says that a stream ended because the server is shutting down, with sound left to send.
var errDrained = errors.New("the server is shutting down")

// stream is one attempt: source gives the sound from where the server wants it, recorded is told how much need not be kept.
func (r *recordStart) stream(ctx context.Context, config *pb.StreamingConfig, chunk int, source func(resume float64) (io.Reader, error), recorded func(float64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	config.ResumeToken = r.token
	stream, err := r.client.StreamingRecognize(ctx, anySize)
	if err != nil {
		cancel(nil)
		return err
	}
	if err := stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Config{Config: config}}); err != nil && !errors.Is(err, io.EOF) {
		cancel(nil)
		return err
	}
	sent, whole := make(chan struct{}), make(chan struct{})
	sending := false
	defer func() {
		cancel(nil)
		if sending {
			<-sent
		}
	}()
	for {
		m, err := stream.Recv()
		if err != nil {
			// A failing reader ends the call by its context, and is then the true reason.
			if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
				return cause
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return err
		}
		if ready := m.GetReady(); ready != nil {
			if err := r.catchUp(ctx); err != nil {
				return err
			}
			r.token = ready.GetResumeToken()
			if !ready.GetRecognizerLoaded() {
				r.c.note("no speech recogniser is loaded: the turns come without text")
			}
			in, err := source(ready.GetResumeSeconds())
			if err != nil {
				return err
			}
			sending = true
			go func() {
				defer close(sent)
				if err := sendSound(stream, in, chunk, whole); err != nil {
					cancel(err)
				}
			}()
		}
		if m.GetDraining() != nil {
			select {
			case <-whole: // nothing is left to send, so that the end is near
			default:
				// To half-close would end a sentence in its middle; the next server hears it as a whole.
				return errDrained
			}
		}
		if result := m.GetResult(); result != nil {
			if err := r.show(result); err != nil {
				return err
			}
			recorded(result.GetRecordedSeconds())
		}
	}
}

// sendSound sends a reader's bytes; when it comes to their end, it closes whole.
func sendSound(stream pb.SpeechService_StreamingRecognizeClient, in io.Reader, chunk int, whole chan<- struct{}) error {
	for {
		buffer := make([]byte, chunk)
		n, err := in.Read(buffer)
		if n > 0 {
			m := &pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Audio{Audio: buffer[:n]}}
			if stream.Send(m) != nil {
				return nil //nolint:nilerr // the server has ended the stream; why is what Recv says
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			close(whole)
			return stream.CloseSend()
		case errors.Is(err, context.Canceled):
			return nil
		case err != nil:
			return fmt.Errorf("can't read the sound: %w", reasonOf(err))
		}
	}
}

// catchUp prints turns that were written down, but not told before the connection broke.
func (r *recordStart) catchUp(ctx context.Context) error {
	if r.last == 0 {
		return nil
	}
	last := r.last
	_, err := eachTurn(ctx, r.client, &pb.ListTurnsRequest{Record: r.config.GetRecord(), Withdrawn: true}, func(t *pb.RecordTurn) error {
		if n := turnNumber(t); n <= last || t.GetInserted() {
			return nil
		}
		return r.print(t)
	})
	return err
}

// print prints a turn that was heard.
func (r *recordStart) print(t *pb.RecordTurn) error {
	r.last = max(r.last, turnNumber(t))
	r.c.erase()
	return r.printTurn(r.c.out, t)
}

// show prints what was heard.
func (r *recordStart) show(result *pb.StreamingResult) error {
	for _, s := range result.GetSegments() {
		if !result.GetIsFinal() {
			r.c.live(segmentFromMessage(s), int(s.GetStableWordCount()))
			continue
		}
		r.moved = true
		if s.GetTurn() == "" {
			continue
		}
		if err := r.print(&pb.RecordTurn{
			Name: s.GetTurn(), Channel: s.GetChannel(), Speaker: s.GetSpeaker(), Role: s.GetRole(), StartSeconds: s.GetStartSeconds(),
			EndSeconds: s.GetEndSeconds(), Text: s.GetText(), SpokenText: s.GetSpokenText(), Confidence: s.GetConfidence(),
		}); err != nil {
			return err
		}
	}
	return nil
}
