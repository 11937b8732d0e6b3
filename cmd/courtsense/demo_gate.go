package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/scene"
	"github.com/courtsense/courtsense/vision/camera"
	"github.com/courtsense/courtsense/vision/gate"
)

// demoGate is one run of "courtsense demo gate".
type demoGate struct {
	c            *console
	out, samples string
	cfg          conf.Config
}

func newDemoGateCommand() *cobra.Command {
	d := &demoGate{}
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Have a gate look at a drawn video, and write what it made of it",
		Long: `Draws two videos of a person at a gate, with the portrait of testdata/faces for a face, and has the gates look at them as two
cameras: at the entrance she is enrolled, comes, turns away and comes again; at the archive nobody is enrolled, so that she is unknown
there. Prints the events and the attendance, checks them, and writes both videos, as they were seen and with what the gates made of
them, to the folder of --out. Liveness is checked at neither gate: a pasted portrait is no live face. Needs OpenCV.`,
		Example: `  courtsense demo gate
  courtsense demo gate --out /tmp/demo --models /srv/models`,
		Args: cobra.NoArgs,
	}
	flags := addConfigFlags(cmd, "config", "set", "models", "device")
	cmd.Flags().StringVar(&d.out, "out", "out", "folder for the videos")
	cmd.Flags().StringVar(&d.samples, "samples", "", "folder of the samples (default: testdata, here or beside the binary)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := loadConfig(flags)
		if err != nil {
			return err
		}
		d.c, d.cfg = newConsole(cmd), loaded.Config
		return d.run(cmd.Context())
	}
	return cmd
}

const demoPolicy = `zones:
  courthouse:
    entry: [entrance]
    galleries: [staff]
    liveness: false # the video is drawn
    rules:
      - {name: staff, admit: true}
  archive:
    entry: [archive]
    galleries: [archivists]
    liveness: false
    rules:
      - {name: archivists, admit: true}
`

// The demonstration's people.
const (
	demoPerson  = "astronaut"
	demoWidth   = 1280
	demoHeight  = 720
	demoWanted  = "ADMITTED at entrance once, UNKNOWN at archive once"
	demoPicture = "faces/astronaut.jpg"
)

func (d *demoGate) run(ctx context.Context) (err error) {
	folder, err := findSamples(d.samples)
	if err != nil {
		return err
	}
	portrait, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(demoPicture)))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(d.out, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	marks := map[string]*marking{}
	cameras := []string{"entrance", "archive"}
	s, start, err := openStudio(d.c, d.cfg, func(dir string, cfg *conf.Config, o *app.Options) error {
		cfg.Gate.Policy = filepath.Join(dir, "gates.yaml")
		for _, name := range cameras {
			cfg.Gate.Cameras = append(cfg.Gate.Cameras, name+"=file:"+d.path(name))
			marks[name] = &marking{path: d.path(name + "-gate")}
		}
		o.Watch.Every = true
		o.Watch.Observed = watchMarks(marks)
		return os.WriteFile(cfg.Gate.Policy, []byte(demoPolicy), 0o600)
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := start(ctx); err != nil {
		return err
	}
	for _, g := range []string{"staff", "archivists"} {
		if err := s.gallery(ctx, g); err != nil {
			return err
		}
	}
	if err := s.enrol(ctx, "staff", demoPerson, portrait); err != nil {
		return err
	}
	head, err := s.head(ctx, portrait)
	if err != nil {
		return err
	}
	for _, name := range cameras {
		if err := d.draw(ctx, name, demoScene(name, head)); err != nil {
			return err
		}
	}
	events, err := d.watch(ctx, s)
	if err != nil {
		return err
	}
	for _, m := range marks {
		if err := errors.Join(m.err, m.close()); err != nil {
			return err
		}
	}
	return d.report(events)
}

func (d *demoGate) path(name string) string { return filepath.Join(d.out, name+".avi") }

func watchMarks(marks map[string]*marking) func(string, gate.Frame, gate.Observation) {
	return func(name string, f gate.Frame, o gate.Observation) { marks[name].observed(name, f, o) }
}

// demoScene is the way of the one person there is: near, away and near again.
func demoScene(name string, head scene.Head) *scene.Scene {
	s := scene.New(demoWidth, demoHeight, uint64(len(name)))
	spot := func(seconds, x, y, width float64) scene.Spot {
		return scene.Spot{At: time.Duration(seconds * float64(time.Second)), X: x * demoWidth, Y: y * demoHeight, Width: width}
	}
	walk := []scene.Spot{spot(0.5, 0.2, 0.35, 50), spot(4, 0.5, 0.42, 190), spot(6, 0.52, 0.42, 195), spot(8.5, 1.05, 0.4, 150)}
	s.Walkers = []scene.Walker{{Name: demoPerson, Head: head, Spots: walk}}
	if name == "entrance" {
		// Three seconds later she is back, which is the same visit.
		s.Walkers = append(s.Walkers, scene.Walker{Name: demoPerson, Head: head, Spots: []scene.Spot{spot(11.5, 1.05, 0.4, 150), spot(14, 0.6, 0.42, 180), spot(16, 0.1, 0.38, 90)}})
	}
	return s
}

func (d *demoGate) draw(ctx context.Context, name string, s *scene.Scene) (err error) {
	video, err := camera.NewVideo(d.path(name), videoRate, demoWidth, demoHeight)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, video.Close()) }()
	frames := int((s.Length() + 2*time.Second).Seconds() * videoRate)
	d.c.startBar(frames, "drawing "+name)
	defer d.c.endBar()
	for i := range frames {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := video.Write(s.Frame(time.Duration(i) * time.Second / videoRate)); err != nil {
			return err
		}
		d.c.step()
	}
	return nil
}

