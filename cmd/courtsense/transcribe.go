package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/microphone"
)

// transcribe is one run of "courtsense transcribe".
type transcribe struct {
	format     string
	outDir     string
	mic        bool
	microphone string
	duration   time.Duration
	encoding   string
	rate       int
	channels   int
	jobs       int
	model      string
	language   string
	hotWords   string
	noise      bool
	gain       bool
	seats      []string
	separate   bool
	crosstalk  bool
	spoken     bool

	c       *console
	conn    *connection
	config  *pb.StreamingConfig
	stdin   io.Reader
	textual atomic.Bool // that no recogniser is loaded was said
	unused  atomic.Bool // that some hot words can't be used was said
}

// speechFormats are the output formats with their writers and suffixes.
var speechFormats = map[string]struct {
	write  func(io.Writer, []speech.Segment) error
	suffix string
}{
	"text": {speech.WriteText, ".txt"}, "json": {speech.WriteJSON, ".json"}, "srt": {speech.WriteSRT, ".srt"}, "vtt": {speech.WriteVTT, ".vtt"},
}

// encodings are the values of --encoding; raw samples have no header that would tell.
var encodings = map[string]pb.AudioEncoding{
	"auto": pb.AudioEncoding_AUDIO_ENCODING_AUTO, "linear16": pb.AudioEncoding_AUDIO_ENCODING_LINEAR16,
	"float32": pb.AudioEncoding_AUDIO_ENCODING_FLOAT32,
}

func newTranscribeCommand() *cobra.Command {
	t := &transcribe{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "transcribe FILE|DIR... | --mic",
		Short: "Find and write down the speech in recordings, or from a microphone",
		Long: `Streams recordings (WAV, FLAC, MP3, Ogg/Opus; 8 to 48 kHz; 1 to 8 channels; "-" is standard input), or what a microphone
hears, through the recogniser, and prints who spoke when and what was said. On a terminal, results show while they are
made: what no later interim result changes stands out from what may still change. Of several recordings, and of folders, a
bar shows the progress. Where no recogniser is loaded the segments of speech come without text.

--seat says who sits at which channel's microphone, so that each segment says who speaks; what leaks from one seat's microphone into another's is
then left out. --separate-speakers tells those apart who speak into one microphone: S1, S2, and who they are where what they say gives it away.
Numbers are written in figures and recited law in its exact words, where the statute index is there ("courtsense statutes import"); --as-spoken
leaves the text as it was recognised.

--hotwords names the case's names and terms, which are then preferred; those that can't be used are reported with the reason.
--mic records until Ctrl-C or --duration, with a level meter on a terminal. "courtsense doctor" lists the microphones.`,
		Example: `  courtsense transcribe hearing.flac
  courtsense transcribe hearing.wav --hotwords case.txt --json
  courtsense transcribe hearing.flac --seat 0=judge --seat 1=plaintiff --seat 2=defendant
  courtsense transcribe meeting.wav --separate-speakers
  courtsense transcribe recordings/ --format srt -o subtitles/
  courtsense transcribe --mic --server court-ai:9090 --tls
  ffmpeg -i video.mp4 -f wav - | courtsense transcribe -
  courtsense transcribe line.raw --encoding linear16 --rate 8000`,
	}
	connect := addConnectFlags(cmd)
	set := cmd.Flags()
	set.StringVar(&t.format, "format", "text", "text, json, srt or vtt")
	set.BoolVar(&asJSON, "json", false, "the same as --format json")
	set.StringVarP(&t.outDir, "output", "o", "", "write one result a file into this folder instead of printing")
	set.StringVar(&t.hotWords, "hotwords", "", "file of words that are likely to be said, one a line, with a weight after a tab if wanted")
	set.StringVar(&t.model, "model", "", "recogniser, by its id (default: the best one available)")
	set.StringVar(&t.language, "language", "", "language as a BCP 47 tag, such as zh-CN (default: the recogniser's)")
	set.BoolVar(&t.noise, "suppress-noise", false, "suppress noise before recognition")
	set.BoolVar(&t.gain, "control-gain", false, "bring speech to one level before recognition")
	addSeatFlag(set, &t.seats)
	set.BoolVar(&t.separate, "separate-speakers", false, "tell those apart who speak into one microphone")
	set.BoolVar(&t.crosstalk, "suppress-crosstalk", false, "leave out what leaks from one channel's microphone into another's (default: with --seat, as the server is configured)")
	set.BoolVar(&t.spoken, "as-spoken", false, "the text as it was recognised: no marks, no figures, no exact words of the law")
	set.BoolVar(&t.mic, "mic", false, "record from a microphone instead of reading files")
	set.StringVar(&t.microphone, "microphone", "", "which one: its number or a part of its name (default: the system's)")
	set.DurationVar(&t.duration, "duration", 0, "record for this long, such as 30s (default: until Ctrl-C)")
	set.StringVar(&t.encoding, "encoding", "auto", "auto (by content), or of raw samples linear16 or float32")
	set.IntVar(&t.rate, "rate", 0, "samples a second of raw samples, 8000 to 48000")
	set.IntVar(&t.channels, "channels", 0, "channels of raw samples, 1 to 8 (default: 1)")
	addJobsFlag(set, &t.jobs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if asJSON {
			t.format = "json"
		}
		if err := t.check(cmd, args); err != nil {
			return err
		}
		t.c, t.stdin = newConsole(cmd), cmd.InOrStdin()
		t.config = &pb.StreamingConfig{
			InterimResults: t.c.errTerm,
			Recognition: &pb.RecognitionConfig{
				Encoding: encodings[t.encoding], SampleRateHertz: int32(t.rate), AudioChannelCount: int32(t.channels),
				Model: t.model, LanguageCode: t.language, SuppressNoise: t.noise, ControlGain: t.gain, SeparateSpeakers: t.separate,
			},
		}
		if cmd.Flags().Changed("suppress-crosstalk") {
			t.config.Recognition.SuppressCrosstalk = &t.crosstalk
		}
		if t.spoken {
			off := false
			t.config.Recognition.Punctuate, t.config.Recognition.WriteNumbers, t.config.Recognition.SnapStatutes = &off, &off, &off
		}
		var err error
		if t.config.Recognition.ChannelRoles, err = channelRoles(t.seats); err != nil {
			return err
		}
		if t.hotWords != "" {
			if t.config.Recognition.HotWords, err = hotWordsOf(t.hotWords); err != nil {
				return err
			}
		}
		if t.mic {
			return onFiles(cmd, t.c, connect, app.Speech, []input{{path: "microphone"}}, t.record)
		}
		inputs := findInputs(args, soundSuffixes)
		if len(inputs) > 1 && t.outDir == "" && (t.format == "srt" || t.format == "vtt") {
			return usagef("subtitles of several recordings need a file each: add -o DIR")
		}
		return onFiles(cmd, t.c, connect, app.Speech, inputs, func(ctx context.Context, conn *connection) error {
			t.conn = conn
			return t.run(ctx, inputs)
		})
	}
	return cmd
}

