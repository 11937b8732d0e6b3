package onnx

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>

// glibc moves both thresholds up with what a process frees, to 32 and 64 MiB, and malloc_trim leaves the top of all arenas
// but the main one alone. So the top of each thread's arena would keep up to 64 MiB of every model ever unloaded.
static void keep_normal(void) { mallopt(M_MMAP_THRESHOLD, 8 << 20); mallopt(M_TRIM_THRESHOLD, 16 << 20); }
static void keep_little(void) { mallopt(M_TRIM_THRESHOLD, 128 << 10); }
static void give_back(void) { malloc_trim(0); }
#else
static void keep_normal(void) {}
static void keep_little(void) {}
static void give_back(void) {}
#endif
*/
import "C"

import "sync"

// frugal counts the sessions that are being made or destroyed.
var frugal struct {
	sync.Mutex
	n int
}

// frugally runs f, which frees much C memory, and hands that memory back to the system. Meanwhile every thread's arena
// gives up what it frees at once; at other times it keeps some for the next picture, because fresh pages cost time.
func frugally(f func()) {
	frugal.Lock()
	if frugal.n++; frugal.n == 1 {
		C.keep_little()
	}
	frugal.Unlock()
	defer func() {
		C.give_back()
		frugal.Lock()
		defer frugal.Unlock()
		if frugal.n--; frugal.n == 0 {
			C.keep_normal()
		}
	}()
	f()
}
