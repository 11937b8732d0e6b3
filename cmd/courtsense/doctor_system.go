package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/cpu"

	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/version"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/ocr/tesseract"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/speech/microphone"
)

const runDeps = "on Debian and Ubuntu run 'make deps' in the source folder"

func (x *examination) machine() {
	x.group = "machine"
	x.ok("courtsense", "%s, built with %s", version.String(), runtime.Version())
	x.ok("system", "%s, %s/%s", systemName(), runtime.GOOS, runtime.GOARCH)
	x.ok("processor", "%s, %d threads usable, %s", processorName(), runtime.GOMAXPROCS(0), strings.Join(processorFeatures(), " "))
	if m := memoryTotal(); m != "" {
		x.ok("memory", "%s", m)
	}
}

func systemName() string {
	return orWord(strings.Trim(fileValue("/etc/os-release", "PRETTY_NAME", "="), `"`), runtime.GOOS)
}

func processorName() string {
	return orWord(fileValue("/proc/cpuinfo", "model name", ":"), runtime.GOARCH)
}

func memoryTotal() string {
	var kib int64
	if _, err := fmt.Sscan(fileValue("/proc/meminfo", "MemTotal", ":"), &kib); err != nil {
		return ""
	}
	return humanBytes(kib * 1024)
}

// fileValue returns the value of the first line that starts with key.
func fileValue(path, key, separator string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if k, v, ok := strings.Cut(lines.Text(), separator); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// processorFeatures are those that ONNX Runtime has kernels for.
func processorFeatures() []string {
	var have []string
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"AVX", cpu.X86.HasAVX}, {"AVX2", cpu.X86.HasAVX2}, {"FMA", cpu.X86.HasFMA}, {"AVX512F", cpu.X86.HasAVX512F},
		{"AVX512-VNNI", cpu.X86.HasAVX512VNNI}, {"AVX512-BF16", cpu.X86.HasAVX512BF16}, {"AMX-INT8", cpu.X86.HasAMXInt8},
		{"ASIMD", cpu.ARM64.HasASIMD}, {"ASIMD-DP", cpu.ARM64.HasASIMDDP}, {"SVE", cpu.ARM64.HasSVE},
	} {
		if f.has {
			have = append(have, f.name)
		}
	}
	if len(have) == 0 {
		return []string{"no vector extensions known"}
	}
	return have
}

func (x *examination) libraries(ctx context.Context, c *console, config conf.Config) {
	x.group = "libraries"
	x.onnxRuntime(c, config)
	x.tesseract(config)
	switch v, err := pdf.Installed(ctx); {
	case err != nil:
		x.warn("Poppler", "install poppler-utils; "+runDeps, "%s: PDF files are refused", oneLine(err))
	default:
		x.ok("Poppler", "%s (PDF pages)", v)
	}
	if v := opencvVersion(); v != "" {
		x.ok("OpenCV", "%s (decodes pictures)", v)
	} else {
		x.unused("OpenCV", "not in this build; the %s decoders are used", codec.Backend)
	}
	x.sound()
}

func (x *examination) onnxRuntime(c *console, config conf.Config) {
	const name = "ONNX Runtime"
	x.tell("loading ONNX Runtime ...")
	install := "run 'make deps' in the source folder, or name a libonnxruntime.so of version " + onnx.LibraryVersion + " in " + onnx.EnvLibrary
	path, why, err := onnx.FindLibrary(config.ONNXRuntime.Library)
	if err != nil {
		x.missing(name, install, "%s", oneLine(err))
		return
	}
	backend, err := onnx.NewBackend(onnx.Config{Library: config.ONNXRuntime.Library, Logger: c.logger()})
	if err != nil {
		x.missing(name, install, "%s does not load: %s", path, oneLine(err))
		return
	}
	if v := backend.Version(); v != onnx.LibraryVersion {
		x.warn(name, "tests run against "+onnx.LibraryVersion+"; use it when something is odd", "%s at %s (%s)", v, path, why)
	} else {
		x.ok(name, "%s at %s (%s)", v, path, why)
	}
	providers, err := onnx.Providers()
	if err != nil {
		x.warn("providers", "", "%s", oneLine(err))
		return
	}
	var list []string
	for _, p := range providers {
		word := p.Name
		if p.Devices > 1 {
			word = fmt.Sprintf("%s (%d devices)", p.Name, p.Devices)
		}
		list = append(list, word)
	}
	x.ok("providers", "%s", strings.Join(list, ", "))
	x.device(backend, config.Models.Device)
}

