// Package mail is the vocabulary of mailferry: what a message, a folder, a flag
// and an account are, and the contracts by which the transfer engine talks to
// them.
//
// An IMAP account and an archive on disk are the same thing here: a [Source]
// that can be read, or a [Store] that can be written too. The engine knows
// nothing else of either. A Source has no method that could change it, so
// "never harms the source" is a type and not a habit.
//
// The package holds types and pure functions only: no I/O, no logging, nothing
// but the standard library.
package mail
