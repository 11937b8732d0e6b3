// Package accuracy scores speech results against references: reference segments (RTTM) and found segments go in, the
// error rates of the field come out.
package accuracy
