// Package archive is an archive directory as a [mail.Store]: a Maildir++ tree, or a tree of
// mbox files, that other programs can read as it stands, with a record of where each
// message came from and what it was in each run.
//
// # What is on disk
//
// The messages' files are what counts. A message is there when its file is: written, synced, renamed
// to its place, and the directory synced. Only then is it recorded in the catalogue, and only then
// told to be done. So a crash leaves files that the catalogue does not have, and never the
// other way round; the next run takes them in. The catalogue itself can be made again from the
// files, but for what is said in the README beside it.
//
// # Gone
//
// Nothing is deleted. A message that the source has lost is marked with the run
// that missed it. The archive shows the state after the last run, that after an earlier
// one (Options.AsOf), or everything (Options.WithGone).
package archive
