// Package microphone captures sound through PortAudio: it lists input devices, and an open one is an io.Reader of raw
// 16-bit samples for package speech.
//
// ALSA and JACK write pages of diagnostics to stderr whenever a device can't be probed, which on a server is always. Both
// let a program install its own error handler; as PortAudio links them itself, the handlers are looked up at run time
// (dlsym) and replaced by ones that print nothing. No build dependency on either comes from that, and stderr itself is
// left alone.
package microphone
