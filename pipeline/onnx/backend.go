package onnx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// Config configures a [Backend].
type Config struct {
	// Library is the path of ONNX Runtime's shared library; "" searches as [FindLibrary] says.
	Library string
	// ProviderOptions are handed to an execution provider as they are, by provider name as in a device string:
	// {"cuda": {"gpu_mem_limit": "4294967296"}}.
	ProviderOptions map[string]map[string]string
	// Logger gets a line when "auto" falls back, once for each reason. nil means slog.Default().
	Logger *slog.Logger
}

// Backend opens models in ONNX Runtime. It implements [pipeline.Runtime] and is safe for concurrent use.
type Backend struct {
	library, why string
	options      map[string]map[string]string
	log          *slog.Logger
	said         sync.Map // fallback reasons that were logged
}

// NewBackend loads the shared library; all backends of a process share it, so the first one decides which.
func NewBackend(cfg Config) (*Backend, error) {
	library, why, err := initialize(cfg.Library)
	if err != nil {
		return nil, &pipeline.Failure{Reason: pipeline.Backend, Err: err}
	}
	b := &Backend{library: library, why: why, options: map[string]map[string]string{}, log: cfg.Logger}
	for name, options := range cfg.ProviderOptions {
		b.options[strings.ToLower(name)] = options
	}
	if b.log == nil {
		b.log = slog.Default()
	}
	return b, nil
}

// Library returns the path of the shared library in use and where that choice came from.
func (b *Backend) Library() (path, why string) { return b.library, b.why }

// Version returns the version that the shared library reports.
func (b *Backend) Version() string { return ort.GetVersion() }

// Provider is an execution provider that the library offers on this machine.
type Provider struct {
	Name, Vendor string
	Devices      int
}

// Providers lists the execution providers with their number of devices. The library must have been loaded by NewBackend.
func Providers() ([]Provider, error) {
	devices, err := ort.GetEpDevices()
	if err != nil {
		return nil, fmt.Errorf("list execution providers: %w", err)
	}
	var all []Provider
	for _, d := range devices {
		name := d.EpName()
		i := slices.IndexFunc(all, func(p Provider) bool { return p.Name == name })
		if i < 0 {
			all = append(all, Provider{Name: name, Vendor: d.EpVendor()})
			i = len(all) - 1
		}
		all[i].Devices++
	}
	return all, nil
}

// Probe reports why a device can't be used, or nil. It creates no session, so that a driver which fails only under a
// model is not found out.
func (b *Backend) Probe(dev string) error {
	d, err := parseDevice(dev)
	if err != nil || d.provider == "auto" {
		return err
	}
	so, err := ort.NewSessionOptions()
	if err != nil {
		return err
	}
	return errors.Join(d.appendTo(so, b.options[strings.ToLower(d.provider)]), so.Destroy())
}

// Open loads the artifact's file of o.Role and checks its inputs and outputs against the catalogue entry.
func (b *Backend) Open(ctx context.Context, a models.Artifact, o pipeline.Options) (pipeline.Executor, error) {
	role := o.Role
	if role == "" {
		role = "model"
	}
	data, err := a.Bytes(role)
	if err != nil {
		return nil, &pipeline.Failure{Reason: pipeline.Backend, Model: a.Entry.ID, Err: err}
	}
	x, err := b.OpenBytes(ctx, a.Entry.ID, data, o)
	if err != nil {
		return nil, err
	}
	if _, err := pipeline.CheckEntry(x.Signature(), a.Entry); err != nil {
		return nil, &pipeline.Failure{Reason: pipeline.Backend, Model: a.Entry.ID, Err: errors.Join(err, x.Close())}
	}
	return x, nil
}

// OpenBytes loads a model from memory; id appears in errors. The bytes may be reused when it returns.
func (b *Backend) OpenBytes(ctx context.Context, id string, model []byte, o pipeline.Options) (pipeline.Executor, error) {
	fail := func(err error) error {
		reason := pipeline.Backend
		if ctx.Err() != nil {
			reason = pipeline.ReasonOf(ctx.Err())
		}
		return &pipeline.Failure{Reason: reason, Model: id, Err: err}
	}
	d, err := parseDevice(o.Device)
	if err != nil {
		return nil, fail(err)
	}
	if len(model) == 0 {
		return nil, fail(errors.New("the model file is empty"))
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(err)
	}
	var inputs, outputs []ort.InputOutputInfo
	frugally(func() { inputs, outputs, err = ort.GetInputOutputInfoWithONNXData(model) }) // makes a session of its own
	if err != nil {
		return nil, fail(fmt.Errorf("read the model's inputs and outputs: %w", err))
	}
	var sig pipeline.Signature
	if sig.Inputs, err = tensorInfos(inputs); err != nil {
		return nil, fail(fmt.Errorf("input %w", err))
	}
	if sig.Outputs, err = tensorInfos(outputs); err != nil {
		return nil, fail(fmt.Errorf("output %w", err))
	}
	threads := o.IntraThreads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}

	candidates := []device{d}
	if d.provider == "auto" {
		candidates = []device{{provider: "cuda", index: 0}, {provider: "cpu", index: -1}}
	}
	var refused []string
	for i, c := range candidates {
		if err := ctx.Err(); err != nil {
			return nil, fail(err)
		}
		var native *ort.DynamicAdvancedSession
		frugally(func() { native, err = b.createSession(model, sig, c, threads) })
		if err == nil {
			s := newSession(id, native, sig)
			if s.described, err = describe(native, model); err != nil {
				return nil, fail(errors.Join(err, s.Close()))
			}
			s.placement = pipeline.Placement{
				Device: c.String(), Version: "onnxruntime " + ort.GetVersion(),
				Fallback: strings.Join(refused, "; "), IntraThreads: threads,
				Bytes: int64(len(model)),
			}
			b.logFallback(ctx, id, s.placement)
			return s, nil
		}
		if i == len(candidates)-1 {
			return nil, fail(fmt.Errorf("open on %v: %w", c, err))
		}
		refused = append(refused, fmt.Sprintf("%v: %s", c, plain(err)))
	}
	return nil, fail(errors.New("no device to try"))
}

