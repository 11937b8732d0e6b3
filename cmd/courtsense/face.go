package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
)

func newFaceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "face",
		Short: "Find, judge, compare, verify, enrol and identify faces",
		Long:  `Works on the faces in pictures. Nothing of a picture or of a face is kept, save by "enroll", which keeps a template.`,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newFaceDetectCommand(), newFaceAssessCommand(), newFaceLivenessCommand(), newFaceCompareCommand(), newFaceVerifyCommand(), newFaceEnrollCommand(), newFaceIdentifyCommand(), newFaceWatchCommand(), newFaceAttendanceCommand())
	return c
}

// faceDetect is one run of "courtsense face detect".
type faceDetect struct {
	annotate         string
	purpose, consent string
	minScore         float32
	minSize          int
	maxFaces         int
	maxSide          int
	anyOrientation   bool
	model            string
	jobs             int
	json             bool

	c     *console
	conn  *connection
	stdin io.Reader
	scale bool // minScore was given
}

func newFaceDetectCommand() *cobra.Command {
	f := &faceDetect{}
	cmd := &cobra.Command{
		Use:   "detect FILE|DIR...",
		Short: "Find the faces in pictures",
		Long: `Finds the faces in JPEG, PNG, TIFF, BMP and WebP pictures, with a box, a score and five landmarks each: right eye, left
eye, nose, right and left corner of the mouth, right and left being the person's own. "-" is standard input. A picture
without a face is an answer, not an error.`,
		Example: `  courtsense face detect portrait.jpg
  courtsense face detect *.jpg --json
  courtsense face detect hall.jpg --max-side 2560 --min-size 24 --annotate marked/`,
		Args: atLeastOne("a picture"),
	}
	connect := addConnectFlags(cmd)
	set := cmd.Flags()
	set.BoolVar(&f.json, "json", false, "print JSON")
	set.StringVar(&f.annotate, "annotate", "", "write each picture with its faces marked into this folder")
	set.StringVar(&f.purpose, "purpose", "command line", "why the faces are looked for; travels into the server's provenance")
	set.StringVar(&f.consent, "consent-id", "", "reference to the person's recorded consent; travels into provenance")
	set.Float32Var(&f.minScore, "min-score", 0, "leave out faces below this score, 0 to 1 (default: the configuration's)")
	set.IntVar(&f.minSize, "min-size", 0, "leave out faces narrower or lower than this, pixels (default: the configuration's)")
	set.IntVar(&f.maxFaces, "max-faces", 0, "the most faces of one picture, the best first (default: the configuration's)")
	set.IntVar(&f.maxSide, "max-side", 0, "scale larger pictures down to this for detection, pixels; larger finds smaller faces (default: the configuration's)")
	set.BoolVar(&f.anyOrientation, "any-orientation", false, "look for faces that are turned by 90, 180 and 270 degrees too; takes four times as long")
	set.StringVar(&f.model, "model", "", "detector by its id (default: the best one available)")
	addJobsFlag(set, &f.jobs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.c, f.stdin, f.scale = newConsole(cmd), cmd.InOrStdin(), cmd.Flags().Changed("min-score")
		if f.model != "" && connect.server == "" {
			// A server has its models loaded; here only the configured one is.
			if err := cmd.Flags().Set("set", "face.model="+f.model); err != nil {
				return err
			}
		}
		inputs := findInputs(args, pictureSuffixes)
		return onFiles(cmd, f.c, connect, app.Faces, inputs, func(ctx context.Context, conn *connection) error {
			f.conn = conn
			return f.run(ctx, inputs)
		})
	}
	return cmd
}

// portrait is what became of one picture.
type portrait struct {
	answer *pb.DetectResponse
	err    error
}

