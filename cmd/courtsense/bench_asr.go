package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/benchmarks"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/audio"
)

// benchASR is one run of "courtsense bench asr".
type benchASR struct {
	c                *console
	json             bool
	streams, dropped int
	length           time.Duration
	long             time.Duration
}

// asrBenchJSON is the format of "bench asr --json"; docs/cli.md describes it.
type asrBenchJSON struct {
	Models       []eval.Model    `json:"models"`
	AudioSeconds float64         `json:"audio_seconds"` // of the recordings, joined
	File         *asrFileJSON    `json:"file,omitempty"`
	Streams      *asrStreamsJSON `json:"streams,omitempty"`
	Memory       []asrMemoryJSON `json:"memory"`
}

type asrFileJSON struct {
	RealTimeFactor float64 `json:"real_time_factor"` // one recording at a time, one thread of Go and of each model
	CPUFactor      float64 `json:"cpu_factor"`       // processor time of the process by the length of the sound
}

type asrStreamsJSON struct {
	Count         int           `json:"count"`
	Seconds       float64       `json:"seconds"` // of each
	Interim       asrDelaysJSON `json:"interim_delay"`
	Final         asrDelaysJSON `json:"final_delay"`
	Segments      int           `json:"segments"`
	Words         int           `json:"words"`
	Failed        int           `json:"failed"`
	Error         string        `json:"error,omitempty"`
	BehindSeconds float64       `json:"behind_seconds"` // the most that a sender was held back
	CPUCores      float64       `json:"cpu_cores"`      // used on average, load generator included
}

type asrDelaysJSON struct {
	Count  int     `json:"count"`
	Median float64 `json:"median_ms"`
	P95    float64 `json:"p95_ms"`
	P99    float64 `json:"p99_ms"`
	Max    float64 `json:"max_ms"`
}

// asrMemoryJSON is what the process held at one time.
type asrMemoryJSON struct {
	What       string  `json:"what"` // "dropped streams" or "seconds of one stream"
	Count      int     `json:"count"`
	Resident   float64 `json:"resident_mb"`
	Goroutines int     `json:"goroutines"`
}

func newBenchASRCommand() *cobra.Command {
	b := &benchASR{}
	cmd := &cobra.Command{
		Use:   "asr FILE|DIR...",
		Short: "Measure recognition: real-time factor, delays of many real-time streams, memory over many and long streams",
		Long: `Joins the recordings (one channel) and measures with them, through the models that serve:

  file       one recording after the other, all in, with one thread: time by length of sound
  streams    --streams streams that send 100 ms of sound each 100 ms, for --length: how long after a word's end an interim
             result first shows it as it stays, and how long after the last word's end the final result comes
  memory     --dropped streams, opened one after the other and dropped without an end, and one stream of --long, sent as fast as
             it is taken: what the process holds meanwhile`,
		Example: `  courtsense bench asr hearing.wav --streams 40
  courtsense bench asr hearings/ --streams 100 --length 2m --dropped 10000 --long 4h --json`,
		Args: cobra.MinimumNArgs(1),
	}
	flags := addConfigFlags(cmd, "config", "set", "models", "device")
	set := cmd.Flags()
	set.BoolVar(&b.json, "json", false, "print JSON")
	set.IntVar(&b.streams, "streams", 40, "real-time streams at a time, 0: delays are not measured")
	set.DurationVar(&b.length, "length", time.Minute, "how long each of them sends")
	set.IntVar(&b.dropped, "dropped", 0, "streams to open and drop, 0: not measured")
	set.DurationVar(&b.long, "long", 0, "length of the long stream's sound, 0: not measured")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if b.streams < 0 || b.streams > 2000 || b.length < time.Second || b.dropped < 0 || b.long < 0 {
			return usagef("--streams is 0 to 2000, --length is 1s or more, --dropped and --long are not negative")
		}
		loaded, err := loadConfig(flags)
		if err != nil {
			return err
		}
		b.c = newConsole(cmd)
		return b.run(cmd.Context(), loaded.Config, findInputs(args, soundSuffixes))
	}
	return cmd
}

