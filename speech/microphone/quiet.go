package microphone

/*
#cgo linux LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

static void quiet_alsa(const char *file, int line, const char *function, int err, const char *fmt, ...) {
	(void)file; (void)line; (void)function; (void)err; (void)fmt;
}
static void quiet_jack(const char *message) { (void)message; }

static void courtsense_quiet(void) {
	int (*alsa)(void (*)(const char *, int, const char *, int, const char *, ...)) =
		(int (*)(void (*)(const char *, int, const char *, int, const char *, ...)))dlsym(RTLD_DEFAULT, "snd_lib_error_set_handler");
	if (alsa != NULL) alsa(quiet_alsa);
	const char *jack[] = {"jack_set_error_function", "jack_set_info_function"};
	for (int i = 0; i < 2; i++) {
		void (*set)(void (*)(const char *)) = (void (*)(void (*)(const char *)))dlsym(RTLD_DEFAULT, jack[i]);
		if (set != NULL) set(quiet_jack);
	}
}
*/
import "C"

import "sync"

// quiet keeps the sound libraries from writing to stderr.
var quiet = sync.OnceFunc(func() { C.courtsense_quiet() })
