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
)

// faceVerify is one run of "courtsense face verify".
type faceVerify struct {
	faceFlags
	fmr     float64
	session string
	claimed pb.ClaimedIdentity

	c     *console
	conn  *connection
	stdin io.Reader
}

func newFaceVerifyCommand() *cobra.Command {
	f := &faceVerify{}
	cmd := &cobra.Command{
		Use:   "verify SELFIE IDCARD",
		Short: "Tell whether a live person is who an identity card says",
		Long: `Decides in one go, step by step: is the selfie good enough, does it show a live person, is the picture of the identity card
usable, are both faces one person's, and, where something is claimed, does the card say so. The decision is VERIFIED, REJECTED or
REVIEW (for a person to decide), with what each step found. A step that fails is the last one: what looks like an attack is never
compared. With --session the live side is a session of active liveness at the server instead of a selfie.`,
		Example: `  courtsense face verify selfie.jpg id-card.jpg
  courtsense face verify selfie.jpg id-card.jpg --name 样本某 --number 11010519491231002X --json
  courtsense face verify --session livenessSessions/NAME id-card.jpg --server localhost:9090`,
		Args: func(cmd *cobra.Command, args []string) error {
			want, what := 2, "a selfie and a picture of an identity card"
			if f.session != "" {
				want, what = 1, "a picture of an identity card"
			}
			if len(args) != want {
				return usagef("name %s; see '%s --help'", what, cmd.CommandPath())
			}
			return nil
		},
	}
	connect := addConnectFlags(cmd)
	f.add(cmd.Flags(), "")
	set := cmd.Flags()
	set.StringVar(&f.claimed.FullName, "name", "", "name that the card must show")
	set.StringVar(&f.claimed.IdNumber, "number", "", "identity number that the card must show")
	set.StringVar(&f.claimed.BirthDate, "birth-date", "", "date of birth (YYYY-MM-DD) that the card's number must hold")
	set.StringVar(&f.session, "session", "", "session of active liveness instead of a selfie")
	set.Float64Var(&f.fmr, "fmr", 0, "false match rate to decide at, 0.000001 to 0.01 (default: the first of 0.0001, 0.001 and 0.01 that the calibration supports)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.c, f.stdin = newConsole(cmd), cmd.InOrStdin()
		var inputs []input
		for _, arg := range args {
			inputs = append(inputs, oneInput(arg))
		}
		if err := onlyOneStdin(inputs); err != nil {
			return err
		}
		parts := app.Faces
		if f.claims() {
			parts |= app.Documents
		}
		return onFiles(cmd, f.c, connect, parts, inputs, func(ctx context.Context, conn *connection) error {
			f.conn = conn
			return f.run(ctx, inputs)
		})
	}
	return cmd
}

func (f *faceVerify) claims() bool {
	return f.claimed.GetFullName() != "" || f.claimed.GetIdNumber() != "" || f.claimed.GetBirthDate() != ""
}

func (f *faceVerify) run(ctx context.Context, inputs []input) error {
	req := &pb.VerifyIdentityRequest{Purpose: f.purpose, ConsentId: f.consent}
	if f.session != "" {
		req.Live = &pb.VerifyIdentityRequest_LivenessSession{LivenessSession: f.session}
	}
	for i, in := range inputs {
		content, err := in.read(ctx, f.stdin)
		if err != nil {
			f.c.fail(in.path, err)
			return errReported
		}
		if i == len(inputs)-1 {
			req.IdPhoto = &pb.Image{Content: content}
		} else {
			req.Live = &pb.VerifyIdentityRequest_Selfie{Selfie: &pb.Image{Content: content}}
		}
	}
	if f.claims() {
		req.Claimed = &f.claimed
	}
	if f.fmr != 0 {
		req.FalseMatchRate = &f.fmr
	}
	answer, err := pb.NewFaceServiceClient(f.conn).VerifyIdentity(ctx, req)
	if err != nil {
		var paths []string
		for _, in := range inputs {
			paths = append(paths, in.path)
		}
		f.c.fail(strings.Join(paths, " and "), f.conn.explain(err))
		return errReported
	}
	if f.json {
		return writeVerification(f.c.out, answer)
	}
	return printVerification(f.c.out, answer)
}

