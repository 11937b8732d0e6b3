// Package record keeps hearings' records on disk: turns as they were recognised, sound, the case, and clerks' corrections go in; who said what,
// as it stands now and as it ever stood, comes out, and everything that was acknowledged is still there after a crash. A record is a journal to which
// is only appended; its entries are chained by hash, and what a record says is the fold of them.
package record
