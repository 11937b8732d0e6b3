package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
)

// SpeechLoad is a number of real-time streams into SpeechService.
type SpeechLoad struct {
	Client  pb.SpeechServiceClient
	PCM     []byte // LINEAR16, one channel; every stream sends it from another place on, over and over
	Rate    int    // samples a second
	Streams int
	Length  time.Duration // that each stream sends
	Chunk   time.Duration // sound in a message; 0: 100 ms
}

// Delays summarises how late results came.
type Delays struct {
	Count            int
	Median, P95, P99 time.Duration
	Max              time.Duration
}

// SpeechDelays is the result of [SpeechLoad.Run].
type SpeechDelays struct {
	// Interim is, for each word of a final result, from the end of its sound (when that part of the stream was due to be
	// sent) until a result first showed the final text up to it.
	Interim Delays
	// Final is, for each final result with text, from the end of its last word until it came.
	Final    Delays
	Segments int
	Words    int
	Failed   int           // streams that ended with an error
	Error    string        // of one of them
	Behind   time.Duration // the most that a sender was held back behind real time
	Sound    time.Duration // that was sent, all streams
	Wall     time.Duration
	Used     time.Duration // processor time of this process, load generator included
}

// Run sends all streams at a time and waits for their ends. Streams begin spread over two seconds.
func (l SpeechLoad) Run(ctx context.Context) SpeechDelays {
	if l.Chunk <= 0 {
		l.Chunk = 100 * time.Millisecond
	}
	var mu sync.Mutex
	var all SpeechDelays
	var interim, final []time.Duration
	var wg sync.WaitGroup
	used, begin := processorTime(), time.Now()
	for n := range l.Streams {
		wg.Go(func() {
			timer := time.NewTimer(2 * time.Second * time.Duration(n) / time.Duration(l.Streams))
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
			s := speechStream{load: l, from: len(l.PCM) / 2 * n / l.Streams * 2}
			err := s.run(ctx)
			mu.Lock()
			defer mu.Unlock()
			interim, final = append(interim, s.interim...), append(final, s.final...)
			all.Segments += s.segments
			all.Words += len(s.interim)
			all.Behind = max(all.Behind, s.behind)
			all.Sound += s.sent
			if err != nil {
				all.Failed++
				all.Error = err.Error()
			}
		})
	}
	wg.Wait()
	all.Wall, all.Used = time.Since(begin), processorTime()-used
	all.Interim, all.Final = summariseDelays(interim), summariseDelays(final)
	return all
}

func summariseDelays(d []time.Duration) Delays {
	if len(d) == 0 {
		return Delays{}
	}
	slices.Sort(d)
	at := func(q float64) time.Duration { return d[int(math.Ceil(q*float64(len(d))))-1] }
	return Delays{Count: len(d), Median: at(.5), P95: at(.95), P99: at(.99), Max: d[len(d)-1]}
}

// speechStream is one stream of a load.
type speechStream struct {
	load SpeechLoad
	from int // byte of the sound that it begins with

	begin    time.Time
	sent     time.Duration
	behind   time.Duration
	segments int
	interim  []time.Duration
	final    []time.Duration
	shown    map[int64][]showing
}

// showing is an interim result.
type showing struct {
	at    time.Time
	words []string
}

func (s *speechStream) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.load.Client.StreamingRecognize(ctx)
	if err != nil {
		return err
	}
	config := &pb.StreamingConfig{InterimResults: true, Recognition: &pb.RecognitionConfig{
		Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: int32(s.load.Rate),
	}}
	if err := stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Config{Config: config}}); err != nil {
		return err
	}
	if m, err := stream.Recv(); err != nil {
		return err
	} else if !m.GetReady().GetRecognizerLoaded() {
		return errors.New("no recogniser is loaded: there is no text to wait for")
	}
	s.begin, s.shown = time.Now(), map[int64][]showing{}
	sending := make(chan error, 1)
	go func() { sending <- s.send(ctx, stream) }()
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return <-sending
		}
		if err != nil {
			cancel()
			<-sending
			return err
		}
		now := time.Now()
		for _, segment := range m.GetResult().GetSegments() {
			s.take(now, segment, m.GetResult().GetIsFinal())
		}
	}
}

