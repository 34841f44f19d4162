// Package ledger keeps [transfer.Ledger]s: one in a SQLite file, which survives
// crashes and power cuts, and one in memory.
//
// # The file
//
// There is one file per pair of accounts. Beside it stands FILE.lock, which one
// process at a time holds by flock(2) and which names that process. After a clean
// end it states the file's length and checksum instead, so that the next opener
// knows at once whether it has before it what the last one left. A file that was not closed
// cleanly is checked page by page and row by row.
//
// A file of format 1, which has a row for each record, is converted when it is
// opened: all of it or nothing, and only if all of it is right. OpenReadOnly does
// that in memory.
//
// A file that is damaged, of a newer format, of other accounts, or older than
// its lock file says is refused, never repaired and never guessed at: a ledger
// that forgot something would double mail. It may be deleted at any time
// instead: the next run recognises what is at the destination.
//
// # What is in it
//
// Folder names and flags are kept as the bytes they are, which need not be UTF-8.
// Sets of flags are stored once and referred to by number. Records that are
// neighbours in the order of their source UIDs share a row, a chunk: what a first
// run records takes little more than an octet each, and as little time. A chunk's
// row says which UIDs of both ends it may hold, so that those asked for are found
// without reading the others. Every row that a run relies on carries a checksum,
// because SQLite's pages carry none.
package ledger
