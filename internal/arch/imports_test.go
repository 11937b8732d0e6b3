package arch

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// mayImport is the direction in which data flows: models -> pipeline -> vision | ocr | speech -> internal/service ->
// cmd/courtsense. A folder may import itself and what is listed, subfolders included; the longest matching folder counts.
// A package that is in no listed folder has no place in the plan yet.
var mayImport = map[string][]string{
	"models":   {},
	"pipeline": {"models"},
	// Programs of the recipes, outside the server: they run its stages to measure what is being trained.
	"models/training": {"models", "pipeline", "vision", "ocr", "speech"},

	"vision": {"models", "pipeline"},
	"ocr":    {"models", "pipeline"},
	"speech": {"models", "pipeline"},

	"api": {},

	"internal/arch":      {},
	"internal/conf":      {},
	"internal/protogen":  {},
	"internal/testinput": {},
	"internal/version":   {},
	"internal/telemetry": {"internal/conf", "pipeline"},
	"internal/webhook":   {},
	"internal/scene":     {"pipeline", "vision"},
	// The running gates know cameras and what is seen there; calls and messages are the service's.
	"internal/gates": {"pipeline", "vision", "internal/webhook"},
	// The server is handed the services and knows nothing of their insides.
	"internal/server":  {"internal/conf", "internal/telemetry", "pipeline"},
	"internal/service": {"api", "models", "pipeline", "vision", "ocr", "speech", "internal/gates", "internal/server", "internal/telemetry", "internal/version"},
	// Measuring compares outputs with truth; it does not run a model.
	"internal/eval": {"models", "pipeline", "vision", "ocr", "speech", "internal/scene"},
	"internal/app":  {"api", "models", "pipeline", "vision", "ocr", "speech", "internal"},
	"cmd":           {"api", "models", "pipeline", "vision", "ocr", "speech", "internal", "benchmarks"},
	"benchmarks":    {"api", "models", "pipeline", "vision", "ocr", "speech", "internal"},
}

// mayImportInTests adds to mayImport for test files.
var mayImportInTests = map[string][]string{
	"api":             {"internal/protogen"},
	"internal/arch":   {"internal/conf"},
	"internal/server": {"api"},
}

// leaves are the only packages that may use C, directly or through a binding, so that all others build in seconds and can
// be tested without a system library.
var leaves = map[string]bool{
	"pipeline/onnx":           true, // ONNX Runtime
	"pipeline/imaging/codec":  true, // OpenCV, where it is built in
	"vision/camera":           true, // OpenCV, where it is built in
	"ocr/tesseract":           true, // Tesseract
	"speech/audio/flac":       true, // libFLAC
	"speech/audio/mpeg":       true, // libmpg123
	"speech/audio/opus":       true, // libopus
	"speech/audio/soxr":       true, // libsoxr
	"speech/enhance/speexdsp": true, // libspeexdsp
	"speech/microphone":       true, // PortAudio
	"models/training/teacher": true, // ONNX Runtime, outside the server
	"benchmarks":              true, // the bare runtime as a peer
	"cmd/courtsense":          true, // doctor asks the libraries for their versions
}

// bindings are Go modules that need C.
var bindings = []string{
	"C", "gocv.io/x/gocv", "github.com/otiai10/gosseract", "github.com/yalue/onnxruntime_go", "github.com/gordonklaus/portaudio",
}

// withoutC are packages whose whole dependency tree must be free of the leaves.
var withoutC = []string{
	"models", "models/pull", "pipeline", "pipeline/charlm", "pipeline/imaging", "pipeline/imaging/draw", "pipeline/refusal", "vision/face", "vision/gallery", "vision/gate", "vision/gate/journal", "ocr", "ocr/page", "ocr/pdf", "ocr/reader", "ocr/text", "speech/vad", "speech/fbank", "speech/acoustic", "speech/record", "speech/syllable", "speech/language/train", "speech/language/rescore",
	"internal/conf", "internal/telemetry", "internal/server", "internal/server/rpcerror", "api/courtsense/v1",
}

func TestImportsFollowTheFlow(t *testing.T) {
	for _, p := range packages(t) {
		folder := planned(p.Path)
		if !assert.NotEmpty(t, folder, "%s: has no place in the plan; add its folder to mayImport", p.Path) {
			continue
		}
		for _, imported := range p.Imports {
			// A package that only serves tests, by its name, may use what tests use.
			testOnly := strings.HasSuffix(p.Path, "test") && within(imported, "internal/testinput")
			assert.True(t, testOnly || allowed(folder, imported, mayImport), "%s imports %s: data flows the other way, or they are siblings", p.Path, imported)
		}
		for _, imported := range p.TestImports {
			ok := within(imported, "internal/testinput") || allowed(folder, imported, mayImport) || allowed(folder, imported, mayImportInTests)
			assert.True(t, ok, "a test of %s imports %s: data flows the other way, or they are siblings", p.Path, imported)
		}
	}
}

func TestTheRulesCanBeBroken(t *testing.T) {
	assert.Equal(t, "pipeline", planned("pipeline/onnx"))
	assert.Equal(t, "internal/server", planned("internal/server/rpcerror"))
	assert.Empty(t, planned("internal/misplaced"))
	assert.True(t, allowed("vision", "pipeline/imaging", mayImport))
	assert.True(t, allowed("vision", "vision/face", mayImport))
	for folder, imported := range map[string]string{
		"vision": "speech/vad", "models": "pipeline", "pipeline": "vision/face", "ocr": "internal/service", "internal/server": "internal/service", "speech": "modelsomething",
	} {
		assert.False(t, allowed(folder, imported, mayImport), "%s -> %s", folder, imported)
	}
}

func TestOnlyLeavesUseC(t *testing.T) {
	for _, p := range packages(t) {
		if leaves[p.Path] {
			continue
		}
		assert.Zero(t, p.CgoFiles, "%s uses C; keep that in a leaf package", p.Path)
		for _, imported := range p.Foreign {
			for _, b := range bindings {
				assert.False(t, imported == b || strings.HasPrefix(imported, b+"/"), "%s imports %s; keep that in a leaf package", p.Path, imported)
			}
		}
	}
}

func TestPackagesThatBuildWithoutC(t *testing.T) {
	all := packages(t)
	for _, root := range withoutC {
		if _, ok := all[root]; !assert.True(t, ok, "%s: no such package", root) {
			continue
		}
		seen := map[string]bool{}
		var visit func(path, way string)
		visit = func(path, way string) {
			if seen[path] {
				return
			}
			seen[path] = true
			assert.False(t, leaves[path], "%s depends on C: %s", root, way)
			for _, next := range all[path].Imports {
				visit(next, way+" -> "+next)
			}
		}
		visit(root, root)
	}
}

func planned(path string) string {
	best := ""
	for folder := range mayImport {
		if within(path, folder) && len(folder) > len(best) {
			best = folder
		}
	}
	return best
}

func allowed(folder, imported string, table map[string][]string) bool {
	for _, ok := range append([]string{folder}, table[folder]...) {
		if within(imported, ok) {
			return true
		}
	}
	return false
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}
