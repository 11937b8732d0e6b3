package camera

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Config sets up a [Camera]. Zero values are the defaults.
type Config struct {
	Name   string
	Source Source
	Limits imaging.Limits // of one picture; limits.max_pixels bounds memory
	// Silence is how long the camera may send nothing that can be read before it counts as lost; 15 s. A camera of one picture
	// in five seconds is within the default.
	Silence time.Duration
	// FirstRetry and LongestRetry bound how long it is left alone before it is opened again, twice as long each time; 1 s and 1 min.
	FirstRetry, LongestRetry time.Duration
	// Begin is the time of a file's first picture; zero is when the file was opened. Pictures of other sources have the time
	// of their arrival.
	Begin time.Time
	// State is told of every change, from the goroutine of Run; nil: nobody is.
	State func(State)
}

func (c Config) withDefaults() Config {
	c.Silence = cmp.Or(c.Silence, 15*time.Second)
	c.FirstRetry = cmp.Or(c.FirstRetry, time.Second)
	c.LongestRetry = max(cmp.Or(c.LongestRetry, time.Minute), c.FirstRetry)
	return c
}

// State is how a camera is.
type State struct {
	Live   bool          // pictures come
	Since  time.Time     // of this state
	Reason string        // why not; safe to log
	Retry  time.Duration // after which it is opened again; 0 when live
}

// Stats counts what a camera delivered.
type Stats struct {
	Frames     int64 // that came, wanted or not
	Bad        int64 // that could not be read
	Dropped    int64 // that nobody had time for
	Opened     int64 // times that it was opened
	Width      int   // of the last picture
	Height     int
	LastFrame  time.Time
	Live       bool
	LastReason string
}

// Frame is a picture of a camera.
type Frame struct {
	Image *imaging.Raster
	Time  time.Time
}

// Camera reads one source, for as long as Run runs.
type Camera struct {
	cfg Config

	mu    sync.Mutex
	stats Stats
}

// New returns a camera. It is opened by Run.
func New(cfg Config) *Camera { return &Camera{cfg: cfg.withDefaults()} }

// Stats may be called at any time.
func (c *Camera) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *Camera) count(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.stats)
}

// Run opens the camera and hands its pictures to take, one at a time, until ctx ends, a file that is not looped ends, or take
// returns an error. want is asked, with the time of a picture, whether take wants it, so that others need not be made; nil
// wants all. It is asked from another goroutine than take is called from.
//
// A live source never waits for take: what comes meanwhile is dropped, but the newest. A file waits.
//
// The error is nil at the end of a file; ctx's; take's; or [ErrNoOpenCV]. Whatever else goes wrong is told to Config.State and
// tried again.
func (c *Camera) Run(ctx context.Context, want func(time.Time) bool, take func(context.Context, Frame) error) error {
	if want == nil {
		want = func(time.Time) bool { return true }
	}
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval, retry.Multiplier, retry.RandomizationFactor = c.cfg.FirstRetry, c.cfg.LongestRetry, 2, 0.2
	begin := c.cfg.Begin
	for {
		retry.Reset()
		err := c.session(ctx, &begin, want, take, retry)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errEnd):
			if c.cfg.Source.Loop {
				continue
			}
			return nil
		case err != nil:
			return err
		}
	}
}

// session opens the camera, however often it takes, and reads it until it is lost. Its error is one that ends Run, or errEnd.
func (c *Camera) session(ctx context.Context, begin *time.Time, want func(time.Time) bool, take func(context.Context, Frame) error, retry *backoff.ExponentialBackOff) error {
	for {
		var given error
		err := c.read(ctx, begin, want, func(ctx context.Context, f Frame) error {
			given = take(ctx, f)
			return given
		})
		if given != nil || ctx.Err() != nil || errors.Is(err, errEnd) || errors.Is(err, ErrNoOpenCV) {
			return err
		}
		wasLive := c.Stats().Live
		if wasLive {
			retry.Reset()
		}
		pause := retry.NextBackOff()
		c.become(State{Reason: err.Error(), Retry: pause})
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func (c *Camera) become(s State) {
	s.Since = time.Now()
	was := false
	c.count(func(t *Stats) { was, t.Live, t.LastReason = t.Live, s.Live, s.Reason })
	if c.cfg.State != nil && (!s.Live || !was) {
		c.cfg.State(s)
	}
}

// read reads the camera until it is lost.
func (c *Camera) read(ctx context.Context, begin *time.Time, want func(time.Time) bool, take func(context.Context, Frame) error) (err error) {
	wait := timeouts{open: c.cfg.Silence, read: c.cfg.Silence}
	var r reader
	if c.cfg.Source.Kind == MJPEG {
		r, err = openMJPEG(ctx, c.cfg.Source, c.cfg.Limits, wait)
	} else {
		r, err = openVideo(ctx, c.cfg.Source, c.cfg.Limits, wait)
	}
	if err != nil {
		return err
	}
	c.count(func(s *Stats) { s.Opened++ })
	if begin.IsZero() {
		*begin = time.Now()
	}
	// The reader blocks in calls that nothing can end but their own time limits; so it has a goroutine, which closes it.
	ctx, cancel := context.WithCancel(ctx)
	frames := make(chan Frame, 1)
	ended := make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(frames)
		err := c.pump(ctx, r, begin, want, frames)
		ended <- errors.Join(err, r.Close())
	})
	defer reading.Wait()
	defer cancel()
	for f := range frames {
		if err := take(ctx, f); err != nil {
			cancel()
			for range frames {
				continue // what is under way is let go
			}
			return err
		}
	}
	return <-ended
}

// pump reads pictures until there are no more.
func (c *Camera) pump(ctx context.Context, r reader, begin *time.Time, want func(time.Time) bool, frames chan Frame) error {
	good, start, last := time.Now(), *begin, time.Time{}
	isFile := c.cfg.Source.Kind == File
	stamp := func(at time.Duration) time.Time {
		if isFile {
			return start.Add(at)
		}
		return time.Now()
	}
	for {
		image, at, err := r.Next(ctx, func(at time.Duration) bool { return want(stamp(at)) })
		now := time.Now()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var bad *badPicture
		switch {
		case errors.As(err, &bad):
			c.count(func(s *Stats) { s.Frames++; s.Bad++ })
			if now.Sub(good) > c.cfg.Silence {
				return fmt.Errorf("nothing of what it has sent for %v can be read, last: %w", c.cfg.Silence, bad.err)
			}
			continue
		case errors.Is(err, errEnd):
			if last.IsZero() {
				return errors.New("the file holds no picture")
			}
			*begin = stamp(at) // looped, it goes on where it has ended
			return err
		case err != nil:
			return err
		}
		good, last = now, stamp(at)
		c.count(func(s *Stats) {
			s.Frames++
			s.LastFrame = now
			if image != nil {
				s.Width, s.Height = image.Width, image.Height
			}
		})
		if image != nil {
			c.become(State{Live: true})
			if err := c.put(ctx, frames, Frame{image, last}); err != nil {
				return err
			}
		}
	}
}

// put hands a picture over. Of a live source the one that waits is dropped for the newer one.
func (c *Camera) put(ctx context.Context, frames chan Frame, f Frame) error {
	if !c.cfg.Source.live() {
		select {
		case frames <- f:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		select {
		case frames <- f:
			return nil
		default:
		}
		select {
		case <-frames:
			c.count(func(s *Stats) { s.Dropped++ })
		default:
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
