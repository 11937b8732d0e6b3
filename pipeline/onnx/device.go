package onnx

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// device is a parsed device string.
type device struct {
	provider string // "auto", "cpu", "cuda", "tensorrt", or a provider's own name with its case kept
	index    int    // -1 when not given
}

func parseDevice(s string) (device, error) {
	name, number, numbered := strings.Cut(strings.TrimSpace(s), ":")
	d := device{provider: name, index: -1}
	switch lower := strings.ToLower(name); lower {
	case "":
		d.provider = "auto"
	case "auto", "cpu", "cuda", "tensorrt":
		d.provider = lower
	}
	if !numbered {
		return d, nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || name == "" || d.provider == "auto" || d.provider == "cpu" {
		return device{}, fmt.Errorf("device %q: want auto, cpu, cuda:N, tensorrt:N or PROVIDER:N", s)
	}
	d.index = n
	return d, nil
}

func (d device) String() string {
	switch {
	case d.provider == "cpu":
		return "cpu"
	case d.provider == "cuda" || d.provider == "tensorrt":
		return fmt.Sprintf("%s:%d", d.provider, max(d.index, 0))
	case d.index < 0:
		return d.provider
	}
	return fmt.Sprintf("%s:%d", d.provider, d.index)
}

// appendTo adds d's execution provider to the session options. ONNX Runtime keeps the CPU as the last resort for single
// operators that the provider lacks.
func (d device) appendTo(so *ort.SessionOptions, extra map[string]string) error {
	options := make(map[string]string, len(extra)+1)
	for k, v := range extra {
		options[k] = v
	}
	if _, set := options["device_id"]; !set && d.provider != "cpu" {
		if d.index >= 0 || d.provider == "cuda" || d.provider == "tensorrt" {
			options["device_id"] = strconv.Itoa(max(d.index, 0))
		}
	}
	switch d.provider {
	case "cpu":
		return nil
	case "cuda":
		return appendCUDA(so, options)
	case "tensorrt":
		if err := appendTensorRT(so, options); err != nil {
			return err
		}
		// TensorRT takes only part of many graphs; what it leaves should stay on the same GPU.
		return appendCUDA(so, map[string]string{"device_id": options["device_id"]})
	}

	// A provider can be named as its plug-in devices are ("WebGpuExecutionProvider") or as the classic API knows it.
	matching, err := pluginDevices(d.provider)
	if err != nil {
		return err
	}
	if len(matching) > 0 {
		i := max(d.index, 0)
		if i >= len(matching) {
			return fmt.Errorf("provider %s has %d devices, no device %d", d.provider, len(matching), i)
		}
		delete(options, "device_id")
		return so.AppendExecutionProviderV2(matching[i:i+1], options)
	}
	return so.AppendExecutionProvider(d.provider, options)
}

func appendCUDA(so *ort.SessionOptions, options map[string]string) (err error) {
	cuda, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cuda.Destroy()) }()
	if err := cuda.Update(options); err != nil {
		return err
	}
	return so.AppendExecutionProviderCUDA(cuda)
}

func appendTensorRT(so *ort.SessionOptions, options map[string]string) (err error) {
	trt, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trt.Destroy()) }()
	if err := trt.Update(options); err != nil {
		return err
	}
	return so.AppendExecutionProviderTensorRT(trt)
}

func pluginDevices(provider string) ([]ort.EpDevice, error) {
	all, err := ort.GetEpDevices()
	if err != nil {
		return nil, err
	}
	var matching []ort.EpDevice
	for _, d := range all {
		name := d.EpName()
		if strings.EqualFold(name, provider) || strings.EqualFold(strings.TrimSuffix(name, "ExecutionProvider"), provider) {
			matching = append(matching, d)
		}
	}
	return matching, nil
}