// send sends the sound as a microphone would.
func (s *speechStream) send(ctx context.Context, stream pb.SpeechService_StreamingRecognizeClient) error {
	size := int(s.load.Chunk.Seconds()*float64(s.load.Rate)) * 2
	at := s.from
	timer := time.NewTimer(0)
	defer timer.Stop()
	for s.sent < s.load.Length {
		chunk := make([]byte, 0, size)
		for len(chunk) < size {
			n := min(size-len(chunk), len(s.load.PCM)-at)
			chunk = append(chunk, s.load.PCM[at:at+n]...)
			at = (at + n) % len(s.load.PCM)
		}
		s.sent += s.load.Chunk
		// A chunk can be sent once its last sample was spoken.
		due := s.begin.Add(s.sent)
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Audio{Audio: chunk}}); err != nil {
			return nil // the server has ended the stream; why is what Recv says
		}
		s.behind = max(s.behind, time.Since(due))
	}
	return stream.CloseSend()
}

func (s *speechStream) take(now time.Time, segment *pb.SpeechSegment, final bool) {
	words := make([]string, 0, len(segment.GetWords()))
	for _, w := range segment.GetWords() {
		words = append(words, w.GetText())
	}
	s.shown[segment.GetId()] = append(s.shown[segment.GetId()], showing{now, words})
	if !final {
		return
	}
	s.segments++
	shown := s.shown[segment.GetId()]
	delete(s.shown, segment.GetId())
	for i, w := range segment.GetWords() {
		end := s.begin.Add(time.Duration(w.GetEndSeconds() * float64(time.Second)))
		for _, r := range shown {
			if len(r.words) > i && slices.Equal(r.words[:i+1], words[:i+1]) {
				s.interim = append(s.interim, max(r.at.Sub(end), 0))
				break
			}
		}
		if i == len(words)-1 {
			s.final = append(s.final, max(now.Sub(end), 0))
		}
	}
}

// OpenAndDrop opens n streams one after the other, sends a piece of sound into each and drops it without an end, as clients
// that die do.
func (l SpeechLoad) OpenAndDrop(ctx context.Context, n int, progress func(done int)) error {
	piece := l.PCM[:min(len(l.PCM), l.Rate)] // half a second
	for i := range n {
		if err := l.openAndDrop(ctx, piece); err != nil {
			return fmt.Errorf("stream %d: %w", i+1, err)
		}
		progress(i + 1)
	}
	return nil
}

func (l SpeechLoad) openAndDrop(ctx context.Context, piece []byte) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := l.Client.StreamingRecognize(ctx)
	if err != nil {
		return err
	}
	config := &pb.StreamingConfig{InterimResults: true, Recognition: &pb.RecognitionConfig{
		Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: int32(l.Rate),
	}}
	if err := stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Config{Config: config}}); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != nil {
		return err
	}
	return stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Audio{Audio: piece}})
}

// Long sends so much sound into one stream as fast as it is taken, and tells how much is sent.
func (l SpeechLoad) Long(ctx context.Context, length time.Duration, progress func(sent time.Duration)) error {
	stream, err := l.Client.StreamingRecognize(ctx)
	if err != nil {
		return err
	}
	config := &pb.StreamingConfig{InterimResults: true, Recognition: &pb.RecognitionConfig{
		Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: int32(l.Rate),
	}}
	if err := stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Config{Config: config}}); err != nil {
		return err
	}
	received := make(chan error, 1)
	go func() {
		for {
			if _, err := stream.Recv(); err != nil {
				received <- err
				return
			}
		}
	}()
	whole := time.Duration(len(l.PCM)/2) * time.Second / time.Duration(l.Rate)
	const most = 32 << 10
	for sent := time.Duration(0); sent < length; sent += whole {
		for rest := l.PCM; len(rest) > 0; {
			n := min(most, len(rest))
			if err := stream.Send(&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Audio{Audio: rest[:n]}}); err != nil {
				return <-received
			}
			rest = rest[n:]
		}
		progress(sent + whole)
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := <-received; !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
