package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/speech/record"
	"github.com/courtsense/courtsense/speech/record/export"
)

// eachTurn hands all turns to f, and returns the record's revision that they are of.
func eachTurn(ctx context.Context, client pb.SpeechServiceClient, req *pb.ListTurnsRequest, f func(*pb.RecordTurn) error) (int64, error) {
	req.PageSize = 1000
	for {
		answer, err := client.ListTurns(ctx, req, anySize)
		if err != nil {
			return 0, err
		}
		for _, t := range answer.GetTurns() {
			if err := f(t); err != nil {
				return 0, err
			}
		}
		if req.PageToken = answer.GetNextPageToken(); req.PageToken == "" {
			return answer.GetRevision(), nil
		}
	}
}

func newRecordShowCommand() *cobra.Command {
	var all, revisions bool
	cmd := &cobra.Command{
		Use:   "show RECORD",
		Short: "Print a record's turns",
		Long: `Prints the record's head, and then a line a turn: number, when it was said, who said it, and what. With --revisions each turn is followed
by what was done to it.`,
		Example: `  courtsense record show 2019-1234
  courtsense record show 2019-1234 --revisions --withdrawn`,
		Args: nameArgs(1, "the record"),
	}
	f := addRecordFlags(cmd)
	cmd.Flags().BoolVar(&all, "withdrawn", false, "withdrawn turns too")
	cmd.Flags().BoolVar(&revisions, "revisions", false, "what was done to each turn, by whom and when")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			head, err := client.GetRecord(ctx, &pb.GetRecordRequest{Name: recordName(args[0])})
			if err != nil {
				return err
			}
			if err := f.printRecord(c.out, head.GetRecord()); err != nil {
				return err
			}
			_, err = eachTurn(ctx, client, &pb.ListTurnsRequest{Record: recordName(args[0]), Withdrawn: all, Revisions: true}, func(t *pb.RecordTurn) error {
				if f.json && !revisions {
					t.Revisions = nil
				}
				if err := f.printTurn(c.out, t); err != nil || f.json || !revisions {
					return err
				}
				return printRevisions(c.out, t)
			})
			return err
		})
	}
	return cmd
}

