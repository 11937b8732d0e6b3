package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
)

// demoHearing is heard into a record; judge and plaintiff have a microphone each.
const demoHearing = "speech/two-seats-16k.wav"

// recordStep writes a hearing's record, corrects it as a clerk does, and makes the document.
func (d *demo) recordStep() demoStep {
	return demoStep{"write the record of a hearing", func(ctx context.Context) (report, error) {
		content, err := d.sample(demoHearing)
		if err != nil {
			return report{}, err
		}
		client := pb.NewSpeechServiceClient(d.conn)
		made, err := client.CreateRecord(ctx, &pb.CreateRecordRequest{Author: "demo", Case: &pb.RecordCase{
			Number: "（2019）京0491民初1234号", Court: "北京互联网法院", Cause: "网络购物合同纠纷", Date: "2019-08-17",
			Attendees: []*pb.RecordAttendee{{Role: pb.SpeakerRole_SPEAKER_ROLE_JUDGE, Name: "赵六", Title: "审判长"}},
			Parties:   []*pb.RecordParty{{Role: pb.SpeakerRole_SPEAKER_ROLE_PLAINTIFF, Name: "张三"}},
		}})
		if err != nil {
			return report{}, d.conn.explain(err)
		}
		name := made.GetRecord().GetName()
		roles := []pb.SpeakerRole{pb.SpeakerRole_SPEAKER_ROLE_JUDGE, pb.SpeakerRole_SPEAKER_ROLE_PLAINTIFF}
		config := &pb.StreamingConfig{Record: name, Recognition: &pb.RecognitionConfig{
			ChannelRoles: []*pb.ChannelRole{{Channel: 0, Role: roles[0]}, {Channel: 1, Role: roles[1]}},
		}}
		acknowledged := 0
		err = recognizeSpeech(ctx, d.conn, bytes.NewReader(content), config, 6400, func(m *pb.StreamingRecognizeResponse) error {
			for _, s := range m.GetResult().GetSegments() {
				if s.GetTurn() != "" {
					acknowledged++
				}
			}
			return nil
		})
		if err != nil {
			return report{}, d.conn.explain(err)
		}
		r, err := d.clerk(ctx, client, name, roles)
		r.summary = fmt.Sprintf("%s heard, one corrected; %s", plural(acknowledged, "turn"), r.summary)
		if err == nil && acknowledged == 0 {
			err = errors.New("nothing was written down")
		}
		return r, err
	}}
}

// demoCorrection is what the clerk writes.
const demoCorrection = "请原告陈述诉讼请求和事实理由。"

// clerk corrects the first turn, exports the record and checks it.
func (d *demo) clerk(ctx context.Context, client pb.SpeechServiceClient, name string, roles []pb.SpeakerRole) (r report, err error) {
	var first *pb.RecordTurn
	_, err = eachTurn(ctx, client, &pb.ListTurnsRequest{Record: name}, func(t *pb.RecordTurn) error {
		if first == nil {
			first = t
		}
		if c := t.GetChannel(); t.GetRole() != roles[c] {
			return fmt.Errorf("the turn on channel %d is given to %s", c, roleName(t.GetRole()))
		}
		r.lines = append(r.lines, turnLine(t, t.GetStartSeconds()))
		return nil
	})
	if err != nil {
		return r, d.conn.explain(err)
	}
	if first == nil {
		return r, errors.New("the record has no turns")
	}
	corrected, err := client.CorrectTurn(ctx, &pb.CorrectTurnRequest{
		Name: first.GetName(), Text: proto.String(demoCorrection), BaseRevision: first.GetRevision(), Author: "demo",
	})
	if err != nil {
		return r, d.conn.explain(err)
	}
	if n := len(corrected.GetTurn().GetRevisions()); n != 2 {
		return r, fmt.Errorf("the corrected turn has %d revisions, not what was heard and what was corrected", n)
	}
	r.lines = append(r.lines, turnLine(corrected.GetTurn(), first.GetStartSeconds()))
	text, err := client.ExportRecord(ctx, &pb.ExportRecordRequest{Name: name, Format: pb.RecordFormat_RECORD_FORMAT_TEXT})
	if err != nil {
		return r, d.conn.explain(err)
	}
	if !strings.Contains(string(text.GetContent()), "审判长："+demoCorrection) {
		return r, errors.New("the document does not say what the clerk wrote")
	}
	document, err := client.ExportRecord(ctx, &pb.ExportRecordRequest{Name: name, Format: pb.RecordFormat_RECORD_FORMAT_DOCX, Author: "demo"})
	if err != nil {
		return r, d.conn.explain(err)
	}
	path := filepath.Join(d.out, "hearing.docx")
	if err := writeFile(path, document.GetContent()); err != nil {
		return r, err
	}
	checked, err := client.VerifyRecord(ctx, &pb.VerifyRecordRequest{Name: name})
	if err != nil {
		return r, d.conn.explain(err)
	}
	if !checked.GetIntact() {
		return r, fmt.Errorf("the record is damaged: %s", checked.GetDamage())
	}
	r.summary = fmt.Sprintf("%d entries intact, document in %s", checked.GetEntries(), path)
	return r, nil
}
