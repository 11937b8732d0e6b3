package service

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/internal/version"
	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/record"
	"github.com/courtsense/courtsense/speech/record/export"
)

// SearchRecord implements SpeechService.
func (s *Speech) SearchRecord(ctx context.Context, req *pb.SearchRecordRequest) (*pb.SearchRecordResponse, error) {
	ctx, ev := gather(ctx)
	answer := &pb.SearchRecordResponse{}
	err := s.onRecord(ctx, req.GetName(), func(r *record.Record) error {
		state := r.Snapshot()
		hits, err := state.Search(record.Query{Text: req.GetQuery()}, cmp.Or(int(req.GetMaxResults()), defaultPage), 0)
		if err != nil {
			return err
		}
		for _, h := range hits {
			if t, ok := state.Turn(h.Turn); ok {
				answer.Places = append(answer.Places, &pb.RecordPlace{
					Turn: turnMessage(state.ID, t, false, true), Start: int32(h.Start), End: int32(h.End), StartSeconds: h.From, EndSeconds: h.To,
				})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// LocateInRecord implements SpeechService.
func (s *Speech) LocateInRecord(ctx context.Context, req *pb.LocateInRecordRequest) (*pb.LocateInRecordResponse, error) {
	ctx, ev := gather(ctx)
	answer := &pb.LocateInRecordResponse{}
	err := s.onRecord(ctx, req.GetName(), func(r *record.Record) error {
		state := r.Snapshot()
		if p := req.GetPosition(); p != nil {
			place, err := placeOf(state, p)
			answer.Places = append(answer.Places, place)
			return err
		}
		for _, p := range state.Locate(req.GetAtSeconds()) {
			if t, ok := state.Turn(p.Turn); ok {
				answer.Places = append(answer.Places, &pb.RecordPlace{
					Turn: turnMessage(state.ID, t, false, true), Start: int32(p.Character), End: int32(p.Character + 1), StartSeconds: p.Start, EndSeconds: p.End,
				})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// placeOf is when a character is said.
func placeOf(state record.State, p *pb.TurnPosition) (*pb.RecordPlace, error) {
	id, err := turnID(p.GetTurn())
	if err != nil {
		return nil, err
	}
	if recordID(p.GetTurn()) != state.ID {
		return nil, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "position.turn "+p.GetTurn()+" is of another record",
			rpcerror.Field("position.turn", "of another record"))
	}
	at := int(p.GetCharacter())
	from, to, err := state.Span(id, at, at+1)
	if err != nil {
		return nil, err
	}
	t, _ := state.Turn(id)
	return &pb.RecordPlace{Turn: turnMessage(state.ID, t, false, true), Start: int32(at), End: int32(at + 1), StartSeconds: from, EndSeconds: to}, nil
}

// maxAudio is the longest piece of sound that is answered at once, seconds; the contract's.
const maxAudio = 600

// GetRecordAudio implements SpeechService.
func (s *Speech) GetRecordAudio(ctx context.Context, req *pb.GetRecordAudioRequest) (*pb.GetRecordAudioResponse, error) {
	ctx, ev := gather(ctx)
	answer := &pb.GetRecordAudioResponse{MediaType: "audio/wav"}
	err := s.onRecord(ctx, req.GetName(), func(r *record.Record) error {
		kept := r.Snapshot().Sound.Seconds
		from, to := req.GetStartSeconds(), req.GetEndSeconds()
		if to == 0 {
			to = min(from+maxAudio, kept)
		}
		switch {
		case kept == 0:
			return rpcerror.New(codes.FailedPrecondition, "AUDIO_NOT_KEPT", "the record has no sound: none was heard, or the server keeps none (config records.keep_audio)")
		case from >= to && req.GetEndSeconds() != 0:
			return rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "end_seconds must be after start_seconds", rpcerror.Field("end_seconds", "not after start_seconds"))
		case from >= kept:
			return rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "start_seconds is after the record's end at "+strconv.FormatFloat(kept, 'f', 1, 64)+" s",
				rpcerror.Field("start_seconds", "after the record's end"))
		case to-from > maxAudio:
			return rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "at most 600 s of sound are answered at once: ask for it in pieces", rpcerror.Field("end_seconds", "more than 600 s after start_seconds"))
		}
		sound, err := r.Sound(ctx, from, min(to, kept))
		if err != nil {
			if errors.Is(err, record.ErrNotFound) {
				return rpcerror.New(codes.FailedPrecondition, "AUDIO_NOT_KEPT", err.Error())
			}
			return err
		}
		answer.Content = wavFile(sound.PCM, sound.Channels)
		answer.StartSeconds = sound.Start
		answer.EndSeconds = sound.Start + float64(len(sound.PCM))/float64(2*sound.Channels*audio.Rate)
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// wavFile puts 16-bit samples at 16 kHz into RIFF/WAVE.
func wavFile(pcm []byte, channels int) []byte {
	frame := 2 * channels
	b := make([]byte, 0, 44+len(pcm))
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(36+len(pcm)))
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, audio.Rate)
	b = binary.LittleEndian.AppendUint32(b, uint32(audio.Rate*frame))
	b = binary.LittleEndian.AppendUint16(b, uint16(frame))
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(pcm)))
	return append(b, pcm...)
}

// VerifyRecord implements SpeechService.
func (s *Speech) VerifyRecord(ctx context.Context, req *pb.VerifyRecordRequest) (*pb.VerifyRecordResponse, error) {
	ctx, ev := gather(ctx)
	store, err := s.recordStore(ctx)
	if err != nil {
		return nil, err
	}
	stage, ended := telemetry.Stage(ctx, "verify")
	report, err := store.Verify(stage, recordID(req.GetName()), req.GetWitnessSha256())
	ended(err)
	switch {
	case errors.Is(err, record.ErrNotFound):
		return nil, noRecord(recordID(req.GetName()))
	case err != nil:
		return nil, recordError(err)
	}
	return &pb.VerifyRecordResponse{
		Intact: report.Whole(), Entries: report.Entries, Revision: report.Revision, HeadSha256: report.Head, TornBytes: report.TornBytes,
		WitnessedEntry: report.Witnessed, SoundSeconds: report.SoundSeconds, Damage: strings.Join(report.Problems, "; "), Provenance: ev.provenance(),
	}, nil
}

var exportFormats = map[pb.RecordFormat]export.Format{
	pb.RecordFormat_RECORD_FORMAT_DOCX: export.DOCX, pb.RecordFormat_RECORD_FORMAT_TEXT: export.Text, pb.RecordFormat_RECORD_FORMAT_SRT: export.SRT,
	pb.RecordFormat_RECORD_FORMAT_VTT: export.VTT, pb.RecordFormat_RECORD_FORMAT_JSON: export.JSON,
}

// ExportRecord implements SpeechService.
func (s *Speech) ExportRecord(ctx context.Context, req *pb.ExportRecordRequest) (*pb.ExportRecordResponse, error) {
	ctx, ev := gather(ctx)
	o := export.Options{Format: exportFormats[req.GetFormat()], Times: export.Times(req.GetTimes()), Software: "courtsense " + version.String()}
	if req.GetWithdrawn() {
		o.Withdrawn = export.Struck
	}
	var field string
	var err error
	switch {
	case req.GetTemplate() != "" && len(req.GetTemplateFile()) > 0:
		field, err = "template_file", errors.New("template and template_file exclude each other")
	case req.GetTemplate() != "":
		field = "template"
		o.Template, err = export.Builtin(req.GetTemplate())
	case len(req.GetTemplateFile()) > 0:
		field = "template_file"
		ev.input(field, req.GetTemplateFile())
		o.Template, err = export.ParseTemplate(bytes.NewReader(req.GetTemplateFile()))
	}
	if err != nil {
		return nil, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, err.Error(), rpcerror.Field(field, err.Error()))
	}
	ev.setting("format", string(o.Format))
	answer := &pb.ExportRecordResponse{MediaType: o.Format.MediaType()}
	err = s.onRecord(ctx, req.GetName(), func(r *record.Record) error {
		state := r.Snapshot()
		var b bytes.Buffer
		_, ended := telemetry.Stage(ctx, "export")
		err := export.Write(&b, state, o)
		ended(err)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b.Bytes())
		answer.Content, answer.Revision = b.Bytes(), state.Revision
		ev.setting("head_sha256", state.Head)
		if req.GetAuthor() == "" {
			return nil
		}
		return r.NoteExport(ctx, record.Export{Revision: state.Revision, Format: string(o.Format), SHA256: hex.EncodeToString(sum[:]), Author: req.GetAuthor()})
	})
	if err != nil {
		return nil, err
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}
