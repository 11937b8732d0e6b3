package onnx

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
static void give_back(void) { malloc_trim(0); }
#else
static void give_back(void) {}
#endif
*/
import "C"

// returnMemory hands freed C heap pages back to the system. glibc keeps them in per-thread arenas otherwise, so that a
// server that loads and unloads models would only ever grow.
func returnMemory() { C.give_back() }
