package onnx

import (
	"fmt"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// ONNX Runtime has one environment a process. It is never destroyed: unloading the library while thread pools of a
// provider may still unwind is a known way to crash at exit, and the process is about to return that memory anyway.
var environment struct {
	sync.Mutex
	library, why string
}

// initialize loads the library on the first call. A failed attempt may be repeated with another path.
func initialize(configured string) (library, why string, err error) {
	environment.Lock()
	defer environment.Unlock()
	if ort.IsInitialized() {
		if configured != "" && configured != environment.library {
			return "", "", fmt.Errorf("ONNX Runtime at %s can't be used: this process has loaded %s already, and can hold only one",
				configured, environment.library)
		}
		return environment.library, environment.why, nil
	}
	library, why, err = FindLibrary(configured)
	if err != nil {
		return "", "", err
	}
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return "", "", fmt.Errorf("ONNX Runtime at %s (%s) can't be used, version %s is wanted: %w",
			library, why, LibraryVersion, err)
	}
	if err := ort.DisableTelemetry(); err != nil {
		return "", "", fmt.Errorf("ONNX Runtime at %s: switch telemetry off: %w", library, err)
	}
	environment.library, environment.why = library, why
	return library, why, nil
}
