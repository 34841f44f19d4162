// Package mbox keeps the folders of an archive as mbox files that every mail
// program can open, and gives back the exact octets of their messages.
//
// A file is mboxrd: each message begins with a From_ line, lines end in LF, a
// line of any number of ">" and "From " has one ">" more than in the message, and
// an empty line ends the message. Between the From_ line and the message's own
// header stands a block of five lines:
//
//	From MAILER-DAEMON Thu Jan  2 15:04:05 2025
//	Status: RO
//	X-Status: AF
//	X-Keywords: $Forwarded Work
//	X-UID: 17
//	X-Mailferry: <uidvalidity> <uid> <size> <sha256> <internaldate> <eol>
//
// The first three are padded with spaces, so that flags change in place. The last is for
// us: where the message was first read, its octets and their SHA-256, its
// INTERNALDATE (RFC 3339, "-" if unknown), and how LF stands for its line ends:
//
//   - crlf: every LF is CRLF
//   - nofinal: the same, and the last LF is not in the message
//   - exact: the octets stand as they are, for messages with a CR or LF on its own; if
//     the last of them is no LF, there is one that is not in the message
//
// A line "From " is never part of a message, so a damaged message cannot hide the next one.
package mbox