func printRevisions(w io.Writer, t *pb.RecordTurn) error {
	for _, r := range t.GetRevisions() {
		line := fmt.Sprintf("      %4d  %s  %-10s %s", r.GetRevision(), r.GetRevisionTime().AsTime().Local().Format("2006-01-02 15:04:05"), changeKind(r), r.GetAuthor())
		for _, part := range []struct{ what, value string }{{"role", roleName(r.GetRole())}, {"speaker", r.GetSpeaker()}, {"", r.GetText()}, {"because", r.GetReason()}} {
			if part.value != "" {
				line += "  " + strings.TrimLeft(part.what+" ", " ") + part.value
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

func newRecordListCommand() *cobra.Command {
	var query, state string
	cmd := &cobra.Command{
		Use:     "list [TEXT]",
		Short:   "List the records",
		Example: `  courtsense record list 张三 --state open`,
		Args:    cobra.MaximumNArgs(1),
	}
	f := addRecordFlags(cmd)
	cmd.Flags().StringVar(&state, "state", "", "only records that are open, or finished")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			query = args[0]
		}
		states := map[string]pb.RecordState{"": 0, "open": pb.RecordState_RECORD_STATE_OPEN, "finished": pb.RecordState_RECORD_STATE_FINISHED}
		if err := oneOf("--state", state, "", "open", "finished"); err != nil {
			return err
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			for token := ""; ; {
				answer, err := client.ListRecords(ctx, &pb.ListRecordsRequest{PageSize: 1000, PageToken: token, Query: query, State: states[state]}, anySize)
				if err != nil {
					return err
				}
				for _, r := range answer.GetRecords() {
					if err := f.printRecord(c.out, r); err != nil {
						return err
					}
				}
				if token = answer.GetNextPageToken(); token == "" {
					return nil
				}
			}
		})
	}
	return cmd
}

// placeJSON is the stable format of a place in a record.
type placeJSON struct {
	turnJSON
	From      int32   `json:"from"` // characters of the text
	To        int32   `json:"to"`
	FromTime  float64 `json:"from_seconds"`
	UntilTime float64 `json:"to_seconds"`
}

func (f *recordFlags) printPlaces(w io.Writer, places []*pb.RecordPlace) error {
	for _, p := range places {
		var err error
		if f.json {
			err = json.NewEncoder(w).Encode(placeJSON{turnJSONOf(p.GetTurn()), p.GetStart(), p.GetEnd(), millisOf(p.GetStartSeconds()), millisOf(p.GetEndSeconds())})
		} else {
			_, err = fmt.Fprintln(w, turnLine(p.GetTurn(), p.GetStartSeconds()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func newRecordSearchCommand() *cobra.Command {
	var most int32
	cmd := &cobra.Command{
		Use:     "search RECORD TEXT",
		Short:   "Find what was said, and when",
		Example: `  courtsense record search 2019-1234 违约金`,
		Args:    nameArgs(2, "the record and a text"),
	}
	f := addRecordFlags(cmd)
	cmd.Flags().Int32Var(&most, "max", 0, "the most places, 1 to 1000 (default: 50)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			answer, err := client.SearchRecord(ctx, &pb.SearchRecordRequest{Name: recordName(args[0]), Query: args[1], MaxResults: most}, anySize)
			if err != nil {
				return err
			}
			return f.printPlaces(c.out, answer.GetPlaces())
		})
	}
	return cmd
}

func newRecordLocateCommand() *cobra.Command {
	var at moment
	var turn string
	var character int32
	cmd := &cobra.Command{
		Use:   "locate RECORD",
		Short: "Tell what is said at a moment, or when something is said",
		Example: `  courtsense record locate 2019-1234 --at 01:12:05
  courtsense record locate 2019-1234 --turn 17 --character 6`,
		Args: nameArgs(1, "the record"),
	}
	f := addRecordFlags(cmd)
	set := cmd.Flags()
	set.Var(&at, "at", "moment since the record's beginning: 00:12:05, seconds, or 12m5s")
	set.StringVar(&turn, "turn", "", "turn, by its number")
	set.Int32Var(&character, "character", 0, "character of the turn's text, from 0")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req := &pb.LocateInRecordRequest{Name: recordName(args[0]), Subject: &pb.LocateInRecordRequest_AtSeconds{AtSeconds: at.seconds()}}
		if cmd.Flags().Changed("at") == (turn != "") {
			return usagef("say what to locate: --at or --turn")
		}
		if turn != "" {
			name, err := turnName(args[0], turn)
			if err != nil {
				return err
			}
			req.Subject = &pb.LocateInRecordRequest_Position{Position: &pb.TurnPosition{Turn: name, Character: character}}
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			answer, err := client.LocateInRecord(ctx, req)
			if err != nil {
				return err
			}
			return f.printPlaces(c.out, answer.GetPlaces())
		})
	}
	return cmd
}

func newRecordAudioCommand() *cobra.Command {
	var from, to moment
	var turn, out string
	cmd := &cobra.Command{
		Use:   "audio RECORD -o FILE.wav",
		Short: "Write a piece of a record's sound as a WAV file",
		Example: `  courtsense record audio 2019-1234 --from 00:12:00 --to 00:12:30 -o piece.wav
  courtsense record audio 2019-1234 --turn 17 -o turn.wav`,
		Args: nameArgs(1, "the record"),
	}
	f := addRecordFlags(cmd)
	set := cmd.Flags()
	set.Var(&from, "from", "moment since the record's beginning: 00:12:05, seconds, or 12m5s")
	set.Var(&to, "to", "until; at most 10 minutes later (default: as far as that goes)")
	set.StringVar(&turn, "turn", "", "the sound of this turn")
	set.StringVarP(&out, "output", "o", "", "file to write")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if out == "" {
			return usagef("name the file with -o")
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			req := &pb.GetRecordAudioRequest{Name: recordName(args[0]), StartSeconds: from.seconds(), EndSeconds: to.seconds()}
			if turn != "" {
				name, err := turnName(args[0], turn)
				if err != nil {
					return err
				}
				t, err := turnOf(ctx, client, args[0], name)
				if err != nil {
					return err
				}
				req.StartSeconds, req.EndSeconds = t.GetStartSeconds(), t.GetEndSeconds()
			}
			answer, err := client.GetRecordAudio(ctx, req, anySize)
			if err != nil {
				return err
			}
			if err := writeFile(out, answer.GetContent()); err != nil {
				return err
			}
			c.note("%s: %s to %s", out, clockOf(answer.GetStartSeconds()), clockOf(answer.GetEndSeconds()))
			return nil
		})
	}
	return cmd
}