func (b *benchASR) run(ctx context.Context, cfg conf.Config, inputs []input) (err error) {
	var pcm []byte
	for _, in := range inputs {
		if in.err != nil {
			return fmt.Errorf("%s: %w", in.path, in.err)
		}
		one, err := linear16(in.path)
		if err != nil {
			return fmt.Errorf("%s: %w", in.path, err)
		}
		// A second of silence between recordings, as between speakers.
		pcm = append(append(pcm, one...), make([]byte, 2*audio.Rate)...)
	}
	// Far more streams than a client usually has.
	cfg.Server.MaxConcurrentStreams = max(cfg.Server.MaxConcurrentStreams, b.streams+8)
	cfg.Server.MaxCalls = max(cfg.Server.MaxCalls, b.streams+8)
	a, err := speechApp(ctx, b.c, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	uses, err := a.Speech().Uses("")
	if err != nil {
		return err
	}
	out := asrBenchJSON{Models: evalModels(uses), Memory: []asrMemoryJSON{}, AudioSeconds: float64(len(pcm)) / 2 / audio.Rate}
	if err := b.file(ctx, a, pcm, &out); err != nil {
		return err
	}
	session, err := a.InProcess()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	load := benchmarks.SpeechLoad{
		Client: pb.NewSpeechServiceClient(session.Conn()), PCM: pcm, Rate: audio.Rate, Streams: b.streams, Length: b.length,
	}
	if b.streams > 0 {
		b.c.status("%d streams for %v ...", b.streams, b.length)
		out.Streams = streamsJSON(b, load.Run(ctx))
	}
	if err := b.memory(ctx, load, &out); err != nil {
		return err
	}
	b.c.erase()
	if b.json {
		return writeJSON(b.c.out, out)
	}
	b.print(out)
	return nil
}

// linear16 decodes a recording of one channel to 16-bit samples at the recognisers' rate.
func linear16(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := audio.NewDecoder(f, audio.Config{}, audio.DefaultLimits())
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if n := d.Info().Channels; n != 1 {
		return nil, fmt.Errorf("it has %d channels, one is wanted", n)
	}
	r, err := audio.NewResampler(d.Info().SampleRate, 1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []byte
	add := func(pcm []float32, err error) error {
		for _, v := range pcm {
			s := int16(math.Round(float64(min(max(v, -1), 32767./32768)) * 32768))
			out = append(out, byte(s), byte(s>>8))
		}
		return err
	}
	buf := make([]float32, d.Info().SampleRate)
	for {
		n, err := d.Read(buf)
		if err := add(r.Push(buf[:n])); err != nil {
			return nil, err
		}
		if errors.Is(err, io.EOF) {
			return out, add(r.Flush())
		}
		if err != nil {
			return nil, err
		}
	}
}

// file measures with one thread of Go, so that wall and processor time are those of one core.
func (b *benchASR) file(ctx context.Context, a *app.App, pcm []byte, out *asrBenchJSON) error {
	segmenter, _, err := a.Speech().Segmenter(ctx, &pb.RecognitionConfig{
		Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: audio.Rate,
	}, -1)
	if err != nil {
		return err
	}
	b.c.status("the recordings as files ...")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	used, begin := benchmarks.ProcessorTime(), time.Now()
	summary, err := segmenter.Run(ctx, bytes.NewReader(pcm), func(speech.Result) error { return nil })
	if err != nil {
		return err
	}
	sound := summary.Duration.Seconds()
	out.File = &asrFileJSON{digits(time.Since(begin).Seconds()/sound, 5), digits((benchmarks.ProcessorTime()-used).Seconds()/sound, 5)}
	return nil
}

func digits(v float64, n int) float64 {
	scale := math.Pow10(n)
	return math.Round(v*scale) / scale
}

func streamsJSON(b *benchASR, d benchmarks.SpeechDelays) *asrStreamsJSON {
	delays := func(d benchmarks.Delays) asrDelaysJSON {
		ms := func(d time.Duration) float64 { return digits(d.Seconds()*1000, 1) }
		return asrDelaysJSON{d.Count, ms(d.Median), ms(d.P95), ms(d.P99), ms(d.Max)}
	}
	return &asrStreamsJSON{
		Count: b.streams, Seconds: b.length.Seconds(), Interim: delays(d.Interim), Final: delays(d.Final), Segments: d.Segments, Words: d.Words,
		Failed: d.Failed, Error: d.Error, BehindSeconds: digits(d.Behind.Seconds(), 3), CPUCores: digits(d.Used.Seconds()/d.Wall.Seconds(), 2),
	}
}

// memory looks at what the process holds after each tenth of the streams, and of the long one.
func (b *benchASR) memory(ctx context.Context, load benchmarks.SpeechLoad, out *asrBenchJSON) error {
	note := func(what string, count int) {
		runtime.GC()
		out.Memory = append(out.Memory, asrMemoryJSON{what, count, digits(float64(benchmarks.Resident())/1e6, 1), runtime.NumGoroutine()})
	}
	if b.dropped > 0 {
		err := load.OpenAndDrop(ctx, b.dropped, func(done int) {
			if done%max(b.dropped/10, 1) == 0 {
				b.c.status("%d of %d streams dropped ...", done, b.dropped)
				note("dropped streams", done)
			}
		})
		if err != nil {
			return err
		}
	}
	if b.long > 0 {
		next := b.long / 10
		return load.Long(ctx, b.long, func(sent time.Duration) {
			if sent >= next {
				b.c.status("%v of %v ...", sent.Round(time.Second), b.long)
				note("seconds of one stream", int(sent.Seconds()))
				next += b.long / 10
			}
		})
	}
	return nil
}

func (b *benchASR) print(out asrBenchJSON) {
	names := make([]string, len(out.Models))
	for i, m := range out.Models {
		names[i] = m.ID
	}
	fmt.Fprintf(b.c.out, "%s\n", strings.Join(names, ", "))
	fmt.Fprintf(b.c.out, "  %-36s %.4f by the clock, %.4f of processor time, on %.0f s of sound\n", "real-time factor, one thread", out.File.RealTimeFactor, out.File.CPUFactor, out.AudioSeconds)
	if s := out.Streams; s != nil {
		fmt.Fprintf(b.c.out, "  %-36s %d for %.0f s, %d failed, %.2f cores, senders held back %.3f s at most\n", "real-time streams", s.Count, s.Seconds, s.Failed, s.CPUCores, s.BehindSeconds)
		line := func(what string, d asrDelaysJSON) {
			fmt.Fprintf(b.c.out, "  %-36s median %.0f ms, 95 %% below %.0f ms, 99 %% below %.0f ms, of %d\n", what, d.Median, d.P95, d.P99, d.Count)
		}
		line("  a word's first lasting showing", s.Interim)
		line("  final result after the last word", s.Final)
		if s.Error != "" {
			fmt.Fprintf(b.c.out, "  failed: %s\n", s.Error)
		}
	}
	for _, m := range out.Memory {
		fmt.Fprintf(b.c.out, "  after %6d %s: %.1f MB, %d goroutines\n", m.Count, m.What, m.Resident, m.Goroutines)
	}
}
