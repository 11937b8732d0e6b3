package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
)

// faceAttendance is one run of "courtsense face attendance".
type faceAttendance struct {
	faceFlags
	from, to, person, zone, out string
	csv                         bool
}

// attendancePage is how many records are asked for at once.
const attendancePage = 500

func newFaceAttendanceCommand() *cobra.Command {
	f := &faceAttendance{}
	cmd := &cobra.Command{
		Use:   "attendance [--from YYYY-MM-DD] [--to YYYY-MM-DD]",
		Short: "List who was there on which day, from when to when",
		Long: `Lists who was admitted at the gates, a line for each person and day, with the first and the last time that they were seen and
how often they passed. Days are those of the policy's time zone. While a server runs, ask it with --server: the journal is its own.`,
		Example: `  courtsense face attendance --server gate-server:9090
  courtsense face attendance --from 2026-03-01 --to 2026-03-31 --csv --out march.csv`,
		Args: cobra.NoArgs,
	}
	connect := addConnectFlags(cmd)
	f.add(cmd.Flags(), "")
	set := cmd.Flags()
	set.StringVar(&f.from, "from", "", "first day (default: today)")
	set.StringVar(&f.to, "to", "", "last day (default: the first)")
	set.StringVar(&f.person, "person", "", "one person only, galleries/GALLERY/persons/PERSON")
	set.StringVar(&f.zone, "zone", "", "one zone only")
	set.BoolVar(&f.csv, "csv", false, "print comma-separated values (RFC 4180) with a heading")
	set.StringVar(&f.out, "out", "", "write to this file instead of standard output")
	cmd.MarkFlagsMutuallyExclusive("csv", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for _, day := range []string{f.from, f.to} {
			if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
				return usagef("%q is no day; write it like 2026-03-01", day)
			}
		}
		if f.from == "" {
			f.from = time.Now().Format(time.DateOnly)
		}
		c := newConsole(cmd)
		return withFaces(cmd, c, connect, func(ctx context.Context, client pb.FaceServiceClient, conn *connection) error {
			records, err := f.list(ctx, client)
			if err != nil {
				return conn.explain(err)
			}
			if f.out == "" {
				return f.write(c.out, records)
			}
			return f.writeFile(records)
		})
	}
	return cmd
}

func (f *faceAttendance) list(ctx context.Context, client pb.FaceServiceClient) (records []*pb.AttendanceRecord, err error) {
	req := &pb.ListAttendanceRequest{
		Purpose: f.purpose, ConsentId: f.consent, StartDate: f.from, EndDate: f.to, Person: f.person, Zone: f.zone, PageSize: attendancePage,
	}
	for {
		answer, err := client.ListAttendance(ctx, req, anySize)
		if err != nil {
			return nil, err
		}
		records = append(records, answer.GetRecords()...)
		if req.PageToken = answer.GetNextPageToken(); req.PageToken == "" {
			return records, nil
		}
	}
}

func (f *faceAttendance) writeFile(records []*pb.AttendanceRecord) error {
	// Who came when is nobody else's concern.
	out, err := os.OpenFile(f.out, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := f.write(out, records); err != nil {
		return err
	}
	return out.Close()
}

func (f *faceAttendance) write(w io.Writer, records []*pb.AttendanceRecord) error {
	switch {
	case f.csv:
		return writeAttendanceCSV(w, records)
	case f.json:
		type record struct {
			Person   string    `json:"person"`
			Date     string    `json:"date"`
			First    time.Time `json:"first_seen_time"`
			Last     time.Time `json:"last_seen_time"`
			Passages int32     `json:"passages"`
		}
		out := []record{}
		for _, r := range records {
			out = append(out, record{r.GetPerson(), r.GetDate(), r.GetFirstSeenTime().AsTime(), r.GetLastSeenTime().AsTime(), r.GetPassages()})
		}
		return json.NewEncoder(w).Encode(map[string][]record{"attendance": out})
	}
	for _, r := range records {
		if _, err := fmt.Fprintf(w, "%s  %s to %s  %s  %s\n", r.GetDate(), clock(r.GetFirstSeenTime().AsTime()), clock(r.GetLastSeenTime().AsTime()),
			r.GetPerson(), plural(int(r.GetPassages()), "passage")); err != nil {
			return err
		}
	}
	return nil
}

func clock(t time.Time) string { return t.Local().Format(time.TimeOnly) }

// writeAttendanceCSV writes date,person,first_seen,last_seen,passages; times as RFC 3339 with this machine's offset.
func writeAttendanceCSV(w io.Writer, records []*pb.AttendanceRecord) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	rows := [][]string{{"date", "person", "first_seen", "last_seen", "passages"}}
	for _, r := range records {
		rows = append(rows, []string{
			r.GetDate(), r.GetPerson(), r.GetFirstSeenTime().AsTime().Local().Format(time.RFC3339),
			r.GetLastSeenTime().AsTime().Local().Format(time.RFC3339), strconv.Itoa(int(r.GetPassages())),
		})
	}
	return out.WriteAll(rows)
}
