package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/ocr/correct/adapt"
	"github.com/courtsense/courtsense/speech/proposal"
)

// kindNames are the kinds of hot words on the command line.
var kindNames = map[pb.HotWordKind]string{
	pb.HotWordKind_HOT_WORD_KIND_PERSON:          "person",
	pb.HotWordKind_HOT_WORD_KIND_ORGANIZATION:    "organization",
	pb.HotWordKind_HOT_WORD_KIND_PLACE:           "place",
	pb.HotWordKind_HOT_WORD_KIND_CASE_NUMBER:     "case-number",
	pb.HotWordKind_HOT_WORD_KIND_CAUSE_OF_ACTION: "cause",
	pb.HotWordKind_HOT_WORD_KIND_AMOUNT:          "amount",
	pb.HotWordKind_HOT_WORD_KIND_LEGAL_TERM:      "term",
	pb.HotWordKind_HOT_WORD_KIND_RARE_WORD:       "rare",
}

// hotWordsCommand is one run of "courtsense hotwords".
type hotWordsCommand struct {
	most   int
	kinds  []string
	out    string
	asJSON bool
	force  bool
	listed bool // print the built-in list

	c     *console
	stdin io.Reader
}

func newHotWordsCommand() *cobra.Command {
	o := &hotWordsCommand{}
	cmd := &cobra.Command{
		Use:   "hotwords FILE|DIR...",
		Short: "Propose hot words for a hearing from the case's papers",
		Long: `Reads a case's papers, texts (UTF-8 or GB 18030), pictures and PDF files, and proposes the names of persons, companies and places,
case numbers, causes of action, amounts, legal terms, and words that are frequent there and rare elsewhere: with how often each
occurs and a sentence that holds it. The most useful come first. "-" is standard input.

With -o they are written as a file for "courtsense transcribe --hotwords FILE": one a line. Look through it: what is wrong in it may
be heard where nobody said it. --built-in gives the list of legal terms and causes of action that the program holds.`,
		Example: `  courtsense hotwords complaint.txt evidence.pdf
  courtsense hotwords case/ --kinds person,organization,place -o case.words
  courtsense transcribe hearing.wav --hotwords case.words`,
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if o.listed {
			if len(args) > 0 {
				return usagef("--built-in takes no files")
			}
			return nil
		}
		return atLeastOne("a text, picture, PDF file or folder")(cmd, args)
	}
	connect := addConnectFlags(cmd)
	set := cmd.Flags()
	set.IntVar(&o.most, "max", 200, "how many to propose, 1 to 10000")
	set.StringSliceVar(&o.kinds, "kinds", nil, "only these: "+strings.Join(allKinds(), ", "))
	set.StringVarP(&o.out, "output", "o", "", "file to write the hot words to")
	set.BoolVar(&o.asJSON, "json", false, "print the service's answer as JSON")
	set.BoolVar(&o.listed, "built-in", false, "print the built-in list of legal terms and causes of action, or write it by -o")
	set.BoolVar(&o.force, "force", false, "with -o: replace the file if it exists")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.most < 1 || o.most > 10000 {
			return usagef("--max %d is out of range: 1 to 10000", o.most)
		}
		for _, k := range o.kinds {
			if err := oneOf("--kinds", k, allKinds()...); err != nil {
				return err
			}
		}
		if o.out != "" && !o.force {
			if _, err := os.Stat(o.out); err == nil {
				return usagef("%s exists; use --force to replace it", o.out)
			}
		}
		o.c, o.stdin = newConsole(cmd), cmd.InOrStdin()
		if o.listed {
			return o.builtIn()
		}
		inputs := findInputs(args, slices.Concat(documentSuffixes, []string{".txt", ".md"}))
		parts, materials, err := o.materials(cmd.Context(), inputs)
		if err != nil {
			return err
		}
		return onFiles(cmd, o.c, connect, parts, inputs, func(ctx context.Context, conn *connection) error {
			return o.run(ctx, conn, materials)
		})
	}
	return cmd
}

