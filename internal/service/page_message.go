package service

import (
	"strings"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/ocr"
)

// pageMessage turns a page into the contract's, no deeper than asked for.
func pageMessage(p ocr.Page, detail pb.DetailLevel) *pb.Page {
	m := &pb.Page{
		Number: int32(p.Number), Width: int32(p.Width), Height: int32(p.Height), Rotation: int32(p.Rotation),
		RotationConfidence: p.RotationConfidence, RotationVerified: p.RotationVerified, Skew: p.Skew,
		Lines: make([]*pb.Line, 0, len(p.Lines)), Quality: qualityMessage(p.Quality), Steps: p.Steps, Engine: p.Engine,
	}
	texts := make([]string, 0, len(p.Lines))
	for _, l := range p.Lines {
		line := &pb.Line{
			Text: l.Text, Confidence: l.Confidence, Polygon: polygonMessage(l.Polygon[:]), Vertical: l.Vertical, Paragraph: int32(l.Paragraph),
		}
		if len(l.Outline) > 0 {
			line.Outline = polygonMessage(l.Outline)
		}
		if detail >= pb.DetailLevel_DETAIL_LEVEL_WORDS {
			for _, w := range l.Words {
				line.Words = append(line.Words, wordMessage(w, detail))
			}
		}
		m.Lines = append(m.Lines, line)
		texts = append(texts, l.Text)
	}
	m.Text = strings.Join(texts, "\n")
	for _, r := range p.Regions {
		m.Regions = append(m.Regions, regionMessage(r))
	}
	for _, c := range p.Corrections {
		m.Corrections = append(m.Corrections, &pb.Correction{
			Line: int32(c.Line), Symbol: int32(c.Symbol), Position: int32(c.Position), Original: c.Original, Corrected: c.Corrected,
			OriginalScore: c.OriginalScore, CorrectedScore: c.CorrectedScore, Reason: c.Reason,
		})
	}
	for _, d := range p.Differences {
		m.Differences = append(m.Differences, &pb.Difference{Box: documentBox(d.Box), Text: d.Text, OtherText: d.Other})
	}
	return m
}

func wordMessage(w ocr.Word, detail pb.DetailLevel) *pb.Word {
	word := &pb.Word{Text: w.Text, Confidence: w.Confidence, Box: documentBox(w.Box)}
	if detail >= pb.DetailLevel_DETAIL_LEVEL_SYMBOLS {
		for _, s := range w.Symbols {
			symbol := &pb.Symbol{Text: s.Char, Confidence: s.Confidence, Box: documentBox(s.Box)}
			for _, c := range s.Candidates {
				symbol.Candidates = append(symbol.Candidates, &pb.Candidate{Text: c.Char, Confidence: c.Confidence})
			}
			word.Symbols = append(word.Symbols, symbol)
		}
	}
	return word
}

func documentBox(b ocr.Box) *pb.Box { return &pb.Box{X: b.X, Y: b.Y, Width: b.W, Height: b.H} }

func polygonMessage(points []ocr.Point) *pb.Polygon {
	m := &pb.Polygon{Points: make([]*pb.Point, 0, len(points))}
	for _, p := range points {
		m.Points = append(m.Points, &pb.Point{X: p.X, Y: p.Y})
	}
	return m
}

func regionMessage(r ocr.Region) *pb.Region {
	m := &pb.Region{
		Kind: pb.RegionKind(r.Kind), Polygon: polygonMessage(r.Outline), Confidence: r.Confidence, Row: int32(r.Row), Column: int32(r.Column),
	}
	for _, l := range r.Lines {
		m.Lines = append(m.Lines, int32(l))
	}
	return m
}

// qualityMessage is nil for a picture that was not measured.
func qualityMessage(q ocr.Quality) *pb.PageQuality {
	if q == (ocr.Quality{}) {
		return nil
	}
	return &pb.PageQuality{Verdict: pb.PageVerdict(q.Verdict), Sharpness: q.Sharpness, Exposure: q.Exposure, Advice: q.Advice}
}

