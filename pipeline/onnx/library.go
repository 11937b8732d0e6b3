package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// LibraryVersion is the ONNX Runtime release that the installation script fetches and that the tests run against.
const LibraryVersion = "1.30.0"

// EnvLibrary names the environment variable that overrides every other place to look for the library.
const EnvLibrary = "ORT_LIBRARY"

// FindLibrary looks for ONNX Runtime's shared library and says where the choice came from. In order: $ORT_LIBRARY, the
// configured path, the installation script's folder under the user's data directory, the folder of the running binary
// (and its ../lib), $LD_LIBRARY_PATH, and the system's library folders.
//
// A path that was named explicitly but does not exist is an error: silently running another runtime than the one asked
// for would be worse than not starting.
func FindLibrary(configured string) (path, why string, err error) {
	for _, named := range []struct{ path, why string }{
		{os.Getenv(EnvLibrary), "environment variable " + EnvLibrary},
		{configured, "configuration"},
	} {
		if named.path == "" {
			continue
		}
		if err := isFile(named.path); err != nil {
			return "", "", fmt.Errorf("ONNX Runtime library from %s: %w", named.why, err)
		}
		return named.path, named.why, nil
	}

	var tried []string
	for _, place := range places() {
		for _, name := range libraryNames() {
			p := filepath.Join(place.dir, name)
			if isFile(p) == nil {
				return p, place.why, nil
			}
		}
		tried = append(tried, place.dir)
	}
	return "", "", fmt.Errorf("ONNX Runtime library (%s) not found in %s: run scripts/install, or set %s to its path",
		libraryNames()[0], strings.Join(tried, ", "), EnvLibrary)
}

type place struct{ dir, why string }

func places() []place {
	var all []place
	if dir, err := dataDir(); err == nil {
		all = append(all, place{filepath.Join(dir, "onnxruntime", LibraryVersion), "installed for this user"})
	}
	if exe, err := os.Executable(); err == nil {
		if resolved, err := filepath.EvalSymlinks(exe); err == nil {
			exe = resolved
		}
		dir := filepath.Dir(exe)
		all = append(all, place{dir, "beside the binary"}, place{filepath.Join(dir, "..", "lib"), "beside the binary"})
	}
	for _, dir := range filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")) {
		if dir != "" {
			all = append(all, place{dir, "LD_LIBRARY_PATH"})
		}
	}
	dirs := []string{"/usr/local/lib", "/usr/lib", "/usr/lib64", "/opt/onnxruntime/lib"}
	switch runtime.GOARCH {
	case "amd64":
		dirs = append(dirs, "/usr/lib/x86_64-linux-gnu")
	case "arm64":
		dirs = append(dirs, "/usr/lib/aarch64-linux-gnu", "/opt/homebrew/lib")
	}
	for _, dir := range dirs {
		all = append(all, place{dir, "system libraries"})
	}
	return all
}

func libraryNames() []string {
	if runtime.GOOS == "darwin" {
		return []string{"libonnxruntime." + LibraryVersion + ".dylib", "libonnxruntime.1.dylib", "libonnxruntime.dylib"}
	}
	return []string{"libonnxruntime.so.1", "libonnxruntime.so." + LibraryVersion, "libonnxruntime.so"}
}

func dataDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "courtsense"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "share", "courtsense"), nil
}

func isFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return errors.New(path + " is a folder, the library file is wanted")
	}
	return nil
}
