// Package opus decodes Opus packets with libopus (RFC 6716): packets of one to eight channels go in, interleaved float32
// samples come out. It knows nothing of containers.
package opus
