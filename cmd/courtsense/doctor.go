package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/version"
	"github.com/courtsense/courtsense/models"
)

// Verdicts of the doctor's checks.
const (
	verdictOK      = "ok"
	verdictWarning = "warning" // works, but not all of it
	verdictMissing = "missing" // something essential does not work
	verdictUnused  = "unused"  // absent, and nothing needs it
)

// finding is what the doctor found out about one thing; docs/cli.md describes its JSON form.
type finding struct {
	Group   string `json:"group"`
	Name    string `json:"name"`
	Verdict string `json:"verdict"`
	Detail  string `json:"detail"`
	Fix     string `json:"fix,omitempty"`
}

// examination collects findings.
type examination struct {
	group    string
	findings []finding
	tell     func(format string, args ...any)
}

func (x *examination) ok(name, format string, args ...any) {
	x.findings = append(x.findings, finding{x.group, name, verdictOK, fmt.Sprintf(format, args...), ""})
}

func (x *examination) warn(name, fix, format string, args ...any) {
	x.findings = append(x.findings, finding{x.group, name, verdictWarning, fmt.Sprintf(format, args...), fix})
}

func (x *examination) unused(name, format string, args ...any) {
	x.findings = append(x.findings, finding{x.group, name, verdictUnused, fmt.Sprintf(format, args...), ""})
}

func (x *examination) missing(name, fix, format string, args ...any) {
	x.findings = append(x.findings, finding{x.group, name, verdictMissing, fmt.Sprintf(format, args...), fix})
}

func newDoctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is installed, what is missing, and what to do about it",
		Long: `Looks at this machine, its libraries, execution providers, models, ports and the configuration, and says for each thing
that is missing what to do about it. It changes nothing. Exits with 1 only when something essential is missing.`,
		Example: `  courtsense doctor
  courtsense doctor --config /etc/courtsense.yaml --json`,
		Args: cobra.NoArgs,
	}
	flags := addConfigFlags(cmd, "config", "set", "models", "device", "grpc-address", "http-address")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c := newConsole(cmd)
		list, byTask := examine(cmd.Context(), c, flags)
		c.erase()
		essential := 0
		for _, f := range list {
			if f.Verdict == verdictMissing {
				essential++
			}
		}
		if asJSON {
			if err := writeJSON(c.out, map[string]any{"version": version.String(), "ok": essential == 0, "findings": list, "models": byTask}); err != nil {
				return err
			}
		} else {
			printFindings(c.out, list)
			printVerdict(c.out, list, essential)
		}
		if essential > 0 {
			return errReported
		}
		return nil
	}
	return cmd
}

// examine looks at everything, in the order in which things depend on each other.
func examine(ctx context.Context, c *console, flags *conf.Flags) ([]finding, []modelJSON) {
	x := &examination{tell: c.status}
	x.machine()
	config := x.configuration(flags)
	x.libraries(ctx, c, config)
	byTask := x.models(c, config)
	x.ports(ctx, config)
	return x.findings, byTask
}

// configuration falls back to the defaults when it is broken, so that the rest can be looked at all the same.
func (x *examination) configuration(flags *conf.Flags) conf.Config {
	x.group = "configuration"
	loaded, err := loadConfig(flags)
	if err != nil {
		x.missing("configuration", "correct it as docs/configuration.md says", "%s", oneLine(err))
		return conf.Default()
	}
	from := "defaults, environment and flags"
	if loaded.File != "" {
		from = loaded.File + ", environment and flags"
	}
	x.ok("configuration", "%s", from)
	for _, w := range loaded.Warnings {
		problem, fix, _ := strings.Cut(w, ": ")
		x.warn("configuration", fix, "%s", problem)
	}
	return loaded.Config
}

// models says which model does what, and whether the served methods have theirs.
func (x *examination) models(c *console, config conf.Config) []modelJSON {
	x.group = "models"
	x.tell("reading the models ...")
	s, err := models.Open(nil, config.Models.Dir, models.WithLogger(c.logger()))
	if err != nil {
		x.missing("store", "correct the catalogue in the store, or name another store with --models", "%s", oneLine(err))
		return nil
	}
	x.ok("store", "%s%s", s.Dir(), absentFolder(s.Dir()))
	list := s.List()
	out := make([]modelJSON, 0, len(list))
	for _, st := range list {
		m := modelAsJSON(st)
		m.Files = nil
		out = append(out, m)
		if st.Err != nil {
			x.warn(st.Entry.ID, "'courtsense models pull "+st.Entry.ID+"' brings it again", "%s", oneLine(st.Err))
		}
	}
	for _, task := range models.Tasks() {
		x.task(task, list)
	}
	x.reading(config, list)
	return out
}

