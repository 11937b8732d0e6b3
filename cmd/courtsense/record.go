package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
)

func newRecordCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "record",
		Short: "Write the record of a hearing, correct it, and make a document of it",
		Long: `A record holds who said what in a hearing, the sound, and every change that a clerk made. "start" writes what is said into it while
it is spoken; "attach" shows it meanwhile, and "correct", "insert", "withdraw" and "role" change it; "export" makes the document.
Nothing in a record is overwritten: what was there before stays as a revision, with who changed it and when.

One process at a time has the folder of the records: while a server runs, use --server. "verify DIR" needs no server.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newRecordCreateCommand(), newRecordStartCommand(), newRecordAttachCommand(), newRecordShowCommand(), newRecordListCommand(),
		newRecordCorrectCommand(), newRecordInsertCommand(), newRecordWithdrawCommand(), newRecordRestoreCommand(), newRecordRoleCommand(), newRecordUpdateCommand(),
		newRecordFinishCommand(), newRecordReopenCommand(), newRecordSearchCommand(), newRecordLocateCommand(), newRecordAudioCommand(),
		newRecordExportCommand(), newRecordVerifyCommand())
	return c
}

// seatRoles are the parts that somebody can have in a hearing, by their names on the command line.
var seatRoles = map[string]pb.SpeakerRole{
	"unknown": pb.SpeakerRole_SPEAKER_ROLE_UNKNOWN, "judge": pb.SpeakerRole_SPEAKER_ROLE_JUDGE, "clerk": pb.SpeakerRole_SPEAKER_ROLE_CLERK,
	"plaintiff": pb.SpeakerRole_SPEAKER_ROLE_PLAINTIFF, "plaintiff_agent": pb.SpeakerRole_SPEAKER_ROLE_PLAINTIFF_AGENT,
	"defendant": pb.SpeakerRole_SPEAKER_ROLE_DEFENDANT, "defendant_agent": pb.SpeakerRole_SPEAKER_ROLE_DEFENDANT_AGENT,
	"third_party": pb.SpeakerRole_SPEAKER_ROLE_THIRD_PARTY, "witness": pb.SpeakerRole_SPEAKER_ROLE_WITNESS, "expert": pb.SpeakerRole_SPEAKER_ROLE_EXPERT,
	"interpreter": pb.SpeakerRole_SPEAKER_ROLE_INTERPRETER, "prosecutor": pb.SpeakerRole_SPEAKER_ROLE_PROSECUTOR,
}

func roleNamed(name string) (pb.SpeakerRole, error) {
	if r, ok := seatRoles[strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "-", "_")]; ok {
		return r, nil
	}
	names := make([]string, 0, len(seatRoles))
	for n := range seatRoles {
		names = append(names, n)
	}
	slices.Sort(names)
	return 0, usagef("the role %q is not known; there are %s", name, strings.Join(names, ", "))
}

// addSeatFlag adds --seat.
func addSeatFlag(set *pflag.FlagSet, seats *[]string) {
	set.StringArrayVar(seats, "seat", nil, "who sits at a channel's microphone, such as 0=judge; repeat it")
}

// channelRoles reads the values of --seat.
func channelRoles(seats []string) ([]*pb.ChannelRole, error) {
	var out []*pb.ChannelRole
	for _, seat := range seats {
		channel, role, ok := strings.Cut(seat, "=")
		n, err := strconv.Atoi(strings.TrimSpace(channel))
		if !ok || err != nil || n < 0 || n > 7 {
			return nil, usagef("--seat %q: want CHANNEL=ROLE, such as 0=judge", seat)
		}
		named, err := roleNamed(role)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(r *pb.ChannelRole) bool { return r.GetChannel() == int32(n) }) {
			return nil, usagef("--seat %q: channel %d was given already", seat, n)
		}
		out = append(out, &pb.ChannelRole{Channel: int32(n), Role: named})
	}
	return out, nil
}

func roleName(r pb.SpeakerRole) string {
	for name, known := range seatRoles {
		if known == r {
			return name
		}
	}
	return ""
}

const recordPrefix = "records/"

var recordIDs = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// checkRecord refuses what can be no record's id.
func checkRecord(id string) error {
	if !recordIDs.MatchString(strings.TrimPrefix(id, recordPrefix)) {
		return usagef("%q can be no record: its name is 1 to 128 of a-z, A-Z, 0-9, dot, underscore and hyphen, and begins with a letter or digit", id)
	}
	return nil
}

// recordName accepts a record's id and its resource name.
func recordName(id string) string { return recordPrefix + strings.TrimPrefix(id, recordPrefix) }

func turnName(record, turn string) (string, error) {
	n, err := strconv.ParseInt(turn[strings.LastIndexByte(turn, '/')+1:], 10, 64)
	if err != nil || n < 1 {
		return "", usagef("%q is no turn: a turn is a number, as 'courtsense record show' prints it", turn)
	}
	return recordName(record) + "/turns/" + strconv.FormatInt(n, 10), nil
}

// recordFlags are those of every command that works on one record.
type recordFlags struct {
	connect *connectFlags
	author  string
	reason  string
	json    bool
}

func addRecordFlags(cmd *cobra.Command) *recordFlags {
	f := &recordFlags{connect: addConnectFlags(cmd)}
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return f
}

// withAuthor adds the flags of a change.
func (f *recordFlags) withAuthor(cmd *cobra.Command, reason string) *recordFlags {
	cmd.Flags().StringVar(&f.author, "author", "", "who makes the change (default: your login name)")
	if reason != "" {
		cmd.Flags().StringVar(&f.reason, "reason", "", reason)
	}
	return f
}

// by is who makes a change.
func (f *recordFlags) by() (string, error) {
	if f.author != "" {
		return f.author, nil
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username, nil
	}
	if name := os.Getenv("USER"); name != "" {
		return name, nil
	}
	return "", usagef("say who makes the change with --author")
}

// moment is a time since a record's beginning, as lists print it (00:01:02), in seconds (62.5), or as 1m2s.
type moment time.Duration

// String implements pflag.Value.
func (m *moment) String() string { return time.Duration(*m).String() }

// Type implements pflag.Value.
func (m *moment) Type() string { return "time" }

// Set implements pflag.Value.
func (m *moment) Set(text string) error {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		*m = moment(d)
		return nil
	}
	seconds := 0.
	parts := strings.Split(text, ":")
	for i, part := range parts {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil || !(n >= 0 && n < 1e6) || i > 0 && n >= 60 || len(parts) > 3 {
			return fmt.Errorf("%q is no moment: want 00:12:05, seconds, or 12m5s", text)
		}
		seconds = seconds*60 + n
	}
	*m = moment(seconds * float64(time.Second))
	return nil
}

func (m moment) seconds() float64 { return time.Duration(m).Seconds() }

// with hands a client to work. Commands that hear nothing need no models.
func (f *recordFlags) with(cmd *cobra.Command, c *console, hears bool, work func(context.Context, pb.SpeechServiceClient, *connection) error) (err error) {
	if !hears {
		f.connect.change = func(c *conf.Config, _ *app.Options) {
			c.Speech.Recognition.Model, c.Speech.Recognition.LanguageModel, c.Speech.Recognition.Enhancement = "none", "none", "none"
			c.Speech.Writing.Punctuation, c.Speech.Writing.Statutes = "none", "none"
		}
	}
	ctx := cmd.Context()
	conn, err := f.connect.open(ctx, cmd, c, app.Speech)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.reach(ctx); err != nil {
		return err
	}
	return conn.explain(work(ctx, pb.NewSpeechServiceClient(conn), conn))
}

// recordJSON is the stable format of a record's head.
type recordJSON struct {
	Name     string          `json:"name"`
	State    string          `json:"state"`
	Revision int64           `json:"revision"`
	Turns    int64           `json:"turns"`
	Heard    float64         `json:"heard_seconds"`
	Channels int32           `json:"channels"`
	Settled  float64         `json:"settled_seconds"`
	Live     bool            `json:"live"`
	Created  time.Time       `json:"created"`
	Updated  time.Time       `json:"updated"`
	Head     string          `json:"head_sha256"`
	Problem  string          `json:"problem,omitempty"`
	Case     json.RawMessage `json:"case,omitempty"`
}

func recordState(r *pb.Record) string {
	return strings.ToLower(strings.TrimPrefix(r.GetState().String(), "RECORD_STATE_"))
}

// printRecord writes a line, or a JSON object.
func (f *recordFlags) printRecord(w io.Writer, r *pb.Record) error {
	if f.json {
		head, err := caseJSON(r.GetCase())
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(recordJSON{
			Name: r.GetName(), State: recordState(r), Revision: r.GetRevision(), Turns: r.GetTurnCount(), Heard: millisOf(r.GetHeardSeconds()),
			Channels: r.GetAudioChannelCount(), Settled: millisOf(r.GetSettledSeconds()), Live: r.GetLive(),
			Created: r.GetCreateTime().AsTime(), Updated: r.GetUpdateTime().AsTime(), Head: r.GetHeadSha256(), Problem: r.GetProblem(), Case: head,
		})
	}
	id := strings.TrimPrefix(r.GetName(), recordPrefix)
	if r.GetProblem() != "" {
		_, err := fmt.Fprintf(w, "%s: can't be read: %s\n", id, r.GetProblem())
		return err
	}
	state := recordState(r)
	if r.GetLive() {
		state = "being written"
	}
	line := fmt.Sprintf("%s: %s, %s, %s of sound, revision %d, %s", id, state, plural(int(r.GetTurnCount()), "turn"), clockOf(r.GetHeardSeconds()),
		r.GetRevision(), r.GetCreateTime().AsTime().Local().Format("2006-01-02 15:04"))
	for _, part := range []string{r.GetCase().GetNumber(), r.GetCase().GetCause(), r.GetCase().GetTitle()} {
		if part != "" {
			line += "  " + part
		}
	}
	_, err := fmt.Fprintln(w, line)
	return err
}

// turnJSON is the stable format of a turn.
type turnJSON struct {
	Turn       int64          `json:"turn"`
	Start      float64        `json:"start"`
	End        float64        `json:"end"`
	Channel    int32          `json:"channel"`
	Speaker    string         `json:"speaker,omitempty"`
	Role       string         `json:"role,omitempty"`
	Text       string         `json:"text"`
	Spoken     string         `json:"spoken,omitempty"`
	Confidence score          `json:"confidence,omitempty"`
	Overlap    bool           `json:"overlap,omitempty"`
	AgendaItem int32          `json:"agenda_item,omitempty"`
	Inserted   bool           `json:"inserted,omitempty"`
	Withdrawn  bool           `json:"withdrawn,omitempty"`
	Revision   int64          `json:"revision,omitempty"` // not of turns that were heard just now
	Revisions  []revisionJSON `json:"revisions,omitempty"`
}

type revisionJSON struct {
	Revision int64     `json:"revision"`
	Kind     string    `json:"kind"`
	Author   string    `json:"author,omitempty"`
	Time     time.Time `json:"time"`
	Reason   string    `json:"reason,omitempty"`
	Text     *string   `json:"text,omitempty"`
	Role     string    `json:"role,omitempty"`
	Speaker  *string   `json:"speaker,omitempty"`
}

func turnNumber(t *pb.RecordTurn) int64 {
	n, _ := strconv.ParseInt(personID(t.GetName()), 10, 64)
	return n
}

func turnJSONOf(t *pb.RecordTurn) turnJSON {
	out := turnJSON{
		Turn: turnNumber(t), Start: millisOf(t.GetStartSeconds()), End: millisOf(t.GetEndSeconds()), Channel: t.GetChannel(), Speaker: t.GetSpeaker(),
		Role: roleName(t.GetRole()), Text: t.GetText(), Spoken: t.GetSpokenText(), Confidence: score(t.GetConfidence()), Overlap: t.GetOverlap(),
		AgendaItem: t.GetAgendaItem(), Inserted: t.GetInserted(), Withdrawn: t.GetWithdrawn(), Revision: t.GetRevision(),
	}
	for _, r := range t.GetRevisions() {
		out.Revisions = append(out.Revisions, revisionJSONOf(r))
	}
	return out
}

func revisionJSONOf(r *pb.RecordRevision) revisionJSON {
	return revisionJSON{
		Revision: r.GetRevision(), Kind: changeKind(r), Author: r.GetAuthor(), Time: r.GetRevisionTime().AsTime(), Reason: r.GetReason(),
		Text: r.Text, Role: roleName(r.GetRole()), Speaker: r.Speaker,
	}
}

func changeKind(r *pb.RecordRevision) string {
	return strings.ToLower(strings.TrimPrefix(r.GetKind().String(), "RECORD_CHANGE_KIND_"))
}

// printTurn writes a turn as a line for people, or as a JSON object.
func (f *recordFlags) printTurn(w io.Writer, t *pb.RecordTurn) error {
	if f.json {
		return json.NewEncoder(w).Encode(turnJSONOf(t))
	}
	_, err := fmt.Fprintln(w, turnLine(t, t.GetStartSeconds()))
	return err
}

// turnLine is a turn for people: its number, a moment of it, who, what, and what was done to it.
func turnLine(t *pb.RecordTurn, at float64) string {
	who := roleName(t.GetRole())
	if who == "" || who == "unknown" {
		if who = t.GetSpeaker(); who == "" {
			who = "channel " + strconv.Itoa(int(t.GetChannel()))
			if t.GetChannel() < 0 {
				who = "-"
			}
		}
	}
	text := t.GetText()
	if text == "" {
		text = "(speech)"
	}
	line := fmt.Sprintf("%4d  %s  %-15s  %s", turnNumber(t), clockOf(at), who, text)
	var marks []string
	for _, m := range []struct {
		on   bool
		text string
	}{
		{t.GetWithdrawn(), "withdrawn"}, {t.GetInserted(), "inserted"}, {corrected(t), "corrected"}, {t.GetOverlap(), "overlap"},
	} {
		if m.on {
			marks = append(marks, m.text)
		}
	}
	if len(marks) > 0 {
		line += "  [" + strings.Join(marks, ", ") + "]"
	}
	return line
}

// corrected tells whether a clerk changed the turn's text; only of turns with their revisions.
func corrected(t *pb.RecordTurn) bool {
	return slices.ContainsFunc(t.GetRevisions(), func(r *pb.RecordRevision) bool {
		return r.GetKind() == pb.RecordChangeKind_RECORD_CHANGE_KIND_CORRECTED && r.Text != nil
	})
}

// clockOf writes seconds as 01:02:03.
func clockOf(seconds float64) string {
	s := int64(seconds)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

func millisOf(seconds float64) float64 { return float64(int64(seconds*1000+.5)) / 1000 }
