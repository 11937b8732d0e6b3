package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
)

// pictureCommand runs one call for each picture and prints its answer.
type pictureCommand[A any] struct {
	what  string // for the progress bar
	jobs  int
	json  bool
	call  func(ctx context.Context, conn *connection, in input, content []byte) (A, error)
	print func(w io.Writer, in input, answer A) error
	// object is the answer in JSON.
	object func(answer A) any
}

func (p *pictureCommand[A]) run(cmd *cobra.Command, connect *connectFlags, args []string) error {
	type outcome struct {
		answer A
		err    error
	}
	c, stdin := newConsole(cmd), cmd.InOrStdin()
	inputs := findInputs(args, pictureSuffixes)
	return onFiles(cmd, c, connect, app.Documents, inputs, func(ctx context.Context, conn *connection) error {
		failed := false
		c.startBar(len(inputs), p.what)
		defer c.endBar()
		inOrder(ctx, len(inputs), p.jobs, func(ctx context.Context, i int) outcome {
			content, err := inputs[i].read(ctx, stdin)
			if err != nil {
				return outcome{err: err}
			}
			answer, err := p.call(ctx, conn, inputs[i], content)
			return outcome{answer, conn.explain(err)}
		}, func(i int, o outcome) {
			c.step()
			if ctx.Err() != nil && o.err != nil {
				failed = true // interrupted, which is said once
				return
			}
			c.erase()
			if err := p.report(c.out, inputs[i], o.answer, o.err, len(inputs) > 1); err != nil {
				failed = true
				c.fail(inputs[i].path, err)
			}
		})
		if failed {
			return errReported
		}
		return nil
	})
}

func (p *pictureCommand[A]) report(w io.Writer, in input, answer A, err error, several bool) error {
	lines := jsonLines{w, several}
	switch {
	case err != nil && p.json:
		return errors.Join(err, lines.failed(in.path, err))
	case err != nil:
		return err
	case p.json:
		return lines.result(in.path, func(w io.Writer) error { return json.NewEncoder(w).Encode(p.object(answer)) })
	}
	return p.print(w, in, answer)
}

// orientationJSON is the stable format of a picture's direction; docs/cli.md describes it.
type orientationJSON struct {
	Rotation   int32 `json:"rotation"`
	Confidence score `json:"confidence"`
	Verified   bool  `json:"verified"`
	Vertical   bool  `json:"vertical"`
}

func newOrientCommand() *cobra.Command {
	p := &pictureCommand[*pb.DetectOrientationResponse]{what: "looking"}
	var noVerify bool
	cmd := &cobra.Command{
		Use:   "orient FILE|DIR...",
		Short: "Tell which way up pages are",
		Long: `Tells how far the content of each picture is turned clockwise from upright: 0, 90, 180 or 270 degrees, and how sure that is.
Where the picture alone leaves a doubt, a few lines are read in the directions that come into question.`,
		Example: `  courtsense orient upload.jpg
  courtsense orient scans/ --json`,
		Args: atLeastOne("a picture"),
	}
	connect := addConnectFlags(cmd)
	cmd.Flags().BoolVar(&p.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&noVerify, "no-verify", false, "never read, however doubtful the direction is")
	addJobsFlag(cmd.Flags(), &p.jobs)
	p.call = func(ctx context.Context, conn *connection, _ input, content []byte) (*pb.DetectOrientationResponse, error) {
		verify := !noVerify
		return pb.NewDocumentServiceClient(conn).DetectOrientation(ctx, &pb.DetectOrientationRequest{
			Image: &pb.Image{Content: content}, VerifyByReading: &verify,
		})
	}
	p.print = func(w io.Writer, in input, a *pb.DetectOrientationResponse) error {
		how := ""
		if a.GetVerifiedByReading() {
			how = ", verified by reading"
		}
		if a.GetVerticalText() {
			how += ", vertical text"
		}
		_, err := fmt.Fprintf(w, "%s: %d degrees, confidence %.3f%s\n", in.path, a.GetRotation(), a.GetConfidence(), how)
		return err
	}
	p.object = func(a *pb.DetectOrientationResponse) any {
		return orientationJSON{a.GetRotation(), score(a.GetConfidence()), a.GetVerifiedByReading(), a.GetVerticalText()}
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return p.run(cmd, connect, args) }
	return cmd
}

