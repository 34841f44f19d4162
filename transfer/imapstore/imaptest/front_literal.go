package imaptest

import (
	"bytes"
	"strings"

	"mailferry/transfer/imapstore/imaptest/framing"
)

// messageLiteral is the number of the literal that is the message of an APPEND.
func (f *front) messageLiteral() int {
	if strings.HasPrefix(f.command.Args, "{") {
		return 2 // the first is the folder's name
	}
	return 1
}

// isTooLong recognises literals other than messages that imapserver does not
// take. It would read their octets as the rest of the command.
func (f *front) isTooLong(piece framing.Piece) bool {
	isMessage := f.command.Name == "APPEND" && f.literals == f.messageLiteral()
	return piece.Announced > 4096 && !isMessage
}

// isSecondMessage recognises MULTIAPPEND (RFC 3502). imapserver would take the
// first message, never answer, and lose step.
func (f *front) isSecondMessage(piece framing.Piece) bool {
	if piece.First || f.swallow || f.command.Name != "APPEND" {
		return false
	}
	return f.literals >= f.messageLiteral() && len(bytes.TrimRight(piece.Data, "\r\n")) > 0
}

// mayPush reports whether a literal of n octets may come without waiting.
// Where it may not, a real server takes its octets for commands.
func (f *front) mayPush(n int64) bool {
	if f.offers("LITERAL+") && f.loggedIn {
		return true
	}
	return (f.offers("LITERAL+") || f.offers("LITERAL-")) && n <= 4096
}
