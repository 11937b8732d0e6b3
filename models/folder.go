package models

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// What a folder with a streaming recogniser holds, as sherpa-onnx publishes them.
const (
	tokensName   = "tokens.txt"
	streamingKey = "decode_chunk_len" // in the metadata of every streaming network
	metadataTail = 64 << 10           // bytes at the end of a file that its metadata lie in
)

var notInID = regexp.MustCompile(`[^a-z0-9]+`)

// folders makes entries for the folders with a speech recogniser that were put into the store as they were downloaded:
// directly, or one level down. Folders that the catalogue has files in are left to it.
func (s *Store) folders() []Entry {
	var found []Entry
	taken := map[string]bool{}
	for _, e := range s.catalog.Models {
		taken[e.ID] = true
	}
	for _, dir := range s.subfolders() {
		if s.catalog.hasFilesIn(dir) {
			continue
		}
		e, ok, err := s.folder(dir)
		if err != nil {
			s.log.Warn("folder in the model store passed over", "folder", filepath.Join(s.dir, dir), "error", err)
			continue
		}
		for base, n := e.ID, 2; ok && taken[e.ID]; n++ {
			e.ID = fmt.Sprintf("%.*s-%d", maxName-4, base, n)
		}
		if ok {
			taken[e.ID] = true
			found = append(found, e)
		}
	}
	return found
}

// subfolders lists the store's folders down to the second level, with slashes.
func (s *Store) subfolders() []string {
	var out []string
	var walk func(dir string, depth int)
	walk = func(dir string, depth int) {
		children, err := os.ReadDir(filepath.Join(s.dir, filepath.FromSlash(dir)))
		if err != nil {
			return // what can't be read can't be used
		}
		for _, c := range children {
			name := path.Join(dir, c.Name())
			info, err := os.Stat(filepath.Join(s.dir, filepath.FromSlash(name))) // a link to a folder is one
			if err != nil || !info.IsDir() || strings.HasPrefix(c.Name(), ".") {
				continue
			}
			out = append(out, name)
			if depth < 2 {
				walk(name, depth+1)
			}
		}
	}
	walk("", 1)
	return out
}

func (c *Catalog) hasFilesIn(dir string) bool {
	for _, e := range c.Models {
		for _, f := range e.Files {
			if path.Dir(f.Path) == dir {
				return true
			}
		}
	}
	return false
}

// folder makes the entry of a folder that looks like a recogniser's; ok is false where it doesn't. A file that is missing
// has an entry all the same, so that whoever asks for the model is told its name.
func (s *Store) folder(dir string) (e Entry, ok bool, err error) {
	at := filepath.Join(s.dir, filepath.FromSlash(dir))
	names, err := filepath.Glob(filepath.Join(at, "*.onnx"))
	if err != nil || len(names) == 0 {
		return Entry{}, false, err
	}
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	_, statErr := os.Stat(filepath.Join(at, tokensName))
	hasTokens := statErr == nil
	roles := []string{RoleEncoder, RoleDecoder, RoleJoiner}
	parts := chooseParts(names, roles)
	var main string
	switch {
	case len(parts) > 1 || len(parts) == 1 && hasTokens:
		e.Family = FamilyTransducerStream
		for _, role := range roles {
			name := parts[role]
			if name == "" {
				name = role + ".onnx"
			}
			e.Files = append(e.Files, File{Role: role, Path: path.Join(dir, name)})
		}
		main = parts[RoleEncoder]
	default:
		e.Family = FamilyCTCStream
		main = chooseParts(names, []string{""})[""]
		e.Files = []File{{Role: RoleModel, Path: path.Join(dir, main)}}
	}
	if main != "" {
		streaming, err := tailContains(filepath.Join(at, main), streamingKey)
		if err != nil {
			return Entry{}, false, err
		}
		if !streaming && !hasTokens {
			return Entry{}, false, nil // some other model
		}
		if !streaming {
			return Entry{}, false, fmt.Errorf("%s has no %s in its metadata, so it is not made for streaming", main, streamingKey)
		}
	}
	e.Files = append(e.Files, File{Role: RoleTokens, Path: path.Join(dir, tokensName)})
	unknown := false
	v := &validation{}
	for i := range e.Files {
		e.Files[i].Verified = &unknown
		v.path(0, dir, "path", e.Files[i].Path)
	}
	if err := v.err(); err != nil {
		return Entry{}, false, err
	}
	e.ID = strings.Trim(notInID.ReplaceAllString(strings.ToLower(path.Base(dir)), "-"), "-")
	if e.ID = strings.TrimRight(e.ID[:min(len(e.ID), maxName)], "-"); e.ID == "" {
		return Entry{}, false, fmt.Errorf("no model id can be made of the name %q: use letters and digits", path.Base(dir))
	}
	e.Version, e.Title, e.Task = "local", "Folder "+dir+" of the model store", TaskSpeechRecognition
	e.License = "not known here: as the folder's publisher says"
	e.TrainingData = "not known here"
	return e, true, nil
}

// chooseParts picks a file for each role among names that begin with it. Where a folder holds several exports, those with
// the most parts of one kind are taken, then the first by name; of a part that there is with 8-bit weights too, that one,
// except of the decoder, which is small.
func chooseParts(names, roles []string) map[string]string {
	kinds := map[string]map[string]string{} // what follows the role, without .int8 -> role -> name
	for _, name := range names {
		for _, role := range roles {
			rest, ok := strings.CutPrefix(name, role)
			if !ok {
				continue
			}
			kind := strings.Replace(strings.TrimSuffix(rest, ".onnx"), ".int8", "", 1)
			if kinds[kind] == nil {
				kinds[kind] = map[string]string{}
			}
			quantised := strings.Contains(name, ".int8")
			if old := kinds[kind][role]; old == "" || quantised != (role == RoleDecoder) {
				kinds[kind][role] = name
			}
		}
	}
	best, all := "", make([]string, 0, len(kinds))
	for kind := range kinds {
		all = append(all, kind)
	}
	slices.Sort(all)
	for _, kind := range all {
		if len(kinds[kind]) > len(kinds[best]) {
			best = kind
		}
	}
	parts := kinds[best]
	for _, role := range roles {
		for _, kind := range all {
			if name := kinds[kind][role]; parts[role] == "" && name != "" {
				parts[role] = name // the only one there is, if called after another pattern
			}
		}
	}
	return parts
}

func tailContains(file, text string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	tail, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-metadataTail), metadataTail))
	return bytes.Contains(tail, []byte(text)), err
}
