package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/ocr/accuracy"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/speech"
)

// demoPages are the pages that are read, and the character error rate that each must stay below: what the models and, where
// they are missing, Tesseract reach with room to spare, and a broken pipeline does not.
var demoPages = []struct {
	name, sample string
	languages    []string
	pages        int
	limit        float64
}{
	{"read a Chinese page", "documents/complaint-zh.png", nil, 1, 0.05},
	{"read an English page", "documents/agreement-en.png", []string{"eng"}, 1, 0.02},
	{"read a two-page PDF", "documents/evidence-two-pages.pdf", nil, 2, 0.06},
	{"read a fax", "documents/notice-zh.tif", nil, 1, 0.10},
}

func (d *demo) documentSteps() []demoStep {
	var steps []demoStep
	for _, page := range demoPages {
		steps = append(steps, demoStep{page.name, func(ctx context.Context) (report, error) {
			content, err := d.sample(page.sample)
			if err != nil {
				return report{}, err
			}
			r, _, err := d.readPages(ctx, page.sample, content, page.languages, page.pages, page.limit)
			return r, err
		}})
	}
	return append(steps, d.turnedStep())
}

// turnedStep reads a page that lies on its side, as uploads do.
func (d *demo) turnedStep() demoStep {
	return demoStep{"read a page that lies on its side", func(ctx context.Context) (report, error) {
		const sample = "documents/complaint-zh.png"
		content, err := d.sample(sample)
		if err != nil {
			return report{}, err
		}
		upright, _, err := codec.Decode(ctx, content, imaging.DefaultLimits())
		if err != nil {
			return report{}, err
		}
		const quarter = 6 // EXIF's number of a quarter turn clockwise
		if content, err = codec.EncodePNG(imaging.Orient(upright, quarter)); err != nil {
			return report{}, err
		}
		r, pages, err := d.readPages(ctx, strings.Replace(sample, ".png", "-turned.png", 1), content, nil, 1, 0.05)
		if err != nil {
			return r, err
		}
		p := pages[0].GetPage()
		r.summary += fmt.Sprintf("; turned by %d degrees, confidence %.3f", p.GetRotation(), p.GetRotationConfidence())
		if p.GetRotation() != 90 {
			return r, errors.New("it lies on its side by 90 degrees")
		}
		r.lines = append(r.lines, p.GetSteps()...)
		return r, nil
	}}
}

// readPages reads content, which is sample or a picture made from it (NAME-turned), and holds it to the sample's text.
func (d *demo) readPages(ctx context.Context, sample string, content []byte, languages []string, count int, limit float64) (r report, results []*pb.PageResult, err error) {
	truth, err := d.sample(strings.TrimSuffix(strings.TrimSuffix(sample, filepath.Ext(sample)), "-turned") + ".txt")
	if err != nil {
		return r, nil, err
	}
	results, err = recognizeDocument(ctx, d.conn, content, &pb.DocumentConfig{Languages: languages})
	if err != nil {
		return r, nil, d.conn.explain(err)
	}
	var scores []accuracy.Score
	texts := strings.Split(string(truth), "\f")
	if len(results) != count || len(texts) != count {
		return r, nil, fmt.Errorf("%d pages came back, there are %d", len(results), count)
	}
	for i, p := range results {
		if st := p.GetStatus(); st.GetCode() != 0 {
			return r, nil, fmt.Errorf("page %d: %w", p.GetNumber(), d.conn.explain(status.ErrorProto(st)))
		}
		var lines []string
		for _, l := range p.GetPage().GetLines() {
			lines = append(lines, l.GetText())
		}
		scores = append(scores, accuracy.Page(strings.Split(strings.TrimSpace(texts[i]), "\n"), lines))
		r.lines = append(r.lines, firstLines(lines, 3)...)
	}
	sum := accuracy.Summarize(scores)
	r.summary = fmt.Sprintf("%s: %d lines, %d characters, %.1f %% of them wrong (limit %.0f %%)",
		filepath.Base(sample), sum.Lines, sum.Characters, 100*sum.CER.Value, 100*limit)
	prefix := filepath.Join(d.out, strings.TrimSuffix(filepath.Base(sample), filepath.Ext(sample)))
	if _, err := annotatePages(ctx, content, results, prefix); err != nil {
		return r, nil, err
	}
	if sum.CER.Value > limit {
		return r, nil, fmt.Errorf("too many characters are wrong: %.1f %%, the limit is %.0f %%", 100*sum.CER.Value, 100*limit)
	}
	return r, results, nil
}

func firstLines(lines []string, n int) []string {
	if len(lines) <= n {
		return lines
	}
	return append(slices.Clone(lines[:n]), fmt.Sprintf("... %d more lines", len(lines)-n))
}

// demoFace is where the portrait's face is, marked by hand: x, y, width, height in pixels, from the hairline to the chin
// and from ear to ear.
var demoFace = [4]float64{176, 62, 96, 122}

const demoPortrait = "faces/astronaut.jpg"

