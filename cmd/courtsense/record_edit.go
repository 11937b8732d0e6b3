package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
)

// addBaseFlag adds the flag that protects a clerk's work from another clerk's.
func addBaseFlag(cmd *cobra.Command, base *int64) {
	cmd.Flags().Int64Var(base, "base", 0, "revision of the turn that you saw, as 'show --json' prints it; refused when it has another one by now (default: the latest)")
}

// baseOf is the revision that a change is based on.
func baseOf(ctx context.Context, client pb.SpeechServiceClient, given int64, record, turn string) (int64, error) {
	if given != 0 {
		return given, nil
	}
	t, err := turnOf(ctx, client, record, turn)
	return t.GetRevision(), err
}

// turnOf finds a turn, with its revisions.
func turnOf(ctx context.Context, client pb.SpeechServiceClient, record, turn string) (found *pb.RecordTurn, err error) {
	_, err = eachTurn(ctx, client, &pb.ListTurnsRequest{Record: recordName(record), Withdrawn: true, Revisions: true}, func(t *pb.RecordTurn) error {
		if t.GetName() == turn {
			found = t
		}
		return nil
	})
	if err == nil && found == nil {
		err = fmt.Errorf("the record %s has no turn %s", record, personID(turn))
	}
	return found, err
}

func newRecordCorrectCommand() *cobra.Command {
	var text, role, speaker string
	var base int64
	cmd := &cobra.Command{
		Use:   "correct RECORD TURN",
		Short: "Correct what a turn says, or who says it",
		Long: `Gives a turn another text, role or speaker. What was there stays in the record as a revision, with your name and the time. When
somebody else has changed the turn since you saw it (--base), nothing is changed, and what it says now is printed.`,
		Example: `  courtsense record correct 2019-1234 17 --text 原告请求判令被告退还货款。 --author 李书记员
  courtsense record correct 2019-1234 18 --role plaintiff_agent --reason 代理人代答`,
		Args: nameArgs(2, "the record and the turn"),
	}
	f := addRecordFlags(cmd).withAuthor(cmd, "why, in your words; it stays in the record")
	set := cmd.Flags()
	set.StringVar(&text, "text", "", "the text")
	set.StringVar(&role, "role", "", "who says it: judge, clerk, plaintiff, plaintiff_agent, defendant, defendant_agent, ...")
	set.StringVar(&speaker, "speaker", "", "the speaker's label, such as S1")
	addBaseFlag(cmd, &base)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req := &pb.CorrectTurnRequest{Reason: f.reason}
		var err error
		if req.Name, err = turnName(args[0], args[1]); err != nil {
			return err
		}
		if req.Author, err = f.by(); err != nil {
			return err
		}
		if cmd.Flags().Changed("text") {
			req.Text = &text
		}
		if cmd.Flags().Changed("speaker") {
			req.Speaker = &speaker
		}
		if role != "" {
			r, err := roleNamed(role)
			if err != nil {
				return err
			}
			req.Role = r.Enum()
		}
		if req.Text == nil && req.Speaker == nil && req.Role == nil {
			return usagef("say what to correct: --text, --role or --speaker")
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			if req.BaseRevision, err = baseOf(ctx, client, base, args[0], req.GetName()); err != nil {
				return err
			}
			answer, err := client.CorrectTurn(ctx, req)
			if err != nil {
				return err
			}
			return f.printTurn(c.out, answer.GetTurn())
		})
	}
	return cmd
}

func newRecordInsertCommand() *cobra.Command {
	var text, role, speaker, after string
	cmd := &cobra.Command{
		Use:     "insert RECORD",
		Short:   "Insert a turn that was not heard",
		Example: `  courtsense record insert 2019-1234 --after 17 --role judge --text （法官敲击法槌） --author 李书记员`,
		Args:    nameArgs(1, "the record"),
	}
	f := addRecordFlags(cmd).withAuthor(cmd, "why, in your words; it stays in the record")
	set := cmd.Flags()
	set.StringVar(&text, "text", "", "the text")
	set.StringVar(&role, "role", "", "who says it: judge, clerk, plaintiff, ...")
	set.StringVar(&speaker, "speaker", "", "the speaker's label, such as S1")
	set.StringVar(&after, "after", "", "turn after which it stands (default: it is the first one)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req := &pb.InsertTurnRequest{Record: recordName(args[0]), Text: text, Speaker: speaker, Reason: f.reason}
		if text == "" {
			return usagef("say what to insert: --text")
		}
		var err error
		if after != "" {
			if req.AfterTurn, err = turnName(args[0], after); err != nil {
				return err
			}
		}
		if req.Role, err = optionalRole(role); err != nil {
			return err
		}
		if req.Author, err = f.by(); err != nil {
			return err
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			answer, err := client.InsertTurn(ctx, req)
			if err != nil {
				return err
			}
			return f.printTurn(c.out, answer.GetTurn())
		})
	}
	return cmd
}