// enhancedJSON is the stable format of what became of a picture; docs/cli.md describes it.
type enhancedJSON struct {
	Verdict     string    `json:"verdict"` // "accept", "retake" or "unknown"
	Sharpness   score     `json:"sharpness"`
	Exposure    score     `json:"exposure"`
	Advice      string    `json:"advice"`
	Skew        score     `json:"skew"`
	Rotation    int32     `json:"rotation"`
	Steps       []string  `json:"steps"`
	ToOriginal  []float64 `json:"to_original"`
	Written     string    `json:"written,omitempty"`
	SealRegions int       `json:"seals"`
}

func newEnhanceCommand() *cobra.Command {
	var out string
	var orient bool
	type enhanced struct {
		answer  *pb.EnhanceResponse
		written string
	}
	p := &pictureCommand[enhanced]{what: "cleaning"}
	cmd := &cobra.Command{
		Use:   "enhance FILE|DIR...",
		Short: "Clean pictures of pages, and say whether they are fit for reading",
		Long: `Measures whether each picture is fit for reading, and with -o writes it cleaned as PNG: black edges of the scanner removed,
straightened, light evened out, noise reduced. Without -o it only measures. Originals are never changed.`,
		Example: `  courtsense enhance upload.jpg
  courtsense enhance scans/ -o clean/ --orient`,
		Args: atLeastOne("a picture"),
	}
	connect := addConnectFlags(cmd)
	set := cmd.Flags()
	set.BoolVar(&p.json, "json", false, "print JSON")
	set.StringVarP(&out, "output", "o", "", "write each cleaned picture as NAME.png into this folder")
	set.BoolVar(&orient, "orient", false, "turn the content upright too")
	addJobsFlag(set, &p.jobs)
	p.call = func(ctx context.Context, conn *connection, in input, content []byte) (enhanced, error) {
		answer, err := pb.NewDocumentServiceClient(conn).Enhance(ctx, &pb.EnhanceRequest{
			Image: &pb.Image{Content: content}, Orient: orient, QualityOnly: out == "",
		}, anySize)
		if err != nil || out == "" {
			return enhanced{answer: answer}, err
		}
		path := filepath.Join(out, in.name+".png")
		if sameFile(path, in.path) {
			return enhanced{}, fmt.Errorf("%s would be written over: choose another folder with -o", in.path)
		}
		return enhanced{answer, path}, writeFile(path, answer.GetImage().GetContent())
	}
	p.print = func(w io.Writer, in input, e enhanced) error {
		q := e.answer.GetQuality()
		verdict := verdictWord(q.GetVerdict())
		if q.GetAdvice() != "" {
			verdict += ": " + q.GetAdvice()
		}
		_, err := fmt.Fprintf(w, "%s: %s (sharpness %.2f, exposure %.2f)\n", in.path, verdict, q.GetSharpness(), q.GetExposure())
		for _, s := range e.answer.GetSteps() {
			fmt.Fprintf(w, "  %s\n", s)
		}
		return err
	}
	p.object = func(e enhanced) any {
		q := e.answer.GetQuality()
		seals := 0
		for _, r := range e.answer.GetRegions() {
			if r.GetKind() == pb.RegionKind_REGION_KIND_SEAL {
				seals++
			}
		}
		return enhancedJSON{
			Verdict: verdictWord(q.GetVerdict()), Sharpness: score(q.GetSharpness()), Exposure: score(q.GetExposure()), Advice: q.GetAdvice(),
			Skew: score(e.answer.GetSkew()), Rotation: e.answer.GetRotation(), Steps: append([]string{}, e.answer.GetSteps()...),
			ToOriginal: append([]float64{}, e.answer.GetTransformToOriginal()...), Written: e.written, SealRegions: seals,
		}
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return p.run(cmd, connect, args) }
	return cmd
}

func verdictWord(v pb.PageVerdict) string {
	if v == pb.PageVerdict_PAGE_VERDICT_UNSPECIFIED {
		return "unknown"
	}
	return strings.ToLower(strings.TrimPrefix(v.String(), "PAGE_VERDICT_"))
}