func (t *transcribe) check(cmd *cobra.Command, args []string) error {
	if err := oneOf("--format", t.format, "text", "json", "srt", "vtt"); err != nil {
		return err
	}
	if err := oneOf("--encoding", t.encoding, "auto", "linear16", "float32"); err != nil {
		return err
	}
	raw := t.encoding != "auto"
	switch {
	case t.mic && len(args) > 0:
		return usagef("--mic and files exclude each other")
	case t.mic && t.outDir != "":
		return usagef("--mic prints its result: redirect standard output instead of -o")
	case t.mic && raw:
		return usagef("--mic knows its own encoding")
	case !t.mic && len(args) == 0:
		return usagef("name a recording, or record with --mic; see '%s --help'", cmd.CommandPath())
	case !t.mic && (t.microphone != "" || t.duration != 0):
		return usagef("--microphone and --duration need --mic")
	case raw && t.rate == 0:
		return usagef("--encoding %s needs --rate: raw samples have no header", t.encoding)
	case !raw && (t.rate != 0 || t.channels != 0):
		return usagef("--rate and --channels are for raw samples: add --encoding linear16 or float32")
	}
	return nil
}

// transcript is what became of one recording.
type transcript struct {
	segments []speech.Segment // by start
	err      error            // why it ended early; the segments before that are there
}

