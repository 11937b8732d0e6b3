// Package statute finds provisions of the law in what was said. Markdown files of laws go into an index on disk ([Import], [Write]); a text in
// which somebody names or recites a provision goes into [Index.Lookup], and the provisions come out with their exact text, law, version and
// a confidence. [Index.Snap] puts recited provisions into their exact words and keeps what was recognised beside each. Texts are compared by
// their sounds, so that homophones do no harm. A [Reader] follows what is said in one channel, result by result, and asks the [Evidence] of the
// sound, where there is any, whether what differs from the law was misheard.
package statute
