package eval

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Problem is something that could not be measured, and why.
type Problem struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// pageTypes are the extensions of files that are taken for pages; what they hold is told by content.
var pageTypes = []string{".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".pdf"}

// sample is a file with its truth.
type sample struct {
	name  string // without extension
	file  string // within the folder
	truth [][]string
	page  *pageTruth // what more is known of a page; nil where nothing is
}

// documents finds the pages of a folder and the text that belongs to each. Those without a text are problems, not
// samples; a folder without any sample is an error.
func documents(dir string) (samples []sample, unscored []Problem, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if f.IsDir() || !slices.Contains(pageTypes, strings.ToLower(filepath.Ext(f.Name()))) {
			continue
		}
		name := strings.TrimSuffix(f.Name(), filepath.Ext(f.Name()))
		text, err := os.ReadFile(filepath.Join(dir, name+".txt"))
		var page *pageTruth
		if err == nil {
			page, err = pageTruthOf(dir, name)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			unscored = append(unscored, Problem{f.Name(), fmt.Sprintf("there is no %s.txt with its lines", name)})
		case err != nil:
			unscored = append(unscored, Problem{f.Name(), err.Error()})
		default:
			samples = append(samples, sample{name, f.Name(), splitPages(string(text)), page})
		}
	}
	if len(samples) == 0 {
		return nil, nil, fmt.Errorf("%s holds no page with its text: want NAME.txt beside NAME.jpg (%s)", dir, strings.Join(pageTypes, ", "))
	}
	return samples, unscored, nil
}

// splitPages returns the lines of each page of a text; pages are parted by form feeds, as pdftotext does.
func splitPages(text string) [][]string {
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.TrimSuffix(text, "\f")
	var pages [][]string
	for page := range strings.SplitSeq(text, "\f") {
		var lines []string
		for line := range strings.Lines(page) {
			if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
				lines = append(lines, line)
			}
		}
		pages = append(pages, lines)
	}
	return pages
}

// spread returns n of all, evenly over the whole list; all of them when n is 0 or enough.
func spread[T any](all []T, n int) []T {
	if n <= 0 || n >= len(all) {
		return all
	}
	out := make([]T, n)
	for i := range out {
		out[i] = all[i*len(all)/n]
	}
	return out
}
