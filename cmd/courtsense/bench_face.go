package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/benchmarks"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/gallery"
)

func newBenchFaceCommand() *cobra.Command {
	b := &benchFace{}
	cmd := &cobra.Command{
		Use:   "face PICTURE",
		Short: "Measure one face from JPEG to template, a search in a large gallery, and memory over many calls",
		Long: `Puts PICTURE, which shows one face, into a frame of 1280x720 px and measures on it, through the models that serve:

  template   one JPEG to its template: decode, detect, align, embed, with one thread
  search     Identify in a gallery of --persons made-up persons, through the service: the search alone, and the whole call
  memory     --calls calls of all kinds, and what the process holds meanwhile`,
		Example: `  courtsense bench face portrait.jpg
  courtsense bench face portrait.jpg --persons 100000 --calls 10000 --json`,
		Args: nameArgs(1, "a picture with one face"),
	}
	flags := addConfigFlags(cmd, "config", "set", "models", "device")
	set := cmd.Flags()
	set.BoolVar(&b.json, "json", false, "print JSON")
	set.IntVar(&b.persons, "persons", 10_000, "persons in the gallery, 0: no search is measured")
	set.IntVar(&b.calls, "calls", 500, "mixed calls, 0: memory is not measured")
	set.IntVar(&b.rounds, "rounds", 200, "measured templates, and searches")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if b.persons < 0 || b.persons > 2_000_000 || b.calls < 0 || b.rounds < 1 {
			return usagef("--persons is 0 to 2000000, --calls is not negative, --rounds is 1 or more")
		}
		loaded, err := loadConfig(flags)
		if err != nil {
			return err
		}
		b.c = newConsole(cmd)
		return b.run(cmd.Context(), loaded, args[0])
	}
	return cmd
}

// benchFace is one run of "courtsense bench face".
type benchFace struct {
	c                      *console
	json                   bool
	persons, calls, rounds int
	frame                  []byte // JPEG
}

// faceBenchJSON is the format of "bench face --json"; docs/cli.md describes it.
type faceBenchJSON struct {
	Models   []eval.Model `json:"models"`
	Template spreadJSON   `json:"template"`
	Persons  int          `json:"persons"`
	Search   *spreadJSON  `json:"search,omitempty"`
	Identify *spreadJSON  `json:"identify,omitempty"`
	Memory   []memoryJSON `json:"memory"`
}

type spreadJSON struct {
	Count       int     `json:"count"`
	Median      float64 `json:"median_ms"`
	P99         float64 `json:"p99_ms"`
	Mean        float64 `json:"mean_ms"`
	ProcessorMS float64 `json:"processor_ms,omitempty"` // of the whole process, per call
}

type memoryJSON struct {
	Calls      int     `json:"calls"`
	Resident   float64 `json:"resident_mb"`
	Goroutines int     `json:"goroutines"`
}

func jsonSpread(s benchmarks.Spread) spreadJSON {
	ms := func(d time.Duration) float64 { return math.Round(float64(d)/1e4) / 100 }
	return spreadJSON{s.Count, ms(s.Median), ms(s.P99), ms(s.Mean), ms(s.ProcessorTime)}
}

func (b *benchFace) run(ctx context.Context, loaded *conf.Loaded, path string) (err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if b.frame, err = frame720(ctx, content); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	out := faceBenchJSON{Persons: b.persons, Memory: []memoryJSON{}}
	if err := b.template(ctx, loaded, &out); err != nil {
		return err
	}
	if err := b.service(ctx, loaded, &out); err != nil {
		return err
	}
	b.c.erase()
	if b.json {
		return writeJSON(b.c.out, out)
	}
	return b.print(out)
}

// frame720 puts a picture into the middle of a grey frame of 1280x720 px.
func frame720(ctx context.Context, content []byte) ([]byte, error) {
	r, _, err := codec.Decode(ctx, content, imaging.DefaultLimits())
	if err != nil {
		return nil, err
	}
	const width, height = 1280, 720
	scale := min(float64(width)/float64(r.Width), float64(height)/float64(r.Height))
	r = imaging.Resize(r, max(int(float64(r.Width)*scale), 1), max(int(float64(r.Height)*scale), 1))
	frame := imaging.NewRaster(width, height)
	for i := range frame.Pix {
		frame.Pix[i] = 128
	}
	left, top := (width-r.Width)/2, (height-r.Height)/2
	for y := range r.Height {
		copy(frame.Row(top + y)[3*left:], r.Row(y))
	}
	return codec.EncodeJPEG(frame, 92)
}

