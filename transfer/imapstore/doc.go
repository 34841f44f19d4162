// Package imapstore makes an IMAP account a mail.Store.
//
// Handles are sessions: each holds one connection of a bounded pool while it is
// open. Readers use EXAMINE and BODY.PEEK[] only. Nothing is tried twice here;
// errors say whether and when trying again makes sense.
//
// On a long line small folders would cost a round trip or two each, in which nothing moves. Two things
// avoid it. Folders that are only appended to, and in which flags are set, share connections (lanes.go): while one waits for its
// answers the messages of others are on their way; folders that have just been made and listed need not even
// be opened for that. And what waits for a connection to read from is asked for
// behind the mail that one is receiving (queue.go); the connection changes hands when that mail has come.
//
// A large folder is read in parts over every connection that nobody else has a use for (slices.go), which matters where
// the line or the server gives one connection less than all it has. Each keeps a few megabytes until it is
// their turn, so that mail is still delivered in the order of its UIDs, and makes room as soon as somebody waits.
//
// On a short line it is the other way round: what costs time is the server's work, and each login is much of it. There
// connections are few, and who needs one waits a little for another's (frugal.go).
//
// A server that lets in fewer connections than the options allow is believed (limit.go): who needs one waits for
// one to be released, though not for long.
package imapstore
