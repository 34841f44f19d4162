// Package foreign reads mbox files that other programs have written: mboxo,
// mboxrd, mboxcl and mboxcl2, with LF or CRLF, plain or compressed by gzip, by
// Thunderbird, Google Takeout, mutt, Pine, Dovecot and others, and also those of an archive of ours.
//
// # What is a message
//
// A message begins with a From_ line: the first of the file, or one behind an empty
// line that ends in a plausible date or has a header field behind it. (A file none of whose From_ lines has an
// empty line in front of it is read without that rule; one whose first From_ line has no date, only by
// the header field that has to follow.) Where a Content-Length leads exactly to the
// next From_ line or to the end, it decides, and "From " in between is text.
//
// A line is taken for a From_ line for the field behind it whatever its date looks like: programs wrote time 0, years
// of two digits, the names of days in their own language, or nothing. A separator that is not recognised
// glues two messages together, so that the second is lost in the first and is
// missed nowhere; one too many puts a part of a body, whole, into a message of its own, where its
// reader finds it. So in doubt there are two messages. That costs mail that was pasted into a text with its
// From_ line and not quoted, which by the lines alone is a message. It does not cost
// what people write: prose is not followed by a field, and below "From our form" comes a "Name: Ann" that is
// none of the fields with which messages begin. Those count behind any line; others only behind a line with an
// address, a date, a time to the second or a single word.
//
// # What comes out
//
// Lines end in CRLF; nothing else of a line is changed but the quoting: a line of
// ">", any number of them, and "From " loses one. Files whose Content-Lengths enclose bare From_ lines
// (mboxcl2) quote nothing, so nothing is unquoted there. A file that quotes only
// "From " (mboxo) cannot be told from one that also quotes ">From " (mboxrd)
// unless it has such a line; both are read alike, and Options.Quoting decides otherwise.
//
// Header fields in which programs keep what they know of a message, and which change as flags do, are
// taken out and told as flags, keywords and labels: Status, X-Status, X-Keywords, X-UID,
// X-IMAP, X-IMAPbase, Content-Length, X-Mozilla-Status, X-Mozilla-Status2,
// X-Mozilla-Keys and X-Gmail-Labels. So a message is the same message after it was read.
package foreign