func (d *demo) faceStep() demoStep {
	return demoStep{"find a face", func(ctx context.Context) (report, error) {
		content, err := d.sample(demoPortrait)
		if err != nil {
			return report{}, err
		}
		if err := d.detectorThere(ctx); err != nil {
			return report{}, err
		}
		answer, err := pb.NewFaceServiceClient(d.conn).Detect(ctx, &pb.DetectRequest{
			Purpose: "demo", Image: &pb.Image{Content: content}, Annotate: true,
		}, anySize)
		if err != nil {
			return report{}, d.conn.explain(err)
		}
		if err := writeFile(filepath.Join(d.out, "astronaut.faces.jpg"), answer.GetAnnotatedJpeg()); err != nil {
			return report{}, err
		}
		r := report{summary: fmt.Sprintf("astronaut.jpg: %s", plural(len(answer.GetFaces()), "face"))}
		if len(answer.GetFaces()) != 1 {
			return r, fmt.Errorf("there is one face in the picture, not %d", len(answer.GetFaces()))
		}
		b := answer.GetFaces()[0].GetBox()
		overlap := boxOverlap(demoFace, [4]float64{float64(b.GetX()), float64(b.GetY()), float64(b.GetWidth()), float64(b.GetHeight())})
		r.summary += fmt.Sprintf(", score %.2f, %.0fx%.0f px at (%.0f, %.0f), overlap with the true place %.2f",
			answer.GetFaces()[0].GetScore(), b.GetWidth(), b.GetHeight(), b.GetX(), b.GetY(), overlap)
		if overlap < 0.5 {
			return r, fmt.Errorf("the face is elsewhere: at (%.0f, %.0f), %.0fx%.0f px", demoFace[0], demoFace[1], demoFace[2], demoFace[3])
		}
		for _, m := range answer.GetProvenance().GetModels() {
			r.lines = append(r.lines, fmt.Sprintf("%s, SHA-256 %.12s..., on %s", m.GetName(), m.GetSha256(), m.GetDevice()))
		}
		return r, nil
	}}
}

// detectorThere says what to do when the server has no face detector.
func (d *demo) detectorThere(ctx context.Context) error {
	h, err := grpc_health_v1.NewHealthClient(d.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: pb.FaceService_ServiceDesc.ServiceName})
	if err != nil {
		return d.conn.explain(err)
	}
	if h.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING {
		return nil
	}
	return errors.New("no face detector is here: get one with 'courtsense models pull face-detect-yunet-n' " +
		"(without internet: --mirror DIR, a folder with face/yunet_n_dynamic.onnx), then run the demo again")
}

// boxOverlap is the intersection over the union of two boxes.
func boxOverlap(a, b [4]float64) float64 {
	w := math.Min(a[0]+a[2], b[0]+b[2]) - math.Max(a[0], b[0])
	h := math.Min(a[1]+a[3], b[1]+b[3]) - math.Max(a[1], b[1])
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / (a[2]*a[3] + b[2]*b[3] - w*h)
}

// demoSounds are the recordings that are streamed; what is spoken when stands beside them.
var demoSounds = []struct{ name, sample string }{
	{"hear two Mandarin utterances", "speech/court-zh-16k.wav"},
	{"hear two speakers on two channels", "speech/two-seats-16k.wav"},
	{"hear English, compressed (MP3)", "speech/record-en-44k.mp3"},
	{"hear a telephone line (8 kHz)", "speech/session-en-8k.wav"},
}

func (d *demo) speechSteps() []demoStep {
	var steps []demoStep
	for _, s := range demoSounds {
		steps = append(steps, demoStep{s.name, func(ctx context.Context) (report, error) { return d.hearSpeech(ctx, s.sample) }})
	}
	return steps
}

// hearSpeech streams a recording in chunks of 100 ms, as a court room would.
func (d *demo) hearSpeech(ctx context.Context, sample string) (report, error) {
	content, err := d.sample(sample)
	if err != nil {
		return report{}, err
	}
	table, err := d.sample(strings.TrimSuffix(sample, filepath.Ext(sample)) + ".txt")
	if err != nil {
		return report{}, err
	}
	truth, err := parseIntervals(string(table))
	if err != nil {
		return report{}, fmt.Errorf("%s: %w", sample, err)
	}
	var segments []speech.Segment
	var done *pb.StreamDone
	interim := 0
	config := &pb.StreamingConfig{Recognition: &pb.RecognitionConfig{}, InterimResults: true}
	const chunk = 16000 / 10 * 2 // 100 ms of 16 kHz 16-bit mono
	err = recognizeSpeech(ctx, d.conn, bytes.NewReader(content), config, chunk, func(m *pb.StreamingRecognizeResponse) error {
		if m.GetDone() != nil {
			done = m.GetDone()
		}
		for _, s := range m.GetResult().GetSegments() {
			if m.GetResult().GetIsFinal() {
				segments = append(segments, segmentFromMessage(s))
			} else {
				interim++
			}
		}
		return nil
	})
	if err != nil {
		return report{}, d.conn.explain(err)
	}
	if done == nil {
		return report{}, errors.New("the stream ended without its closing message")
	}
	r := report{summary: fmt.Sprintf("%s: %.1f s of sound, %s, %d interim results",
		filepath.Base(sample), done.GetAudioSeconds(), plural(len(segments), "segment"), interim)}
	slices.SortFunc(segments, func(a, b speech.Segment) int { return int(1000 * (a.Start - b.Start)) })
	for _, s := range segments {
		r.lines = append(r.lines, fmt.Sprintf("%6.2f to %6.2f s  channel %d  %s", s.Start, s.End, s.Channel, orWord(s.Text, "(speech)")))
	}
	return r, matchIntervals(truth, segments)
}