func (f *faceDetect) run(ctx context.Context, inputs []input) error {
	failed := false
	f.c.startBar(len(inputs), "looking")
	defer f.c.endBar()
	inOrder(ctx, len(inputs), f.jobs, func(ctx context.Context, i int) portrait {
		answer, err := f.detect(ctx, inputs[i])
		return portrait{answer, err}
	}, func(i int, p portrait) {
		f.c.step()
		if ctx.Err() != nil && p.err != nil {
			failed = true // interrupted, which is said once
			return
		}
		if err := f.report(inputs[i], p, len(inputs) > 1); err != nil {
			failed = true
			f.c.fail(inputs[i].path, err)
		}
	})
	if failed {
		return errReported
	}
	return nil
}

func (f *faceDetect) detect(ctx context.Context, in input) (*pb.DetectResponse, error) {
	content, err := in.read(ctx, f.stdin)
	if err != nil {
		return nil, err
	}
	req := &pb.DetectRequest{
		Purpose: f.purpose, ConsentId: f.consent, Image: &pb.Image{Content: content}, MinSize: int32(f.minSize),
		MaxFaces: int32(f.maxFaces), MaxSide: int32(f.maxSide), Model: f.model, Annotate: f.annotate != "",
		AnyOrientation: f.anyOrientation,
	}
	if f.scale {
		req.MinScore = &f.minScore
	}
	answer, err := pb.NewFaceServiceClient(f.conn).Detect(ctx, req, anySize)
	if err != nil {
		return nil, f.conn.explain(err)
	}
	if f.annotate != "" {
		err = writeFile(filepath.Join(f.annotate, in.name+".faces.jpg"), answer.GetAnnotatedJpeg())
	}
	return answer, err
}

// report prints one picture's faces, and returns what went wrong with it.
func (f *faceDetect) report(in input, p portrait, several bool) error {
	answer, lines := p.answer, jsonLines{f.c.out, several}
	f.c.erase()
	switch {
	case p.err != nil && f.json:
		return errors.Join(p.err, lines.failed(in.path, p.err))
	case p.err != nil:
		return p.err
	case f.json:
		return lines.result(in.path, func(w io.Writer) error { return writeFaces(w, answer.GetFaces()) })
	}
	_, err := fmt.Fprintf(f.c.out, "%s: %s (%dx%d px)\n", in.path, plural(len(answer.GetFaces()), "face"), answer.GetImageWidth(), answer.GetImageHeight())
	for i, face := range answer.GetFaces() {
		b := face.GetBox()
		fmt.Fprintf(f.c.out, "  %d  score %.2f  %.0fx%.0f px at (%.0f, %.0f)\n", i+1, face.GetScore(), b.GetWidth(), b.GetHeight(), b.GetX(), b.GetY())
	}
	return err
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// faceJSON is the stable format of a face: pixels rounded to 0.1, the score to 0.0001.
type faceJSON struct {
	Box       tuple   `json:"box"` // x, y, width, height
	Score     score   `json:"score"`
	Landmarks []tuple `json:"landmarks"` // right eye, left eye, nose, right mouth corner, left mouth corner
}

// writeFaces writes {"faces":[{"box":[x,y,w,h],"score":S,"landmarks":[[x,y],[x,y],[x,y],[x,y],[x,y]]}]} and a newline.
// The format is stable: keys are only ever added.
func writeFaces(w io.Writer, faces []*pb.Face) error {
	out := make([]faceJSON, 0, len(faces))
	for _, face := range faces {
		out = append(out, *jsonFace(face))
	}
	return json.NewEncoder(w).Encode(map[string][]faceJSON{"faces": out})
}

// jsonFace is nil for no face.
func jsonFace(face *pb.Face) *faceJSON {
	if face == nil {
		return nil
	}
	b, l := face.GetBox(), face.GetLandmarks()
	f := faceJSON{Box: tuple{b.GetX(), b.GetY(), b.GetWidth(), b.GetHeight()}, Score: score(face.GetScore())}
	for _, p := range []*pb.Point{l.GetRightEye(), l.GetLeftEye(), l.GetNoseTip(), l.GetRightMouthCorner(), l.GetLeftMouthCorner()} {
		f.Landmarks = append(f.Landmarks, tuple{p.GetX(), p.GetY()})
	}
	return &f
}
