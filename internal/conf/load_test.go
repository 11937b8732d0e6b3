package conf

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDefaultsLoad(t *testing.T) {
	loaded, err := Load(nil, nil)
	require.NoError(t, err)
	assert.Equal(t, ":9090", loaded.Server.GRPC.Address)
	assert.Equal(t, Bytes(64<<20), loaded.Server.MaxMessageBytes)
	assert.Equal(t, 30*time.Second, loaded.Server.Timeouts.Unary.Std())
	assert.Equal(t, []string{"chi_sim"}, loaded.OCR.Languages)
	assert.Equal(t, "default", loaded.Origin("server.grpc.address"))
	assert.Len(t, loaded.Warnings, 1, "open ports without TLS are worth a word")
	assert.Equal(t, Default(), loaded.Config)
}

func TestLaterSourcesWin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "courtsense.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
face: {min_score: 0.1, max_side: 640}
ocr:
  dpi: 300
  languages: [eng, fra]
limits:
  max_pixels: 50M
  max_image_bytes: 1.5MiB
`), 0o600))
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags := BindFlags(set)
	require.NoError(t, set.Parse([]string{"--config", file, "--set", "ocr.dpi=150", "--device", "cpu"}))
	loaded, err := Load(flags, []string{"COURTSENSE_FACE_MIN_SCORE=0.2", "COURTSENSE_OCR_DPI=250", "COURTSENSE_MODELS=/srv/models", "PATH=/bin"})
	require.NoError(t, err)

	assert.Equal(t, 0.2, loaded.Face.MinScore, "the environment is over the file")
	assert.Equal(t, 640, loaded.Face.MaxSide)
	assert.Equal(t, 150, loaded.OCR.DPI, "a flag is over the environment")
	assert.Equal(t, []string{"eng", "fra"}, loaded.OCR.Languages)
	assert.Equal(t, Count(50_000_000), loaded.Limits.MaxPixels)
	assert.Equal(t, Bytes(1572864), loaded.Limits.MaxImageBytes)
	assert.Equal(t, "/srv/models", loaded.Models.Dir)
	assert.Equal(t, "cpu", loaded.Models.Device)

	assert.Equal(t, "courtsense.yaml:2", loaded.Origin("face.max_side"))
	assert.Equal(t, "variable COURTSENSE_FACE_MIN_SCORE", loaded.Origin("face.min_score"))
	assert.Equal(t, "--set", loaded.Origin("ocr.dpi"))
	assert.Equal(t, "--device", loaded.Origin("models.device"))
}

func TestModelsAliasNeverOverridesTheKeysOwnVariable(t *testing.T) {
	loaded, err := Load(nil, []string{"COURTSENSE_MODELS=/alias", "COURTSENSE_MODELS_DIR=/own"})
	require.NoError(t, err)
	assert.Equal(t, "/own", loaded.Models.Dir)
}

func TestFileNamedByVariable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("ocr: {dpi: 111}"), 0o600))
	loaded, err := Load(nil, []string{"COURTSENSE_CONFIG=" + file})
	require.NoError(t, err)
	assert.Equal(t, 111, loaded.OCR.DPI)
	assert.Equal(t, file, loaded.File)
}

func TestEveryProblemIsReportedAtOnceWithItsLine(t *testing.T) {
	_, err := Parse("c.yaml", []byte(`server:
  grpc:
    addressx: ":1"
  max_message_bytes: lots
face:
  min_score: 7
max_pixels: 3
ocr: 12
telemetry:
  log:
    level: loud
    level: info
