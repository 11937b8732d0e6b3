package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/vision/camera"
	"github.com/courtsense/courtsense/vision/gate"
)

// faceWatch is one run of "courtsense face watch".
type faceWatch struct {
	faceFlags
	cameras, zones, types []string
	after, crops          string
	sources               []string
	policy, video         string

	c *console
}

func newFaceWatchCommand() *cobra.Command {
	f := &faceWatch{}
	cmd := &cobra.Command{
		Use:   "watch [--server ADDRESS | --camera NAME=SOURCE... --policy FILE]",
		Short: "Follow what happens at the gates",
		Long: `Prints an event a line: somebody was admitted, refused, unknown, a presentation attack, or came in on another's admission, and
when a camera is lost or back. With --server it follows a server's gates until Ctrl-C. Without one it opens the cameras of
--camera, or of the configuration, in this process, and ends with them when they are files.

A source is rtsp://..., http://... (MJPEG), device:N or file:PATH; docs/gates.md describes policies.`,
		Example: `  courtsense face watch --server gate-server:9090 --types unknown,spoof,tailgating --crops alarms/
  courtsense face watch --server gate-server:9090 --after gateEvents/1207 --json
  courtsense face watch --camera door=file:door.mp4 --policy gates.yaml --video marked.avi`,
		Args: cobra.NoArgs,
	}
	connect := addConnectFlags(cmd)
	connect.inProcess = append(connect.inProcess, "camera", "policy", "video")
	f.add(cmd.Flags(), "")
	set := cmd.Flags()
	set.StringSliceVar(&f.cameras, "cameras", nil, "follow these cameras only")
	set.StringSliceVar(&f.zones, "zones", nil, "follow these zones only")
	set.StringSliceVar(&f.types, "types", nil, "follow these types only: admitted, refused, unknown, spoof, tailgating, camera_lost, camera_restored")
	set.StringVar(&f.after, "after", "", "begin with the events after this one, gateEvents/NUMBER; gateEvents/0 is all that are kept")
	set.StringVar(&f.crops, "crops", "", "write each event's best shot into this folder")
	set.StringArrayVar(&f.sources, "camera", nil, "camera to open in this process, NAME=SOURCE; may be repeated (default: gate.cameras)")
	set.StringVar(&f.policy, "policy", "", "policy file (default: gate.policy)")
	set.StringVar(&f.video, "video", "", "write the pictures of the first camera, with what the gate made of them, to this file (AVI; needs OpenCV)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f.c = newConsole(cmd)
		return f.run(cmd, connect)
	}
	return cmd
}

func (f *faceWatch) request() (*pb.WatchRequest, error) {
	req := &pb.WatchRequest{
		Purpose: f.purpose, ConsentId: f.consent, Cameras: f.cameras, Zones: f.zones, AfterEvent: f.after, Crops: f.crops != "",
	}
	for _, name := range f.types {
		t := pb.GateEventType_value["GATE_EVENT_TYPE_"+strings.ToUpper(name)]
		if t == 0 {
			return nil, usagef("--types %s: there are admitted, refused, unknown, spoof, tailgating, camera_lost and camera_restored", name)
		}
		req.Types = append(req.Types, pb.GateEventType(t))
	}
	return req, nil
}

func (f *faceWatch) run(cmd *cobra.Command, connect *connectFlags) (err error) {
	req, err := f.request()
	if err != nil {
		return err
	}
	marks := &marking{path: f.video}
	defer func() { err = errors.Join(err, marks.close()) }()
	connect.change = func(cfg *conf.Config, o *app.Options) {
		if len(f.sources) > 0 {
			cfg.Gate.Cameras = f.sources
		}
		if f.policy != "" {
			cfg.Gate.Policy = f.policy
		}
		if f.video != "" {
			marks.looks = max(time.Millisecond, cfg.Gate.LookInterval.Std())
			o.Watch = app.WatchOptions{Observed: marks.observed, Every: true}
		}
	}
	ctx := cmd.Context()
	conn, err := connect.open(ctx, cmd, f.c, app.Faces)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.reach(ctx); err != nil {
		return err
	}
	stream, err := pb.NewFaceServiceClient(conn).Watch(ctx, req, anySize)
	if err != nil {
		return conn.explain(err)
	}
	if a := conn.app; a != nil {
		if err := f.start(ctx, a); err != nil {
			return err
		}
	}
	for {
		m, err := stream.Recv()
		switch {
		case err == nil:
		case ctx.Err() != nil && conn.server != "":
			return nil // Ctrl-C is how following ends
		case conn.app != nil && status.Code(err) == codes.Unavailable, errors.Is(err, io.EOF):
			return marks.err
		default:
			return conn.explain(err)
		}
		if e := m.GetEvent(); e != nil {
			if err := f.print(e); err != nil {
				return err
			}
		}
	}
}

