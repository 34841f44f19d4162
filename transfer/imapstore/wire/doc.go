// Package wire is one connection to an IMAP server: dialing, TLS, login, and
// the commands that move mail.
//
// Responses are read by a parser of its own that takes what real servers send:
// it knows the few items it asked for, skips everything else, and gives up only
// when the stream itself is out of step. Commands that change little and carry
// no mail (CREATE, SUBSCRIBE, STORE, EXPUNGE) go through go-imap's client, which
// sees the same connection through a facade that hands on tagged replies only,
// so that no odd line can end it.
//
// Errors are *mail.Error, classified where the server's words are known. A Conn
// belongs to one goroutine at a time and never tries anything twice. While a Lane has it, it belongs to the Lane.
package wire