// parseIntervals reads lines of start, end, channel and text with tabs between.
func parseIntervals(table string) ([]speech.Segment, error) {
	var out []speech.Segment
	for line := range strings.Lines(table) {
		var s speech.Segment
		if _, err := fmt.Sscan(line, &s.Start, &s.End, &s.Channel); err != nil {
			return nil, fmt.Errorf("%q is no interval: %w", strings.TrimSpace(line), err)
		}
		out = append(out, s)
	}
	return out, nil
}

// matchIntervals wants each true utterance in one segment that overlaps it well, and no segment that has none. Segments
// are wider than utterances by what the detector is set to keep around them, so an overlap of 0.6 is a good one.
func matchIntervals(truth, heard []speech.Segment) error {
	if len(heard) != len(truth) {
		return fmt.Errorf("%s heard, %d are there", plural(len(heard), "utterance"), len(truth))
	}
	for _, t := range truth {
		best := 0.0
		for _, h := range heard {
			if h.Channel == t.Channel {
				both := math.Max(0, math.Min(t.End, h.End)-math.Max(t.Start, h.Start))
				best = math.Max(best, both/((t.End-t.Start)+(h.End-h.Start)-both))
			}
		}
		if best < 0.6 {
			return fmt.Errorf("the utterance from %.2f to %.2f s on channel %d was not heard (best overlap %.2f)", t.Start, t.End, t.Channel, best)
		}
	}
	return nil
}

func (d *demo) modelStep() demoStep {
	return demoStep{"list the models in use", func(ctx context.Context) (report, error) {
		answer, err := pb.NewModelServiceClient(d.conn).ListModels(ctx, &pb.ListModelsRequest{PageSize: 1000}, anySize)
		if err != nil {
			return report{}, d.conn.explain(err)
		}
		r := report{summary: fmt.Sprintf("%d known", len(answer.GetModels()))}
		loaded := 0
		for _, m := range answer.GetModels() {
			if m.GetState() == pb.ModelState_MODEL_STATE_READY {
				loaded++
				r.lines = append(r.lines, fmt.Sprintf("%s on %s, for %s", m.GetName(), m.GetDevice(), m.GetTask()))
			}
		}
		r.summary += fmt.Sprintf(", %d loaded", loaded)
		if loaded == 0 {
			return r, errors.New("no model is loaded: see 'courtsense doctor'")
		}
		return r, nil
	}}
}

// httpStep asks the same as a gRPC client, in JSON.
func (d *demo) httpStep() demoStep {
	return demoStep{"the same as JSON over HTTP", func(ctx context.Context) (report, error) {
		for _, path := range []string{"/healthz", "/readyz", "/openapi.json"} {
			if _, err := d.http(ctx, http.MethodGet, path, nil); err != nil {
				return report{}, err
			}
		}
		content, err := d.sample("documents/idcard-specimen.jpg")
		if err != nil {
			return report{}, err
		}
		body, err := json.Marshal(map[string]any{
			"file": map[string]string{"content": base64.StdEncoding.EncodeToString(content)}, "config": map[string]any{"detail": "DETAIL_LEVEL_LINES"},
		})
		if err != nil {
			return report{}, err
		}
		raw, err := d.http(ctx, http.MethodPost, "/v1/documents:recognize", body)
		if err != nil {
			return report{}, err
		}
		var answer struct{ Text string }
		if err := json.Unmarshal(raw, &answer); err != nil {
			return report{}, err
		}
		r := report{summary: "idcard-specimen.jpg read by POST /v1/documents:recognize"}
		const number = "000000209913400000"
		if !strings.Contains(answer.Text, number) {
			return r, fmt.Errorf("the card's number %s is not in the answer", number)
		}
		return r, nil
	}}
}

func (d *demo) http(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+d.server.http+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxFileBytes))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, truncate(string(raw), 200))
	}
	return raw, err
}

// refusalStep sends what can't be read.
func (d *demo) refusalStep() demoStep {
	return demoStep{"refuse what is no picture", func(ctx context.Context) (report, error) {
		_, err := recognizeDocument(ctx, d.conn, []byte("not a picture"), &pb.DocumentConfig{})
		st := status.Convert(err)
		if st.Code() != codes.InvalidArgument || errorReason(st) != "UNSUPPORTED_TYPE" {
			return report{}, fmt.Errorf("InvalidArgument with the reason UNSUPPORTED_TYPE was to be expected, not: %w", err)
		}
		return report{summary: fmt.Sprintf("%s: %s", errorReason(st), truncate(st.Message(), 90))}, nil
	}}
}
