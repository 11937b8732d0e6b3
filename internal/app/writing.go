package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/speech/number"
	"github.com/courtsense/courtsense/speech/statute"
)

// StatutesFile is where the statute index is when the configuration names none.
func StatutesFile() (string, error) {
	beside, err := models.DefaultDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(beside), "statutes.idx"), nil
}

// writing loads what makes written text of what was said. Without a punctuator or an index texts are written without.
func (a *App) writing(ctx context.Context) (out service.WritingConfig, err error) {
	c := a.cfg.Speech.Writing
	if amounts, ok := number.ParseAmounts(c.Amounts); ok {
		out.Numbers.Amounts = amounts
	}
	if c.Punctuation == none {
		out.Missing = errors.New("speech.writing.punctuation is none")
	} else if out.Punctuation, out.Missing, err = a.activate(ctx, models.TaskPunctuation, "", c.Punctuation, "speech.writing.punctuation"); err != nil {
		return out, err
	}
	if c.Statutes == none {
		out.NoStatutes = errors.New("speech.writing.statutes is none")
		return out, nil
	}
	file := c.Statutes
	if file == "" {
		if file, out.NoStatutes = StatutesFile(); out.NoStatutes != nil {
			return out, nil //nolint:nilerr // the service goes on without statutes, and says why
		}
	}
	x, err := statute.Open(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.Statutes == "":
		out.NoStatutes = fmt.Errorf("%s is not there", file)
		return out, nil
	case err != nil && c.Statutes == "":
		a.note("provisions are not looked up: %v", err)
		out.NoStatutes = err
		return out, nil
	case err != nil:
		return out, fmt.Errorf("speech.writing.statutes: %w", err)
	}
	a.statutes = x
	sum, err := fileDigest(file)
	if err != nil {
		return out, fmt.Errorf("speech.writing.statutes: %w", err)
	}
	out.Statutes = x
	out.StatutesUse = &pb.ModelUse{
		Name: "models/statute-index", Version: strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), Sha256: sum, Device: "cpu",
		Source: pb.ModelSource_MODEL_SOURCE_DISK, Task: "statutes",
	}
	return out, nil
}
