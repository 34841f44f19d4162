// Package imapstore makes an IMAP account a mail.Store.
//
// Handles are sessions: each holds one connection of a bounded pool while it is
// open. Readers use EXAMINE and BODY.PEEK[] only. Nothing is tried twice here;
// errors say whether and when trying again makes sense.
package imapstore
