// Package imaptest is an IMAP server inside the process, for the demo and for
// tests.
//
// It speaks IMAP by go-imap's imapserver and keeps mail in a store of its own:
// what is appended is handed out octet for octet, keywords keep their case,
// EXAMINE is really read only, and no lock is held while a client is written
// to. A server can be filled and judged without IMAP through its [Account]s.
// Its [Server.Commands] tell what reached it.
//
// The subpackage faultproxy puts faults between a client and this or any other
// IMAP server.
package imaptest