// start opens the cameras in this process, and has the following end with them.
func (f *faceWatch) start(ctx context.Context, a *app.App) error {
	if err := a.StartGates(ctx); err != nil {
		return err
	}
	g := a.Gates()
	if g == nil || len(g.Cameras()) == 0 {
		return usagef("there is no camera: name one with --camera NAME=SOURCE, or a server with --server")
	}
	go func() {
		select {
		case <-g.Done():
		case <-ctx.Done():
		}
		// Whoever follows is told the rest, and then the end. The app closes it again, and reports what goes wrong.
		_ = g.Close()
	}()
	return nil
}

// gateEventJSON is the stable format of an event.
type gateEventJSON struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Camera     string          `json:"camera"`
	Zone       string          `json:"zone,omitempty"`
	Person     string          `json:"person,omitempty"`
	Rule       string          `json:"rule,omitempty"`
	Reason     string          `json:"reason,omitempty"`
	Start      time.Time       `json:"start_time"`
	Time       time.Time       `json:"event_time"`
	Frames     int32           `json:"frames"`
	Confidence score           `json:"confidence"`
	Alarm      bool            `json:"alarm"`
	Similarity *similarityJSON `json:"similarity,omitempty"`
	Crop       string          `json:"crop,omitempty"`
}

func (f *faceWatch) print(e *pb.GateEvent) error {
	crop := ""
	if f.crops != "" && len(e.GetCropJpeg()) > 0 {
		crop = filepath.Join(f.crops, strings.ReplaceAll(e.GetName(), "/", "-")+".jpg")
		if err := writeFile(crop, e.GetCropJpeg()); err != nil {
			return err
		}
	}
	kind := strings.TrimPrefix(e.GetType().String(), "GATE_EVENT_TYPE_")
	if f.json {
		out := gateEventJSON{
			Name: e.GetName(), Type: kind, Camera: e.GetCamera(), Zone: e.GetZone(), Person: e.GetPerson(), Rule: e.GetRule(), Reason: e.GetReason(),
			Start: e.GetStartTime().AsTime(), Time: e.GetEventTime().AsTime(), Frames: e.GetFrames(), Confidence: score(e.GetConfidence()), Alarm: e.GetAlarm(), Crop: crop,
		}
		if s := e.GetSimilarity(); s != nil {
			similarity := similarityOf(s)
			out.Similarity = &similarity
		}
		return json.NewEncoder(f.c.out).Encode(out)
	}
	line := fmt.Sprintf("%s  %-15s %s", e.GetEventTime().AsTime().Local().Format("2006-01-02 15:04:05"), kind, e.GetCamera())
	for _, part := range []struct{ what, value string }{
		{"zone", e.GetZone()}, {"", e.GetPerson()}, {"rule", e.GetRule()}, {"", e.GetReason()},
	} {
		if part.value != "" {
			line += strings.TrimRight("  "+part.what, " ") + map[bool]string{true: "  ", false: " "}[part.what == ""] + part.value
		}
	}
	if s := e.GetSimilarity(); s != nil {
		line += fmt.Sprintf("  similarity %.3f of %.3f in %s", s.GetCosine(), s.GetThreshold(), plural(int(e.GetFrames()), "look"))
	}
	if e.GetAlarm() {
		line += "  ALARM"
	}
	_, err := fmt.Fprintln(f.c.out, line)
	return err
}

// marking writes the annotated video of the first camera. Its methods but close are called from that camera's goroutine.
type marking struct {
	path  string
	looks time.Duration
	name  string
	video *camera.Video
	show  *annotator
	err   error
}

// videoRate is what a camera's video is written at: frames come at their camera's own rate, which is not known beforehand.
const videoRate = 25

func (m *marking) observed(name string, f gate.Frame, o gate.Observation) {
	if m.name == "" {
		m.name = name
	}
	if m.err != nil || name != m.name {
		return
	}
	if m.video == nil {
		if m.video, m.err = camera.NewVideo(m.path, videoRate, f.Image.Width, f.Image.Height); m.err != nil {
			return
		}
		m.show = newAnnotator(m.video)
	}
	m.err = m.show.show(f, o)
}

func (m *marking) close() error { return m.video.Close() }
