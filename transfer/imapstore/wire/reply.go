package wire

import (
	"bytes"
	"strings"

	"mailferry/transfer/mail"
)

// Reply is a status response (RFC 9051 section 7.1).
type Reply struct {
	Status string // OK, NO, BAD, BYE or PREAUTH
	Code   string // the response code's name in upper case; empty: none
	Arg    string // what follows the name inside the brackets
	Text   string
}

// OK reports whether the command succeeded.
func (r Reply) OK() bool { return r.Status == "OK" }

// String is the reply as people should see it.
func (r Reply) String() string {
	text := r.Status
	if r.Code != "" {
		text += " [" + strings.TrimSpace(r.Code+" "+r.Arg) + "]"
	}
	if r.Text != "" {
		text += " " + r.Text
	}
	return mail.Visible(text)
}

// all is everything the server said, where providers hide words of importance.
func (r Reply) all() string { return r.Code + " " + r.Arg + " " + r.Text }

// reply reads the rest of a status response. A code whose bracket never closes
// is text.
func (s *response) reply() Reply {
	rep := Reply{Status: s.Name}
	s.spaces()
	text := bytes.TrimSpace(s.rest())
	s.pos = len(s.seg)
	if len(text) > 0 && text[0] == '[' {
		if end := codeEnd(text); end > 0 {
			name, arg, _ := strings.Cut(strings.TrimSpace(string(text[1:end])), " ")
			rep.Code, rep.Arg = strings.ToUpper(name), strings.TrimSpace(arg)
			text = bytes.TrimSpace(text[end+1:])
		}
	}
	rep.Text = string(text)
	return rep
}

// codeEnd finds the bracket that closes a response code: not one inside quotes
// or inside the flag list of PERMANENTFLAGS, where keywords may hold brackets.
func codeEnd(text []byte) int {
	depth, quoted := 0, false
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ']' && depth <= 0:
			return i
		}
	}
	return bytes.IndexByte(text, ']')
}