// watch follows the gates until their videos have ended, and asks for the attendance.
func (d *demoGate) watch(ctx context.Context, s *studio) ([]*pb.GateEvent, error) {
	stream, err := s.faces().Watch(ctx, &pb.WatchRequest{Purpose: studioPurpose, AfterEvent: "gateEvents/0", Crops: true}, anySize)
	if err != nil {
		return nil, s.explain(err)
	}
	if err := s.app.StartGates(ctx); err != nil {
		return nil, err
	}
	gates := s.app.Gates()
	select {
	case <-gates.Done():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	gates.Drain()
	if err := d.attendance(ctx, s); err != nil {
		return nil, err
	}
	if err := gates.Close(); err != nil {
		return nil, err
	}
	var events []*pb.GateEvent
	f := &faceWatch{c: d.c, crops: d.out}
	for {
		m, err := stream.Recv()
		if err != nil {
			return events, ctx.Err() // the gates are closed, which ends it
		}
		if e := m.GetEvent(); e != nil {
			events = append(events, e)
			if err := f.print(e); err != nil {
				return nil, err
			}
		}
	}
}

func (d *demoGate) attendance(ctx context.Context, s *studio) error {
	a := &faceAttendance{faceFlags: faceFlags{purpose: studioPurpose}, from: time.Now().Format(time.DateOnly), to: time.Now().AddDate(0, 0, 1).Format(time.DateOnly)}
	records, err := a.list(ctx, s.faces())
	if err != nil {
		return s.explain(err)
	}
	fmt.Fprintln(d.c.out, "attendance:")
	return a.write(d.c.out, records)
}

func (d *demoGate) report(events []*pb.GateEvent) error {
	var got []string
	for _, e := range events {
		if e.GetPerson() == "" || strings.HasSuffix(e.GetPerson(), "/"+demoPerson) {
			got = append(got, strings.TrimPrefix(e.GetType().String(), "GATE_EVENT_TYPE_")+" "+e.GetCamera())
		}
	}
	slices.Sort(got)
	fmt.Fprintf(d.c.out, "videos: %s, %s\n", d.path("entrance-gate"), d.path("archive-gate"))
	if !slices.Equal(got, []string{"ADMITTED entrance", "UNKNOWN archive"}) {
		return fmt.Errorf("the events are not those of the script: wanted %s, got %q", demoWanted, got)
	}
	fmt.Fprintf(d.c.out, "as the script says: %s\n", demoWanted)
	return nil
}
