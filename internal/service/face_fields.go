package service

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/service/idcard"
	"github.com/courtsense/courtsense/internal/telemetry"
)

// Reasons of claims that do not hold.
const (
	reasonClaimInvalid     = "CLAIM_INVALID"
	reasonFieldsUnreadable = "FIELDS_UNREADABLE"
	reasonNumberInvalid    = "NUMBER_INVALID"
	reasonNumberDiffers    = "NUMBER_DIFFERS"
	reasonNameDiffers      = "NAME_DIFFERS"
	reasonBirthDiffers     = "BIRTH_DATE_DIFFERS"
)

// surelyRead is the confidence of its least sure character from which on a field that contradicts a claim rejects it; one
// that was read less surely is left to a person. A choice, not measured.
const surelyRead = 0.8

func claims(c *pb.ClaimedIdentity) bool {
	return c.GetFullName() != "" || c.GetIdNumber() != "" || c.GetBirthDate() != ""
}

// idFields reads the document's printed fields and holds the claims against them.
func (v *verification) idFields(ctx context.Context) (bool, error) {
	claimed := v.request.GetClaimed()
	if !claims(claimed) {
		return true, nil
	}
	check := &pb.IdFieldCheck{}
	step := &pb.IdentityStep{Step: stepIDFields, Evidence: &pb.IdentityStep_IdFields{IdFields: check}}
	today := time.Now()
	// A claim that can't be true needs no reading.
	if claimed.GetIdNumber() != "" {
		if _, err := idcard.ParseNumber(claimed.GetIdNumber(), today); err != nil {
			return v.stop(step, rejected, reasonClaimInvalid, "claimed.id_number is no identity number: "+err.Error())
		}
	}
	if _, err := time.Parse(time.DateOnly, claimed.GetBirthDate()); claimed.GetBirthDate() != "" && err != nil {
		return v.stop(step, rejected, reasonClaimInvalid, "claimed.birth_date is no day of the calendar")
	}
	stage, end := telemetry.Stage(ctx, "read")
	lines, err := v.read(stage)
	end(err)
	if err != nil {
		return false, err
	}
	fields := idcard.Find(lines)
	return v.hold(step, check, fields, today)
}

// hold compares the claims with what was read.
func (v *verification) hold(step *pb.IdentityStep, check *pb.IdFieldCheck, read idcard.Fields, today time.Time) (bool, error) {
	claimed := v.request.GetClaimed()
	check.ReadName, check.ReadNumber, check.Confidence = read.Name.Text, read.Number.Text, 1
	reason, detail, sure := "", "", float32(1)
	fail := func(r, text string, confidence float32) {
		if reason == "" {
			reason, detail, sure = r, text, confidence
		}
	}
	if claimed.GetIdNumber() != "" || claimed.GetBirthDate() != "" {
		check.Confidence = min(check.Confidence, read.Number.Confidence)
		number, err := idcard.ParseNumber(read.Number.Text, today)
		switch {
		case read.Number.Text == "":
			fail(reasonFieldsUnreadable, "no number could be read on the document", 0)
		case err != nil:
			check.NumberValid = proto.Bool(false)
			fail(reasonNumberInvalid, "the number on the document: "+err.Error(), read.Number.Confidence)
		default:
			check.NumberValid = proto.Bool(true)
			if claimed.GetBirthDate() != "" {
				same := number.Birth.Format(time.DateOnly) == claimed.GetBirthDate()
				if check.BirthDateMatches = &same; !same {
					fail(reasonBirthDiffers, "the number on the document has another date of birth", read.Number.Confidence)
				}
			}
		}
		if claimed.GetIdNumber() != "" && read.Number.Text != "" {
			same := idcard.Normalise(claimed.GetIdNumber()) == read.Number.Text
			if check.NumberMatches = &same; !same {
				fail(reasonNumberDiffers, "the number on the document is another one", read.Number.Confidence)
			}
		}
	}
	if claimed.GetFullName() != "" {
		check.Confidence = min(check.Confidence, read.Name.Confidence)
		if read.Name.Text == "" {
			fail(reasonFieldsUnreadable, "no name could be read on the document", 0)
		} else {
			same := idcard.SameName(claimed.GetFullName(), read.Name.Text)
			if check.NameMatches = &same; !same {
				fail(reasonNameDiffers, "the name on the document is another one", read.Name.Confidence)
			}
		}
	}
	switch {
	case reason == "":
		return v.add(step)
	case sure >= surelyRead:
		return v.stop(step, rejected, reason, detail)
	}
	return v.stop(step, review, reason, fmt.Sprintf("%s, as far as it could be read (confidence %.2f)", detail, sure))
}

// read reads the document's front, character by character and as it is printed: nothing is corrected towards what is usual.
func (v *verification) read(ctx context.Context) ([]idcard.Line, error) {
	answer, err := v.reader.Recognize(ctx, &pb.DocumentServiceRecognizeRequest{
		File:   &pb.DocumentFile{Content: v.request.GetIdPhoto().GetContent()},
		Config: &pb.DocumentConfig{Detail: pb.DetailLevel_DETAIL_LEVEL_SYMBOLS, Correct: proto.Bool(false)},
	})
	if err != nil {
		return nil, inField("id_photo.content", err)
	}
	ev := evidenceOf(ctx)
	for _, m := range answer.GetProvenance().GetModels() {
		ev.used(m)
	}
	var out []idcard.Line
	for _, page := range answer.GetPages() {
		for _, l := range page.GetPage().GetLines() {
			line := idcard.Line{Text: l.GetText(), Confidence: []float32{l.GetConfidence()}}
			var text []rune
			var confidence []float32
			for _, w := range l.GetWords() {
				for _, s := range w.GetSymbols() {
					for _, r := range s.GetText() {
						text, confidence = append(text, r), append(confidence, s.GetConfidence())
					}
				}
			}
			if len(text) > 0 {
				line = idcard.Line{Text: string(text), Confidence: confidence}
			}
			out = append(out, line)
		}
	}
	return out, nil
}