// recordFormats are the formats of documents by the suffixes of their files.
var recordFormats = map[string]pb.RecordFormat{
	"docx": pb.RecordFormat_RECORD_FORMAT_DOCX, "txt": pb.RecordFormat_RECORD_FORMAT_TEXT, "srt": pb.RecordFormat_RECORD_FORMAT_SRT,
	"vtt": pb.RecordFormat_RECORD_FORMAT_VTT, "json": pb.RecordFormat_RECORD_FORMAT_JSON,
}

// maxTemplate bounds a template's file; the contract's.
const maxTemplate = 256 << 10

func newRecordExportCommand() *cobra.Command {
	var out, format, template, times string
	var withdrawn bool
	cmd := &cobra.Command{
		Use:   "export RECORD -o FILE",
		Short: "Make the document of a record",
		Long: `Writes the record as a document (.docx), text (.txt), subtitles (.srt, .vtt) or JSON with all revisions (.json). The template follows the
record's kind: trial (庭审笔录), mediation (调解笔录) or minutes (会议纪要); --template names another one, or a file of a court's own. "-o -" prints
it, with --format.`,
		Example: `  courtsense record export 2019-1234 -o 庭审笔录.docx
  courtsense record export meeting-7 --template minutes -o minutes.docx
  courtsense record export 2019-1234 --format txt -o -`,
		Args: nameArgs(1, "the record"),
	}
	f := addRecordFlags(cmd).withAuthor(cmd, "")
	set := cmd.Flags()
	set.StringVarP(&out, "output", "o", "", "file to write; - prints it")
	set.StringVar(&times, "times", "", "time printed with each turn: none, clock (of the day) or offset (default: the template's)")
	set.BoolVar(&withdrawn, "withdrawn", false, "withdrawn turns too, with a line through them")
	set.StringVar(&format, "format", "", "docx, txt, srt, vtt or json (default: the file's suffix)")
	set.StringVar(&template, "template", "", "trial, mediation or minutes, or a file of your own (default: the record's kind)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if out == "" {
			return usagef("name the file with -o; - prints it")
		}
		if err := oneOf("--times", times, "", "none", "clock", "offset"); err != nil {
			return err
		}
		author, err := f.by()
		if err != nil {
			return err
		}
		var own []byte
		if template != "" && !slices.Contains(export.Templates(), template) {
			if own, err = readLimited(template, maxTemplate); err != nil {
				return usagef("--template is one of %s, or a file: %w", strings.Join(export.Templates(), ", "), err)
			}
			template = ""
		}
		kind := format
		if kind == "" {
			kind = strings.ToLower(strings.TrimPrefix(filepath.Ext(out), "."))
		}
		if kind == "text" {
			kind = "txt"
		}
		chosen, ok := recordFormats[kind]
		if !ok {
			return usagef("say the format with --format, or by the file's suffix: docx, txt, srt, vtt, json")
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			answer, err := client.ExportRecord(ctx, &pb.ExportRecordRequest{
				Name: recordName(args[0]), Format: chosen, Template: template, TemplateFile: own, Times: times, Withdrawn: withdrawn, Author: author,
			}, anySize)
			if err != nil {
				return err
			}
			if out == "-" {
				_, err := c.out.Write(answer.GetContent())
				return err
			}
			if err := writeFile(out, answer.GetContent()); err != nil {
				return err
			}
			c.note("%s: revision %d, %s", out, answer.GetRevision(), humanBytes(int64(len(answer.GetContent()))))
			return nil
		})
	}
	return cmd
}