// reading says which engine reads documents, and why.
func (x *examination) reading(config conf.Config, list []models.Status) {
	const name = "reading documents"
	has := func(task string) bool {
		return slices.ContainsFunc(list, func(st models.Status) bool { return st.Entry.Task == task && st.Active })
	}
	byModels, bySystem := has(models.TaskTextDetection) && has(models.TaskTextRecognition), has(models.TaskOCRSystem)
	engine := config.OCR.Engine
	switch {
	case !byModels && !bySystem:
		x.missing(name, "'courtsense models pull' brings models, make deps brings Tesseract", "neither models nor Tesseract: pages are not read")
	case engine == app.EngineTesseract && bySystem:
		x.ok(name, "by Tesseract, since ocr.engine is %s", engine)
	case engine == app.EngineAuto && byModels:
		x.ok(name, "by the models (ocr.engine is %s, and they are here)", engine)
	case engine == app.EngineAuto:
		x.warn(name, "'courtsense models pull' (without internet: --mirror DIR)", "by Tesseract, since there is no model for %s: slower, and no page is turned, cleaned or corrected",
			strings.Join(lacking(has, models.TaskTextDetection, models.TaskTextRecognition), " and for "))
	case (engine == app.EngineONNX || bySystem) && byModels:
		x.ok(name, "by engine %s, as ocr.engine says", engine)
	default:
		x.missing(name, "bring what is missing, or set ocr.engine to auto", "ocr.engine is %s, and there is no %s", engine,
			strings.Join(lacking(has, models.TaskTextDetection, models.TaskTextRecognition, models.TaskOCRSystem), ", "))
	}
}

func lacking(has func(task string) bool, tasks ...string) []string {
	return slices.DeleteFunc(tasks, has)
}

// served are the tasks that served methods use, and what is lost without a model.
var served = map[string]string{
	models.TaskFaceDetection:   "faces are not found",
	models.TaskTextDetection:   "pages are read by Tesseract only",
	models.TaskTextRecognition: "pages are read by Tesseract only",
	models.TaskTextOrientation: "pages are taken to be upright",
	models.TaskTextCorrection:  "doubtful characters are not corrected",
	models.TaskVoiceActivity:   "speech is told by its loudness only",
	models.TaskOCRSystem:       "there is no second opinion on pages",
}

func (x *examination) task(task string, list []models.Status) {
	var active []string
	for _, st := range list {
		if st.Entry.Task == task && st.Active {
			active = append(active, fmt.Sprintf("%s (%s)", st.Entry.ID, st.Source))
		}
	}
	lack, essential := served[task]
	switch {
	case len(active) > 0:
		x.ok(task, "%s", strings.Join(active, ", "))
	case task == models.TaskOCRSystem:
		x.warn(task, "install tesseract-ocr-chi-sim and tesseract-ocr-eng (on Debian and Ubuntu: make deps)", "no model: %s", lack)
	case essential && task != models.TaskFaceDetection:
		x.warn(task, "'courtsense models pull' (without internet: --mirror DIR)", "no model: %s", lack)
	case essential:
		x.missing(task, "'courtsense models pull' (without internet: --mirror DIR)", "no model: %s", lack)
	default:
		x.unused(task, "no model, and no served method needs one")
	}
}

func printFindings(w io.Writer, list []finding) {
	group := ""
	marks := map[string]string{verdictOK: "ok", verdictWarning: "!!", verdictMissing: "XX", verdictUnused: "--"}
	for _, f := range list {
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(w, "%s\n", group)
		}
		fmt.Fprintf(w, "  %s  %-20s %s\n", marks[f.Verdict], f.Name, f.Detail)
		if f.Fix != "" {
			fmt.Fprintf(w, "      %-20s -> %s\n", "", f.Fix)
		}
	}
}

func printVerdict(w io.Writer, list []finding, essential int) {
	warnings := 0
	for _, f := range list {
		if f.Verdict == verdictWarning {
			warnings++
		}
	}
	switch {
	case essential > 0:
		fmt.Fprintf(w, "\nNot ready: %d essential, %d other remarks. What to do stands behind each arrow.\n", essential, warnings)
	case warnings > 0:
		fmt.Fprintf(w, "\nReady, with %d remarks.\n", warnings)
	default:
		fmt.Fprintln(w, "\nReady.")
	}
}
