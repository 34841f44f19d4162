// Package maildir is the Maildir++ format of an archive: the names of its
// directories and files, the form in which octets stand in them, and the folder that
// takes messages in.
//
// A message is one file in cur/:
//
//	<unixtime>.M<usec>P<pid>V<uidvalidity>U<uid>F<hash>[E].<host>,S=<octets>,W=<octets with CRLF>:2,<flags>
//
// Time is that of writing and rises strictly within a folder, so that servers number the
// files in that order. V, U and F say where the message was first read: UIDVALIDITY, UID and
// a hash of the folder's name. E says that the file holds the message's exact octets; without it line
// ends are LF, and putting CR before each rebuilds the message.
package maildir
