package conf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// modelsAlias is the short second name of models.dir's variable, for use on a command line.
const modelsAlias = EnvPrefix + "MODELS"

// fileVariable names the configuration file when --config does not.
const fileVariable = EnvPrefix + "CONFIG"

// GalleryKeyVariable holds the keys of galleries where no file does. It is no configuration key, so that no file or command
// line can show one.
const GalleryKeyVariable = EnvPrefix + "GALLERY_KEY"

// Kubernetes puts such variables into every container beside a Service called "courtsense"; they are not ours.
var kubernetesVariable = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// Flags are the command-line flags that set configuration keys. Make them with [BindFlags] and hand them to [Load]
// once the command line is parsed.
type Flags struct {
	set   *pflag.FlagSet
	file  string
	pairs []string
	named map[string]string // flag name -> key path
}

// namedFlags are the keys that people set by hand often enough to deserve a flag of their own.
var namedFlags = []struct{ flag, key, usage string }{
	{"models", "models.dir", "folder of the model store"},
	{"device", "models.device", "where models run: auto, cpu, cuda:N, tensorrt:N"},
	{"grpc-address", "server.grpc.address", "address of the gRPC port"},
	{"http-address", "server.http.address", "address of the HTTP port, empty: off"},
	{"log-level", "telemetry.log.level", "debug, info, warn or error"},
	{"log-format", "telemetry.log.format", "json or text"},
}

// BindFlags adds --config, --set and the named flags to set.
func BindFlags(set *pflag.FlagSet) *Flags {
	f := &Flags{set: set, named: map[string]string{}}
	set.StringVar(&f.file, "config", "", "configuration file (YAML); also "+fileVariable)
	set.StringArrayVar(&f.pairs, "set", nil, "set one configuration key, key=value; may be repeated")
	for _, n := range namedFlags {
		set.String(n.flag, theSchema().byPath[n.key].Default, fmt.Sprintf("%s (%s)", n.usage, n.key))
		f.named[n.flag] = n.key
	}
	return f
}

// Loaded is a checked configuration and where each of its values came from.
type Loaded struct {
	Config
	File     string   // the file that was read, "" when none
	Warnings []string // what is accepted but unwise
	origins  map[string]string
}

// Origin says where a key's value came from: "default", "FILE:LINE", "variable NAME" or "--flag".
func (l *Loaded) Origin(path string) string {
	if o, ok := l.origins[path]; ok {
		return o
	}
	return "default"
}

// Load reads the configuration: defaults, the file, the environment (as os.Environ gives it) and the flags, each over the
// one before. flags may be nil. The error is of type [Problems] and lists everything that is wrong.
func Load(flags *Flags, environ []string) (*Loaded, error) {
	l := newLayer()
	env := variables(environ)
	file := env[fileVariable]
	if flags != nil && flags.file != "" {
		file = flags.file
	}
	if file != "" {
		content, err := readFile(file)
		if err != nil {
			l.problem(file, "", "%v", err)
		}
		l.yaml(filepath.Base(file), content)
	}
	l.environment(env)
	l.flags(flags)
	return l.finish(file)
}

// Parse reads one YAML file's content over the defaults; name stands for the file in problems.
func Parse(name string, content []byte) (*Loaded, error) {
	l := newLayer()
	l.yaml(name, content)
	return l.finish(name)
}

// Default returns the configuration when nothing is set.
func Default() Config { return *newLayer().config }

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	var pathErr *os.PathError
	switch {
	case errors.As(err, &pathErr):
		return nil, fmt.Errorf("can't read the configuration file: %w", pathErr.Err)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("can't read the configuration file: not a regular file")
	case info.Size() > maxFileBytes:
		return nil, fmt.Errorf("%d bytes; a configuration file has at most %d", info.Size(), maxFileBytes)
	}
	return os.ReadFile(path)
}

func variables(environ []string) map[string]string {
	out := map[string]string{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, EnvPrefix) {
			out[name] = value
		}
	}
	return out
}

