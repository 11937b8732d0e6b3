// Package mpeg decodes MPEG-1, MPEG-2 and MPEG-2.5 Layer III frames with libmpg123: whole frames go in one by one,
// interleaved float32 samples come out. Framing, tags and encoder delay are the caller's.
package mpeg
