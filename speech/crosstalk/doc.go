// Package crosstalk tells which of a room's microphones is spoken into. The sound of several channels goes in, in chunks of any size; out comes
// the same sound, a little later, with silence where another seat's speech only leaked into a channel, and who spoke at the same time.
package crosstalk
