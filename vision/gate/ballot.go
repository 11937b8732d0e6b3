package gate

import (
	"context"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness"
)

// Quorum is the share of the frames' weight that must be for a person. A frame is for whoever is at least as near as its
// rule's threshold, so that a stranger's share for anybody has no greater mean than the rule's false match rate, and reaches
// the quorum with no more than that rate over the quorum (Markov's inequality, whatever the frames have in common). A
// [Recogniser] that wants a passage to be decided at a rate therefore gives the frames a threshold of Quorum times it.
const Quorum = 0.6

// Candidate is a person whom a face was found to resemble.
type Candidate struct {
	Person PersonRef
	Cosine float32
}

// Rule is what a frame's candidates are held to.
type Rule struct {
	Threshold  float32 // least cosine that counts
	FMR        float64 // that strangers reach it
	Rate       func(cosine float64) calibration.Rate
	MeasuredOn string
	// Same is the cosine from which on two faces in front of one camera within moments are taken for one person's, Other the
	// one below which they are taken for two.
	Same, Other float32
}

// Look is what one good look at a face told.
type Look struct {
	// Weight of the frame in the vote, 0..1, by the face's area and quality. Nothing else is set when it is 0.
	Weight     float64
	Template   face.Template
	Candidates []Candidate // nearest first, over all galleries
	Rule       Rule
}

// Recogniser runs the models for a [Gate].
type Recogniser interface {
	// Detect finds the faces in a frame, uncertain ones too.
	Detect(ctx context.Context, frame *imaging.Raster) ([]face.Detection, error)
	// Look identifies faces[i] among the persons of galleries. A face that can't be compared is a Look of weight 0.
	Look(ctx context.Context, frame *imaging.Raster, faces []face.Detection, i int, galleries []string) (Look, error)
	// Live tells whether frames of one face show a live person.
	Live(ctx context.Context, frames []liveness.Frame) (liveness.Result, error)
	// Models are those that serve now.
	Models() []Model
}

// ballot is the vote on who somebody is.
type ballot struct {
	frames int
	weight float64
	rule   Rule // of the last frame
	people []*tally
}

type tally struct {
	who       PersonRef
	frames    int
	share     float64 // weight of the frames that are for this person
	sum, seen float64 // of cosines by weight, over the frames that have this candidate
}

func (b *ballot) add(l Look) {
	b.frames++
	b.weight += l.Weight
	b.rule = l.Rule
	for _, c := range l.Candidates {
		t := b.tally(c.Person)
		t.who = c.Person // labels may have changed
		t.sum += l.Weight * float64(c.Cosine)
		t.seen += l.Weight
		if c.Cosine >= l.Rule.Threshold {
			t.frames++
			t.share += l.Weight
		}
	}
}

func (b *ballot) tally(who PersonRef) *tally {
	for _, t := range b.people {
		if t.who.is(who) {
			return t
		}
	}
	t := &tally{who: who}
	b.people = append(b.people, t)
	return t
}

func (t *tally) cosine() float64 { return t.sum / t.seen }

// winner is who has the quorum; of several look-alikes the nearest. nil is nobody.
func (b *ballot) winner() *tally {
	var best *tally
	for _, t := range b.people {
		if t.share >= Quorum*b.weight && t.share > 0 && (best == nil || t.cosine() > best.cosine()) {
			best = t
		}
	}
	return best
}

// nearest is who the frames resemble most, with the quorum or without; nil when they resemble nobody.
func (b *ballot) nearest() *tally {
	var best *tally
	for _, t := range b.people {
		// A candidate of a single frame among many is no resemblance of the whole.
		if 2*t.seen >= b.weight && (best == nil || t.cosine() > best.cosine()) {
			best = t
		}
	}
	return best
}

// share is how much of the weight is for t, 0..1; without t how much is for nobody.
func (b *ballot) share(t *tally) float64 {
	if b.weight == 0 {
		return 0
	}
	if t != nil {
		return min(t.share/b.weight, 1)
	}
	most := 0.0
	for _, t := range b.people {
		most = max(most, t.share)
	}
	return max(1-most/b.weight, 0)
}

func (b *ballot) similarity(t *tally) *Similarity {
	if t == nil || b.rule.Rate == nil {
		return nil
	}
	c := t.cosine()
	return &Similarity{Cosine: float32(c), Threshold: b.rule.Threshold, FMR: b.rule.FMR, Rate: b.rule.Rate(c), MeasuredOn: b.rule.MeasuredOn}
}