`))
	var ps Problems
	require.True(t, errors.As(err, &ps))
	want := []string{
		`c.yaml:3: unknown key "server.grpc.addressx"; did you mean "server.grpc.address"?`,
		`c.yaml:4: server.max_message_bytes: "lots" is no size: not a whole number with a known unit; write it like 32MiB, 500kB or 4096`,
		`c.yaml:6: face.min_score: 7 is out of range; accepted: 0 to 1`,
		`c.yaml:7: unknown key "max_pixels"; did you mean "limits.max_pixels"?`,
		`c.yaml:8: ocr: is a section: keys belong below it, not a value`,
		`c.yaml:11: telemetry.log.level: "loud" is not one of debug, info, warn, error`,
		`c.yaml:12: telemetry.log.level: is set twice, first in line 11`,
	}
	var got []string
	for _, p := range ps {
		got = append(got, p.String())
	}
	assert.Equal(t, want, got)
	assert.True(t, strings.HasPrefix(err.Error(), "configuration: 7 problems:\n  c.yaml:3"), err.Error())
}

func TestRefusedFiles(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want string }{
		"alias":        {"ocr: &o {dpi: 100}\nface: *o", "anchors and aliases are not accepted"},
		"aliasedValue": {"ocr: {dpi: &d 100, workers: *d}", "anchors and aliases are not accepted"},
		"twoDocuments": {"ocr: {}\n---\nface: {}", "a second document"},
		"list":         {"- a\n- b", "mapping of sections"},
		"syntax":       {"ocr: {dpi: 1", "not YAML"},
		"emptyValue":   {"ocr:\n  dpi:\n", "has no value"},
		"mapForValue":  {"ocr: {dpi: {a: 1}}", "must be one value of type integer"},
		"listForValue": {"ocr: {dpi: [1]}", "must be one value of type integer"},
		"badItem":      {"ocr: {languages: [[eng]]}", "every item must be"},
		"tooLarge":     {strings.Repeat("#", maxFileBytes+1), "at most"},
		"device":       {"models: {device: gpu}", "auto, cpu, cuda:N"},
		"address":      {"server: {grpc: {address: nine}}", "no host:port"},
		"port":         {"server: {grpc: {address: ':99999'}}", "the port is no number"},
		"noUnit":       {"server: {timeouts: {unary: 30}}", "write it with its unit"},
		"negative":     {"server: {timeouts: {unary: -3s}}", "no span of time"},
		"nan":          {"face: {min_score: .nan}", "is no number"},
		"halfTLS":      {"server: {tls: {cert_file: a.pem}}", "set both"},
		"caWithoutTLS": {"server: {tls: {client_ca_file: a.pem}}", "client certificates need TLS"},
		"unreachable":  {"limits: {max_image_bytes: 128MiB}", "no request could carry it"},
		"body":         {"server: {http: {max_body_bytes: 1MiB}}", "less than server.max_message_bytes"},
		"idle":         {"server: {timeouts: {stream_total: 30s}}", "exceeds server.timeouts.stream_total"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("c.yaml", []byte(c.yaml))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestSectionWithEveryKeyCommentedOutIsFine(t *testing.T) {
	_, err := Parse("c.yaml", []byte("ocr:\n  # dpi: 200\nface:\n"))
	require.NoError(t, err)
}

func TestUnknownVariablesAndFlags(t *testing.T) {
	for name, want := range map[string]string{
		"COURTSENSE_SERVER_GRPC_ADDRESSX=:1":    `did you mean "COURTSENSE_SERVER_GRPC_ADDRESS"?`,
		"COURTSENSE_MODEL=/srv":                 `did you mean "COURTSENSE_MODELS"?`,
		"COURTSENSE_OCR_SOMETHING_ELSE_WHOLLY=": `unknown variable`,
	} {
		_, err := Load(nil, []string{name})
		require.ErrorContains(t, err, want)
	}
	_, err := Load(nil, []string{
		"COURTSENSE_PORT=tcp://10.0.0.1:9090", "COURTSENSE_SERVICE_HOST=10.0.0.1", "COURTSENSE_SERVER_PORT_9090_TCP_ADDR=10.0.0.1",
		"COURTSENSE_RELEASE_NOTES_URL=x",
	})
	require.NoError(t, err, "variables of Kubernetes and of other tools are not ours")

	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags := BindFlags(set)
	require.NoError(t, set.Parse([]string{"--set", "ocr.dpy=1", "--set", "nothing", "--device", "gpu"}))
	_, err = Load(flags, nil)
	require.ErrorContains(t, err, `did you mean "ocr.dpi"?`)
	require.ErrorContains(t, err, `is not key=value`)
	require.ErrorContains(t, err, `--device: models.device`)
}

func TestMissingFileIsNamed(t *testing.T) {
	_, err := Load(nil, []string{"COURTSENSE_CONFIG=/nonexistent/c.yaml"})
	require.ErrorContains(t, err, "/nonexistent/c.yaml: can't read the configuration file")
	_, err = Load(nil, []string{"COURTSENSE_CONFIG=" + t.TempDir()})
	require.ErrorContains(t, err, "not a regular file")
}

func TestEveryValueReadsBackAsWritten(t *testing.T) {
	c := Default()
	for _, k := range Keys() {
		text := k.Text(&c)
		require.NoError(t, k.set(&c, text), k.Path)
		assert.Equal(t, text, k.Text(&c), k.Path)
		assert.Equal(t, k.Default, text, "%s: write the default as it prints", k.Path)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "ocr: {dpi: 100}", "a: &a [*a]", "server:\n  grpc:\n    address: ':1'\n", "? [x]\n: y", "--- !!binary x", "limits: {max_pixels: 1e3M}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		loaded, err := Parse("f.yaml", content)
		if err != nil {
			var ps Problems
			if !errors.As(err, &ps) || len(ps) == 0 || len(ps.Error()) == 0 {
				t.Fatalf("an error that names no problem: %v", err)
			}
			return
		}
		for _, k := range Keys() {
			if err := k.validate(k.value(&loaded.Config)); err != nil {
				t.Fatalf("accepted an invalid %s: %v", k.Path, err)
			}
		}
	})
}