func (l *layer) environment(env map[string]string) {
	s := theSchema()
	names := make([]string, 0, len(env))
	for name := range env {
		names = append(names, name)
	}
	slices.Sort(names)
	known := make([]string, 0, len(s.byEnv)+2)
	for name := range s.byEnv {
		known = append(known, name)
	}
	known = append(known, modelsAlias, fileVariable, GalleryKeyVariable)
	slices.Sort(known)
	for _, name := range names {
		where := "variable " + name
		switch k := s.byEnv[name]; {
		case k != nil:
			l.set(k, env[name], where)
		case name == fileVariable, name == GalleryKeyVariable:
		case name == modelsAlias:
			// The alias never overrides the key's own variable.
			if _, both := env["COURTSENSE_MODELS_DIR"]; !both {
				l.set(s.byPath["models.dir"], env[name], where)
			}
		case kubernetesVariable.MatchString(name):
		case s.looksLikeKey(name) || suggest(name, known) != "":
			l.problem(where, "", "%s", unknown("variable", name, known))
		}
	}
}

// looksLikeKey tells a misspelt key from a variable of some other tool that shares the prefix.
func (s *schema) looksLikeKey(name string) bool {
	for section := range s.sections {
		if section != "" && strings.HasPrefix(name, EnvPrefix+strings.ToUpper(strings.ReplaceAll(section, ".", "_"))+"_") {
			return true
		}
	}
	return false
}

func (l *layer) flags(f *Flags) {
	if f == nil {
		return
	}
	s := theSchema()
	for _, pair := range f.pairs {
		path, value, ok := strings.Cut(pair, "=")
		k := s.byPath[path]
		switch {
		case !ok:
			l.problem("--set", "", "%q is not key=value", clip(pair))
		case k == nil:
			l.problem("--set", "", "%s", unknown("key", path, s.paths()))
		default:
			l.set(k, value, "--set")
		}
	}
	for _, n := range namedFlags {
		if flag := f.set.Lookup(n.flag); flag != nil && flag.Changed {
			l.set(s.byPath[n.key], flag.Value.String(), "--"+n.flag)
		}
	}
}

// finish checks what concerns more than one key.
func (l *layer) finish(file string) (*Loaded, error) {
	c := l.config
	conflict := func(key, format string, args ...any) {
		where := l.origins[key]
		l.problem(where, key, format, args...)
	}
	if len(l.problems) == 0 {
		t := c.Server.TLS
		if (t.CertFile == "") != (t.KeyFile == "") {
			conflict("server.tls.cert_file", "a certificate needs its key and the other way round: set both server.tls.cert_file and server.tls.key_file")
		}
		if t.ClientCAFile != "" && t.CertFile == "" {
			conflict("server.tls.client_ca_file", "client certificates need TLS: set server.tls.cert_file and server.tls.key_file")
		}
		message := c.Server.MaxMessageBytes
		for _, k := range []struct {
			path  string
			bytes Bytes
		}{{"limits.max_image_bytes", c.Limits.MaxImageBytes}, {"limits.max_pdf_bytes", c.Limits.MaxPDFBytes}} {
			if k.bytes > message {
				conflict(k.path, "%v exceeds server.max_message_bytes %v, so no request could carry it", k.bytes, message)
			}
		}
		if c.Server.HTTP.MaxBodyBytes < message {
			conflict("server.http.max_body_bytes", "%v is less than server.max_message_bytes %v", c.Server.HTTP.MaxBodyBytes, message)
		}
		if c.Server.Timeouts.StreamIdle > c.Server.Timeouts.StreamTotal {
			conflict("server.timeouts.stream_idle", "%v exceeds server.timeouts.stream_total %v", c.Server.Timeouts.StreamIdle, c.Server.Timeouts.StreamTotal)
		}
		if len(c.OCR.Languages) == 0 {
			conflict("ocr.languages", "at least one language is needed")
		}
	}
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	out := &Loaded{Config: *c, File: file, origins: l.origins}
	open := !loopback(c.Server.GRPC.Address) || c.Server.HTTP.Address != "" && !loopback(c.Server.HTTP.Address)
	if open && c.Server.TLS.CertFile == "" {
		out.Warnings = append(out.Warnings, "a port is open beyond this machine without TLS: set server.tls.cert_file and server.tls.key_file, or bind to 127.0.0.1")
	}
	return out, nil
}

func loopback(address string) bool {
	for _, prefix := range []string{"127.", "localhost:", "[::1]:"} {
		if strings.HasPrefix(address, prefix) {
			return true
		}
	}
	return false
}
