package eval

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// maxNamed bounds the files that a printed report names for one reason; the JSON report names all.
const maxNamed = 10

// WriteText prints the report for people.
func (r OCRReport) WriteText(w io.Writer) error {
	t := newTable(w)
	s := r.Summary
	t.row("files", "%d, %d pages, %d lines, %d characters", r.Files, s.Pages, s.Lines, s.Characters)
	t.row("character error rate", "%s; %d substituted, %d inserted, %d missed; worst page %s", percent(s.CER), s.Substitutions, s.Insertions, s.Deletions, share(s.Worst))
	t.row("lines exactly right", "%s", percent(s.LinesExact))
	if c := r.Causes; c != nil {
		part := func(n int) string { return share(float64(n) / float64(max(c.Characters, 1))) }
		t.row("errors by cause", "order of lines %s, missed lines %s, extra lines %s, misread %s; CER without the order's %s",
			part(c.Order), part(c.Missed), part(c.Extra), part(c.Misread), share(c.OrderFree()))
	}
	t.row("failures", "%d, counted as read empty", len(r.Failures))
	if len(r.Unscored) > 0 {
		t.row("not scored", "%d", len(r.Unscored))
	}
	if r.Rotation != nil {
		t.row("direction right", "%s", percent(*r.Rotation))
	}
	if b := r.Boxes; b != nil {
		t.row("character boxes", "mean IoU %.3f, above 0.5 on %s, of %d characters read right", b.MeanIoU, share(b.AboveHalf), b.Characters)
	}
	t.calibration(r.Calibration)
	t.corrections(r.Corrections)
	t.speed("page", "pages", r.Seconds)
	if p := r.Peer; p != nil {
		t.row("beside "+p.Engine, "%.1f times as fast, %.3f times its character errors", p.Speedup, p.CERRatio)
		t.row("  it", "CER %s, lines exactly right %s, mean %.3f s a page, %d failures", percent(p.Summary.CER), percent(p.Summary.LinesExact), p.Seconds.Mean, p.Failures)
	}
	for _, g := range r.Groups {
		t.row(g.Name, "%d files, %d characters, CER %s, lines exactly right %s", g.Files, g.Characters, percent(g.CER), share(g.LinesExact.Value))
	}
	t.setting(r.Engine, r.Setting)
	t.problems("failed", r.Failures)
	t.problems("not scored", r.Unscored)
	return t.Flush()
}

func (t table) calibration(c *Calibration) {
	if c == nil {
		return
	}
	t.row("calibration", "expected error %s over %d characters: %s right, mean confidence %s", share(c.ECE), c.Characters, share(c.Right), share(c.Mean))
	for _, b := range c.Bins {
		if b.Characters > 0 {
			t.row(fmt.Sprintf("  %.1f to %.1f", b.From, b.To), "%d characters, mean confidence %s, right %s", b.Characters, share(b.Mean), share(b.Right))
		}
	}
}

func (t table) corrections(c *Corrections) {
	if c == nil {
		return
	}
	t.row("correction", "%d errors became %d: %s fewer; misread characters %d became %d: %s fewer", c.ErrorsBefore, c.ErrorsAfter, share(c.Cut), c.MisreadBefore, c.MisreadAfter, share(c.MisreadCut))
	t.row("  changes", "%d: %d mended, %d right ones damaged (%.3f %%), %d neither; %d of what is protected", c.Changes, c.Mended, c.Damaged, 100*c.DamagedShare, c.Other, c.Protected)
	for _, p := range c.DamagedPlaces[:min(len(c.DamagedPlaces), maxNamed)] {
		t.row("  damaged", "%s: %s became %s in %s", p.File, p.Was, p.Now, p.Truth)
	}
	for _, p := range c.ProtectedPlace[:min(len(c.ProtectedPlace), maxNamed)] {
		t.row("  protected", "%s: %s became %s in %s", p.File, p.Was, p.Now, p.Truth)
	}
}

// WriteText prints the report for people.
func (r FaceReport) WriteText(w io.Writer) error {
	t := newTable(w)
	v := r.Pairs
	t.row("pairs", "%d: %d genuine, %d impostor", v.Pairs, v.Genuine, v.Impostor)
	t.row("failed pairs", "%d, counted as errors", v.Failed)
	if a := v.Accuracy; a != nil {
		t.row("accuracy, 10 folds", "%s, standard error %s; %d of %d right at thresholds %.4f to %.4f", percent(a.Interval), share(a.StandardError), a.DecidedRightly, v.Pairs, a.ThresholdLow, a.ThresholdHigh)
	} else {
		t.row("accuracy, 10 folds", "not computed: needs 10 pairs of each kind")
	}
	if v.AUC != nil {
		t.row("AUC", "%.5f (%.5f to %.5f)", v.AUC.Value, v.AUC.Low, v.AUC.High)
		t.row("EER", "%s", percent(*v.EER))
	}
	for _, at := range v.At {
		remark := ""
		if !at.Supported {
			remark = fmt.Sprintf("; fewer than %.0f impostor pairs, so no more than the interval of FMR is known", 1/at.Target)
		}
		t.row(fmt.Sprintf("FNMR at FMR %g", at.Target), "%s at threshold %.4f, FMR found %s%s", percent(at.FNMR), at.Threshold, percent(at.FMR), remark)
	}
	t.promises(r.Promises)
	if d := r.Detection; d != nil {
		t.row("pictures", "%d, a face found on %s, mean number of faces %.3f", d.Pictures, percent(d.MainFace), d.MeanFaces)
		if d.Agreement != nil {
			t.row("main face as "+d.Reference.ID, "%s (IoU > 0.5)", percent(*d.Agreement))
		}
		t.row("mean time", "decode %.1f ms, detect %.1f ms, align and embed %.1f ms", 1e3*d.Stages.Decode, 1e3*d.Stages.Detect, 1e3*d.Stages.Embed)
		t.speed("picture", "main faces", d.Seconds)
	}
	t.setting("", r.Setting)
	t.problems("failed", r.Failures)
	return t.Flush()
}

