package app_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/encoding/protojson"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/scene"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/internal/webhook"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/vision/face"
)

// door is an MJPEG camera in front of which somebody stands, or nobody does.
type door struct {
	somebody atomic.Bool
	frames   [2][][]byte // nobody, somebody
}

func newDoor(t *testing.T) *door {
	t.Helper()
	portrait := decoded(t, sample(t, "faces", "astronaut.jpg"))
	// The face's box, as the detector finds it.
	head := scene.NewHead(portrait, face.Box{X: 177, Y: 72, W: 93, H: 128})
	d := &door{}
	s := scene.New(640, 360, 1)
	for i := range d.frames {
		if i == 1 {
			s.Walkers = []scene.Walker{{Head: head, Spots: []scene.Spot{{At: 0, X: 320, Y: 150, Width: 110}, {At: time.Minute, X: 330, Y: 150, Width: 115}}}}
		}
		for k := range 8 {
			b, err := codec.EncodeJPEG(s.Frame(time.Duration(k)*time.Second), 92)
			require.NoError(t, err)
			d.frames[i] = append(d.frames[i], b)
		}
	}
	return d
}

// ServeHTTP sends ten pictures a second.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for k := 0; ; k++ {
		which := 0
		if d.somebody.Load() {
			which = 1
		}
		b := d.frames[which][k%8]
		if _, err := fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(b), b); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// posted collects what the webhook brings.
type posted struct {
	secret []byte
	mu     sync.Mutex
	events map[string]*pb.GateEvent
	wrong  []error
}

func (p *posted) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = webhook.Verify(p.secret, r.Header, body, time.Now(), time.Minute)
	}
	e := &pb.GateEvent{}
	if err == nil {
		err = protojson.Unmarshal(body, e)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.wrong = append(p.wrong, err)
		return
	}
	p.events[e.GetName()] = e
}

func (p *posted) event(name string) *pb.GateEvent {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events[name]
}

const gatePolicy = `
zones:
  hall:
    entry: [door, lost]
    galleries: [staff]
    liveness: false
    alarms: [unknown, camera_lost]
    rules:
      - {name: staff, admit: true}
`

// gatesOf assembles an app with a door, a camera that nobody answers for, and a webhook.
func gatesOf(t *testing.T) (conn *grpc.ClientConn, a *app.App, d *door, p *posted, policy string, metrics *telemetry.Metrics) {
	t.Helper()
	d, p = newDoor(t), &posted{secret: bytes.Repeat([]byte{7}, 32), events: map[string]*pb.GateEvent{}}
	camera, hook, gone := httptest.NewServer(d), httptest.NewServer(p), httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	t.Cleanup(hook.Close)
	t.Cleanup(camera.Close)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	cfg := conf.Default()
	cfg.Models.Dir = t.TempDir()
	cfg.Galleries.KeyFile = write("key", "k:"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32)))
	cfg.Galleries.Path = filepath.Join(dir, "galleries.db")
	cfg.Gate.Cameras = []string{"door=" + camera.URL, "lost=" + strings.Replace(gone.URL, "http://", "http://li:secret@", 1)}
	policy = write("gates.yaml", gatePolicy)
	cfg.Gate.Policy = policy
	cfg.Gate.Webhook.URL = hook.URL
	cfg.Gate.Webhook.SecretFile = write("secret", "whsec_"+base64.StdEncoding.EncodeToString(p.secret))
	metrics = telemetry.NewMetrics()
	a, err := app.New(t.Context(), cfg, app.Options{Parts: app.Faces, Logger: slog.New(slog.DiscardHandler), Metrics: metrics})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	session, err := a.InProcess()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, session.Close()) })
	return session.Conn(), a, d, p, policy, metrics
}

