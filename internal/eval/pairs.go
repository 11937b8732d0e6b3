package eval

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// PairsFile is the file in a folder of faces that says which pictures to compare.
const PairsFile = "pairs.csv"

// Pair names two pictures of the folder.
type Pair struct {
	Left, Right string
	Same        bool // one person on both
	line        int  // in the file
}

// ParsePairs reads lines of left,right,same, where same is 1 or 0 (or true or false). A first line "left,right,same" is
// skipped, and so is a byte order mark. Errors name the line.
func ParsePairs(r io.Reader) ([]Pair, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1
	in.TrimLeadingSpace = true
	var out []Pair
	for first := true; ; first = false {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", PairsFile, err) // names line and column itself
		}
		line, _ := in.FieldPos(0)
		for i := range record {
			record[i] = strings.TrimSpace(record[i])
		}
		if first {
			record[0] = strings.TrimPrefix(record[0], "\ufeff")
			if len(record) == 3 && strings.EqualFold(record[0], "left") && strings.EqualFold(record[2], "same") {
				continue
			}
		}
		p, err := parsePair(record)
		if err != nil {
			return nil, fmt.Errorf("%s line %d: %w", PairsFile, line, err)
		}
		p.line = line
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s names no pair", PairsFile)
	}
	return out, nil
}

func parsePair(record []string) (Pair, error) {
	if len(record) != 3 {
		return Pair{}, fmt.Errorf("%d fields, want 3: left,right,same", len(record))
	}
	p := Pair{Left: record[0], Right: record[1]}
	for _, name := range record[:2] {
		if name == "" || !filepath.IsLocal(filepath.FromSlash(name)) {
			return Pair{}, fmt.Errorf("%q is not the name of a picture in the folder", name)
		}
	}
	switch strings.ToLower(record[2]) {
	case "1", "true":
		p.Same = true
	case "0", "false":
	default:
		return Pair{}, fmt.Errorf("same is %q, want 1 or 0", record[2])
	}
	return p, nil
}

// loadPairs reads a folder's list, and checks that its pictures are there before hours are spent on the rest.
func loadPairs(dir string) ([]Pair, error) {
	f, err := os.Open(filepath.Join(dir, PairsFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pairs, err := ParsePairs(f)
	if err != nil {
		return nil, err
	}
	checked := map[string]bool{}
	var missing []string
	for _, p := range pairs {
		for _, name := range []string{p.Left, p.Right} {
			if checked[name] {
				continue
			}
			checked[name] = true
			if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil || info.IsDir() {
				missing = append(missing, fmt.Sprintf("%s (line %d)", name, p.line))
			}
		}
	}
	if n := len(missing); n > 0 {
		more := ""
		if n > 5 {
			missing, more = missing[:5], fmt.Sprintf(" and %d more", n-5)
		}
		return nil, fmt.Errorf("%s names pictures that are not in %s: %s%s", PairsFile, dir, strings.Join(missing, ", "), more)
	}
	return pairs, nil
}