func allKinds() []string {
	var names []string
	for _, n := range kindNames {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// maxMaterials is how many materials a call may have.
const maxMaterials = 100

// materials reads the files. All must be readable: a name in the one that is left out would be missed in the hearing.
func (o *hotWordsCommand) materials(ctx context.Context, inputs []input) (app.Part, []*pb.HotWordMaterial, error) {
	if len(inputs) > maxMaterials {
		return 0, nil, usagef("%d files, the limit is %d: join texts, or name fewer", len(inputs), maxMaterials)
	}
	parts := app.Speech
	var out []*pb.HotWordMaterial
	failed := false
	for _, in := range inputs {
		content, err := in.read(ctx, o.stdin)
		if err == nil && len(content) == 0 {
			err = errors.New("is empty")
		}
		m := &pb.HotWordMaterial{Source: shorten(filepath.Base(in.path), 128)}
		switch {
		case err != nil:
		case strings.EqualFold(filepath.Ext(in.path), ".txt") || strings.EqualFold(filepath.Ext(in.path), ".md") || looksLikeText(content):
			var paragraphs []string
			if paragraphs, err = adapt.Paragraphs(content); err == nil {
				m.Material = &pb.HotWordMaterial_Text{Text: strings.Join(paragraphs, "\n")}
			}
		default:
			parts |= app.Documents
			m.Material = &pb.HotWordMaterial_File{File: &pb.DocumentFile{Content: content}}
		}
		if err != nil {
			o.c.fail(in.path, err)
			failed = true
			continue
		}
		out = append(out, m)
	}
	if failed {
		return 0, nil, errReported
	}
	return parts, out, nil
}

func looksLikeText(content []byte) bool {
	return utf8.Valid(content) && !bytes.ContainsRune(content, 0) && !bytes.HasPrefix(content, []byte("%PDF"))
}

// shorten cuts a name to so many characters.
func shorten(name string, most int) string {
	if r := []rune(name); len(r) > most {
		return string(r[:most])
	}
	return name
}

func (o *hotWordsCommand) run(ctx context.Context, conn *connection, materials []*pb.HotWordMaterial) error {
	o.c.status("reading ...")
	answer, err := pb.NewSpeechServiceClient(conn).ProposeHotwords(ctx, &pb.ProposeHotwordsRequest{Materials: materials, MaxResults: int32(o.asked())}, anySize)
	o.c.erase()
	if err != nil {
		return err
	}
	for key, pages := range answer.GetProvenance().GetConfiguration() {
		if strings.HasSuffix(key, ".unread_pages") {
			o.c.note("pages that could not be read: %s of %s", pages, strings.TrimSuffix(key, ".unread_pages"))
		}
	}
	answer.Proposals = slices.DeleteFunc(answer.Proposals, func(p *pb.HotWordProposal) bool {
		return len(o.kinds) > 0 && !slices.Contains(o.kinds, kindNames[p.GetKind()])
	})
	answer.Proposals = answer.Proposals[:min(o.most, len(answer.Proposals))]
	if o.out != "" {
		if err := writeWhole(o.out, hotWordFile(answer.GetProposals())); err != nil {
			return err
		}
		o.c.note("%d hot words written to %s", len(answer.GetProposals()), o.out)
		if !o.asJSON {
			return nil
		}
	}
	if o.asJSON {
		b, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(answer)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(o.c.out, "%s\n", b)
		return err
	}
	rows := tabwriter.NewWriter(o.c.out, 0, 0, 2, ' ', 0)
	for _, p := range answer.GetProposals() {
		sentence := ""
		if len(p.GetSources()) > 0 {
			sentence = p.GetSources()[0].GetSentence()
		}
		fmt.Fprintf(rows, "%s\t%d\t%s\t%s\n", kindNames[p.GetKind()], p.GetCount(), p.GetHotWord().GetPhrase(), shorten(oneLineText(sentence), 60))
	}
	return rows.Flush()
}

// builtInWeight is that of the built-in list's phrases: with the default weight, so many of them bend what is said
// (docs/accuracy.md).
const builtInWeight = "0.25"

// builtIn prints the list of legal terms, or writes it as a file of hot words.
func (o *hotWordsCommand) builtIn() error {
	var b bytes.Buffer
	for _, part := range []struct {
		name    string
		phrases []string
	}{{"legal terms", proposal.LegalTerms()}, {"causes of action and charges", proposal.Causes()}} {
		fmt.Fprintf(&b, "# %s\n", part.name)
		for _, p := range part.phrases {
			fmt.Fprintf(&b, "%s\t%s\n", p, builtInWeight)
		}
	}
	if o.out != "" {
		return writeWhole(o.out, b.Bytes())
	}
	_, err := o.c.out.Write(b.Bytes())
	return err
}

// asked is how many to ask the service for: more where some kinds are left out afterwards.
func (o *hotWordsCommand) asked() int {
	if len(o.kinds) > 0 {
		return 10000
	}
	return o.most
}

func oneLineText(s string) string { return strings.Join(strings.Fields(s), " ") }

// hotWordFile is a file of hot words, one a line, with what each is above them.
func hotWordFile(proposals []*pb.HotWordProposal) []byte {
	sorted := slices.Clone(proposals)
	slices.SortStableFunc(sorted, func(a, b *pb.HotWordProposal) int { return cmp.Compare(a.GetKind(), b.GetKind()) })
	var b bytes.Buffer
	last := pb.HotWordKind_HOT_WORD_KIND_UNSPECIFIED
	for _, p := range sorted {
		if p.GetKind() != last {
			last = p.GetKind()
			fmt.Fprintf(&b, "# %s\n", kindNames[last])
		}
		fmt.Fprintln(&b, p.GetHotWord().GetPhrase())
	}
	return b.Bytes()
}
