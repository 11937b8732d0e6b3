package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/vision/camera"
)

// evalGate is one run of "courtsense eval gate".
type evalGate struct {
	people int
	seed   uint64
	fps    float64
	out    string
}

func newEvalGateCommand() *cobra.Command {
	e := &evalGate{}
	cmd := &cobra.Command{
		Use:   "gate DIR",
		Short: "Measure a gate on a scripted crowd: wrong admissions, misses, double events, identity switches",
		Long: `Has people cross a drawn hall, several at a time and hiding each other, with portraits of DIR for their faces, and a gate
look at it. DIR holds pictures named PERSON_0001.jpg, as LFW does; of half of the people one picture is enrolled and another
one walks, the others are strangers. Liveness is not checked: a pasted portrait is no live face.`,
		Example: `  courtsense eval gate lfw-dev/
  courtsense eval gate lfw-dev/ --people 100 --seed 7 --video crowd.avi`,
		Args: oneFolder,
	}
	f := addEvalFlags(cmd, "config", "set", "models", "device")
	set := cmd.Flags()
	set.IntVar(&e.people, "people", 50, "how many people cross, half of them enrolled")
	set.Uint64Var(&e.seed, "seed", 1, "who they are and how they walk")
	set.Float64Var(&e.fps, "fps", 25, "frames a second of the video, 0.2 to 60")
	set.StringVar(&e.out, "video", "", "write the video with what the gate made of it to this file (AVI; needs OpenCV)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		if f.score != "" || f.raw != "" || e.people < 2 || !(e.fps >= 0.2 && e.fps <= 60) {
			return usagef("eval gate has no --score and no --raw; --people is 2 or more, --fps 0.2 to 60")
		}
		loaded, err := loadConfig(f.config)
		if err != nil {
			return err
		}
		c := newConsole(cmd)
		return f.run(c, "watching", func(run eval.Run) error {
			r, err := e.run(cmd.Context(), c, loaded, run, args[0])
			if err != nil {
				return err
			}
			return f.print(c, r)
		})
	}
	return cmd
}

const crowdGallery = "crowd"

func (e *evalGate) run(ctx context.Context, c *console, loaded *conf.Loaded, run eval.Run, dir string) (r eval.GateReport, err error) {
	pictures, err := portraits(dir)
	if err != nil {
		return r, err
	}
	s, start, err := openStudio(c, loaded.Config, nil)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := start(ctx); err != nil {
		return r, err
	}
	if err := s.gallery(ctx, crowdGallery); err != nil {
		return r, err
	}
	g := eval.Gate{Width: 1280, Height: 720, FPS: e.fps, Seed: e.seed, Zone: crowdGallery, Look: loaded.Gate.LookInterval.Std(), Progress: run.Progress}
	var recogniser, scores, problem = s.app.GateRecogniser()
	if problem != nil {
		return r, problem
	}
	g.Recogniser, g.Tracker = recogniser, scores
	if g.People, err = e.crowd(ctx, c, s, pictures); err != nil {
		return r, err
	}
	if e.out != "" {
		video, err := camera.NewVideo(e.out, e.fps, g.Width, g.Height)
		if err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, video.Close()) }()
		g.Shown = newAnnotator(video).show
	}
	c.erase()
	if r, err = g.Cross(ctx); err != nil {
		return r, err
	}
	r.Setting = setting()
	for _, m := range recogniser.Models() {
		r.Models = append(r.Models, eval.Model{ID: m.ID, Version: m.Version, SHA256: m.SHA256, Source: m.Source, Device: m.Device})
	}
	return r, nil
}

var numbered = regexp.MustCompile(`^(.+)_[0-9]+\.(jpg|jpeg|png)$`)

// portraits are the pictures of a folder by person.
func portraits(dir string) (map[string][]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, f := range files {
		if m := numbered.FindStringSubmatch(f.Name()); m != nil {
			out[m[1]] = append(out[m[1]], filepath.Join(dir, f.Name()))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no pictures named PERSON_0001.jpg", dir)
	}
	return out, nil
}

var notInID = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// crowd picks who walks, and enrols every second one from another picture.
func (e *evalGate) crowd(ctx context.Context, c *console, s *studio, pictures map[string][]string) ([]eval.Crosser, error) {
	names := make([]string, 0, len(pictures))
	for name := range pictures {
		names = append(names, name)
	}
	slices.Sort(names)
	random := rand.New(rand.NewPCG(e.seed, 3))
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var out []eval.Crosser
	for _, name := range names {
		known := len(out)%2 == 0
		files := pictures[name]
		if len(out) == e.people {
			break
		}
		if known != (len(files) > 1) {
			continue
		}
		c.status("%d of %d people ...", len(out)+1, e.people)
		walks, err := os.ReadFile(files[len(files)-1])
		if err != nil {
			return nil, err
		}
		p := eval.Crosser{Person: notInID.ReplaceAllString(name, "-"), Known: known}
		if p.Head, err = s.head(ctx, walks); err != nil {
			continue // somebody else
		}
		if known {
			enrolled, err := os.ReadFile(files[0])
			if err != nil {
				return nil, err
			}
			if err := s.enrol(ctx, crowdGallery, p.Person, enrolled); err != nil {
				continue // not good enough to be enrolled
			}
		}
		out = append(out, p)
	}
	if len(out) < e.people {
		return nil, fmt.Errorf("there are only pictures for %d people: half of them need two each, half one; ask for fewer with --people", len(out))
	}
	return out, nil
}
