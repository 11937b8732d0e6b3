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
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// profiles are the values of --profile.
var profiles = map[string]pb.QualityProfile{
	"id-photo": pb.QualityProfile_QUALITY_PROFILE_ID_PHOTO,
	"selfie":   pb.QualityProfile_QUALITY_PROFILE_SELFIE,
	"gate":     pb.QualityProfile_QUALITY_PROFILE_GATE,
}

func profileFlag(name string) (pb.QualityProfile, error) {
	return profiles[name], oneOf("--profile", name, "id-photo", "selfie", "gate")
}

// eachPicture is a command that asks one thing about each of several pictures.
type eachPicture[A any] struct {
	faceFlags
	c      *console
	conn   *connection
	stdin  io.Reader
	jobs   int
	suffix string // of annotated pictures
	ask    func(ctx context.Context, conn *connection, content []byte) (A, error)
	print  func(w io.Writer, path string, answer A) error
	write  func(w io.Writer, answer A) error
	mark   func(ctx context.Context, content []byte, answer A) (*imaging.Raster, error)
}

// asked is what became of one picture.
type asked[A any] struct {
	answer A
	err    error
}

func (e *eachPicture[A]) runE(cmd *cobra.Command, connect *connectFlags, args []string) error {
	e.c, e.stdin = newConsole(cmd), cmd.InOrStdin()
	inputs := findInputs(args, pictureSuffixes)
	return onFiles(cmd, e.c, connect, app.Faces, inputs, func(ctx context.Context, conn *connection) error {
		e.conn = conn
		return e.run(ctx, inputs)
	})
}

func (e *eachPicture[A]) run(ctx context.Context, inputs []input) error {
	failed := false
	e.c.startBar(len(inputs), "looking")
	defer e.c.endBar()
	lines := jsonLines{e.c.out, len(inputs) > 1}
	inOrder(ctx, len(inputs), e.jobs, func(ctx context.Context, i int) asked[A] {
		answer, err := e.one(ctx, inputs[i])
		return asked[A]{answer, err}
	}, func(i int, a asked[A]) {
		e.c.step()
		e.c.erase()
		err := a.err
		switch {
		case err != nil && ctx.Err() != nil:
			failed = true // interrupted, which is said once
			return
		case err != nil && e.json:
			err = errors.Join(err, lines.failed(inputs[i].path, err))
		case err != nil:
		case e.json:
			err = lines.result(inputs[i].path, func(w io.Writer) error { return e.write(w, a.answer) })
		default:
			err = e.print(e.c.out, inputs[i].path, a.answer)
		}
		if err != nil {
			failed = true
			e.c.fail(inputs[i].path, err)
		}
	})
	if failed {
		return errReported
	}
	return nil
}

func (e *eachPicture[A]) one(ctx context.Context, in input) (A, error) {
	var none A
	content, err := in.read(ctx, e.stdin)
	if err != nil {
		return none, err
	}
	answer, err := e.ask(ctx, e.conn, content)
	if err != nil {
		return none, e.conn.explain(err)
	}
	if e.annotate == "" {
		return answer, nil
	}
	marked, err := e.mark(ctx, content, answer)
	if err != nil {
		return none, err
	}
	return answer, writeMarked(filepath.Join(e.annotate, in.name+e.suffix), marked)
}