func (t *transcribe) run(ctx context.Context, inputs []input) error {
	failed := false
	live := t.format == "text" && t.outDir == "" && t.c.outTerm && len(inputs) == 1
	t.c.startBar(len(inputs), "listening")
	defer t.c.endBar()
	inOrder(ctx, len(inputs), t.jobs, func(ctx context.Context, i int) transcript {
		r, err := t.open(inputs[i])
		if err != nil {
			return transcript{err: err}
		}
		defer r.Close()
		return t.hear(ctx, r, t.config, 32<<10, live, len(inputs) == 1)
	}, func(i int, heard transcript) {
		t.c.step()
		if heard.err != nil {
			failed = true
			if ctx.Err() == nil {
				t.c.fail(inputs[i].path, heard.err)
			}
		}
		if err := t.report(inputs[i], heard, len(inputs) > 1, live); err != nil {
			failed = true
			t.c.fail(inputs[i].path, err)
		}
	})
	if failed {
		return errReported
	}
	return nil
}

func (t *transcribe) open(in input) (io.ReadCloser, error) {
	if in.err != nil {
		return nil, in.err
	}
	if in.path == "-" {
		return io.NopCloser(t.stdin), nil
	}
	f, err := os.Open(in.path)
	return f, reasonOf(err)
}

// record transcribes the microphone until the user, --duration or the device ends it, which all are good ends.
func (t *transcribe) record(ctx context.Context, conn *connection) error {
	t.conn = conn
	m, err := microphone.Open(t.microphone)
	if err != nil {
		return fmt.Errorf("microphone: %w", err)
	}
	defer m.Close()
	if t.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.duration)
		defer cancel()
	}
	defer context.AfterFunc(ctx, func() { _ = m.Close() })()
	c := m.Config()
	config := proto.CloneOf(t.config)
	config.Recognition.Encoding = pb.AudioEncoding_AUDIO_ENCODING_LINEAR16
	config.Recognition.SampleRateHertz, config.Recognition.AudioChannelCount = int32(c.SampleRate), int32(c.Channels)
	t.c.note("recording from %q; Ctrl-C ends it", m.Device().Name)
	live := t.format == "text"
	// What was heard is brought to its final results after the recording has ended.
	t.c.meter = &meter{r: m}
	heard := t.hear(context.WithoutCancel(ctx), t.c.meter, config, 2*c.SampleRate/10, live, true)
	if n := m.Dropped(); n > 0 {
		t.c.note("%d samples were lost because the recogniser could not keep up", n)
	}
	if err := t.report(input{path: "microphone"}, heard, false, live); err != nil {
		return err
	}
	return heard.err
}

// hear streams one recording. With live, final segments are printed as they come; with interim, a terminal shows what is
// being heard.
func (t *transcribe) hear(ctx context.Context, r io.Reader, config *pb.StreamingConfig, chunk int, live, interim bool) transcript {
	var heard transcript
	heard.err = recognizeSpeech(ctx, t.conn, r, config, chunk, func(m *pb.StreamingRecognizeResponse) error {
		if ready := m.GetReady(); ready != nil && !ready.GetRecognizerLoaded() && t.format != "json" && !t.textual.Swap(true) {
			t.c.note("no speech recogniser is loaded: the segments come without text")
		}
		if ready := m.GetReady(); ready != nil && !t.unused.Swap(true) {
			t.reportUnusable(ready.GetHotWords().GetUnusable())
		}
		for _, s := range m.GetResult().GetSegments() {
			segment := segmentFromMessage(s)
			switch {
			case m.GetResult().GetIsFinal():
				heard.segments = append(heard.segments, segment)
				if live {
					t.c.erase()
					if err := speech.WriteText(t.c.out, []speech.Segment{segment}); err != nil {
						return err
					}
				}
			case interim:
				t.c.live(segment, int(s.GetStableWordCount()))
			}
		}
		return nil
	})
	heard.err = t.conn.explain(heard.err)
	t.c.erase()
	nameSpeakers(heard.segments)
	slices.SortStableFunc(heard.segments, func(a, b speech.Segment) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Channel, b.Channel))
	})
	return heard
}

// nameSpeakers gives the role of a speaker that became known late to what the same speaker said before.
func nameSpeakers(segments []speech.Segment) {
	type voice struct {
		channel int
		label   string
	}
	unknown := roleName(pb.SpeakerRole_SPEAKER_ROLE_UNKNOWN)
	roles := map[voice]string{}
	for _, s := range segments {
		if s.Speaker != "" && s.Role != "" && s.Role != unknown {
			roles[voice{s.Channel, s.Speaker}] = s.Role
		}
	}
	for i := range segments {
		s := &segments[i]
		if role := roles[voice{s.Channel, s.Speaker}]; s.Role == unknown && role != "" {
			s.Role = role
		}
	}
}

