package statute

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Report says what an import did.
type Report struct {
	Files, Laws, Articles int
	// Versions counts laws that are there in more than one version.
	Versions int
	// Duplicates counts files of a law and version that was there already.
	Duplicates int
	// Problems say what was left out or looks wrong, in the order of the files.
	Problems []Problem
}

// source is a file that was read.
type source struct {
	document
	path string
}

// Import reads all Markdown files (*.md) below the root of a file system, in the order of their names. A law may stand in several files: those
// whose title is a part (第三编 合同) belong to the law that README.md of their folder names, and one that says no day of adoption to the latest
// version of its law that does. What can't be used is reported with file and line, and the rest is imported. The error is that of reading
// the file system or the context.
func Import(ctx context.Context, fsys fs.FS) ([]Law, Report, error) {
	var report Report
	sources, err := sourcesOf(ctx, fsys, &report)
	if err != nil {
		return nil, report, err
	}
	latest := map[string]string{} // a law's name -> its latest version
	for _, s := range sources {
		latest[name(s.title)] = max(latest[name(s.title)], s.version)
	}
	var laws []Law
	at, taken := map[string]int{}, map[string]bool{} // by title and version; by these and the article
	for _, s := range sources {
		if s.version == "" {
			if s.version = latest[name(s.title)]; s.version == "" {
				report.add(s.path, 0, "says no day of adoption, so its version is unknown")
			}
		}
		key := name(s.title) + "\x00" + s.version
		i, known := at[key]
		if !known {
			i = len(laws)
			at[key] = i
			laws = append(laws, Law{Title: s.title, Version: s.version, Source: s.path})
		}
		law, added := &laws[i], 0
		law.Effective = max(law.Effective, s.effective)
		for _, a := range s.articles {
			if id := key + "\x00" + a.Number; !taken[id] {
				taken[id] = true
				law.Articles = append(law.Articles, a.Article)
				added++
			}
		}
		if left := len(s.articles) - added; left > 0 {
			report.add(s.path, s.articles[0].line, "%d of %d articles of %s (%s) were imported from %s already, and are left out",
				left, len(s.articles), s.title, s.version, path.Dir(law.Source)+"/")
			if added == 0 {
				report.Duplicates++
			}
		}
	}
	versions := map[string]int{}
	for i := range laws {
		// An old law keeps its old day of effect in its text when it is amended.
		laws[i].Effective = max(laws[i].Effective, laws[i].Version)
		report.Articles += len(laws[i].Articles)
		if versions[name(laws[i].Title)]++; versions[name(laws[i].Title)] == 2 {
			report.Versions++
		}
	}
	report.Laws = len(laws)
	return laws, report, nil
}

func (r *Report) add(path string, line int, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{path, line, fmt.Sprintf(format, args...)})
}

func sourcesOf(ctx context.Context, fsys fs.FS, report *Report) ([]source, error) {
	var sources []source
	covers := map[string]document{} // folder -> its README.md
	err := fs.WalkDir(fsys, ".", func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrPermission) && file != "." {
				report.add(file, 0, "may not be read")
				return nil
			}
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		base := path.Base(file)
		if e.IsDir() || !strings.EqualFold(path.Ext(base), ".md") || strings.HasPrefix(base, "_") || strings.HasPrefix(base, ".") {
			return nil
		}
		b, err := read(fsys, file)
		if err != nil {
			report.add(file, 0, "%v", err)
			return nil
		}
		report.Files++
		d, problems := parse(file, b)
		report.Problems = append(report.Problems, problems...)
		folder, stem := path.Dir(file), strings.TrimSuffix(base, path.Ext(base))
		if m := datedStem.FindStringSubmatch(stem); m != nil {
			d.version = max(d.version, m[1])
		}
		if len(d.articles) == 0 {
			// A README names the law of its folder, or explains the collection.
			if !strings.HasPrefix(strings.ToUpper(stem), "README") {
				report.add(file, 0, "has no articles, and is left out")
			}
			return nil
		}
		if d.title == "" {
			cover, ok := covers[folder]
			if !ok {
				cover = coverOf(fsys, folder)
				covers[folder] = cover
			}
			d.title, d.version, d.effective = cover.title, max(d.version, cover.version), max(d.effective, cover.effective)
		}
		if d.title == "" {
			report.add(file, 1, "has no title (a line \"# TITLE\"), and is left out")
			return nil
		}
		sources = append(sources, source{d, file})
		return nil
	})
	return sources, err
}

// coverOf reads the README.md of a folder, which names the law whose parts stand beside it.
func coverOf(fsys fs.FS, folder string) document {
	b, err := read(fsys, path.Join(folder, "README.md"))
	if err != nil {
		return document{}
	}
	d, _ := parse("", b)
	return d
}

func read(fsys fs.FS, file string) ([]byte, error) {
	f, err := fsys.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("more than %d bytes, the limit of a file", maxFile)
	}
	return b, nil
}
