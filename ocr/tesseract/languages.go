package tesseract

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/otiai10/gosseract/v2"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Installation is what was found of Tesseract on this machine.
type Installation struct {
	Version   string   // of the library
	DataDir   string   // where the language files lie, "" when none were found
	Languages []string // installed, by Tesseract's names, sorted
	Searched  []string // the folders that were looked at, in order
}

// Installed looks for language files (*.traineddata) in dir when it is given, else in $TESSDATA_PREFIX and the folders of
// Debian, Ubuntu, Fedora and a local build. The first folder that holds any is taken.
func Installed(dir string) Installation {
	in := Installation{Version: gosseract.Version()}
	for _, d := range searchPath(dir) {
		in.Searched = append(in.Searched, d)
		files, _ := filepath.Glob(filepath.Join(d, "*.traineddata"))
		for _, f := range files {
			if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
				in.Languages = append(in.Languages, strings.TrimSuffix(filepath.Base(f), ".traineddata"))
			}
		}
		if len(in.Languages) > 0 {
			in.DataDir = d
			slices.Sort(in.Languages)
			return in
		}
	}
	return in
}

// SHA256 returns the hash of a language's file, as hex: for provenance, since distributions change these files without
// changing their names.
func (in Installation) SHA256(language string) (string, error) {
	f, err := os.Open(filepath.Join(in.DataDir, language+".traineddata"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func searchPath(dir string) []string {
	if dir != "" {
		return []string{dir}
	}
	var dirs []string
	if prefix := os.Getenv("TESSDATA_PREFIX"); prefix != "" {
		dirs = append(dirs, prefix, filepath.Join(prefix, "tessdata"))
	}
	return append(dirs,
		"/usr/share/tesseract-ocr/5/tessdata",
		"/usr/share/tesseract-ocr/4.00/tessdata",
		"/usr/share/tesseract/tessdata",
		"/usr/share/tessdata",
		"/usr/local/share/tessdata")
}

// byTag maps BCP 47 tags, in lower case, to Tesseract's names.
var byTag = map[string]string{
	"zh": "chi_sim", "zh-cn": "chi_sim", "zh-hans": "chi_sim", "zh-hans-cn": "chi_sim", "zh-sg": "chi_sim",
	"zh-tw": "chi_tra", "zh-hk": "chi_tra", "zh-hant": "chi_tra", "zh-hant-tw": "chi_tra",
	"en": "eng", "en-us": "eng", "en-gb": "eng", "de": "deu", "fr": "fra", "es": "spa", "ru": "rus", "ja": "jpn", "ko": "kor",
}

// A name reaches the file system, so it may not hold anything but letters and single underscores.
var languageName = regexp.MustCompile(`^[A-Za-z]{3,}(_[A-Za-z]+)*$`)

// maxLanguages bounds how many languages one page is read with; each costs a whole pass.
const maxLanguages = 4

// defaults is one language only. chi_sim knows Latin letters and digits too: on the Chinese samples, eng beside it doubles
// the time and worsens the error rate (complaint-zh.png, resolution unknown: 0.94 to 2.34 %);
// on the English one it improves it (0.59 to 0 %).
func (in Installation) defaults() []string {
	for _, l := range []string{"chi_sim", "eng"} {
		if slices.Contains(in.Languages, l) {
			return []string{l}
		}
	}
	return in.Languages[:1]
}

// resolve turns tags or names into installed names, without repeats, and refuses what is not installed.
func (in Installation) resolve(languages []string) ([]string, error) {
	if len(languages) > maxLanguages {
		return nil, &refusal.Error{Reason: refusal.InvalidValue, Field: "languages", Limit: maxLanguages, Got: int64(len(languages)),
			Msg: fmt.Sprintf("%d languages asked for; a page is read with at most %d", len(languages), maxLanguages)}
	}
	var names []string
	for _, l := range languages {
		name, ok := byTag[strings.ToLower(l)]
		if !ok {
			name = l
		}
		if !languageName.MatchString(name) || !slices.Contains(in.Languages, name) {
			return nil, &refusal.Error{Reason: refusal.InvalidValue, Field: "languages",
				Msg: fmt.Sprintf("language %.40q is not installed for Tesseract; installed: %s (on Debian: apt-get install tesseract-ocr-LANGUAGE)",
					l, strings.Join(in.Languages, ", "))}
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}