// verifyJSON is the stable format of a check.
type verifyJSON struct {
	Record    string  `json:"record"`
	Intact    bool    `json:"intact"`
	Entries   int64   `json:"entries"`
	Revision  int64   `json:"revision"`
	Head      string  `json:"head_sha256"`
	Torn      int64   `json:"torn_bytes"`
	Damage    string  `json:"damage,omitempty"`
	Witnessed int64   `json:"witnessed_entry"`
	Sound     float64 `json:"sound_seconds"`
}

func newRecordVerifyCommand() *cobra.Command {
	var witness string
	cmd := &cobra.Command{
		Use:   "verify RECORD|DIR",
		Short: "Check that nothing in a record was changed since it was written",
		Long: `Reads a whole record, entry by entry, and checks that each is whole and follows from the one before. A folder is checked as it lies
there, without a server. Prints the hash of the latest entry: who keeps it can show later, with --witness, that nothing was changed or cut
off since. Ends with 1 when something is wrong.`,
		Example: `  courtsense record verify 2019-1234 --server court-ai
  courtsense record verify /srv/courtsense/records/2019-1234 --witness 9f86d081...`,
		Args: nameArgs(1, "the record, or its folder"),
	}
	f := addRecordFlags(cmd)
	cmd.Flags().StringVar(&witness, "witness", "", "hash that was noted earlier")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := newConsole(cmd)
		if info, err := os.Stat(args[0]); err == nil && info.IsDir() && f.connect.server == "" {
			r, err := record.Verify(cmd.Context(), args[0], witness)
			if err != nil {
				return err
			}
			v := verifyJSON{
				Record: cmp.Or(r.ID, filepath.Base(args[0])), Intact: r.Whole(), Entries: r.Entries, Revision: r.Revision, Head: r.Head, Torn: r.TornBytes, Witnessed: r.Witnessed,
				Sound: r.SoundSeconds, Damage: strings.Join(r.Problems, "; "),
			}
			return f.printVerified(c, v, witness)
		}
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			a, err := client.VerifyRecord(ctx, &pb.VerifyRecordRequest{Name: recordName(args[0]), WitnessSha256: witness})
			if err != nil {
				return err
			}
			return f.printVerified(c, verifyJSON{
				strings.TrimPrefix(args[0], recordPrefix), a.GetIntact(), a.GetEntries(), a.GetRevision(), a.GetHeadSha256(), a.GetTornBytes(), a.GetDamage(), a.GetWitnessedEntry(), a.GetSoundSeconds(),
			}, witness)
		})
	}
	return cmd
}

// printVerified says how a record is, and fails when it is not as it was written.
func (f *recordFlags) printVerified(c *console, v verifyJSON, witness string) error {
	var err error
	switch {
	case f.json:
		err = json.NewEncoder(c.out).Encode(v)
	case !v.Intact:
		_, err = fmt.Fprintf(c.out, "%s: DAMAGED: %s\n", v.Record, v.Damage)
	default:
		_, err = fmt.Fprintf(c.out, "%s: intact, %s, revision %d, head %s\n", v.Record, strconv.FormatInt(v.Entries, 10)+" entries", v.Revision, v.Head)
		if v.Torn > 0 && err == nil {
			_, err = fmt.Fprintf(c.out, "%s of an entry that was never acknowledged stand at its end\n", plural(int(v.Torn), "byte"))
		}
		if witness != "" && v.Witnessed > 0 && err == nil {
			_, err = fmt.Fprintf(c.out, "the witness is of entry %d: all before it is as it was then\n", v.Witnessed)
		}
	}
	if err == nil && !v.Intact {
		return errReported
	}
	return err
}

