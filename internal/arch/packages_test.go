package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/conf"
)

const (
	module  = "github.com/courtsense/courtsense"
	root    = "../.."
	gocvTag = "gocv_specific_modules"
)

// pack is a package of this module.
type pack struct {
	Path        string // below the module
	Dir, Name   string
	CgoFiles    int
	Imports     []string // of this module, without test files
	TestImports []string // of this module
	Foreign     []string // of other modules and the standard library, without test files
}

var listed = sync.OnceValues(func() (map[string]pack, error) {
	cmd := exec.Command("go", "list", "-e", "-tags="+gocvTag+",gocv_videoio",
		"-json=ImportPath,Dir,Name,CgoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, errors.Join(err, errors.New(errs.String()))
	}
	all := map[string]pack{}
	for dec := json.NewDecoder(&out); ; {
		var p struct {
			ImportPath, Dir, Name                        string
			CgoFiles, Imports, TestImports, XTestImports []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		here := pack{Path: strings.TrimPrefix(p.ImportPath, module+"/"), Dir: p.Dir, Name: p.Name, CgoFiles: len(p.CgoFiles)}
		for _, i := range p.Imports {
			if own, ok := strings.CutPrefix(i, module+"/"); ok {
				here.Imports = append(here.Imports, own)
			} else {
				here.Foreign = append(here.Foreign, i)
			}
		}
		for _, i := range append(p.TestImports, p.XTestImports...) {
			if own, ok := strings.CutPrefix(i, module+"/"); ok && own != here.Path {
				here.TestImports = append(here.TestImports, own)
			}
		}
		all[here.Path] = here
	}
})

func packages(t *testing.T) map[string]pack {
	t.Helper()
	all, err := listed()
	require.NoError(t, err)
	require.Greater(t, len(all), 10, "go list found the packages")
	return all
}

func TestEveryPackageSaysWhatItDoes(t *testing.T) {
	for _, p := range packages(t) {
		if p.Path == "api/courtsense/v1" {
			continue // generated; the .proto files say what it is
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, "doc.go"), nil, parser.ParseComments|parser.PackageClauseOnly)
		if !assert.NoError(t, err, "%s: every package has a doc.go", p.Path) {
			continue
		}
		start := "Package " + p.Name + " "
		if p.Name == "main" {
			start = "Command "
		}
		text := f.Doc.Text()
		assert.True(t, strings.HasPrefix(text, start), "%s: doc.go's comment starts with %q", p.Path, start)
		assert.Greater(t, len(text), 80, "%s: doc.go says what the package does, what goes in and what comes out", p.Path)
	}
}

func TestNoDrawers(t *testing.T) {
	drawers := []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "lib"}
	for _, p := range packages(t) {
		for part := range strings.SplitSeq(p.Path, "/") {
			assert.False(t, slices.Contains(drawers, part), "%s: a folder is named for what it does", p.Path)
		}
	}
}

// TestOpenCVStaysBehindItsTag holds that the module builds without OpenCV.
func TestOpenCVStaysBehindItsTag(t *testing.T) {
	eachFile(t, func(path string, content []byte) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, content, parser.ImportsOnly|parser.ParseComments)
		require.NoError(t, err)
		uses := slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return strings.HasPrefix(i.Path.Value, `"gocv.io/`) })
		if !uses {
			return
		}
		tagged := false
		for line := range strings.Lines(string(content)) {
			if expr, err := constraint.Parse(strings.TrimSpace(line)); err == nil && constraint.IsGoBuild(line) {
				tagged = !expr.Eval(func(tag string) bool { return tag != gocvTag })
			}
		}
		assert.True(t, tagged, "%s: imports gocv, so it needs //go:build %s", path, gocvTag)
	})
}

func TestNothingIsLeftForLater(t *testing.T) {
	later := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	eachFile(t, func(path string, content []byte) {
		switch filepath.Ext(path) {
		case ".go", ".proto", ".py", ".sh", ".md", ".yaml", ".yml":
			assert.Nil(t, later.Find(content), "%s: do it, or write down the decision not to", path)
		}
	})
}

var configKey = regexp.MustCompile(`[( ]config ([a-z]+(?:\.[a-z_]+)+(?:, [a-z]+(?:\.[a-z_]+)+)*)`)

// TestMessagesNameConfigurationKeysThatExist follows the promise that an error names the key to change.
func TestMessagesNameConfigurationKeysThatExist(t *testing.T) {
	known := map[string]bool{}
	for _, k := range conf.Keys() {
		known[k.Path] = true
	}
	found := 0
	eachFile(t, func(path string, content []byte) {
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, m := range configKey.FindAllSubmatch(content, -1) {
			for key := range strings.SplitSeq(string(m[1]), ", ") {
				found++
				assert.True(t, known[key], "%s: a message names the configuration key %q, which does not exist", path, key)
			}
		}
	})
	assert.Greater(t, found, 10)
}

var markdownLink = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)

func TestDocumentsLinkToFilesThatExist(t *testing.T) {
	eachFile(t, func(path string, content []byte) {
		if filepath.Ext(path) != ".md" {
			return
		}
		for _, m := range markdownLink.FindAllSubmatch(content, -1) {
			if target := string(m[1]); !strings.Contains(target, ":") {
				_, err := os.Stat(filepath.Join(filepath.Dir(path), target))
				assert.NoError(t, err, "%s links to %s", path, target)
			}
		}
	})
}

// eachFile visits the repository's files, without what is built, downloaded or generated.
func eachFile(t *testing.T, f func(path string, content []byte)) {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skip("not a git checkout")
	}
	for name := range strings.Lines(string(out)) {
		path := filepath.Join(root, strings.TrimSpace(name))
		if strings.HasSuffix(path, ".pb.go") || strings.HasSuffix(path, ".pb.gw.go") {
			continue
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 {
			continue // deleted in the working tree, a link, or data
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		f(path, content)
	}
}
