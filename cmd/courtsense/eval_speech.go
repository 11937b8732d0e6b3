package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
)

// speechApp is what the configuration hears with, in this process.
func speechApp(ctx context.Context, c *console, cfg conf.Config) (*app.App, error) {
	a, err := app.New(ctx, cfg, app.Options{Logger: c.logger(), Parts: app.Speech, Progress: func(step string) { c.status("%s ...", step) }})
	c.erase()
	return a, err
}

// onSpeech runs a measurement of what the whole speech service makes of recordings, and prints its report. The measurement gets the service and
// the setting that belongs into the report.
func (f *evalFlags) onSpeech(cmd *cobra.Command, measure func(ctx context.Context, a *app.App, run eval.Run, s eval.Setting) (evalReport, error)) error {
	if err := f.check(); err != nil {
		return err
	}
	loaded, err := loadConfig(f.config)
	if err != nil {
		return err
	}
	ctx, c := cmd.Context(), newConsole(cmd)
	return f.run(c, "listening", func(run eval.Run) (err error) {
		a, err := speechApp(ctx, c, loaded.Config)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, a.Close()) }()
		uses, err := a.Speech().Uses("")
		if err != nil {
			return err
		}
		s := setting()
		s.Models = evalModels(uses)
		r, err := measure(ctx, a, run, s)
		if err != nil {
			return err
		}
		return f.print(c, r)
	})
}
