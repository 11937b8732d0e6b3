package gates

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/vision/gate"
	"github.com/courtsense/courtsense/vision/gate/journal"
)

// entry is what one picture brought.
type entry struct {
	events  []gate.Event
	endings []gate.Ending
}

const (
	// waitingEntries is how many entries wait for the disk at most; beyond, a camera's events are lost rather than its pictures.
	waitingEntries = 1024
	// together is how many of them are written at once.
	together = 64
	// cropQuality is the JPEG quality of crops.
	cropQuality = 90
)

// recorder writes events to the journal and tells those who follow. The cameras only hand over.
type recorder struct {
	gates   *Gates
	journal *journal.Journal
	queue   chan entry
	done    chan struct{}

	mu     sync.RWMutex // held for reading while an entry is handed over
	closed bool
}

func startRecorder(g *Gates, j *journal.Journal) *recorder {
	r := &recorder{gates: g, journal: j, queue: make(chan entry, waitingEntries), done: make(chan struct{})}
	go r.run()
	return r
}

// post hands an entry over. It never waits.
func (r *recorder) post(e entry) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.closed {
		select {
		case r.queue <- e:
			return
		default:
		}
	}
	if n := len(e.events); n > 0 {
		r.gates.metrics.lost.Add(float64(n))
		r.gates.log.Error("events of a gate are lost: the journal's disk does not keep up", "events", n)
	}
}

// close writes what waits, and ends. It is idempotent.
func (r *recorder) close() {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
	r.mu.Unlock()
	<-r.done
}

func (r *recorder) run() {
	defer close(r.done)
	for e := range r.queue {
		batch := []entry{e}
	more:
		for len(batch) < together {
			select {
			case next, ok := <-r.queue:
				if !ok {
					break more
				}
				batch = append(batch, next)
			default:
				break more
			}
		}
		r.write(batch)
	}
}

// write keeps the batch and tells of it. What can't be kept is told all the same: an alarm counts for more than a record.
func (r *recorder) write(batch []entry) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var events []gate.Event
	var endings []gate.Ending
	for _, e := range batch {
		events, endings = append(events, e.events...), append(endings, e.endings...)
	}
	if len(events) > 0 {
		records, err := r.journal.Append(ctx, events)
		if err != nil {
			r.gates.metrics.unwritten.Add(float64(len(events)))
			r.gates.log.ErrorContext(ctx, "events of a gate could not be written to the journal; they are told all the same", "events", len(events), "error", err)
		}
		for _, record := range records {
			r.tell(ctx, record)
		}
	}
	if len(endings) > 0 {
		if err := r.journal.End(ctx, endings); err != nil {
			r.gates.log.ErrorContext(ctx, "when somebody was last seen could not be written to the journal", "error", err)
		}
	}
}

func (r *recorder) tell(ctx context.Context, record journal.Record) {
	item := Item{Record: record}
	if record.Crop != nil {
		var err error
		if item.Crop, err = codec.EncodeJPEG(record.Crop, cropQuality); err != nil {
			r.gates.log.WarnContext(ctx, "the crop of an event could not be made", "error", err)
		}
		item.Record.Crop = nil
	}
	r.gates.metrics.events.WithLabelValues(record.Camera, record.Type.String()).Inc()
	r.gates.hub.publish(item)
	if r.gates.cfg.Webhook == nil {
		return
	}
	body, err := r.gates.cfg.Body(record)
	if err != nil {
		r.gates.log.ErrorContext(ctx, "an event could not be written for the webhook", "error", err)
		return
	}
	if !r.gates.cfg.Webhook.Send(fmt.Sprintf("gateEvents/%d", record.Seq), body) {
		r.gates.log.WarnContext(ctx, "the webhook's queue is full; a message is left out", "event", record.Seq)
	}
}