func (b *Backend) createSession(model []byte, sig pipeline.Signature, d device, threads int) (*ort.DynamicAdvancedSession, error) {
	so, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		so.SetIntraOpNumThreads(threads),
		so.SetInterOpNumThreads(1),
		so.SetLogSeverityLevel(ort.LoggingLevelError),
		// Several models share few cores: a pool that spins while it waits takes them from the others.
		so.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		so.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
		// The runtime keeps one memory plan for each input shape it ever saw: endless when pictures have any size.
		so.SetMemPattern(!openShapes(sig)),
		d.appendTo(so, b.options[strings.ToLower(d.provider)]),
	)
	if err != nil {
		return nil, errors.Join(err, so.Destroy())
	}
	native, err := ort.NewDynamicAdvancedSessionWithONNXData(model, names(sig.Inputs), names(sig.Outputs), so)
	return native, errors.Join(err, so.Destroy())
}

// describe reads the properties in the model's file. ONNX has one operator that quantises activations by the range they
// have at that moment; its name in the file tells that it is there.
func describe(native *ort.DynamicAdvancedSession, model []byte) (d pipeline.Description, err error) {
	d.BatchDependent = bytes.Contains(model, []byte("DynamicQuantizeLinear"))
	metadata, err := native.GetModelMetadata()
	if err != nil {
		return d, fmt.Errorf("read the model's metadata: %w", err)
	}
	defer func() { err = errors.Join(err, metadata.Destroy()) }()
	keys, err := metadata.GetCustomMetadataMapKeys()
	if err != nil {
		return d, fmt.Errorf("read the model's metadata: %w", err)
	}
	for _, key := range keys {
		value, _, err := metadata.LookupCustomMetadataMap(key)
		if err != nil {
			return d, fmt.Errorf("read the model's metadata %q: %w", key, err)
		}
		if d.Metadata == nil {
			d.Metadata = map[string]string{}
		}
		d.Metadata[key] = value
	}
	return d, nil
}

// openShapes reports whether the model takes pictures or sequences of any size: inputs of rank 3 and more with dynamic
// dimensions besides the batch. Models for windows of samples, [batch, samples], are always given the same length.
func openShapes(sig pipeline.Signature) bool {
	for _, in := range sig.Inputs {
		dynamic := 0
		for _, d := range in.Shape {
			if d < 0 {
				dynamic++
			}
		}
		if dynamic > 1 && len(in.Shape) > 2 {
			return true
		}
	}
	return false
}

func tensorInfos(infos []ort.InputOutputInfo) ([]pipeline.TensorInfo, error) {
	all := make([]pipeline.TensorInfo, len(infos))
	for i, info := range infos {
		if info.OrtValueType != ort.ONNXTypeTensor {
			return nil, fmt.Errorf("%q is a %v, only tensors are supported", info.Name, info.OrtValueType)
		}
		all[i] = pipeline.TensorInfo{Name: info.Name, Shape: make([]int64, len(info.Dimensions))}
		copy(all[i].Shape, info.Dimensions)
		switch info.DataType {
		case ort.TensorElementDataTypeFloat:
			all[i].DType = pipeline.Float32
		case ort.TensorElementDataTypeInt64:
			all[i].DType = pipeline.Int64
		case ort.TensorElementDataTypeUint8:
			all[i].DType = pipeline.Uint8
		default:
			return nil, fmt.Errorf("%q has element type %v; float32, int64 and uint8 are supported", info.Name, info.DataType)
		}
	}
	return all, nil
}

func names(infos []pipeline.TensorInfo) []string {
	all := make([]string, len(infos))
	for i, info := range infos {
		all[i] = info.Name
	}
	return all
}

// logFallback writes one line for each reason: a machine without a GPU has the same one for every model.
func (b *Backend) logFallback(ctx context.Context, id string, p pipeline.Placement) {
	if p.Fallback == "" {
		return
	}
	level := slog.LevelInfo
	if _, said := b.said.LoadOrStore(p.Fallback, true); said {
		level = slog.LevelDebug
	}
	b.log.Log(ctx, level, "model runs on a fallback device", "model", id, "device", p.Device, "reason", p.Fallback)
}

// plain is the first line of a runtime error without the C++ source position before it.
func plain(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	if _, after, ok := strings.Cut(line, " : FAIL : "); ok {
		return after
	}
	return line
}