// TestGatesFromTheCameraToTheAttendance goes the whole way with our own models: a picture comes from a camera, and a person gets
// into the attendance.
func TestGatesFromTheCameraToTheAttendance(t *testing.T) {
	conn, a, d, p, policy, metrics := gatesOf(t)
	ctx := callContext(t)
	client := pb.NewFaceServiceClient(conn)
	const why = "test"
	_, err := client.CreateGallery(ctx, &pb.CreateGalleryRequest{Purpose: why, GalleryId: "staff"})
	require.NoError(t, err)
	_, err = client.Enrol(ctx, &pb.EnrolRequest{
		Purpose: why, Gallery: "galleries/staff", PersonId: "eileen", Image: &pb.Image{Content: sample(t, "faces", "astronaut.jpg")}, Profile: pb.QualityProfile_QUALITY_PROFILE_GATE,
	})
	require.NoError(t, err)

	watching, end := context.WithCancel(ctx)
	defer end()
	stream, err := client.Watch(watching, &pb.WatchRequest{Purpose: why, AfterEvent: "gateEvents/0", Crops: true})
	require.NoError(t, err)
	await := func(kind pb.GateEventType) (*pb.GateEvent, *pb.Provenance) {
		for {
			m, err := stream.Recv()
			require.NoError(t, err)
			if e := m.GetEvent(); e.GetType() == kind {
				return e, m.GetProvenance()
			}
		}
	}
	require.NoError(t, a.StartGates(ctx))
	lost, _ := await(pb.GateEventType_GATE_EVENT_TYPE_CAMERA_LOST)
	assert.Equal(t, "lost", lost.GetCamera())
	assert.True(t, lost.GetAlarm())
	assert.NotContains(t, lost.GetReason(), "secret")

	d.somebody.Store(true)
	e, provenance := await(pb.GateEventType_GATE_EVENT_TYPE_ADMITTED)
	assert.Equal(t, "galleries/staff/persons/eileen", e.GetPerson())
	assert.Equal(t, "staff", e.GetRule())
	assert.Equal(t, "hall", e.GetZone())
	assert.GreaterOrEqual(t, e.GetFrames(), int32(3))
	assert.GreaterOrEqual(t, e.GetSimilarity().GetCosine(), e.GetSimilarity().GetThreshold())
	assert.NotEmpty(t, e.GetSimilarity().GetFalseMatchRate().GetMeasuredOn())
	crop, _, err := codec.Decode(ctx, e.GetCropJpeg(), imaging.DefaultLimits())
	require.NoError(t, err)
	assert.Greater(t, crop.Width, 60)
	assert.Equal(t, why, provenance.GetPurpose())
	assert.GreaterOrEqual(t, len(provenance.GetModels()), 2)
	assert.NotEmpty(t, provenance.GetConfiguration()["threshold"])

	require.Eventually(t, func() bool { return p.event(e.GetName()) != nil }, long, 10*time.Millisecond)
	assert.Equal(t, e.GetPerson(), p.event(e.GetName()).GetPerson())
	assert.Empty(t, p.event(e.GetName()).GetCropJpeg())
	assert.Empty(t, p.wrong)

	health := grpc_health_v1.NewHealthClient(conn)
	for name, want := range map[string]grpc_health_v1.HealthCheckResponse_ServingStatus{
		"cameras/door": grpc_health_v1.HealthCheckResponse_SERVING, "cameras/lost": grpc_health_v1.HealthCheckResponse_NOT_SERVING,
	} {
		answer, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: name})
		require.NoError(t, err)
		assert.Equal(t, want, answer.GetStatus(), name)
	}
	gauge := func(name string) float64 {
		families, err := metrics.Registry().Gather()
		require.NoError(t, err)
		for _, f := range families {
			if f.GetName() == name {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		return -1
	}
	assert.GreaterOrEqual(t, gauge("courtsense_camera_up"), 0.0)
	require.InDelta(t, 1, gauge("courtsense_gate_policy_current"), 0)
	require.NoError(t, os.WriteFile(policy, []byte("zones: [wrong]"), 0o600))
	require.Eventually(t, func() bool { return gauge("courtsense_gate_policy_current") == 0 }, long, 50*time.Millisecond, "a wrong policy is reported")

	// A second follower is told the same from the journal.
	again, err := client.Watch(watching, &pb.WatchRequest{Purpose: why, AfterEvent: "gateEvents/0", Types: []pb.GateEventType{pb.GateEventType_GATE_EVENT_TYPE_ADMITTED}})
	require.NoError(t, err)
	m, err := again.Recv()
	require.NoError(t, err)
	assert.Equal(t, e.GetName(), m.GetEvent().GetName())
	assert.Empty(t, m.GetEvent().GetCropJpeg(), "crops were not asked for")

	d.somebody.Store(false)
	visits, err := client.ListVisits(ctx, &pb.ListVisitsRequest{Purpose: why})
	require.NoError(t, err)
	require.Len(t, visits.GetVisits(), 1)
	assert.Equal(t, []string{e.GetName()}, visits.GetVisits()[0].GetEvents())
	day := e.GetStartTime().AsTime().Local().Format(time.DateOnly)
	attendance, err := client.ListAttendance(ctx, &pb.ListAttendanceRequest{Purpose: why, StartDate: day})
	require.NoError(t, err)
	require.Len(t, attendance.GetRecords(), 1)
	assert.Equal(t, e.GetPerson(), attendance.GetRecords()[0].GetPerson())
	assert.EqualValues(t, 1, attendance.GetRecords()[0].GetPassages())

	for name, call := range map[string]func() error{
		"after_event": func() error {
			s, err := client.Watch(ctx, &pb.WatchRequest{Purpose: why, AfterEvent: "visits/1"})
			require.NoError(t, err)
			_, err = s.Recv()
			return err
		},
		"no such day": func() error {
			_, err := client.ListAttendance(ctx, &pb.ListAttendanceRequest{Purpose: why, StartDate: "2026-02-31"})
			return err
		},
		"page token": func() error {
			_, err := client.ListVisits(ctx, &pb.ListVisitsRequest{Purpose: why, PageToken: "x"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { requireRefused(t, call(), codes.InvalidArgument, "INVALID_VALUE") })
	}
}

func TestGatesThatAreSetUpWrongly(t *testing.T) {
	for want, change := range map[string]func(c *conf.Config){
		"NAME=SOURCE":      func(c *conf.Config) { c.Gate.Cameras = []string{"rtsp://li:pass-word@cam/"} },
		"none of them":     func(c *conf.Config) { c.Gate.Cameras = []string{"door=li:pass-word"} },
		"two cameras":      func(c *conf.Config) { c.Gate.Cameras = []string{"door=device:0", "door=device:1"} },
		"no such file":     func(c *conf.Config) { c.Gate.Policy = filepath.Join(t.TempDir(), "none.yaml") },
		"only posted sign": func(c *conf.Config) { c.Gate.Webhook.URL = "https://hook/" },
		"no key": func(c *conf.Config) {
			c.Galleries.KeyFile, c.Gate.Cameras = "", []string{"door=device:0"}
		},
	} {
		_, a := start(t, app.Faces, func(c *conf.Config) {
			key := filepath.Join(t.TempDir(), "key")
			require.NoError(t, os.WriteFile(key, []byte("k:"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32))), 0o600))
			c.Galleries.KeyFile, c.Galleries.Path = key, filepath.Join(t.TempDir(), "galleries.db")
			change(c)
		})
		err := a.StartGates(t.Context())
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "pass-word")
	}
}

func TestWithoutAKeyThereAreNoGates(t *testing.T) {
	conn, a := start(t, app.Faces)
	require.NoError(t, a.StartGates(t.Context()), "and nobody asked for any")
	_, err := pb.NewFaceServiceClient(conn).ListVisits(callContext(t), &pb.ListVisitsRequest{Purpose: "test"})
	requireRefused(t, err, codes.FailedPrecondition, "GATES_UNCONFIGURED")
}

func decoded(t testing.TB, content []byte) *imaging.Raster {
	t.Helper()
	r, _, err := codec.Decode(t.Context(), content, imaging.DefaultLimits())
	require.NoError(t, err)
	return r
}

// next is the next event of a stream.
func next(t testing.TB, stream grpc.ServerStreamingClient[pb.WatchResponse]) *pb.GateEvent {
	t.Helper()
	for {
		m, err := stream.Recv()
		require.NoError(t, err)
		if e := m.GetEvent(); e != nil {
			return e
		}
	}
}
