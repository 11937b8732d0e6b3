package gate

import (
	"cmp"
	"slices"
	"time"

	"github.com/courtsense/courtsense/pipeline/assignment"
	"github.com/courtsense/courtsense/vision/face"
)

// TrackerConfig tunes a [Tracker]. Zero values are the defaults.
type TrackerConfig struct {
	StartScore float32       // a detection from this score on begins a track; 0.75
	KeepScore  float32       // one from this score on continues a track; 0.5
	MaxGap     time.Duration // how long a face may be hidden; 1.5 s, and at least three times between two looks
	MinHits    int           // detections from which on a track is confirmed; 2
	MaxTracks  int           // tracks at a time, further faces are not followed; 64
}

const (
	// gapLooks is how many looks a face may be missed in at any frame rate, and longestGap where that ends: a camera of one
	// frame in five seconds would else join people who came minutes apart.
	gapLooks   = 3
	longestGap = 20 * time.Second
)

func (c TrackerConfig) withDefaults() TrackerConfig {
	c.StartScore = cmp.Or(c.StartScore, 0.75)
	c.KeepScore = cmp.Or(c.KeepScore, 0.5)
	c.MaxGap = cmp.Or(c.MaxGap, 1500*time.Millisecond)
	c.MinHits = cmp.Or(c.MinHits, 2)
	c.MaxTracks = cmp.Or(c.MaxTracks, 64)
	return c
}

// lostFor is how long a face must not be seen to be lost rather than missed: four looks at the default rate.
const lostFor = 400 * time.Millisecond

// Track is one face that is followed.
type Track struct {
	ID    int64
	Box   face.Box        // at the tracker's last time; predicted where Found is nil
	Found *face.Detection // at the last look; nil when it was not seen then
	First time.Time       // first seen
	Last  time.Time       // last seen
	Hits  int             // detections
	// Regained is when it was last seen again after it was not for a while: then it may be somebody else.
	Regained time.Time

	motion motion
}

// Tracker follows faces from look to look by where they move: boxes are predicted at constant speed and matched to
// detections all at once (A. Bewley et al., Simple online and realtime tracking, ICIP 2016), certain detections before
// uncertain ones, which begin nothing (Y. Zhang et al., ByteTrack, ECCV 2022). All it knows of time are the times that it is
// given, so that frame rates may be any and change. It is not safe for concurrent use.
type Tracker struct {
	cfg    TrackerConfig
	tracks []*Track
	nextID int64
	now    time.Time // of the last prediction
	looked time.Time // of the last update
	gap    time.Duration
}

// NewTracker returns a tracker without tracks.
func NewTracker(cfg TrackerConfig) *Tracker {
	cfg = cfg.withDefaults()
	return &Tracker{cfg: cfg, gap: cfg.MaxGap}
}

// Tracks are those that are followed, confirmed or not, in order of their beginning. The caller must not change them.
func (t *Tracker) Tracks() []*Track { return t.tracks }

// Confirmed tells whether a track was seen often enough to be taken for a face.
func (t *Tracker) Confirmed(track *Track) bool { return track.Hits >= t.cfg.MinHits }

// Predict moves the tracks to a time between two looks. A time that is not after the last one changes nothing.
func (t *Tracker) Predict(now time.Time) {
	dt := now.Sub(t.now)
	if t.now.IsZero() {
		t.now = now
	}
	if dt <= 0 || t.now.Equal(now) {
		return
	}
	for _, track := range t.tracks {
		track.motion.predict(dt.Seconds())
		track.Box = track.motion.box()
	}
	t.now = now
}

// Update follows the tracks to what was found in a frame, and returns those that ended: not seen for too long.
func (t *Tracker) Update(now time.Time, found []face.Detection) (ended []*Track) {
	t.Predict(now)
	if !t.looked.IsZero() {
		t.gap = min(max(t.cfg.MaxGap, gapLooks*now.Sub(t.looked)), max(t.cfg.MaxGap, longestGap))
	}
	t.looked = now
	var certain, uncertain []face.Detection
	for _, d := range found {
		switch {
		case d.Score >= t.cfg.StartScore:
			certain = append(certain, d)
		case d.Score >= t.cfg.KeepScore:
			uncertain = append(uncertain, d)
		}
	}
	for _, track := range t.tracks {
		track.Found = nil
	}
	left, fresh := t.match(t.tracks, certain, now)
	_, _ = t.match(left, uncertain, now)
	for _, d := range fresh {
		if len(t.tracks) < t.cfg.MaxTracks {
			t.begin(d, now)
		}
	}
	t.tracks = slices.DeleteFunc(t.tracks, func(track *Track) bool {
		if now.Sub(track.Last) > t.gap {
			ended = append(ended, track)
			return true
		}
		return false
	})
	return ended
}

// match gives detections to tracks, and returns the tracks and the detections that are left over.
func (t *Tracker) match(tracks []*Track, found []face.Detection, now time.Time) (left []*Track, fresh []face.Detection) {
	cost := make([][]float64, len(tracks))
	for i, track := range tracks {
		cost[i] = make([]float64, len(found))
		for j, d := range found {
			cost[i][j] = track.motion.distance(d.Box)
		}
	}
	taken := make([]bool, len(found))
	for i, j := range assignment.Cheapest(cost) {
		if j < 0 {
			left = append(left, tracks[i])
			continue
		}
		taken[j] = true
		track, d := tracks[i], found[j]
		if now.Sub(track.Last) > lostFor {
			track.Regained = now
		}
		track.motion.update(d.Box)
		track.Box, track.Found, track.Last = d.Box, &d, now
		track.Hits++
	}
	for j, d := range found {
		if !taken[j] {
			fresh = append(fresh, d)
		}
	}
	return left, fresh
}

func (t *Tracker) begin(d face.Detection, now time.Time) {
	if !(d.Box.W > 0 && d.Box.H > 0) {
		return
	}
	t.nextID++
	t.tracks = append(t.tracks, &Track{ID: t.nextID, Box: d.Box, Found: &d, First: now, Last: now, Hits: 1, motion: newMotion(d.Box)})
}

// split gives a track a new identity from since on: what is seen there is somebody else. The returned track is the old one,
// which ends.
func (t *Tracker) split(track *Track, since time.Time) (old *Track) {
	was := *track
	was.Last, was.Found = since, nil
	t.nextID++
	track.ID, track.First, track.Hits = t.nextID, since, t.cfg.MinHits
	return &was
}

// Clear ends all tracks, as when the camera's picture is lost or becomes another one.
func (t *Tracker) Clear() (ended []*Track) {
	ended, t.tracks = t.tracks, nil
	t.now, t.looked, t.gap = time.Time{}, time.Time{}, t.cfg.MaxGap
	return ended
}