// PageFromMessage turns the contract's page into the project's own. What a message can hold and a page can't (a region
// with a line that is not there, a fifth corner) is left out.
func PageFromMessage(m *pb.Page) ocr.Page {
	p := ocr.Page{
		Number: int(m.GetNumber()), Width: int(m.GetWidth()), Height: int(m.GetHeight()), Rotation: int(m.GetRotation()), Engine: m.GetEngine(),
		RotationConfidence: m.GetRotationConfidence(), RotationVerified: m.GetRotationVerified(), Skew: m.GetSkew(), Steps: m.GetSteps(),
	}
	for _, l := range m.GetLines() {
		p.Lines = append(p.Lines, lineFromMessage(l))
	}
	for _, r := range m.GetRegions() {
		region := ocr.Region{
			Kind: ocr.RegionKind(r.GetKind()), Outline: pointsFromMessage(r.GetPolygon()), Confidence: r.GetConfidence(),
			Row: int(r.GetRow()), Column: int(r.GetColumn()),
		}
		for _, i := range r.GetLines() {
			if i >= 0 && int(i) < len(p.Lines) {
				region.Lines = append(region.Lines, int(i))
			}
		}
		p.Regions = append(p.Regions, region)
	}
	if q := m.GetQuality(); q != nil {
		p.Quality = ocr.Quality{Verdict: ocr.Verdict(q.GetVerdict()), Sharpness: q.GetSharpness(), Exposure: q.GetExposure(), Advice: q.GetAdvice()}
	}
	for _, c := range m.GetCorrections() {
		if c.GetLine() < 0 || int(c.GetLine()) >= len(p.Lines) {
			continue
		}
		p.Corrections = append(p.Corrections, ocr.Correction{
			Line: int(c.GetLine()), Symbol: int(c.GetSymbol()), Position: int(c.GetPosition()), Original: c.GetOriginal(), Corrected: c.GetCorrected(),
			OriginalScore: c.GetOriginalScore(), CorrectedScore: c.GetCorrectedScore(), Reason: c.GetReason(),
		})
	}
	for _, d := range m.GetDifferences() {
		p.Differences = append(p.Differences, ocr.Difference{Box: boxFromMessage(d.GetBox()), Text: d.GetText(), Other: d.GetOtherText()})
	}
	return p
}

func lineFromMessage(l *pb.Line) ocr.Line {
	line := ocr.Line{
		Text: l.GetText(), Confidence: l.GetConfidence(), Vertical: l.GetVertical(), Paragraph: int(l.GetParagraph()),
		Outline: pointsFromMessage(l.GetOutline()),
	}
	copy(line.Polygon[:], pointsFromMessage(l.GetPolygon()))
	for _, w := range l.GetWords() {
		word := ocr.Word{Text: w.GetText(), Confidence: w.GetConfidence(), Box: boxFromMessage(w.GetBox())}
		for _, s := range w.GetSymbols() {
			symbol := ocr.Symbol{Char: s.GetText(), Box: boxFromMessage(s.GetBox()), Confidence: s.GetConfidence()}
			for _, c := range s.GetCandidates() {
				symbol.Candidates = append(symbol.Candidates, ocr.Candidate{Char: c.GetText(), Confidence: c.GetConfidence()})
			}
			word.Symbols = append(word.Symbols, symbol)
		}
		line.Words = append(line.Words, word)
	}
	return line
}

func boxFromMessage(b *pb.Box) ocr.Box {
	return ocr.Box{X: b.GetX(), Y: b.GetY(), W: b.GetWidth(), H: b.GetHeight()}
}

func pointsFromMessage(m *pb.Polygon) []ocr.Point {
	var points []ocr.Point
	for _, p := range m.GetPoints() {
		points = append(points, ocr.Point{X: p.GetX(), Y: p.GetY()})
	}
	return points
}
