package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
)

func newGalleryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "gallery",
		Short: "Make, list and delete galleries of persons, and look after their keys",
		Long: `A gallery holds the templates of persons whom faces are searched for among. It is kept in one file, encrypted with a key from
galleries.key_file or COURTSENSE_GALLERY_KEY. "face enroll" puts persons in, "face identify" searches.

One process at a time has the file: while a server runs, use --server. "keygen", "rotate", "check" and "repair" work on the files themselves.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newGalleryCreateCommand(), newGalleryListCommand(), newGalleryShowCommand(), newGalleryDeleteCommand(), newGalleryRemoveCommand(),
		newGalleryKeygenCommand(), newGalleryRotateCommand(), newGalleryCheckCommand(), newGalleryRepairCommand())
	return c
}

func nameArgs(n int, want string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("name %s; see '%s --help'", want, cmd.CommandPath())
		}
		return nil
	}
}

func newGalleryCreateCommand() *cobra.Command {
	var f faceFlags
	var retention time.Duration
	var title, model string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an empty gallery",
		Example: `  courtsense gallery create staff
  courtsense gallery create visitors --retention 720h --title "Visitors of the east wing"`,
		Args: nameArgs(1, "the gallery"),
	}
	connect := addConnectFlags(cmd)
	f.add(cmd.Flags(), "")
	set := cmd.Flags()
	set.DurationVar(&retention, "retention", 0, "delete persons this long after their last enrolment, at least 1h (default: galleries.retention)")
	set.StringVar(&title, "title", "", "a title for people")
	set.StringVar(&model, "model", "", "embedding model by its id, for good (default: the best one available)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := newConsole(cmd)
		return withFaces(cmd, c, connect, func(ctx context.Context, client pb.FaceServiceClient, conn *connection) error {
			g := &pb.Gallery{DisplayName: title, Model: model}
			if retention != 0 {
				g.Retention = durationpb.New(retention)
			}
			answer, err := client.CreateGallery(ctx, &pb.CreateGalleryRequest{
				Purpose: f.purpose, ConsentId: f.consent, GalleryId: strings.TrimPrefix(args[0], "galleries/"), Gallery: g,
			})
			if err != nil {
				return conn.explain(err)
			}
			return f.printGalleries(c.out, answer.GetGallery())
		})
	}
	return cmd
}

func newGalleryListCommand() *cobra.Command {
	var f faceFlags
	cmd := &cobra.Command{Use: "list", Short: "List the galleries", Args: cobra.NoArgs, Example: `  courtsense gallery list --server localhost`}
	connect := addConnectFlags(cmd)
	f.add(cmd.Flags(), "")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c := newConsole(cmd)
		return withFaces(cmd, c, connect, func(ctx context.Context, client pb.FaceServiceClient, conn *connection) error {
			for token := ""; ; {
				answer, err := client.ListGalleries(ctx, &pb.ListGalleriesRequest{Purpose: f.purpose, ConsentId: f.consent, PageSize: 1000, PageToken: token})
				if err != nil {
					return conn.explain(err)
				}
				if err := f.printGalleries(c.out, answer.GetGalleries()...); err != nil {
					return err
				}
				if token = answer.GetNextPageToken(); token == "" {
					return nil
				}
			}
		})
	}
	return cmd
}

func newGalleryShowCommand() *cobra.Command {
	var f faceFlags
	cmd := &cobra.Command{Use: "show NAME", Short: "Show one gallery's record", Args: nameArgs(1, "the gallery"), Example: `  courtsense gallery show staff`}
	connect := addConnectFlags(cmd)
	f.add(cmd.Flags(), "")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := newConsole(cmd)
		return withFaces(cmd, c, connect, func(ctx context.Context, client pb.FaceServiceClient, conn *connection) error {
			answer, err := client.GetGallery(ctx, &pb.GetGalleryRequest{Purpose: f.purpose, ConsentId: f.consent, Name: galleryName(args[0])})
			if err != nil {
				return conn.explain(err)
			}
			return f.printGalleries(c.out, answer.GetGallery())
		})
	}
	return cmd
}

func newGalleryDeleteCommand() *cobra.Command {
	var f faceFlags
	var force bool
	cmd := &cobra.Command{
		Use: "delete NAME", Short: "Delete a gallery; what it held can't be had again", Args: nameArgs(1, "the gallery"),
		Example: `  courtsense gallery delete visitors --force`,
	}
	connect := addConnectFlags(cmd)
	f.add(cmd.Flags(), "")
	cmd.Flags().BoolVar(&force, "force", false, "delete it though it holds persons")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := newConsole(cmd)
		return withFaces(cmd, c, connect, func(ctx context.Context, client pb.FaceServiceClient, conn *connection) error {
			answer, err := client.DeleteGallery(ctx, &pb.DeleteGalleryRequest{
				Purpose: f.purpose, ConsentId: f.consent, Name: galleryName(args[0]), Force: force,
			})
			if err != nil {
				return conn.explain(err)
			}
			return f.printReceipt(c.out, answer.GetReceipt())
		})
	}
	return cmd
}

func newGalleryRemoveCommand() *cobra.Command {
	var f faceFlags
	cmd := &cobra.Command{
		Use: "remove NAME PERSON", Short: "Remove a person with all templates from a gallery", Args: nameArgs(2, "the gallery and the person"),
		Example: `  courtsense gallery remove visitors v-17`,
	}
	connect := addConnectFlags(cmd)
	f.add(cmd.Flags(), "")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := newConsole(cmd)
		return withFaces(cmd, c, connect, func(ctx context.Context, client pb.FaceServiceClient, conn *connection) error {
			answer, err := client.Remove(ctx, &pb.RemoveRequest{
				Purpose: f.purpose, ConsentId: f.consent, Name: galleryName(args[0]) + "/persons/" + personID(args[1]),
			})
			if err != nil {
				return conn.explain(err)
			}
			return f.printReceipt(c.out, answer.GetReceipt())
		})
	}
	return cmd
}

// galleryJSON is the stable format of a gallery's record.
type galleryJSON struct {
	Name      string  `json:"name"`
	Title     string  `json:"title"`
	Model     string  `json:"model"`
	Persons   int64   `json:"persons"`
	Templates int64   `json:"templates"`
	Retention float64 `json:"retention_seconds"` // 0: kept until removed
	Created   string  `json:"created"`
}

// printGalleries writes a line, or a JSON object, for each.
func (f *faceFlags) printGalleries(w io.Writer, list ...*pb.Gallery) error {
	for _, g := range list {
		var err error
		switch {
		case f.json:
			created := ""
			if g.GetCreateTime() != nil {
				created = g.GetCreateTime().AsTime().Format(time.RFC3339)
			}
			err = json.NewEncoder(w).Encode(galleryJSON{
				g.GetName(), g.GetDisplayName(), g.GetModel(), g.GetPersonCount(), g.GetTemplateCount(), g.GetRetention().AsDuration().Seconds(), created,
			})
		case g.GetModel() == "":
			_, err = fmt.Fprintf(w, "%s: its record is damaged; see 'courtsense gallery check'\n", personID(g.GetName()))
		default:
			kept := "kept until removed"
			if g.GetRetention() != nil {
				kept = "deleted " + g.GetRetention().AsDuration().String() + " after the last enrolment"
			}
			_, err = fmt.Fprintf(w, "%s: %s, %s, %s, made with %s, %s\n", personID(g.GetName()), plural(int(g.GetPersonCount()), "person"),
				plural(int(g.GetTemplateCount()), "template"), kept, personID(g.GetModel()), g.GetCreateTime().AsTime().Format(time.DateOnly))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *faceFlags) printReceipt(w io.Writer, r *pb.DeletionReceipt) error {
	at := r.GetDeleteTime().AsTime().Format(time.RFC3339)
	if f.json {
		return json.NewEncoder(w).Encode(struct {
			Name      string `json:"name"`
			Persons   int64  `json:"persons"`
			Templates int64  `json:"templates"`
			Time      string `json:"time"`
			SHA256    string `json:"records_sha256"`
			Signature string `json:"signature"`
		}{r.GetName(), r.GetPersons(), r.GetTemplates(), at, r.GetRecordsSha256(), r.GetSignature()})
	}
	_, err := fmt.Fprintf(w, "deleted %s at %s: %s, %s, records sha256 %s\n", r.GetName(), at, plural(int(r.GetPersons()), "person"),
		plural(int(r.GetTemplates()), "template"), r.GetRecordsSha256())
	return err
}
