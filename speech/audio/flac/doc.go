// Package flac decodes native FLAC (RFC 9639) with libFLAC: bytes come from an io.Reader, without seeking, blocks of
// interleaved integer samples go out. The checksum of every frame is checked.
package flac
