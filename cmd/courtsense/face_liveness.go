package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

func newFaceLivenessCommand() *cobra.Command {
	e := &eachPicture[*pb.CheckLivenessResponse]{suffix: ".liveness.jpg", print: printLiveness, write: writeLiveness}
	var frames bool
	var active *activeLiveness
	cmd := &cobra.Command{
		Use:   "liveness FILE|DIR...",
		Short: "Tell live faces from pictures, screens and masks",
		Long: `Tells on each picture whether its main face is a live person's or a presentation attack such as a print or a screen (passive
liveness). With --frames all pictures are frames of one person, in order of time, and give one decision. A picture that can't be judged
gives none, and the reason.

With --active a person before a camera is asked to do two or three actions that are drawn at random (active liveness), and no file is
named. The instructions are written to standard error.`,
		Example: `  courtsense face liveness selfie.jpg
  courtsense face liveness --frames frame-1.jpg frame-2.jpg frame-3.jpg
  courtsense face liveness selfies/ --json --annotate marked/
  courtsense face liveness --active --camera device:0`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case active == nil || active.source == "":
				return atLeastOne("a picture")(cmd, args)
			case len(args) > 0:
				return usagef("--active looks at a camera, not at %s", args[0])
			}
			return nil
		},
	}
	connect := addConnectFlags(cmd)
	e.add(cmd.Flags(), "write each picture with its face and the decision into this folder")
	cmd.Flags().BoolVar(&frames, "frames", false, "the pictures are frames of one person: decide over all of them, at most 32")
	addJobsFlag(cmd.Flags(), &e.jobs)
	active = &activeLiveness{}
	challenge := cmd.Flags().Bool("active", false, "challenge the person before --camera to do actions")
	cmd.Flags().StringVar(&active.source, "camera", "", "with --active: rtsp://..., http://... (MJPEG), device:N or file:PATH")
	cmd.Flags().IntVar(&active.actions, "actions", 0, "with --active: number of actions, 2 or 3 (default 3)")
	e.ask = func(ctx context.Context, conn *connection, content []byte) (*pb.CheckLivenessResponse, error) {
		return pb.NewFaceServiceClient(conn).CheckLiveness(ctx, &pb.CheckLivenessRequest{
			Purpose: e.purpose, ConsentId: e.consent, Images: []*pb.Image{{Content: content}},
		})
	}
	e.mark = func(ctx context.Context, content []byte, a *pb.CheckLivenessResponse) (*imaging.Raster, error) {
		return markPicture(ctx, content, a.GetFace(), livenessCaption(a.GetLiveness()))
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *challenge != (active.source != "") {
			return usagef("--active and --camera go together")
		}
		if *challenge {
			active.c, active.purpose, active.consent, active.json = newConsole(cmd), e.purpose, e.consent, e.json
			return onFiles(cmd, active.c, connect, app.Faces, []input{{path: active.source}}, active.run)
		}
		if !frames {
			return e.runE(cmd, connect, args)
		}
		if e.annotate != "" {
			return usagef("--annotate does not go with --frames: the decision is about all of them")
		}
		e.c, e.stdin = newConsole(cmd), cmd.InOrStdin()
		inputs := findInputs(args, pictureSuffixes)
		return onFiles(cmd, e.c, connect, app.Faces, inputs, func(ctx context.Context, conn *connection) error {
			return livenessOfFrames(ctx, e, conn, inputs)
		})
	}
	return cmd
}

func livenessOfFrames(ctx context.Context, e *eachPicture[*pb.CheckLivenessResponse], conn *connection, inputs []input) error {
	req := &pb.CheckLivenessRequest{Purpose: e.purpose, ConsentId: e.consent}
	for _, in := range inputs {
		content, err := in.read(ctx, e.stdin)
		if err != nil {
			e.c.fail(in.path, err)
			return errReported
		}
		req.Images = append(req.Images, &pb.Image{Content: content})
	}
	answer, err := pb.NewFaceServiceClient(conn).CheckLiveness(ctx, req)
	if err != nil {
		e.c.fail(plural(len(inputs), "frame"), conn.explain(err))
		return errReported
	}
	if e.json {
		return writeLiveness(e.c.out, answer)
	}
	return printLiveness(e.c.out, plural(len(inputs), "frame"), answer)
}

func livenessCaption(l *pb.Liveness) caption {
	switch l.GetVerdict() {
	case pb.LivenessVerdict_LIVENESS_VERDICT_LIVE:
		return caption{fmt.Sprintf("live %.2f", l.GetScore()), good}
	case pb.LivenessVerdict_LIVENESS_VERDICT_ATTACK:
		return caption{fmt.Sprintf("attack %.2f", l.GetScore()), bad}
	}
	return caption{"no decision", doubted}
}

func printLiveness(w io.Writer, path string, a *pb.CheckLivenessResponse) error {
	l := a.GetLiveness()
	var err error
	switch l.GetVerdict() {
	case pb.LivenessVerdict_LIVENESS_VERDICT_LIVE:
		_, err = fmt.Fprintf(w, "%s: a live person, score %.3f (live from %.3f on)\n", path, l.GetScore(), l.GetThreshold())
	case pb.LivenessVerdict_LIVENESS_VERDICT_ATTACK:
		_, err = fmt.Fprintf(w, "%s: a picture, screen or mask, score %.3f (live from %.3f on)\n", path, l.GetScore(), l.GetThreshold())
	default:
		_, err = fmt.Fprintf(w, "%s: no decision: %s\n", path, l.GetReason())
	}
	for _, r := range l.GetErrorRates() {
		what := "attacks of type " + r.GetAttackType() + " taken for live"
		if r.GetAttackType() == "" {
			what = "live persons taken for an attack"
		}
		m := r.GetError()
		fmt.Fprintf(w, "  %s: %.1f %% (%.1f to %.1f; %s)\n", what, 100*m.GetRate(), 100*m.GetLower(), 100*m.GetUpper(), m.GetMeasuredOn())
	}
	return err
}

type attackJSON struct {
	Attack string   `json:"attack_type"` // empty: the rate over live persons, BPCER
	Error  rateJSON `json:"error"`
}

// livenessJSON is the stable format of a decision on liveness.
type livenessJSON struct {
	Verdict   string       `json:"verdict"` // live, attack, undecided
	Score     score        `json:"score"`
	Threshold score        `json:"threshold"`
	Frames    int32        `json:"frames"`
	Reason    string       `json:"reason,omitempty"`
	Rates     []attackJSON `json:"error_rates"`
}

func livenessOf(l *pb.Liveness) *livenessJSON {
	out := &livenessJSON{
		strings.ToLower(strings.TrimPrefix(l.GetVerdict().String(), "LIVENESS_VERDICT_")), score(l.GetScore()), score(l.GetThreshold()), l.GetFrames(),
		l.GetReason(), []attackJSON{},
	}
	for _, r := range l.GetErrorRates() {
		out.Rates = append(out.Rates, attackJSON{r.GetAttackType(), *rateOf(r.GetError())})
	}
	return out
}

func writeLiveness(w io.Writer, a *pb.CheckLivenessResponse) error {
	return json.NewEncoder(w).Encode(struct {
		livenessJSON
		Face *faceJSON `json:"face,omitempty"`
	}{*livenessOf(a.GetLiveness()), jsonFace(a.GetFace())})
}
