// Package framing splits the two directions of an IMAP connection into lines
// and literals (RFC 9051 section 4.3), so that a server or a proxy can count
// commands and edit responses without being fooled by what messages contain.
package framing