func newFaceAssessCommand() *cobra.Command {
	e := &eachPicture[*pb.AssessResponse]{suffix: ".quality.jpg"}
	var profile string
	cmd := &cobra.Command{
		Use:   "assess FILE|DIR...",
		Short: "Tell how fit face pictures are for their use, and what to do better",
		Long: `Judges the main face of each picture by the components of ISO/IEC 29794-5: sharpness, light, size, pose, eyes, mouth, what
covers the face, background. Each gets 0 to 100, and where it is not good enough a sentence about what to do.`,
		Example: `  courtsense face assess selfie.jpg
  courtsense face assess id-photo.jpg --profile id-photo --annotate marked/
  courtsense face assess pictures/ --json`,
		Args: atLeastOne("a picture"),
	}
	connect := addConnectFlags(cmd)
	e.add(cmd.Flags(), "write each picture with its main face marked into this folder")
	cmd.Flags().StringVar(&profile, "profile", "selfie", "what the pictures are for: id-photo, selfie or gate")
	addJobsFlag(cmd.Flags(), &e.jobs)
	e.print, e.mark = printAssessment, func(ctx context.Context, content []byte, a *pb.AssessResponse) (*imaging.Raster, error) {
		return markPicture(ctx, content, a.GetFace(), qualityCaption(a.GetQuality()))
	}
	e.write = func(w io.Writer, a *pb.AssessResponse) error {
		return json.NewEncoder(w).Encode(struct {
			qualityJSON
			Face *faceJSON `json:"face,omitempty"`
		}{*jsonQuality(a.GetQuality()), jsonFace(a.GetFace())})
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := profileFlag(profile)
		if err != nil {
			return err
		}
		e.ask = func(ctx context.Context, conn *connection, content []byte) (*pb.AssessResponse, error) {
			return pb.NewFaceServiceClient(conn).Assess(ctx, &pb.AssessRequest{
				Purpose: e.purpose, ConsentId: e.consent, Image: &pb.Image{Content: content}, Profile: p,
			})
		}
		return e.runE(cmd, connect, args)
	}
	return cmd
}

func qualityWord(v pb.QualityVerdict) string {
	switch v {
	case pb.QualityVerdict_QUALITY_VERDICT_ACCEPT:
		return "good enough"
	case pb.QualityVerdict_QUALITY_VERDICT_WARN:
		return "usable"
	case pb.QualityVerdict_QUALITY_VERDICT_RETAKE:
		return "take another picture"
	}
	return "not judged"
}

func qualityCaption(q *pb.FaceQuality) caption {
	colour := bad
	switch q.GetVerdict() {
	case pb.QualityVerdict_QUALITY_VERDICT_ACCEPT:
		colour = good
	case pb.QualityVerdict_QUALITY_VERDICT_WARN:
		colour = doubted
	}
	return caption{fmt.Sprintf("%s (%d)", qualityWord(q.GetVerdict()), q.GetUnifiedScore()), colour}
}

func printAssessment(w io.Writer, path string, a *pb.AssessResponse) error {
	q := a.GetQuality()
	_, err := fmt.Fprintf(w, "%s: %s, quality %d of 100\n", path, qualityWord(q.GetVerdict()), q.GetUnifiedScore())
	for _, c := range q.GetComponents() {
		if c.GetAdvice() != "" {
			fmt.Fprintf(w, "  %-28s %3d  %s\n", measureName(c.GetMeasure()), c.GetValue(), c.GetAdvice())
		}
	}
	return err
}

// measureName is the standard's name in small letters: "head_pose_yaw".
func measureName(m pb.QualityMeasure) string {
	return strings.ToLower(strings.TrimPrefix(m.String(), "QUALITY_MEASURE_"))
}

// qualityJSON is the stable format of a face picture's quality.
type qualityJSON struct {
	Verdict    string          `json:"verdict"` // accept, warn, retake
	Score      int32           `json:"score"`   // 0 to 100
	Profile    string          `json:"profile"`
	Components []componentJSON `json:"components"`
}

type componentJSON struct {
	Measure string `json:"measure"`
	Value   int32  `json:"value"`
	Native  score  `json:"native"` // in the measure's own unit
	Verdict string `json:"verdict"`
	Advice  string `json:"advice,omitempty"`
}

func verdictName(v pb.QualityVerdict) string {
	return strings.ToLower(strings.TrimPrefix(v.String(), "QUALITY_VERDICT_"))
}

// jsonQuality is nil for no quality.
func jsonQuality(q *pb.FaceQuality) *qualityJSON {
	if q == nil {
		return nil
	}
	profile := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(q.GetProfile().String(), "QUALITY_PROFILE_")), "_", "-")
	out := &qualityJSON{verdictName(q.GetVerdict()), q.GetUnifiedScore(), profile, []componentJSON{}}
	for _, c := range q.GetComponents() {
		out.Components = append(out.Components, componentJSON{
			measureName(c.GetMeasure()), c.GetValue(), score(c.GetNativeValue()), verdictName(c.GetVerdict()), c.GetAdvice(),
		})
	}
	return out
}
