// Package journal keeps what happened at the gates: events go in, and come out in their order, as visits, and as each
// person's first and last time of a day. A [Journal] is one SQLite file whose records are encrypted under a key from the
// galleries' keyring; in the clear it tells how many events there were, and when. Pictures and templates are never kept, and
// what is older than the retention is deleted.
package journal
