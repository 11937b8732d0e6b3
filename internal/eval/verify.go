package eval

import "math"

// VerifyScore is the result over pairs. "Same" pairs are genuine, the others impostor attempts.
type VerifyScore struct {
	Pairs    int `json:"pairs"`
	Genuine  int `json:"genuine"`
	Impostor int `json:"impostor"`
	Failed   int `json:"failed"` // of them, pairs with a picture that gave no template
	// Accuracy at the best threshold, by 10-fold cross-validation as LFW's protocol has it; absent with fewer than ten pairs
	// of a kind. A failed pair is an error, whatever its truth.
	Accuracy *Accuracy `json:"accuracy,omitempty"`
	// AUC and EER with bootstrap intervals; absent without both kinds. A failed genuine pair scores below every other, a
	// failed impostor pair, which could not have been accepted, is left out.
	AUC *Interval `json:"auc,omitempty"`
	EER *Interval `json:"eer,omitempty"`
	At  []AtFMR   `json:"at_fmr,omitempty"`
}

// Accuracy is the share of the pairs that were decided rightly.
type Accuracy struct {
	Interval               // Wilson
	StandardError  float64 `json:"standard_error"` // of the mean over the folds, as LFW's tables give it
	ThresholdLow   float64 `json:"threshold_low"`  // over the folds
	ThresholdHigh  float64 `json:"threshold_high"`
	Folds          int     `json:"folds"`
	DecidedRightly int     `json:"decided_rightly"`
}

// AtFMR is the false non-match rate at a threshold set on these very impostor pairs.
type AtFMR struct {
	Target    float64  `json:"target_fmr"`
	Threshold float64  `json:"threshold"` // cosine
	FMR       Interval `json:"fmr"`       // as found, Wilson
	FNMR      Interval `json:"fnmr"`      // failed genuine pairs count as not matched; Wilson
	// Supported is false when there are fewer impostor pairs than 1/target: no pair may then be accepted, and the true FMR
	// can be far above the target.
	Supported bool `json:"supported"`
}

// targets are the false match rates at which FNMR is told.
var targets = []float64{1e-2, 1e-3}

// ScorePairs scores raw records, as [Face.Folder] does.
func ScorePairs(records []PairRecord) FaceReport {
	report := FaceReport{Task: "face", Failures: []Problem{}}
	v := &report.Pairs
	v.Pairs = len(records)
	pairs := make([]pair, len(records))
	var s scores
	for i, r := range records {
		pairs[i] = pair{unmatched, r.Same}
		if r.Similarity != nil && !math.IsNaN(*r.Similarity) {
			pairs[i].similarity = *r.Similarity
		} else {
			v.Failed++
		}
		switch {
		case r.Same:
			v.Genuine++
			s.genuine = append(s.genuine, pairs[i].similarity)
		default:
			v.Impostor++
			if pairs[i].similarity != unmatched {
				s.impostor = append(s.impostor, pairs[i].similarity)
			}
		}
	}
	s.sort()
	if v.Genuine >= folds && v.Impostor >= folds {
		v.Accuracy = accuracyOf(pairs)
	}
	if len(s.genuine) == 0 || len(s.impostor) == 0 {
		return report
	}
	both := s.bootstrap(scores.auc, scores.eer)
	v.AUC, v.EER = &both[0], &both[1]
	for _, target := range targets {
		t := s.threshold(target)
		v.At = append(v.At, AtFMR{
			Target: target, Threshold: t, Supported: float64(len(s.impostor))*target >= 1-1e-9,
			FMR:  wilson(atLeast(s.impostor, t), len(s.impostor)),
			FNMR: wilson(len(s.genuine)-atLeast(s.genuine, t), len(s.genuine)),
		})
	}
	return report
}

func accuracyOf(pairs []pair) *Accuracy {
	correct, thresholds := crossValidated(pairs)
	fold := foldsOf(pairs)
	var right, all [folds]int
	total := 0
	for i, ok := range correct {
		all[fold[i]]++
		if ok {
			right[fold[i]]++
			total++
		}
	}
	a := &Accuracy{Interval: wilson(total, len(pairs)), Folds: folds, DecidedRightly: total, ThresholdLow: math.Inf(1), ThresholdHigh: math.Inf(-1)}
	shares := make([]float64, folds)
	for f := range shares {
		shares[f] = float64(right[f]) / float64(all[f])
		a.ThresholdLow, a.ThresholdHigh = min(a.ThresholdLow, thresholds[f]), max(a.ThresholdHigh, thresholds[f])
	}
	m, squares := mean(shares), 0.0
	for _, share := range shares {
		squares += (share - m) * (share - m)
	}
	a.StandardError = math.Sqrt(squares/(folds-1)) / math.Sqrt(folds)
	return a
}
