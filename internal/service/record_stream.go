package service

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/record"
	"github.com/courtsense/courtsense/speech/role"
)

const (
	// settleEvery is how much sound may come without a final result before it is brought to the disk, samples.
	settleEvery = 5 * audio.Rate
	// announced is after how much sound a segment that goes on where another one was cut is reported to have begun at the latest, seconds.
	announced = 2.
	// recordPiece is how much of a message is heard at least when its client goes away meanwhile, bytes.
	recordPiece = 32 << 10
	// patience is how long a client that has gone may take to go on. Until then what it was saying stays open, so that it is heard as
	// a whole; afterwards it is brought into the record as it is.
	patience = 20 * time.Second
	// salvageTime is how long that may take.
	salvageTime = 10 * time.Second
)

// errTakenOver ends a stream for one that goes on from it.
var errTakenOver = rpcerror.New(codes.Aborted, "RECORD_TAKEN_OVER", "another stream with this one's resume_token goes on writing into the record")

// recordStream is a stream that is heard into a record; it is the run's [speech.Recorder]. All times are the record's, seconds from its first sample; positions
// are samples of a channel.
type recordStream struct {
	service *Speech
	record  *record.Record
	token   string
	cancel  context.CancelCauseFunc // ends the stream
	taken   chan struct{}           // closed when another stream goes on from this one
	hurry   chan struct{}           // closed when another one wants the record, and this one's client is to be waited for no longer
	ended   chan struct{}           // closed when the record is free again
	state   record.State            // when the stream began
	start   float64                 // where the stream's own sound begins
	margin  float64                 // how long before its report a segment may have begun, seconds
	silent  bool                    // nothing writes speech down: turns without text are kept
	seats   []*pb.ChannelRole

	mu   sync.Mutex
	gone bool         // the client has gone
	feed *record.Feed // nil until the number of channels is known
	base int64        // where the run's first sample lies
	at   int64        // up to where sound was taken

	// Of the run's goroutine until it has ended.
	channels int
	open     map[int64]float64 // starts of the segments that are being spoken, by their ids
	finals   map[int]lastFinal // of each channel
	settled  float64
	marked   int64 // position at which settled was written down last
}

// lastFinal is what ended last on a channel.
type lastFinal struct {
	end   float64
	known float64 // how much had been heard when it was known
}

// joinRecord makes the stream the one that is heard into its record. It waits for the stream that this one takes over.
func (s *Speech) joinRecord(ctx context.Context, cancel context.CancelCauseFunc, c *pb.StreamingConfig) (_ *recordStream, err error) {
	store, err := s.recordStore(ctx)
	if err != nil {
		return nil, err
	}
	r, err := openRecord(ctx, store, recordID(c.GetRecord()))
	if err != nil {
		return nil, err
	}
	in := &recordStream{
		service: s, record: r, token: rand.Text(), cancel: cancel, taken: make(chan struct{}), hurry: make(chan struct{}), ended: make(chan struct{}),
		open: map[int64]float64{}, finals: map[int]lastFinal{},
		seats: c.GetRecognition().GetChannelRoles(),
	}
	if err := s.records.join(ctx, in, c.GetResumeToken()); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	defer func() {
		if err != nil {
			in.leave()
		}
	}()
	in.state = r.Snapshot()
	in.settled, in.start = in.state.Settled, in.state.Settled
	if in.state.Finished {
		return nil, recordError(fmt.Errorf("record %s: %w", r.ID(), record.ErrFinished))
	}
	if c.AudioStartSeconds != nil {
		in.start = c.GetAudioStartSeconds()
		if heard := heardSeconds(in.state); in.start > heard+1./audio.Rate {
			return nil, rpcerror.New(codes.InvalidArgument, "RECORD_GAP",
				fmt.Sprintf("audio_start_seconds is %.3f, and the record ends at %.3f: the sound in between would be missing", in.start, heard),
				rpcerror.Field("config.audio_start_seconds", "after the record's end"), rpcerror.Meta("heard_seconds", fmt.Sprint(heard)))
		}
	}
	return in, nil
}

