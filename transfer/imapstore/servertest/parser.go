package servertest

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// response is one response of a server: a tagged or untagged status, a
// continuation request (tag "+"), or data.
type response struct {
	tag    string
	status status  // OK, NO, BAD, BYE, PREAUTH
	data   []value // of any other untagged response
}

// after returns what follows name in data that starts with name.
func (r response) after(name string) []value {
	if len(r.data) > 0 && strings.EqualFold(r.data[0].text, name) {
		return r.data[1:]
	}
	return nil
}

// value is an atom, a string or a parenthesised list. Of a literal longer than
// keepLiteral only body is known.
type value struct {
	text   string
	quoted bool // a string or literal, not an atom
	list   []value
	isList bool
	body   *digest // of a literal
}

// isNIL reports whether v is NIL and not a string of these letters.
func (v value) isNIL() bool { return !v.quoted && !v.isList && strings.EqualFold(v.text, "NIL") }

const (
	keepLiteral = 8 << 10
	maxDepth    = 50
	maxText     = 1 << 20
)

var errSyntax = errors.New("not the syntax of IMAP")

type parser struct{ r *bufio.Reader }

func newParser(r io.Reader) *parser { return &parser{bufio.NewReaderSize(r, 64<<10)} }

// response reads the next response; io.EOF means that none was begun.
func (p *parser) response() (response, error) {
	if _, err := p.r.Peek(1); err != nil {
		return response{}, err // io.EOF is in its place here
	}
	tag, err := p.until(" \r")
	if err != nil {
		return response{}, err
	}
	if tag == "+" {
		text, err := p.line()
		return response{tag: tag, status: status{"+", strings.TrimSpace(text)}}, err
	}
	if err := p.expect(' '); err != nil {
		return response{}, err
	}
	first, err := p.until(" \r()\"")
	if err != nil {
		return response{}, err
	}
	switch kind := strings.ToUpper(first); kind {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		text, err := p.line()
		return response{tag: tag, status: status{kind, strings.TrimSpace(text)}}, err
	}
	if tag != "*" {
		return response{}, fmt.Errorf("%w: tag %q and then %q", errSyntax, tag, first)
	}
	rest, err := p.values('\r', 0)
	if err != nil {
		return response{}, err
	}
	return response{tag: tag, data: append([]value{{text: first}}, rest...)}, p.expect('\n')
}

// values reads values parted by spaces up to and with the octet end.
func (p *parser) values(end byte, depth int) ([]value, error) {
	var out []value
	for {
		c, err := p.r.ReadByte()
		if err != nil {
			return nil, unexpected(err)
		}
		switch c {
		case end:
			return out, nil
		case ' ':
			continue
		}
		if err := p.r.UnreadByte(); err != nil {
			return nil, err
		}
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}

func (p *parser) value(depth int) (value, error) {
	c, err := p.r.ReadByte()
	if err != nil {
		return value{}, unexpected(err)
	}
	switch c {
	case '(':
		if depth == maxDepth {
			return value{}, fmt.Errorf("%w: too many lists in lists", errSyntax)
		}
		list, err := p.values(')', depth+1)
		return value{list: list, isList: true}, err
	case '"':
		text, err := p.quoted()
		return value{text: text, quoted: true}, err
	case '{':
		return p.literal()
	case ')', '\r', '\n':
		return value{}, fmt.Errorf("%w: %q out of place", errSyntax, c)
	}
	if err := p.r.UnreadByte(); err != nil {
		return value{}, err
	}
	text, err := p.atom()
	return value{text: text}, err
}

// atom reads an atom, and BODY[...] whole with the spaces between its brackets.
func (p *parser) atom() (string, error) {
	text, err := p.until(" ()\r\n[")
	if err != nil {
		return "", err
	}
	for {
		next, err := p.r.Peek(1)
		if err != nil {
			return "", unexpected(err)
		}
		if next[0] != '[' {
			return text, nil
		}
		stop := " ()\r\n"
		if strings.EqualFold(text, "BODY") {
			stop = "]\r\n"
		}
		more, err := p.until(stop)
		if err != nil {
			return "", err
		}
		if text += more; stop[0] != ']' {
			return text, nil
		}
		rest, err := p.until(" ()\r\n")
		return text + rest, err
	}
}

func (p *parser) quoted() (string, error) {
	var b strings.Builder
	for b.Len() < maxText {
		c, err := p.r.ReadByte()
		if err == nil && c == '\\' {
			c, err = p.r.ReadByte()
		} else if c == '"' {
			return b.String(), nil
		}
		switch {
		case err != nil:
			return "", unexpected(err)
		case c == '\r' || c == '\n':
			return "", fmt.Errorf("%w: a quoted string without end", errSyntax)
		}
		b.WriteByte(c)
	}
	return "", fmt.Errorf("%w: a quoted string without end", errSyntax)
}

func (p *parser) literal() (value, error) {
	text, err := p.until("}\r")
	if err != nil {
		return value{}, err
	}
	n, err := strconv.ParseInt(text, 10, 63)
	if err != nil || n < 0 {
		return value{}, fmt.Errorf("%w: literal {%s}", errSyntax, text)
	}
	for _, c := range []byte("}\r\n") {
		if err := p.expect(c); err != nil {
			return value{}, err
		}
	}
	d := newDigester()
	var kept strings.Builder
	w := io.Writer(d)
	if n <= keepLiteral {
		w = io.MultiWriter(d, &kept)
	}
	if _, err := io.CopyN(w, p.r, n); err != nil {
		return value{}, fmt.Errorf("literal of %d octets: %w", n, unexpected(err))
	}
	return value{text: kept.String(), quoted: true, body: d.digest()}, nil
}

// until reads up to, without, one of the octets of stop.
func (p *parser) until(stop string) (string, error) {
	var b strings.Builder
	for b.Len() < maxText {
		c, err := p.r.ReadByte()
		if err != nil {
			return "", unexpected(err)
		}
		if strings.IndexByte(stop, c) >= 0 {
			return b.String(), p.r.UnreadByte()
		}
		b.WriteByte(c)
	}
	return "", fmt.Errorf("%w: more than %d octets in one word", errSyntax, maxText)
}

func (p *parser) line() (string, error) {
	text, err := p.until("\n")
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(text, "\r"), p.expect('\n')
}

func (p *parser) expect(want byte) error {
	c, err := p.r.ReadByte()
	if err != nil {
		return unexpected(err)
	}
	if c != want {
		return fmt.Errorf("%w: %q where %q should be", errSyntax, c, want)
	}
	return nil
}

// unexpected is for an end of the stream inside a response.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// digest is what the judge keeps of a message.
type digest struct {
	size   int64
	exact  [sha256.Size]byte
	munged [sha256.Size]byte // 8-bit octets of the header replaced by X
	lines  [sha256.Size]byte // without CRs, and with an LF at the end
}