// maxUnusable is how many hot words that can't be used are named one by one.
const maxUnusable = 10

func (t *transcribe) reportUnusable(words []*pb.UnusableHotWord) {
	for i, w := range words {
		if i == maxUnusable {
			t.c.note("%d more hot words can't be used", len(words)-i)
			return
		}
		t.c.note("the hot word %q can't be used: %s (%s)", w.GetPhrase(), w.GetDetail(), w.GetReason())
	}
}

// report prints or writes one recording's result.
func (t *transcribe) report(in input, heard transcript, several, printed bool) error {
	format := speechFormats[t.format]
	nothing := heard.err != nil && len(heard.segments) == 0
	switch {
	case nothing && t.format == "json" && t.outDir == "":
		return jsonLines{t.c.out, several}.failed(in.path, heard.err)
	case nothing || printed:
		return nil
	case t.outDir != "":
		var b bytes.Buffer
		if err := format.write(&b, heard.segments); err != nil {
			return err
		}
		return writeFile(filepath.Join(t.outDir, in.name+format.suffix), b.Bytes())
	case t.format == "json":
		return jsonLines{t.c.out, several}.result(in.path, func(w io.Writer) error { return format.write(w, heard.segments) })
	}
	t.c.erase()
	if several {
		fmt.Fprintf(t.c.out, "== %s ==\n", in.path)
	}
	return format.write(t.c.out, heard.segments)
}

func segmentFromMessage(m *pb.SpeechSegment) speech.Segment {
	s := speech.Segment{
		Start: m.GetStartSeconds(), End: m.GetEndSeconds(), Channel: int(m.GetChannel()), Text: m.GetText(), Confidence: m.GetConfidence(),
		Speaker: m.GetSpeaker(), Role: roleName(m.GetRole()), Spoken: m.GetSpokenText(), Overlap: m.GetOverlap(),
	}
	for _, q := range m.GetQuotations() {
		s.Quotations = append(s.Quotations, speech.Quotation{
			Start: int(q.GetStart()), End: int(q.GetEnd()), Law: q.GetArticle().GetLaw(), Article: q.GetArticle().GetArticle(),
			Spoken: q.GetSpokenText(), Confidence: q.GetConfidence(),
		})
	}
	for _, w := range m.GetWords() {
		s.Words = append(s.Words, speech.Word{
			Text: w.GetText(), Start: w.GetStartSeconds(), End: w.GetEndSeconds(), Confidence: w.GetConfidence(), HotWord: w.GetHotWord(),
		})
	}
	for _, a := range m.GetAlternatives() {
		s.Alternatives = append(s.Alternatives, speech.Alternative{Text: a.GetText(), Confidence: a.GetConfidence()})
	}
	return s
}

// recognizeSpeech streams r in chunks and hands every answer to receive, to the end of the stream.
func recognizeSpeech(ctx context.Context, conn *connection, r io.Reader, config *pb.StreamingConfig, chunk int, receive func(*pb.StreamingRecognizeResponse) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream, err := pb.NewSpeechServiceClient(conn).StreamingRecognize(ctx, anySize)
	if err != nil {
		return err
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if err := sendSpeech(stream, r, config, chunk); err != nil {
			cancel(err)
		}
	}()
	for {
		m, err := stream.Recv()
		if err == nil {
			err = receive(m)
		}
		if err == nil {
			continue
		}
		// A failing reader ends the call by its context, and is then the true reason.
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			err = cause
		}
		cancel(nil)
		if errors.Is(err, io.EOF) {
			<-sent
			return nil
		}
		return err
	}
}

func sendSpeech(stream pb.SpeechService_StreamingRecognizeClient, r io.Reader, config *pb.StreamingConfig, chunk int) error {
	err := stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Config{Config: config}})
	for err == nil {
		buffer := make([]byte, chunk)
		var n int
		n, err = r.Read(buffer)
		if n > 0 {
			m := &pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Audio{Audio: buffer[:n]}}
			if stream.Send(m) != nil {
				return nil //nolint:nilerr // the server has ended the stream; why is what Recv says
			}
		}
		if errors.Is(err, io.EOF) {
			return stream.CloseSend()
		}
		if err != nil {
			return fmt.Errorf("can't read the recording: %w", reasonOf(err))
		}
	}
	return nil
}