func identityVerdict(v pb.IdentityVerdict) string {
	return strings.TrimPrefix(v.String(), "IDENTITY_VERDICT_")
}

func printVerification(w io.Writer, a *pb.VerifyIdentityResponse) error {
	_, err := fmt.Fprintln(w, identityVerdict(a.GetVerdict()))
	for _, s := range a.GetSteps() {
		what := "passed"
		if !s.GetPassed() {
			what = fmt.Sprintf("%s: %s", s.GetReason(), s.GetDetail())
		}
		fmt.Fprintf(w, "  %-10s %s\n", s.GetStep(), what)
		switch {
		case s.GetQuality() != nil:
			fmt.Fprintf(w, "  %-10s quality %d of 100\n", "", s.GetQuality().GetUnifiedScore())
		case s.GetLiveness() != nil:
			fmt.Fprintf(w, "  %-10s score %.3f (live from %.3f on)\n", "", s.GetLiveness().GetScore(), s.GetLiveness().GetThreshold())
		case s.GetSimilarity() != nil:
			m := s.GetSimilarity()
			fmt.Fprintf(w, "  %-10s %s (similarity %.3f, accepted from %.3f on; measured on %s)\n", "", strangers(m.GetFalseMatchRate()), m.GetCosine(), m.GetThreshold(), m.GetFalseMatchRate().GetMeasuredOn())
		case s.GetIdFields() != nil:
			m := s.GetIdFields()
			fmt.Fprintf(w, "  %-10s read: name %q, number %q (confidence %.2f)\n", "", m.GetReadName(), m.GetReadNumber(), m.GetConfidence())
		}
	}
	return err
}

// identityStepJSON is the stable format of a step; only the evidence of its kind is there.
type identityStepJSON struct {
	Step       string           `json:"step"`
	Passed     bool             `json:"passed"`
	Reason     string           `json:"reason,omitempty"`
	Detail     string           `json:"detail,omitempty"`
	Quality    *qualityJSON     `json:"quality,omitempty"`
	Liveness   *livenessJSON    `json:"liveness,omitempty"`
	Similarity *similarityJSON  `json:"similarity,omitempty"`
	Fields     *fieldsCheckJSON `json:"id_fields,omitempty"`
}

type fieldsCheckJSON struct {
	NameMatches   *bool  `json:"name_matches,omitempty"`
	NumberMatches *bool  `json:"number_matches,omitempty"`
	NumberValid   *bool  `json:"number_valid,omitempty"`
	BirthMatches  *bool  `json:"birth_date_matches,omitempty"`
	Confidence    score  `json:"confidence"`
	ReadName      string `json:"read_name"`
	ReadNumber    string `json:"read_number"`
}

func writeVerification(w io.Writer, a *pb.VerifyIdentityResponse) error {
	steps := []identityStepJSON{}
	for _, s := range a.GetSteps() {
		step := identityStepJSON{Step: s.GetStep(), Passed: s.GetPassed(), Reason: s.GetReason(), Detail: s.GetDetail(), Quality: jsonQuality(s.GetQuality())}
		if l := s.GetLiveness(); l != nil {
			step.Liveness = livenessOf(l)
		}
		if m := s.GetSimilarity(); m != nil {
			similarity := similarityOf(m)
			step.Similarity = &similarity
		}
		if m := s.GetIdFields(); m != nil {
			step.Fields = &fieldsCheckJSON{m.NameMatches, m.NumberMatches, m.NumberValid, m.BirthDateMatches, score(m.GetConfidence()), m.GetReadName(), m.GetReadNumber()}
		}
		steps = append(steps, step)
	}
	return json.NewEncoder(w).Encode(struct {
		Verdict string             `json:"verdict"` // verified, rejected, review
		Steps   []identityStepJSON `json:"steps"`
	}{strings.ToLower(identityVerdict(a.GetVerdict())), steps})
}
