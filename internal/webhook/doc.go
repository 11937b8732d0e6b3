// Package webhook tells another server of what happened: a message goes in, and is posted as JSON, signed, in order, again and
// again until it is accepted. Whoever hands a message over never waits: the queue is bounded, and what does not fit in is
// refused and counted. Headers and signature are those of Standard Webhooks 1.0 (github.com/standard-webhooks), for which
// receivers have libraries.
package webhook