// table prints rows of a name and a text.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

func (t table) row(name, format string, args ...any) {
	// The tabwriter reports the first failed write when it is flushed.
	_, _ = fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...))
}

func (t table) speed(one, many string, s Speed) {
	t.row("seconds/"+one, "mean %.3f, median %.3f, 95 %% below %.3f", s.Mean, s.Median, s.P95)
	if s.PerSecond > 0 {
		t.row(many+"/s", "%.2f with %d at a time", s.PerSecond, s.Jobs)
	}
}

func (t table) setting(engine string, s Setting) {
	if engine != "" {
		t.row("engine", "%s", engine)
	}
	if len(s.Languages) > 0 {
		t.row("languages", "%s", strings.Join(s.Languages, ", "))
	}
	for _, m := range s.Models {
		t.row("model", "%s %s, %s, %s, sha256 %s", m.ID, m.Version, m.Source, m.Device, m.SHA256)
	}
	t.row("version", "%s, %s", s.Version, s.Platform)
}

func (t table) problems(what string, list []Problem) {
	for i, p := range list {
		if i == maxNamed {
			t.row(what, "%d more", len(list)-i)
			break
		}
		t.row(what, "%s: %s", p.File, p.Error)
	}
}

func share(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }

func percent(i Interval) string {
	return fmt.Sprintf("%.2f %% (%.2f to %.2f)", 100*i.Value, 100*i.Low, 100*i.High)
}

// WriteText prints the report for people.
func (r OrientReport) WriteText(w io.Writer) error {
	t := newTable(w)
	t.row("pictures", "%d", r.Files)
	t.row("direction right", "%s", percent(r.Right))
	t.row(fmt.Sprintf("confidence from %g", r.Threshold), "%d answers, %d wrong; right %s", r.Above.Count, r.Above.Wrong, percent(r.Above.Right))
	t.row("verified by reading", "%d", r.Verified)
	for _, turn := range r.PerTurn {
		t.row(fmt.Sprintf("turned by %d degrees", turn.Degrees), "%d pictures, right %s", turn.Count, percent(turn.Right))
	}
	t.row("failures", "%d, counted as wrong", len(r.Failures))
	t.row("milliseconds/picture", "mean %.2f, median %.2f, 95 %% below %.2f", 1e3*r.Seconds.Mean, 1e3*r.Seconds.Median, 1e3*r.Seconds.P95)
	if r.Seconds.PerSecond > 0 {
		t.row("pictures/s", "%.1f with %d at a time", r.Seconds.PerSecond, r.Seconds.Jobs)
	}
	t.setting("", r.Setting)
	t.problems("wrong", r.Wrong)
	t.problems("failed", r.Failures)
	t.problems("not scored", r.Unscored)
	return t.Flush()
}

// WriteText prints the report for people.
func (r ASRReport) WriteText(w io.Writer) error {
	t := newTable(w)
	t.row("recordings", "%d, %.1f s of sound, %d characters", r.Files, r.AudioSeconds, r.Characters)
	t.row("character error rate", "%s; %d substituted, %d inserted, %d missed", percent(r.CER), r.Substitutions, r.Insertions, r.Deletions)
	t.row("without any error", "%s of the recordings", percent(r.Exact))
	if h := r.HotWords; h != nil {
		t.row("hot words", "%d and %d distractors; %d said", h.HotWords, h.Distractors, h.Occurrences)
		t.row("  recall", "%s without, %s with them; gain %s", percent(h.RecallPlain), percent(h.Recall), percent(h.Gain))
		t.row("  false insertions", "%d, in %s of the recordings", h.FalseInsertions, percent(h.FalseInsertion))
		t.row("  error rate", "%s without them; elsewhere %s without, %s with them, growth %s", percent(h.CERPlain), share(h.ElsewherePlain), share(h.Elsewhere), percent(h.ElsewhereGrowth))
	}
	t.row("real-time factor", "%.4f, %d at a time", r.RealTimeFactor, r.Jobs)
	if r.CPUFactor > 0 {
		t.row("processor time", "%.4f s for a second of sound, of the whole process", r.CPUFactor)
	}
	t.row("failures", "%d, counted with what they had recognised", len(r.Failures))
	t.setting("", r.Setting)
	t.problems("failed", r.Failures)
	t.problems("not scored", r.Unscored)
	return t.Flush()
}
