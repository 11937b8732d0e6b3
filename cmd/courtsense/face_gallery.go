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

// galleryName makes a name of the API of a gallery's id, and leaves names alone.
func galleryName(id string) string {
	const collection = "galleries/"
	if strings.HasPrefix(id, collection) {
		return id
	}
	return collection + id
}

// needGallery refuses a command line without --gallery.
func needGallery(name string) error {
	if name == "" {
		return usagef("--gallery NAME says which gallery; 'courtsense gallery list' shows them")
	}
	return nil
}

// faceEnroll is one run of "courtsense face enroll".
type faceEnroll struct {
	faceFlags
	gallery, person, profile string
	labels                   map[string]string
	duplicate                bool
}

func newFaceEnrollCommand() *cobra.Command {
	f := &faceEnroll{}
	cmd := &cobra.Command{
		Use:     "enroll FILE... --gallery NAME --person ID",
		Aliases: []string{"enrol"},
		Short:   "Keep a person's face in a gallery",
		Long: `Adds the main face of each picture to a gallery, as templates of one person. Only the template is kept, encrypted, with its
purpose, consent and labels; never the picture. A picture that is not good enough is refused with what to do better, and so is
somebody who looks like another person in the gallery.`,
		Example: `  courtsense face enroll staff/li-na.jpg --gallery staff --person li-na --purpose "entrance"
  courtsense face enroll a.jpg b.jpg --gallery visitors --person v-17 --profile gate --label zone=B --consent-id C-2026-17`,
		Args: atLeastOne("a picture"),
	}
	connect := addConnectFlags(cmd)
	f.add(cmd.Flags(), "")
	set := cmd.Flags()
	set.StringVar(&f.gallery, "gallery", "", "name of the gallery")
	set.StringVar(&f.person, "person", "", `the person's id: 1 to 64 of a-z, A-Z, 0-9, "-", "_" and "."`)
	set.StringVar(&f.profile, "profile", "id-photo", "what the pictures must be good enough for: id-photo, selfie or gate")
	set.StringToStringVar(&f.labels, "label", nil, "label to set, key=value; may be repeated")
	set.BoolVar(&f.duplicate, "allow-duplicate", false, "enrol though somebody else in the gallery looks like this person")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := profileFlag(f.profile)
		if err != nil {
			return err
		}
		if err := needGallery(f.gallery); err != nil {
			return err
		}
		if f.person == "" {
			return usagef("--person ID says who it is")
		}
		e := &eachPicture[*pb.EnrolResponse]{faceFlags: f.faceFlags, jobs: 1, print: printEnrolled, write: writeEnrolled}
		e.ask = func(ctx context.Context, conn *connection, content []byte) (*pb.EnrolResponse, error) {
			return pb.NewFaceServiceClient(conn).Enrol(ctx, &pb.EnrolRequest{
				Purpose: f.purpose, ConsentId: f.consent, Gallery: galleryName(f.gallery), PersonId: f.person,
				Image: &pb.Image{Content: content}, Labels: f.labels, Profile: p, AllowDuplicate: f.duplicate,
			})
		}
		return e.runE(cmd, connect, args)
	}
	return cmd
}

func printEnrolled(w io.Writer, path string, a *pb.EnrolResponse) error {
	_, err := fmt.Fprintf(w, "%s: enrolled as %s, quality %d of 100, %s on record\n", path, a.GetPerson().GetName(), a.GetQuality().GetUnifiedScore(),
		plural(int(a.GetPerson().GetTemplateCount()), "template"))
	for _, d := range a.GetDuplicates() {
		fmt.Fprintf(w, "  looks like %s, too (similarity %.3f)\n", d.GetPerson().GetName(), d.GetSimilarity().GetCosine())
	}
	return err
}

// personJSON is the stable format of a person found.
type personJSON struct {
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	Templates int32             `json:"templates"`
	*similarityJSON
}

func jsonPerson(p *pb.Person, s *pb.Similarity) personJSON {
	out := personJSON{Name: p.GetName(), Labels: p.GetLabels(), Templates: p.GetTemplateCount()}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	if s != nil {
		similarity := similarityOf(s)
		out.similarityJSON = &similarity
	}
	return out
}

func jsonPersons(list []*pb.IdentifiedPerson) []personJSON {
	out := []personJSON{}
	for _, p := range list {
		out = append(out, jsonPerson(p.GetPerson(), p.GetSimilarity()))
	}
	return out
}

func writeEnrolled(w io.Writer, a *pb.EnrolResponse) error {
	return json.NewEncoder(w).Encode(struct {
		Person     personJSON   `json:"person"`
		Quality    *qualityJSON `json:"quality"`
		Duplicates []personJSON `json:"duplicates"`
		Face       *faceJSON    `json:"face"`
	}{jsonPerson(a.GetPerson(), nil), jsonQuality(a.GetQuality()), jsonPersons(a.GetDuplicates()), jsonFace(a.GetFace())})
}