// template measures with one thread of Go, so that wall and processor time are those of one core.
func (b *benchFace) template(ctx context.Context, loaded *conf.Loaded, out *faceBenchJSON) (err error) {
	m, err := openFaceModels(ctx, b.c, loaded, eval.Run{Jobs: 1}, faceModels{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	out.Models = append(out.Models, m.detector, m.embedding)
	if m.landmarks != nil {
		out.Models = append(out.Models, *m.landmarks)
	}
	b.c.status("measuring templates ...")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	spread, err := benchmarks.Repeat(ctx, b.rounds, func(ctx context.Context) (time.Duration, error) {
		begin := time.Now()
		_, err := m.measure.Template(ctx, b.frame)
		return time.Since(begin), err
	})
	out.Template = jsonSpread(spread)
	return err
}

func (b *benchFace) service(ctx context.Context, loaded *conf.Loaded, out *faceBenchJSON) (err error) {
	if b.persons == 0 && b.calls == 0 {
		return nil
	}
	dir, err := os.MkdirTemp("", "courtsense-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cfg := loaded.Config
	cfg.Galleries.Path, cfg.Galleries.KeyFile = filepath.Join(dir, "galleries.db"), filepath.Join(dir, "key")
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	if err := os.WriteFile(cfg.Galleries.KeyFile, []byte(hex.EncodeToString(key)), 0o600); err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{Logger: b.c.logger(), Parts: app.Faces})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	session, err := a.InProcess()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(session.Close(), err) }()
	client := pb.NewFaceServiceClient(session.Conn())
	if _, err := client.CreateGallery(ctx, &pb.CreateGalleryRequest{Purpose: benchPurpose, GalleryId: "bench"}); err != nil {
		return err
	}
	if b.persons > 0 {
		if err := b.fill(ctx, a); err != nil {
			return err
		}
		if err := b.search(ctx, client, out); err != nil {
			return err
		}
	}
	if b.calls > 0 {
		return b.mixed(ctx, client, out)
	}
	return nil
}

const (
	benchPurpose = "benchmark"
	benchGallery = "galleries/bench"
)

// fill enrols made-up persons past the service: nobody has pictures of so many.
func (b *benchFace) fill(ctx context.Context, a *app.App) error {
	store, err := a.Galleries(ctx)
	if err != nil {
		return err
	}
	g, err := store.Gallery(ctx, "bench")
	if err != nil {
		return err
	}
	const together = 64 // enrolments that share one wait for the disk
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	var once sync.Once
	var cause error
	for range together {
		wg.Go(func() {
			for failed.Load() == 0 {
				i := next.Add(1) - 1
				if i >= int64(b.persons) || ctx.Err() != nil {
					return
				}
				if i%1000 == 0 {
					b.c.status("enrolling %d of %d ...", i, b.persons)
				}
				_, err := store.Enrol(ctx, g.Name, gallery.EnrolRecord{
					Person: fmt.Sprintf("p-%07d", i), Model: g.Model, Template: randomTemplate(uint64(i), g.Model.Dimensions), Purpose: benchPurpose,
				})
				if err != nil {
					failed.Add(1)
					once.Do(func() { cause = err })
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(cause, ctx.Err())
}

func randomTemplate(seed uint64, dimensions int) face.Template {
	random := mathrand.New(mathrand.NewPCG(seed, 1))
	t := make(face.Template, dimensions)
	var norm float64
	for i := range t {
		v := random.NormFloat64()
		t[i] = float32(v)
		norm += v * v
	}
	for i := range t {
		t[i] /= float32(math.Sqrt(norm))
	}
	return t
}

func (b *benchFace) search(ctx context.Context, client pb.FaceServiceClient, out *faceBenchJSON) error {
	b.c.status("searching ...")
	call := func(pick func(whole time.Duration, p *pb.Provenance) time.Duration) func(context.Context) (time.Duration, error) {
		return func(ctx context.Context) (time.Duration, error) {
			begin := time.Now()
			answer, err := client.Identify(ctx, &pb.IdentifyRequest{Purpose: benchPurpose, Gallery: benchGallery, Image: &pb.Image{Content: b.frame}})
			if err != nil {
				return 0, err
			}
			if answer.GetReason() != "" {
				return 0, errors.New(answer.GetReason())
			}
			return pick(time.Since(begin), answer.GetProvenance()), nil
		}
	}
	alone, err := benchmarks.Repeat(ctx, b.rounds, call(func(_ time.Duration, p *pb.Provenance) time.Duration {
		for _, t := range p.GetTimings() {
			if t.GetStage() == "search" {
				return t.GetDuration().AsDuration()
			}
		}
		return 0
	}))
	if err != nil {
		return err
	}
	whole, err := benchmarks.Repeat(ctx, b.rounds, call(func(whole time.Duration, _ *pb.Provenance) time.Duration { return whole }))
	if err != nil {
		return err
	}
	search, identify := jsonSpread(alone), jsonSpread(whole)
	search.ProcessorMS = 0 // of the stage alone nobody knows it
	out.Search, out.Identify = &search, &identify
	return nil
}

// mixed makes calls of every kind in turn.
func (b *benchFace) mixed(ctx context.Context, client pb.FaceServiceClient, out *faceBenchJSON) error {
	image := &pb.Image{Content: b.frame}
	kinds := []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := client.Detect(ctx, &pb.DetectRequest{Purpose: benchPurpose, Image: image, Annotate: true})
			return err
		},
		func(ctx context.Context) error {
			_, err := client.Assess(ctx, &pb.AssessRequest{Purpose: benchPurpose, Image: image})
			return err
		},
		func(ctx context.Context) error {
			_, err := client.CheckLiveness(ctx, &pb.CheckLivenessRequest{Purpose: benchPurpose, Images: []*pb.Image{image, image}})
			return err
		},
		func(ctx context.Context) error {
			_, err := client.Compare(ctx, &pb.CompareRequest{Purpose: benchPurpose, Left: image, Right: image})
			return err
		},
		func(ctx context.Context) error {
			_, err := client.Enrol(ctx, &pb.EnrolRequest{
				Purpose: benchPurpose, Gallery: benchGallery, PersonId: "somebody", Image: image, Profile: pb.QualityProfile_QUALITY_PROFILE_GATE,
			})
			return err
		},
		func(ctx context.Context) error {
			_, err := client.Identify(ctx, &pb.IdentifyRequest{Purpose: benchPurpose, Gallery: benchGallery, Image: image})
			return err
		},
		func(ctx context.Context) error {
			_, err := client.Remove(ctx, &pb.RemoveRequest{Purpose: benchPurpose, Name: benchGallery + "/persons/somebody"})
			return err
		},
		func(ctx context.Context) error {
			_, err := client.Detect(ctx, &pb.DetectRequest{Purpose: benchPurpose, Image: &pb.Image{Content: b.frame[:len(b.frame)/3]}})
			if err == nil {
				return errors.New("a torn picture was not refused")
			}
			return nil
		},
	}
	seen, err := benchmarks.Flat(ctx, b.calls, func(ctx context.Context, i int) error {
		if i%50 == 0 {
			b.c.status("call %d of %d ...", i, b.calls)
		}
		return kinds[i%len(kinds)](ctx)
	})
	for _, m := range seen {
		out.Memory = append(out.Memory, memoryJSON{m.Calls, math.Round(float64(m.Resident)/1e5) / 10, m.Goroutines})
	}
	return err
}

func (b *benchFace) print(out faceBenchJSON) error {
	for _, m := range out.Models {
		fmt.Fprintf(b.c.out, "%s, %s\n", m.ID, m.Source)
	}
	line := func(what string, s spreadJSON) {
		fmt.Fprintf(b.c.out, "  %-40s median %.2f ms, 99 %% below %.2f ms", what, s.Median, s.P99)
		if s.ProcessorMS > 0 {
			fmt.Fprintf(b.c.out, ", %.2f ms of processor time", s.ProcessorMS)
		}
		fmt.Fprintln(b.c.out)
	}
	line("one 720p JPEG to its template", out.Template)
	if out.Search != nil {
		line(fmt.Sprintf("search among %s persons", grouped(int64(out.Persons))), *out.Search)
		line("Identify, the whole call", *out.Identify)
	}
	for _, m := range out.Memory {
		fmt.Fprintf(b.c.out, "  after %6d calls: %.1f MB, %d goroutines\n", m.Calls, m.Resident, m.Goroutines)
	}
	return nil
}
