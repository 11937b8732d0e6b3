package pipeline

import (
	"math/bits"
	"sync"
	"unsafe"
)

const (
	minBufferBits   = 10 // 4 KiB of float32: below that the garbage collector is cheaper than a pool
	maxBufferBits   = 28 // 1 GiB of float32
	stepsPerDouble  = 4  // at most a quarter of a buffer is slack
	bufferClasses   = (maxBufferBits - minBufferBits) * stepsPerDouble
	smallestPooled  = 1 << minBufferBits
	bitsPerFraction = 2 // log2(stepsPerDouble)
)

// BufferPool lends float32 buffers for image tensors and joined batches, so that a steady load makes no garbage and
// touches no fresh pages. The zero value is ready to use; it is safe for concurrent use.
type BufferPool struct {
	classes [bufferClasses]sync.Pool // of *float32, the first element of an array of the class's size
}

// Get returns a slice of n elements with arbitrary contents. Hand it back with [BufferPool.Put] when nothing refers to
// it any more; a buffer that is never handed back is collected as garbage.
func (p *BufferPool) Get(n int) []float32 {
	class, size := bufferClass(n)
	if class < 0 {
		return make([]float32, n)
	}
	if first, ok := p.classes[class].Get().(*float32); ok {
		return unsafe.Slice(first, size)[:n]
	}
	return make([]float32, size)[:n]
}

// Put takes back a buffer that Get returned. Slices from elsewhere are ignored.
func (p *BufferPool) Put(buf []float32) {
	if cap(buf) == 0 {
		return
	}
	class, size := bufferClass(cap(buf))
	if class < 0 || size != cap(buf) {
		return
	}
	p.classes[class].Put(unsafe.SliceData(buf))
}

// bufferClass returns the class of the smallest pooled size >= n and that size, or -1 when n is not pooled.
// Sizes are 2^e * (1, 1.25, 1.5, 1.75).
func bufferClass(n int) (class, size int) {
	if n <= 0 || n > 1<<maxBufferBits-1<<(maxBufferBits-1-bitsPerFraction) {
		return -1, 0
	}
	n = max(n, smallestPooled)
	e := bits.Len(uint(n)) - 1
	step := 1 << (e - bitsPerFraction)
	fraction := (n - 1<<e + step - 1) / step // 0..stepsPerDouble
	size = 1<<e + fraction*step
	return (e-minBufferBits)*stepsPerDouble + fraction, size
}