// join enters a stream, or refuses it while another one is heard into the record whose token it does not have.
func (rs *records) join(ctx context.Context, in *recordStream, token string) error {
	id := in.record.ID()
	for {
		rs.mu.Lock()
		other := rs.live[id]
		if other == nil {
			if rs.live == nil {
				rs.live = map[string]*recordStream{}
			}
			rs.live[id] = in
			rs.mu.Unlock()
			return nil
		}
		switch {
		case token == other.token:
			closeOnce(other.taken)
		case other.hasGone():
			closeOnce(other.hurry)
		default:
			rs.mu.Unlock()
			return recordError(fmt.Errorf("record %s: %w", id, record.ErrBusy))
		}
		rs.mu.Unlock()
		if token == other.token {
			other.cancel(errTakenOver)
		}
		select {
		case <-other.ended:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// release has the record left by a stream whose client has gone, and waits for that. One whose client is there is not disturbed.
func (rs *records) release(ctx context.Context, id string) error {
	rs.mu.Lock()
	other := rs.live[id]
	if other == nil || !other.hasGone() {
		rs.mu.Unlock()
		if other != nil {
			return fmt.Errorf("record %s: %w", id, record.ErrBusy)
		}
		return nil
	}
	closeOnce(other.hurry)
	rs.mu.Unlock()
	select {
	case <-other.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// closeOnce closes a channel unless it is closed; the lock of the records is held.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

func (in *recordStream) hasGone() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.gone
}

// leave frees the record. The run has ended.
func (in *recordStream) leave() {
	in.mu.Lock()
	feed := in.feed
	in.mu.Unlock()
	if feed != nil {
		_ = feed.Close()
	}
	rs := &in.service.records
	rs.mu.Lock()
	delete(rs.live, in.record.ID())
	rs.mu.Unlock()
	_ = in.record.Close()
	close(in.ended)
}

// began tells whether any sound was heard.
func (in *recordStream) began() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.feed != nil
}

// heard is how far the hearing has come, seconds.
func (in *recordStream) heard() float64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return float64(in.at) / audio.Rate
}

func positionOf(seconds float64) int64 { return int64(math.Round(seconds * audio.Rate)) }

// Begin implements [speech.Recorder].
func (in *recordStream) Begin(channels int) (speech.Resume, error) {
	var out speech.Resume
	if have := in.state.Sound.Channels; have != 0 && have != channels {
		return out, rpcerror.New(codes.InvalidArgument, "RECORD_CHANNELS", fmt.Sprintf("the sound has %d channels, and the record's has %d", channels, have),
			rpcerror.Field("audio", "another number of channels than the record has"))
	}
	in.channels = channels
	base, start := positionOf(in.state.Settled), positionOf(in.start)
	if start > base {
		// What was being said when an earlier stream broke off is heard again, from the server's own copy.
		kept, err := in.record.Sound(context.Background(), in.state.Settled, in.start)
		if err != nil {
			return out, recordError(err)
		}
		out.Lead = make([]float32, int(start-base)*channels)
		for i := range min(len(out.Lead), len(kept.PCM)/2) {
			out.Lead[i] = float32(int16(binary.LittleEndian.Uint16(kept.PCM[2*i:]))) / (1 << 15)
		}
	}
	out.Skip = max(0, base-start)
	for _, t := range in.state.Turns {
		if t.Inserted || t.Channel < 0 || t.Channel >= channels {
			continue
		}
		if out.Decided == nil {
			out.Decided = make([]int64, channels)
		}
		out.Decided[t.Channel] = max(out.Decided[t.Channel], positionOf(t.End)-base)
	}
	// Whoever had the record before has left it: this is the one stream of it.
	feed, err := in.record.Feed(context.Background(), record.FeedOptions{Channels: channels, TakeOver: true})
	if err != nil {
		return out, recordError(err)
	}
	in.mu.Lock()
	in.feed, in.base, in.at = feed, base, max(base, start)
	in.mu.Unlock()
	in.marked = in.at
	return out, in.seat()
}

// seat notes who sits at which microphone, so that a stream that goes on without saying so has it too. What a clerk said stays.
func (in *recordStream) seat() error {
	for _, s := range in.seats {
		if s.GetRole() == pb.SpeakerRole_SPEAKER_ROLE_UNSPECIFIED || int(s.GetChannel()) >= in.channels ||
			slices.ContainsFunc(in.state.Roles, func(known record.Seat) bool { return known.Speaker == "" && known.Channel == int(s.GetChannel()) }) {
			continue
		}
		seat := record.Seat{Channel: int(s.GetChannel()), Role: roleOf(s.GetRole())}
		if _, err := in.record.AssignRole(context.Background(), seat, record.Edit{Author: "courtsense", Reason: "channel_roles of the stream"}); err != nil {
			return recordError(err)
		}
	}
	return nil
}

// Sound implements [speech.Recorder].
func (in *recordStream) Sound(pcm []float32) error {
	b := make([]byte, 0, 2*len(pcm))
	for _, v := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(min(max(math.Round(float64(v)*(1<<15)), math.MinInt16), math.MaxInt16))))
	}
	at := in.at // only this goroutine changes it
	if err := in.feed.Sound(context.Background(), float64(at)/audio.Rate, b); err != nil {
		return recordError(err)
	}
	in.mu.Lock()
	in.at += int64(len(pcm) / in.channels)
	in.mu.Unlock()
	if at-in.marked >= settleEvery {
		in.marked = at
		in.settle(float64(at) / audio.Rate)
		if _, err := in.feed.Append(context.Background(), in.settled); err != nil {
			return recordError(err)
		}
	}
	return nil
}

