package adapt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/courtsense/courtsense/pipeline/charlm"
)

const (
	// MaxTextBytes bounds one text file.
	MaxTextBytes = 64 << 20
	maxCorpus    = 1 << 30 // bytes of all files together
	// fewFiles is up to how many files the held-out share is taken paragraph by paragraph.
	fewFiles = 20
	// heldOutOf: one in so many is held out.
	heldOutOf = 10
)

// ErrTooLittle is a folder that holds too little text to learn from or to measure with.
var ErrTooLittle = errors.New("too little text")

// Corpus is a court's texts.
type Corpus struct {
	Files               int
	Characters, HeldOut int // to learn from, to measure with; blanks not counted
	learn, held         []charlm.Class
}

// ReadCorpus reads the *.txt and *.md files in a folder and below it, in the order of their names. A file that can't be
// used is told to bad and left out. The error is a folder that can't be read, [ErrTooLittle], or the end of ctx.
func ReadCorpus(ctx context.Context, folder string, m *charlm.Model, bad func(path string, err error)) (*Corpus, error) {
	var names []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch strings.ToLower(filepath.Ext(path)) {
		case ".txt", ".md":
			if d.Type().IsRegular() {
				names = append(names, path)
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	c := &Corpus{learn: []charlm.Class{charlm.Break}, held: []charlm.Class{charlm.Break}}
	seen := map[[32]byte]bool{}
	total := int64(0)
	for _, path := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		content, err := readText(path)
		if err != nil {
			bad(path, err)
			continue
		}
		if total += int64(len(content)); total > maxCorpus {
			return nil, fmt.Errorf("%s: the texts are larger than %d MB together; name a part of them", folder, maxCorpus>>20)
		}
		paragraphs, err := Paragraphs(content)
		if err != nil {
			bad(path, err)
			continue
		}
		c.Files++
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			return nil, err
		}
		c.add(m, paragraphs, filepath.ToSlash(relative), len(names) <= fewFiles, seen)
	}
	if c.Characters < 1000 || c.HeldOut < 100 {
		return nil, fmt.Errorf("%w: %s: %d files with %d characters to learn from and %d held out; want 1,000 and 100 at least", ErrTooLittle, folder, c.Files, c.Characters, c.HeldOut)
	}
	return c, nil
}

// add takes in a file's paragraphs, each only once: what stands in both parts would measure memory.
func (c *Corpus) add(m *charlm.Model, paragraphs []string, name string, single bool, seen map[[32]byte]bool) {
	for _, p := range paragraphs {
		sum := sha256.Sum256([]byte(p))
		if seen[sum] {
			continue
		}
		seen[sum] = true
		key := sum
		if !single {
			key = sha256.Sum256([]byte(name))
		}
		to, count := &c.learn, &c.Characters
		if key[0]%heldOutOf == 0 {
			to, count = &c.held, &c.HeldOut
		}
		*to, _ = m.Vocabulary.Append(*to, nil, []rune(p))
		*to = append(*to, charlm.Break)
		*count += len([]rune(strings.Join(strings.Fields(p), "")))
	}
}

func readText(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxTextBytes {
		return nil, fmt.Errorf("%d MB, the limit is %d", info.Size()>>20, MaxTextBytes>>20)
	}
	return os.ReadFile(path)
}

// Paragraphs returns a text's lines that say something. It is UTF-8, or else GB 18030; the error is a text that is neither.
func Paragraphs(content []byte) ([]string, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(content) {
		decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(content)
		if err != nil || bytes.ContainsRune(decoded, utf8.RuneError) {
			return nil, errors.New("neither UTF-8 nor GB 18030")
		}
		content = decoded
	}
	if bytes.IndexByte(content, 0) >= 0 {
		return nil, errors.New("not a text: it holds zero bytes")
	}
	var out []string
	for l := range strings.Lines(string(content)) {
		if l = strings.TrimSpace(l); utf8.RuneCountInString(l) >= 2 {
			out = append(out, l)
		}
	}
	return out, nil
}

// Classes returns the paragraphs as one stream of classes with breaks between them.
func Classes(m *charlm.Model, paragraphs []string) []charlm.Class {
	out := []charlm.Class{charlm.Break}
	for _, p := range paragraphs {
		out, _ = m.Vocabulary.Append(out, nil, []rune(p))
		out = append(out, charlm.Break)
	}
	return out
}
