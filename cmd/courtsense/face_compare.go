package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
)

// faceCompare is one run of "courtsense face compare".
type faceCompare struct {
	faceFlags
	fmr float64

	c     *console
	conn  *connection
	stdin io.Reader
}

func newFaceCompareCommand() *cobra.Command {
	f := &faceCompare{}
	cmd := &cobra.Command{
		Use:   "compare LEFT RIGHT",
		Short: "Tell whether two pictures show the same person",
		Long: `Compares the main faces of two pictures. The answer says how often strangers look that alike, measured on named data with
the embedding model that was used, and decides at the false match rate that is asked for. A picture without one clear face, or
with too small a one, gives no decision, and the reason.`,
		Example: `  courtsense face compare id-photo.jpg selfie.jpg
  courtsense face compare a.jpg b.jpg --fmr 0.001 --annotate marked/ --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("name two pictures; see '%s --help'", cmd.CommandPath())
			}
			return nil
		},
	}
	connect := addConnectFlags(cmd)
	f.add(cmd.Flags(), "write both pictures side by side, with the decision, into this folder")
	cmd.Flags().Float64Var(&f.fmr, "fmr", 0, "false match rate to decide at, 0.000001 to 0.01 (default: the first of 0.0001, 0.001 and 0.01 that the calibration supports)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.c, f.stdin = newConsole(cmd), cmd.InOrStdin()
		inputs := []input{oneInput(args[0]), oneInput(args[1])}
		if err := onlyOneStdin(inputs); err != nil {
			return err
		}
		return onFiles(cmd, f.c, connect, app.Faces, inputs, func(ctx context.Context, conn *connection) error {
			f.conn = conn
			return f.run(ctx, inputs[0], inputs[1])
		})
	}
	return cmd
}

// oneInput is a file that was named; a folder is none.
func oneInput(path string) input {
	if path == "-" {
		return input{path: "-", name: "stdin"}
	}
	return input{path: path, name: stem(filepath.Base(path))}
}

func stem(name string) string { return name[:len(name)-len(filepath.Ext(name))] }

func (f *faceCompare) run(ctx context.Context, left, right input) error {
	var contents [2][]byte
	for i, in := range []input{left, right} {
		content, err := in.read(ctx, f.stdin)
		if err != nil {
			f.c.fail(in.path, err)
			return errReported
		}
		contents[i] = content
	}
	req := &pb.CompareRequest{
		Purpose: f.purpose, ConsentId: f.consent, Left: &pb.Image{Content: contents[0]}, Right: &pb.Image{Content: contents[1]},
	}
	if f.fmr != 0 {
		req.FalseMatchRate = &f.fmr
	}
	answer, err := pb.NewFaceServiceClient(f.conn).Compare(ctx, req)
	if err == nil && f.annotate != "" {
		err = f.mark(ctx, contents, answer, filepath.Join(f.annotate, left.name+"-"+right.name+".compare.jpg"))
	}
	if err != nil {
		f.c.fail(left.path+" and "+right.path, f.conn.explain(err))
		return errReported
	}
	if f.json {
		return writeComparison(f.c.out, answer)
	}
	return printComparison(f.c.out, left.path, right.path, answer)
}

func (f *faceCompare) mark(ctx context.Context, contents [2][]byte, answer *pb.CompareResponse, path string) error {
	s := answer.GetSimilarity()
	c := matchCaption(s)
	left, err := markPicture(ctx, contents[0], answer.GetLeftFace(), caption{"left", c.colour})
	if err != nil {
		return err
	}
	right, err := markPicture(ctx, contents[1], answer.GetRightFace(), caption{"right", c.colour})
	if err != nil {
		return err
	}
	if s.GetFalseMatchRate() != nil {
		c.text += ": " + strangers(s.GetFalseMatchRate())
	}
	both, err := sideBySide(left, right, c)
	if err != nil {
		return err
	}
	return writeMarked(path, both)
}

func matchCaption(s *pb.Similarity) caption {
	switch s.GetVerdict() {
	case pb.MatchVerdict_MATCH_VERDICT_MATCH:
		return caption{"same person", good}
	case pb.MatchVerdict_MATCH_VERDICT_NO_MATCH:
		return caption{"not accepted as the same person", bad}
	}
	return caption{"no decision", doubted}
}

func printComparison(w io.Writer, left, right string, answer *pb.CompareResponse) error {
	s := answer.GetSimilarity()
	fmt.Fprintf(w, "%s and %s: %s\n", left, right, matchCaption(s).text)
	if s.Cosine == nil {
		fmt.Fprintf(w, "  %s\n", s.GetReason())
	} else {
		r := s.GetFalseMatchRate()
		fmt.Fprintf(w, "  %s (measured on %s)\n", strangers(r), r.GetMeasuredOn())
		fmt.Fprintf(w, "  similarity %.3f; accepted from %.3f on, which strangers reach in %s comparisons\n", s.GetCosine(), s.GetThreshold(), oneIn(s.GetRequestedFalseMatchRate()))
	}
	return nil
}

// rateJSON is the stable format of a measured rate.
type rateJSON struct {
	Rate       float64 `json:"rate"`
	Lower      float64 `json:"lower"`
	Upper      float64 `json:"upper"`
	MeasuredOn string  `json:"measured_on"`
}

func rateOf(r *pb.MeasuredRate) *rateJSON {
	if r == nil {
		return nil
	}
	return &rateJSON{r.GetRate(), r.GetLower(), r.GetUpper(), r.GetMeasuredOn()}
}

// similarityJSON is the stable format of a comparison's meaning.
type similarityJSON struct {
	Verdict   string    `json:"verdict"` // match, no_match, undecided
	Cosine    *float32  `json:"cosine,omitempty"`
	Threshold float32   `json:"threshold"`
	Requested float64   `json:"requested_false_match_rate"`
	FMR       *rateJSON `json:"false_match_rate,omitempty"`
	Reason    string    `json:"reason,omitempty"`
}

func similarityOf(s *pb.Similarity) similarityJSON {
	verdict := map[pb.MatchVerdict]string{pb.MatchVerdict_MATCH_VERDICT_MATCH: "match", pb.MatchVerdict_MATCH_VERDICT_NO_MATCH: "no_match"}[s.GetVerdict()]
	if verdict == "" {
		verdict = "undecided"
	}
	return similarityJSON{verdict, s.Cosine, s.GetThreshold(), s.GetRequestedFalseMatchRate(), rateOf(s.GetFalseMatchRate()), s.GetReason()}
}

func writeComparison(w io.Writer, answer *pb.CompareResponse) error {
	return json.NewEncoder(w).Encode(struct {
		similarityJSON
		Left  *faceJSON `json:"left_face,omitempty"`
		Right *faceJSON `json:"right_face,omitempty"`
	}{similarityOf(answer.GetSimilarity()), jsonFace(answer.GetLeftFace()), jsonFace(answer.GetRightFace())})
}
