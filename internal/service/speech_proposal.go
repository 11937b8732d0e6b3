package service

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/speech/proposal"
)

// DocumentReader reads the pages of a case's papers; [Document] is one.
type DocumentReader interface {
	Recognize(ctx context.Context, req *pb.DocumentServiceRecognizeRequest) (*pb.DocumentServiceRecognizeResponse, error)
}

// defaultProposals is how many hot words are proposed when the request doesn't say.
const defaultProposals = 500

// ProposeHotwords implements SpeechService.
func (s *Speech) ProposeHotwords(ctx context.Context, req *pb.ProposeHotwordsRequest) (*pb.ProposeHotwordsResponse, error) {
	ctx, ev := gather(ctx)
	most := int(req.GetMaxResults())
	if most == 0 {
		most = defaultProposals
	}
	ev.setting("max_results", strconv.Itoa(most))
	var papers []paper
	characters := 0
	for i, m := range req.GetMaterials() {
		read, err := s.papers(ctx, ev, m, fmt.Sprintf("materials[%d]", i))
		if err != nil {
			return nil, err
		}
		for _, p := range read {
			characters += utf8.RuneCountInString(p.Text)
		}
		papers = append(papers, read...)
		if characters > proposal.MaxCharacters {
			r := refusal.New(refusal.TooLarge, "the materials hold more than %d characters, the limit of a call; send them in parts", proposal.MaxCharacters)
			r.Field, r.Limit, r.Got = "materials", proposal.MaxCharacters, int64(characters)
			return nil, r
		}
	}
	materials := make([]proposal.Material, len(papers))
	for i, p := range papers {
		materials[i] = p.Material
	}
	stage, ended := telemetry.Stage(ctx, "propose")
	found, err := proposal.New(s.cfg.Recognizer.Decode.LM).Propose(stage, materials, most)
	ended(err)
	if err != nil {
		return nil, err
	}
	for _, use := range s.cfg.Recognizer.LanguageUses {
		ev.used(use)
	}
	answer := &pb.ProposeHotwordsResponse{Proposals: make([]*pb.HotWordProposal, len(found))}
	for i, f := range found {
		p := &pb.HotWordProposal{HotWord: &pb.HotWord{Phrase: f.Text}, Kind: hotWordKinds[f.Kind], Count: int32(f.Count)}
		for _, source := range f.Sources {
			p.Sources = append(p.Sources, papers[source.Material].source(f.Text, source.Sentence))
		}
		answer.Proposals[i] = p
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

var hotWordKinds = map[proposal.Kind]pb.HotWordKind{
	proposal.CaseNumber:   pb.HotWordKind_HOT_WORD_KIND_CASE_NUMBER,
	proposal.Organization: pb.HotWordKind_HOT_WORD_KIND_ORGANIZATION,
	proposal.Person:       pb.HotWordKind_HOT_WORD_KIND_PERSON,
	proposal.Place:        pb.HotWordKind_HOT_WORD_KIND_PLACE,
	proposal.Amount:       pb.HotWordKind_HOT_WORD_KIND_AMOUNT,
	proposal.Cause:        pb.HotWordKind_HOT_WORD_KIND_CAUSE_OF_ACTION,
	proposal.Term:         pb.HotWordKind_HOT_WORD_KIND_LEGAL_TERM,
	proposal.RareWord:     pb.HotWordKind_HOT_WORD_KIND_RARE_WORD,
}

// paper is a text of the case, or a page of it with where its lines stand.
type paper struct {
	proposal.Material
	lines []*pb.Line
}

// source says where a phrase stands: of a page also the line that holds it, where one line does.
func (p paper) source(phrase, sentence string) *pb.HotWordSource {
	out := &pb.HotWordSource{Source: p.Source, Page: int32(p.Page), Sentence: sentence}
	for _, l := range p.lines {
		if strings.Contains(strings.ReplaceAll(l.GetText(), " ", ""), strings.ReplaceAll(phrase, " ", "")) {
			out.Polygon = l.GetPolygon()
			break
		}
	}
	return out
}

// papers takes a material's text, or reads its pages. Pages that can't be read are named in the provenance; when none can, the
// first one's reason is the error.
func (s *Speech) papers(ctx context.Context, ev *evidence, m *pb.HotWordMaterial, field string) ([]paper, error) {
	if m.GetFile() == nil {
		ev.input(field+".text", []byte(m.GetText()))
		return []paper{{Material: proposal.Material{Source: m.GetSource(), Text: m.GetText()}}}, nil
	}
	ev.input(field+".file.content", m.GetFile().GetContent())
	var reader DocumentReader
	if s.cfg.Documents != nil {
		reader = s.cfg.Documents()
	}
	if reader == nil {
		return nil, rpcerror.New(codes.FailedPrecondition, "ENGINE_UNAVAILABLE", field+".file: this server doesn't read documents; send their text instead",
			rpcerror.Meta("field", field))
	}
	read, err := reader.Recognize(ctx, &pb.DocumentServiceRecognizeRequest{File: m.GetFile()})
	if err != nil {
		if r, ok := refusal.As(err); ok {
			named := *r
			named.Field = field + "." + cmp.Or(named.Field, "file")
			return nil, &named
		}
		return nil, err
	}
	for _, use := range read.GetProvenance().GetModels() {
		ev.used(use)
	}
	var out []paper
	var unread []string
	for _, page := range read.GetPages() {
		if page.GetPage() == nil {
			unread = append(unread, strconv.Itoa(int(page.GetNumber())))
			continue
		}
		lines := page.GetPage().GetLines()
		out = append(out, paper{Material: proposal.Material{Source: m.GetSource(), Page: int(page.GetNumber()), Text: running(lines)}, lines: lines})
	}
	if len(unread) > 0 {
		if len(out) == 0 {
			first := read.GetPages()[0]
			return nil, rpcerror.New(codes.Code(first.GetStatus().GetCode()), "PAGE_UNREADABLE",
				fmt.Sprintf("%s.file: none of %d pages could be read; page %d: %s", field, len(unread), first.GetNumber(), first.GetStatus().GetMessage()),
				rpcerror.Meta("field", field))
		}
		ev.setting(field+".unread_pages", strings.Join(unread, ","))
	}
	return out, nil
}

// running is the text of lines, those of a paragraph joined: a name may go on in the next line.
func running(lines []*pb.Line) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 && l.GetParagraph() != lines[i-1].GetParagraph() {
			b.WriteByte('\n')
		}
		b.WriteString(l.GetText())
	}
	return b.String()
}