func newRecordWithdrawCommand() *cobra.Command {
	return newTurnCommand(&cobra.Command{
		Use:     "withdraw RECORD TURN",
		Short:   "Leave a turn out of documents; it stays in the record",
		Example: `  courtsense record withdraw 2019-1234 23 --reason 旁听席谈话 --author 李书记员`,
	}, func(ctx context.Context, client pb.SpeechServiceClient, name string, base int64, author, reason string) (*pb.RecordTurn, error) {
		answer, err := client.WithdrawTurn(ctx, &pb.WithdrawTurnRequest{Name: name, BaseRevision: base, Author: author, Reason: reason})
		return answer.GetTurn(), err
	})
}

func newRecordRestoreCommand() *cobra.Command {
	return newTurnCommand(&cobra.Command{
		Use:     "restore RECORD TURN",
		Short:   "Put a withdrawn turn back into documents",
		Example: `  courtsense record restore 2019-1234 23 --author 李书记员`,
	}, func(ctx context.Context, client pb.SpeechServiceClient, name string, base int64, author, reason string) (*pb.RecordTurn, error) {
		answer, err := client.RestoreTurn(ctx, &pb.RestoreTurnRequest{Name: name, BaseRevision: base, Author: author, Reason: reason})
		return answer.GetTurn(), err
	})
}

// newTurnCommand is a command that does one thing to a turn.
func newTurnCommand(cmd *cobra.Command, change func(ctx context.Context, client pb.SpeechServiceClient, name string, base int64, author, reason string) (*pb.RecordTurn, error)) *cobra.Command {
	cmd.Args = nameArgs(2, "the record and the turn")
	var base int64
	f := addRecordFlags(cmd).withAuthor(cmd, "why, in your words; it stays in the record")
	addBaseFlag(cmd, &base)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := turnName(args[0], args[1])
		if err != nil {
			return err
		}
		author, err := f.by()
		if err != nil {
			return err
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			revision, err := baseOf(ctx, client, base, args[0], name)
			if err != nil {
				return err
			}
			turn, err := change(ctx, client, name, revision, author, f.reason)
			if err != nil {
				return err
			}
			return f.printTurn(c.out, turn)
		})
	}
	return cmd
}

func newRecordRoleCommand() *cobra.Command {
	var speaker string
	var channel int32
	cmd := &cobra.Command{
		Use:   "role RECORD ROLE",
		Short: "Say who a speaker, or whoever sits at a channel, is",
		Long: `Gives a role to all turns of a speaker, or of a channel, those to come as well. A role that was given to a single turn ("correct --role")
stays.`,
		Example: `  courtsense record role 2019-1234 judge --speaker S1 --author 李书记员
  courtsense record role 2019-1234 witness --channel 3`,
		Args: nameArgs(2, "the record and the role"),
	}
	f := addRecordFlags(cmd).withAuthor(cmd, "why, in your words; it stays in the record")
	cmd.Flags().StringVar(&speaker, "speaker", "", "the speaker's label, such as S1")
	cmd.Flags().Int32Var(&channel, "channel", 0, "the channel, from 0")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		byChannel := cmd.Flags().Changed("channel")
		if byChannel == (speaker != "") {
			return usagef("say whose role it is: --speaker or --channel")
		}
		req := &pb.AssignRoleRequest{Record: recordName(args[0]), Seat: &pb.AssignRoleRequest_Speaker{Speaker: speaker}, Reason: f.reason}
		if byChannel {
			req.Seat = &pb.AssignRoleRequest_Channel{Channel: channel}
		}
		var err error
		if req.Role, err = roleNamed(args[1]); err != nil {
			return err
		}
		if req.Author, err = f.by(); err != nil {
			return err
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			answer, err := client.AssignRole(ctx, req)
			if err != nil {
				return err
			}
			if !f.json {
				c.note("%s changed", plural(int(answer.GetTurnCount()), "turn"))
			}
			return f.printRecord(c.out, answer.GetRecord())
		})
	}
	return cmd
}

func newRecordCreateCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "create RECORD",
		Short: "Begin a record before the hearing",
		Long: `Begins a record. The case is a YAML file; every key may be left out:

  kind: trial            # or mediation, minutes
  number: （2019）京0491民初1234号
  court: 北京互联网法院
  cause: 网络购物合同纠纷
  title: 庭审
  date: 2019-08-17
  time: 9时30分
  place: 第三法庭
  parties:
    - {role: plaintiff, name: 张三, details: 男，1980年1月1日出生, representatives: [李四]}
    - {role: defendant, name: 某某公司, representatives: [{name: 王五, title: 委托诉讼代理人, details: 某某律师事务所}]}
  attendees:
    - {role: judge, name: 赵六, title: 审判长}
  agenda: [核对身份, 法庭调查]
  extra: {案件来源: 移送}`,
		Example: `  courtsense record create 2019-1234 --case case.yaml`,
		Args:    nameArgs(1, "the record"),
	}
	f := addRecordFlags(cmd).withAuthor(cmd, "")
	cmd.Flags().StringVar(&file, "case", "", "YAML file with what the hearing is about")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := checkRecord(args[0])
		if err != nil {
			return err
		}
		req := &pb.CreateRecordRequest{RecordId: recordName(args[0])[len(recordPrefix):]}
		if req.Author, err = f.by(); err != nil {
			return err
		}
		if file != "" {
			if req.Case, err = readCase(file); err != nil {
				return err
			}
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			answer, err := client.CreateRecord(ctx, req)
			if err != nil {
				return err
			}
			return f.printRecord(c.out, answer.GetRecord())
		})
	}
	return cmd
}

func newRecordUpdateCommand() *cobra.Command {
	var file string
	var item int32
	cmd := &cobra.Command{
		Use:   "update RECORD",
		Short: "Change what a hearing is about, or begin another item of the agenda",
		Example: `  courtsense record update 2019-1234 --case case.yaml --author 李书记员
  courtsense record update meeting-7 --agenda 2`,
		Args: nameArgs(1, "the record"),
	}
	f := addRecordFlags(cmd).withAuthor(cmd, "why, in your words; it stays in the record")
	cmd.Flags().StringVar(&file, "case", "", "YAML file with what the hearing is about, whole; 'record create --help' shows one")
	cmd.Flags().Int32Var(&item, "agenda", 0, "item of the agenda that begins now, from 1; 0: none")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req := &pb.UpdateRecordRequest{Name: recordName(args[0]), Reason: f.reason}
		var err error
		if req.Author, err = f.by(); err != nil {
			return err
		}
		if cmd.Flags().Changed("agenda") {
			req.AgendaItem = proto.Int32(item)
		}
		if file != "" {
			if req.Case, err = readCase(file); err != nil {
				return err
			}
		}
		if req.Case == nil && req.AgendaItem == nil {
			return usagef("say what to change: --case or --agenda")
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			now, err := client.GetRecord(ctx, &pb.GetRecordRequest{Name: req.GetName()})
			if err != nil {
				return err
			}
			req.BaseCaseRevision = now.GetRecord().GetCaseRevision()
			answer, err := client.UpdateRecord(ctx, req)
			if err != nil {
				return err
			}
			return f.printRecord(c.out, answer.GetRecord())
		})
	}
	return cmd
}

func newRecordFinishCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "finish RECORD",
		Short:   "Finish a record: it takes no changes until it is reopened",
		Example: `  courtsense record finish 2019-1234 --author 李书记员`,
		Args:    nameArgs(1, "the record"),
	}
	f := addRecordFlags(cmd).withAuthor(cmd, "")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		author, err := f.by()
		if err != nil {
			return err
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			answer, err := client.FinishRecord(ctx, &pb.FinishRecordRequest{Name: recordName(args[0]), Author: author})
			if err != nil {
				return err
			}
			return f.printRecord(c.out, answer.GetRecord())
		})
	}
	return cmd
}

func newRecordReopenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "reopen RECORD --reason TEXT",
		Short:   "Reopen a finished record; that it was, and why, stays in it",
		Example: `  courtsense record reopen 2019-1234 --reason 当事人核对后补正 --author 李书记员`,
		Args:    nameArgs(1, "the record"),
	}
	f := addRecordFlags(cmd).withAuthor(cmd, "why, in your words; it stays in the record")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		author, err := f.by()
		if err != nil {
			return err
		}
		if f.reason == "" {
			return usagef("say why the record is reopened: --reason")
		}
		c := newConsole(cmd)
		return f.with(cmd, c, false, func(ctx context.Context, client pb.SpeechServiceClient, _ *connection) error {
			answer, err := client.ReopenRecord(ctx, &pb.ReopenRecordRequest{Name: recordName(args[0]), Author: author, Reason: f.reason})
			if err != nil {
				return err
			}
			return f.printRecord(c.out, answer.GetRecord())
		})
	}
	return cmd
}