func newRecordAttachCommand() *cobra.Command {
	var after int64
	var interim bool
	cmd := &cobra.Command{
		Use:   "attach RECORD",
		Short: "Follow a record while it is written",
		Long: `Prints the turns that are there, and then every change when it has happened: new turns, and what clerks correct. On a terminal, what is being
said shows meanwhile. Ctrl-C ends it. With --after, changes after that revision are printed first, and no turns before.`,
		Example: `  courtsense record attach 2019-1234 --server court-ai
  courtsense record attach 2019-1234 --server court-ai --json | my-display`,
		Args: nameArgs(1, "the record"),
	}
	f := addRecordFlags(cmd)
	cmd.Flags().Int64Var(&after, "after", 0, "print the changes after this revision, 0 for all (default: the turns as they are, then new changes)")
	cmd.Flags().BoolVar(&interim, "interim", false, "with --json: print what is being said before it is final")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := newConsole(cmd)
		req := &pb.FollowRecordRequest{Name: recordName(args[0]), InterimResults: interim || c.errTerm && !f.json}
		if cmd.Flags().Changed("after") {
			req.AfterRevision = &after
		}
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, conn *connection) error {
			if req.AfterRevision == nil {
				revision, err := eachTurn(ctx, client, &pb.ListTurnsRequest{Record: req.GetName()}, func(t *pb.RecordTurn) error { return f.printTurn(c.out, t) })
				if err != nil {
					return err
				}
				req.AfterRevision = &revision
			}
			stream, err := client.FollowRecord(ctx, req, anySize)
			if err != nil {
				return err
			}
			for {
				m, err := stream.Recv()
				switch {
				case ctx.Err() != nil, errors.Is(err, io.EOF):
					return nil //nolint:nilerr // Ctrl-C is how following ends
				case err != nil:
					return err
				}
				if err := f.printFollowed(c, m); err != nil {
					return err
				}
			}
		})
	}
	return cmd
}

// printFollowed prints a message of a followed record.
func (f *recordFlags) printFollowed(c *console, m *pb.FollowRecordResponse) error {
	if s := m.GetInterim(); s != nil {
		if f.json {
			return json.NewEncoder(c.out).Encode(map[string]any{"interim": map[string]any{
				"channel": s.GetChannel(), "start": millisOf(s.GetStartSeconds()), "end": millisOf(s.GetEndSeconds()), "text": s.GetText(),
			}})
		}
		c.live(segmentFromMessage(s), int(s.GetStableWordCount()))
		return nil
	}
	change := m.GetChange()
	if change == nil {
		return nil
	}
	c.erase()
	if f.json {
		out := struct {
			Revision revisionJSON `json:"revision"`
			Turns    []turnJSON   `json:"turns,omitempty"`
			More     bool         `json:"more_turns,omitempty"`
		}{Revision: revisionJSONOf(change.GetRevision()), More: change.GetMoreTurns()}
		for _, t := range change.GetTurns() {
			out.Turns = append(out.Turns, turnJSONOf(t))
		}
		return json.NewEncoder(c.out).Encode(out)
	}
	r := change.GetRevision()
	if change.GetMoreTurns() {
		return nil // its last message says what it is
	}
	heard := r.GetKind() == pb.RecordChangeKind_RECORD_CHANGE_KIND_HEARD
	if !heard {
		line := fmt.Sprintf("      [%d: %s by %s", r.GetRevision(), strings.ReplaceAll(changeKind(r), "_", " "), cmp.Or(r.GetAuthor(), "courtsense"))
		if r.GetReason() != "" {
			line += ", because " + r.GetReason()
		}
		if _, err := fmt.Fprintln(c.out, line+"]"); err != nil {
			return err
		}
	}
	turns := slices.Clone(change.GetTurns())
	if !heard && len(turns) > 1 {
		turns = nil // a role of many turns: that it was given is said
	}
	for _, t := range turns {
		if err := f.printTurn(c.out, t); err != nil {
			return err
		}
	}
	return nil
}