// settle finds up to where everything that was said is final, when so much was heard.
func (in *recordStream) settle(heard float64) {
	to := heard - in.margin
	for _, start := range in.open {
		to = min(to, start)
	}
	for _, f := range in.finals {
		if heard-f.known < announced {
			to = min(to, f.end) // a segment that was cut may go on from there
		}
	}
	in.settled = max(in.settled, to)
}

// placed puts a result's times into the record's.
func (in *recordStream) placed(r speech.Result) speech.Result {
	by := float64(in.base) / audio.Rate
	r.Start, r.End, r.Heard = r.Start+by, r.End+by, r.Heard+by
	r.Evidence = r.Evidence.Later(by)
	r.Words = slices.Clone(r.Words)
	for i := range r.Words {
		r.Words[i].Start, r.Words[i].End = r.Words[i].Start+by, r.Words[i].End+by
	}
	return r
}

// label is a speaker's label in the record. Each channel and each stream tells voices apart anew: its S1 need not be the S1 of another one, so that those
// of the channels behind the first one say which it is, and those of later streams which that was, such as S1@3.2.
func (in *recordStream) label(channel int, speaker string) string {
	if speaker == "" {
		return ""
	}
	if channel > 0 {
		speaker = fmt.Sprintf("%s@%d", speaker, channel)
	}
	if n := len(in.state.Sessions); n > 0 {
		speaker = fmt.Sprintf("%s.%d", speaker, n+1)
	}
	return speaker
}

// spoken notes that a segment is being spoken.
func (in *recordStream) spoken(id int64, r speech.Result) {
	if !r.Final {
		in.open[id] = r.Start
	}
}

// write brings a final segment to the disk, and says in it which turn it is.
func (in *recordStream) write(id int64, r speech.Result, m *pb.SpeechSegment) error {
	delete(in.open, id)
	in.finals[r.Channel] = lastFinal{end: r.End, known: r.Heard}
	in.settle(r.Heard)
	var turns []record.Turn
	if m.GetText() != "" || in.silent {
		turns = append(turns, heardTurn(m))
	}
	began := time.Now()
	written, err := in.feed.Append(context.Background(), in.settled, turns...)
	in.service.cfg.Metrics.Recorded(len(written), time.Since(began), err)
	if err != nil {
		return recordError(err)
	}
	in.marked = in.at
	if len(written) > 0 {
		m.Turn, m.Role = turnName(in.record.ID(), written[0].ID), speakerRole(written[0].Role)
	}
	return nil
}

// tellRoles gives roles that became known to the earlier turns of their speakers.
func (in *recordStream) tellRoles(changes []role.Change) error {
	for _, c := range changes {
		if _, err := in.feed.TellRole(context.Background(), c.Channel, in.label(c.Channel, c.Speaker), c.Role); err != nil {
			return recordError(err)
		}
	}
	return nil
}

// complete says that everything that was heard is in the record.
func (in *recordStream) complete() error {
	if in.feed == nil {
		return nil
	}
	_, err := in.feed.Append(context.Background(), float64(in.at)/audio.Rate)
	return recordError(err)
}

// salvage waits for a client that has gone in the middle of something to go on, and brings what was heard into the record when it does not. When
// the server shuts down, the next one hears it as a whole.
func (in *recordStream) salvage(ctx context.Context, run *speech.Stream) error {
	in.mu.Lock()
	in.gone = true
	in.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-in.taken:
		return errTakenOver
	case <-server.Draining(ctx):
		return nil
	case <-in.hurry:
	case <-timer.C:
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), salvageTime)
	defer cancel()
	if _, err := run.Finish(ctx); err != nil {
		return err
	}
	return in.complete()
}
