package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// maxFileBytes is more than any server accepts in one message, and keeps a slip of the hand from filling the memory.
const maxFileBytes = 2 << 30

// Files that are taken when a folder is named; the content decides what they are.
var (
	pictureSuffixes  = []string{".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"}
	documentSuffixes = append([]string{".pdf"}, pictureSuffixes...)
	soundSuffixes    = []string{".wav", ".flac", ".mp3", ".ogg", ".opus", ".oga"}
)

// input is a file that was named, or found in a folder that was named.
type input struct {
	path string // as it is opened and reported; "-" is standard input
	name string // relative path without suffix under which its results are written
	err  error  // why it can't be read at all
}

// findInputs takes files as they are and looks into folders. What can't be found stays in its place, with the error.
func findInputs(args, suffixes []string) []input {
	var inputs []input
	for _, arg := range args {
		if arg == "-" {
			inputs = append(inputs, input{path: "-", name: "stdin"})
			continue
		}
		info, err := os.Stat(arg)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			inputs = append(inputs, input{path: arg, name: filepath.Base(arg), err: errors.New("there is no such file")})
		case err != nil:
			inputs = append(inputs, input{path: arg, name: filepath.Base(arg), err: reasonOf(err)})
		case info.IsDir():
			found, err := inFolder(arg, suffixes)
			inputs = append(inputs, found...)
			if err != nil {
				inputs = append(inputs, input{path: arg, name: filepath.Base(arg), err: err})
			}
		default:
			inputs = append(inputs, input{path: arg, name: filepath.Base(arg)})
		}
	}
	nameResults(inputs)
	return inputs
}

func inFolder(dir string, suffixes []string) ([]input, error) {
	var found []input
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if slices.Contains(suffixes, strings.ToLower(filepath.Ext(path))) {
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			found = append(found, input{path: path, name: name})
		}
		return nil
	})
	if err == nil && len(found) == 0 {
		err = errors.New("the folder holds no " + strings.Join(suffixes, ", ") + " file")
	}
	return found, reasonOf(err)
}

// nameResults cuts the suffix off where the rest is unique, so that a.png becomes a.txt, but a.png and a.jpg become
// a.png.txt and a.jpg.txt, and files of one name from several folders get numbers.
func nameResults(inputs []input) {
	stem := func(name string) string {
		if s := strings.TrimSuffix(name, filepath.Ext(name)); filepath.Base(name) != filepath.Ext(name) {
			return s
		}
		return name // a hidden file has no suffix
	}
	count := map[string]int{}
	for _, in := range inputs {
		count[stem(in.name)]++
	}
	used := map[string]bool{}
	for i, in := range inputs {
		name := stem(in.name)
		if count[name] > 1 {
			name = in.name
		}
		unique := name
		for n := 2; used[unique]; n++ {
			unique = fmt.Sprintf("%s-%d", name, n)
		}
		used[unique] = true
		inputs[i].name = unique
	}
}

// read returns a file's bytes, unless ctx has ended.
func (in input) read(ctx context.Context, stdin io.Reader) ([]byte, error) {
	if err := errors.Join(in.err, ctx.Err()); err != nil {
		return nil, err
	}
	if in.path == "-" {
		b, err := io.ReadAll(io.LimitReader(stdin, maxFileBytes+1))
		if err == nil && len(b) > maxFileBytes {
			err = errTooLarge
		}
		return b, err
	}
	info, err := os.Stat(in.path)
	switch {
	case err != nil:
		return nil, reasonOf(err)
	case !info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0:
		return nil, errors.New("is not a file")
	case info.Size() > maxFileBytes:
		return nil, errTooLarge
	}
	b, err := os.ReadFile(in.path)
	return b, reasonOf(err)
}

var errTooLarge = fmt.Errorf("is larger than %s, which no server accepts in one piece: split it", humanBytes(maxFileBytes))

// reasonOf strips the path from a file system error, which is printed before it anyway.
func reasonOf(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// inOrder runs work for 0 to n-1, jobs at a time, and hands the results to done one by one in that order. It starts no
// more than a few items ahead of the one that done waits for.
func inOrder[T any](ctx context.Context, n, jobs int, work func(ctx context.Context, i int) T, done func(i int, result T)) {
	results := make([]chan T, n)
	for i := range results {
		results[i] = make(chan T, 1)
	}
	ahead := make(chan struct{}, cmp.Or(4*jobs, 1))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(jobs, n) {
		workers.Go(func() {
			for i := range next {
				results[i] <- work(ctx, i)
			}
		})
	}
	workers.Go(func() {
		defer close(next)
		for i := range n {
			ahead <- struct{}{}
			next <- i
		}
	})
	for i := range results {
		done(i, <-results[i])
		<-ahead
	}
	workers.Wait()
}

// writeFile puts a result into place in one step, folders included: a reader never sees half of it.
func writeFile(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("can't make the folder: %w", err)
	}
	f, err := os.CreateTemp(dir, ".courtsense-*")
	if err != nil {
		return fmt.Errorf("can't write %s: %w", path, reasonOf(err))
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("can't write %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