func newFaceIdentifyCommand() *cobra.Command {
	e := &eachPicture[*pb.IdentifyResponse]{suffix: ".identify.jpg", print: printIdentified, write: writeIdentified}
	var name string
	var most int
	var fpir float64
	cmd := &cobra.Command{
		Use:   "identify FILE|DIR... --gallery NAME",
		Short: "Find who a face belongs to, or that it is nobody in a gallery",
		Long: `Searches a gallery for the main face of each picture. The answer may be that it is nobody in it: a person is accepted only
where a stranger would be taken for anybody in the gallery no more often than the false positive identification rate says.`,
		Example: `  courtsense face identify visitor.jpg --gallery staff
  courtsense face identify frames/ --gallery staff --fpir 0.01 --annotate marked/ --json`,
		Args: atLeastOne("a picture"),
	}
	connect := addConnectFlags(cmd)
	e.add(cmd.Flags(), "write each picture with its face and who it is into this folder")
	set := cmd.Flags()
	set.StringVar(&name, "gallery", "", "name of the gallery")
	set.IntVar(&most, "max-results", 0, "the most candidates, 1 to 100 (default 5)")
	set.Float64Var(&fpir, "fpir", 0, "rate at which a stranger may be taken for anybody in the gallery, 0.000001 to 0.01; refused where the calibration can't support it (default: 0.001, estimated where the calibration can't)")
	addJobsFlag(set, &e.jobs)
	e.mark = func(ctx context.Context, content []byte, a *pb.IdentifyResponse) (*imaging.Raster, error) {
		return markPicture(ctx, content, a.GetFace(), identifyCaption(a))
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := needGallery(name); err != nil {
			return err
		}
		e.ask = func(ctx context.Context, conn *connection, content []byte) (*pb.IdentifyResponse, error) {
			req := &pb.IdentifyRequest{
				Purpose: e.purpose, ConsentId: e.consent, Gallery: galleryName(name), Image: &pb.Image{Content: content}, MaxResults: int32(most),
			}
			if fpir != 0 {
				req.FalsePositiveIdentificationRate = &fpir
			}
			return pb.NewFaceServiceClient(conn).Identify(ctx, req)
		}
		return e.runE(cmd, connect, args)
	}
	return cmd
}

func personID(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

func identifyCaption(a *pb.IdentifyResponse) caption {
	switch {
	case a.GetReason() != "":
		return caption{"no decision", doubted}
	case a.GetUnknown():
		return caption{"unknown", bad}
	}
	return caption{personID(a.GetCandidates()[0].GetPerson().GetName()), good}
}

func printIdentified(w io.Writer, path string, a *pb.IdentifyResponse) error {
	r := a.GetRule()
	var err error
	switch {
	case a.GetReason() != "":
		_, err = fmt.Fprintf(w, "%s: could not be searched for: %s\n", path, a.GetReason())
		return err
	case a.GetUnknown():
		_, err = fmt.Fprintf(w, "%s: unknown, nobody in the gallery is accepted\n", path)
	default:
		_, err = fmt.Fprintf(w, "%s: %s\n", path, personID(a.GetCandidates()[0].GetPerson().GetName()))
	}
	for i, c := range a.GetCandidates() {
		s, accepted := c.GetSimilarity(), "not accepted"
		if s.GetVerdict() == pb.MatchVerdict_MATCH_VERDICT_MATCH {
			accepted = "accepted"
		}
		fmt.Fprintf(w, "  %d  %s, %s: similarity %.3f, %s\n", i+1, personID(c.GetPerson().GetName()), accepted, s.GetCosine(), strangers(s.GetFalseMatchRate()))
	}
	kind := "is promised"
	if r.GetExtrapolated() {
		kind = "is estimated, beyond what the calibration's data can support"
	}
	fmt.Fprintf(w, "  accepted from %.3f on; that no more than %s strangers is taken for one of %s %s\n", r.GetThreshold(),
		oneIn(r.GetFalsePositiveIdentificationRate()), plural(int(r.GetTemplates()), "template"), kind)
	return err
}

func writeIdentified(w io.Writer, a *pb.IdentifyResponse) error {
	r := a.GetRule()
	type ruleJSON struct {
		FPIR         float64 `json:"false_positive_identification_rate"`
		FMR          float64 `json:"false_match_rate"`
		Threshold    score   `json:"threshold"`
		Templates    int64   `json:"templates"`
		Extrapolated bool    `json:"extrapolated"`
	}
	return json.NewEncoder(w).Encode(struct {
		Unknown    bool         `json:"unknown"`
		Reason     string       `json:"reason,omitempty"`
		Candidates []personJSON `json:"candidates"`
		Rule       ruleJSON     `json:"rule"`
		Quality    *qualityJSON `json:"quality,omitempty"`
		Face       *faceJSON    `json:"face,omitempty"`
	}{
		a.GetUnknown(), a.GetReason(), jsonPersons(a.GetCandidates()),
		ruleJSON{r.GetFalsePositiveIdentificationRate(), r.GetFalseMatchRate(), score(r.GetThreshold()), r.GetTemplates(), r.GetExtrapolated()},
		jsonQuality(a.GetQuality()), jsonFace(a.GetFace()),
	})
}

// withFaces opens a connection for a command without files.
func withFaces(cmd *cobra.Command, c *console, connect *connectFlags, work func(context.Context, pb.FaceServiceClient, *connection) error) error {
	inputs := []input{{}} // one that is there: the work is not about files
	return onFiles(cmd, c, connect, app.Faces, inputs, func(ctx context.Context, conn *connection) error {
		return work(ctx, pb.NewFaceServiceClient(conn), conn)
	})
}