// device says where models will run, and whether that is where they should.
func (x *examination) device(backend *onnx.Backend, configured string) {
	if configured == "" || configured == "auto" {
		for _, d := range []string{"cuda:0", "tensorrt:0"} {
			if backend.Probe(d) == nil {
				x.ok("device", "auto: %s", d)
				return
			}
		}
		x.ok("device", "auto: cpu (no GPU that this ONNX Runtime can use)")
		return
	}
	if err := backend.Probe(configured); err != nil {
		x.missing("device", "choose another with --device (models.device), or name a GPU build of ONNX Runtime in "+onnx.EnvLibrary,
			"%s: %s", configured, oneLine(err))
		return
	}
	x.ok("device", "%s", configured)
}

func (x *examination) tesseract(config conf.Config) {
	const name = "Tesseract"
	// Whether it is needed, the configured engine tells; whether anything reads pages at all is told with the models.
	lack := x.warn
	if e := config.OCR.Engine; e == app.EngineTesseract || e == app.EngineCompare {
		lack = x.missing
	}
	found := tesseract.Installed(config.OCR.TessdataDir)
	if len(found.Languages) == 0 {
		lack(name, "install tesseract-ocr-chi-sim and tesseract-ocr-eng; "+runDeps,
			"%s, but no language: looked in %s", found.Version, strings.Join(found.Searched, ", "))
		return
	}
	var absent []string
	for _, l := range config.OCR.Languages {
		if !slices.Contains(found.Languages, l) {
			absent = append(absent, l)
		}
	}
	have := fmt.Sprintf("%s, languages %s in %s", found.Version, strings.Join(found.Languages, " "), found.DataDir)
	if len(absent) > 0 {
		packages := make([]string, 0, len(absent))
		for _, l := range absent {
			packages = append(packages, "tesseract-ocr-"+strings.ReplaceAll(l, "_", "-"))
		}
		lack(name, "install "+strings.Join(packages, " ")+", or leave them out of ocr.languages", "%s; not installed: %s", have, strings.Join(absent, " "))
		return
	}
	x.ok(name, "%s", have)
}

func (x *examination) sound() {
	x.tell("listing sound devices ...")
	const name = "microphones"
	devices, err := microphone.Devices()
	switch {
	case err != nil:
		x.warn(name, "only 'transcribe --mic' needs PortAudio", "%s", oneLine(err))
	case len(devices) == 0:
		x.unused(name, "none; files can be transcribed all the same")
	default:
		var list []string
		for _, d := range devices {
			word := fmt.Sprintf("%d %q", d.Index, d.Name)
			if d.Default {
				word += " (default)"
			}
			list = append(list, word)
		}
		x.ok(name, "%s", strings.Join(list, ", "))
	}
}

// ports only warns: a port that is taken may well be taken by the courtsense that is meant to run.
func (x *examination) ports(ctx context.Context, config conf.Config) {
	x.group = "ports"
	for _, p := range []struct{ name, address, flag string }{
		{"gRPC", config.Server.GRPC.Address, "--grpc-address"}, {"HTTP", config.Server.HTTP.Address, "--http-address"},
	} {
		if p.address == "" {
			x.ok(p.name, "off")
			continue
		}
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.address)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			x.warn(p.name, "if that is not a courtsense of yours, choose another port with "+p.flag, "%s is in use", p.address)
		case err != nil:
			x.warn(p.name, "choose another address with "+p.flag, "%s: %s", p.address, oneLine(err))
		default:
			_ = l.Close()
			x.ok(p.name, "%s is free", p.address)
		}
	}
}
