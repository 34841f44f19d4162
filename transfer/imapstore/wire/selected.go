package wire

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"mailferry/transfer/mail"
)

// Selected is what a server tells when a folder is opened (RFC 9051 section
// 6.3.2). What it does not tell is zero.
type Selected struct {
	UIDValidity   uint32
	UIDNext       mail.UID
	Exists        uint32
	HighestModSeq uint64
	Flags         mail.Flags // keywords in use
	Permanent     mail.Flags
	AnyKeyword    bool
	ReadOnly      bool
	NotSticky     bool  // UIDs do not survive the session (RFC 4315)
	AppendLimit   int64 // filled in by callers that know it
	listed        bool  // PERMANENTFLAGS was sent
	closed        bool  // another folder has been closed just now
}

// Examine opens a folder by its raw name for reading (EXAMINE).
func (c *Conn) Examine(ctx context.Context, raw string) (Selected, error) {
	sel, _, err := c.open(ctx, "EXAMINE", "open", raw)
	return sel, err
}

// Select opens a folder by its raw name for reading and writing. A server that
// opens it for reading only is an error.
func (c *Conn) Select(ctx context.Context, raw string) (Selected, error) {
	sel, _, err := c.open(ctx, "SELECT", "open for writing", raw)
	if err == nil && sel.ReadOnly {
		err = readOnly()
	}
	return sel, err
}

func readOnly() error {
	return &mail.Error{Op: "open for writing", Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindRefused,
		Err: errors.New("the server opens this folder for reading only")}
}

// settled is what SELECT told, now that its reply is there.
func (sel Selected) settled(op string, rep Reply) (Selected, error) {
	if !rep.OK() {
		return sel, missing(classify(op, rep))
	}
	if sel.complete(rep); sel.ReadOnly {
		return sel, readOnly()
	}
	return sel, nil
}

func (sel *Selected) complete(rep Reply) {
	sel.ReadOnly = rep.Code == "READ-ONLY" || sel.ReadOnly && rep.Code != "READ-WRITE"
	if !sel.listed { // RFC 9051 section 7.1: all flags can then be changed
		sel.Permanent = sel.Flags.Union(mail.NewFlags(mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft))
	}
}

// open sends commands behind its own, and returns their tags, to be waited for.
func (c *Conn) open(ctx context.Context, verb, op, raw string, behind ...*command) (Selected, []string, error) {
	if err := c.ready(ctx, op); err != nil {
		return Selected{}, nil, err
	}
	defer c.watch(ctx)()
	tags, err := c.sendOpening(verb, op, raw, behind)
	if err != nil {
		return Selected{}, nil, missing(err)
	}
	c.box = mailbox{}
	var sel Selected
	rep, err := c.finish(op, tags[0], func(s *response) error {
		if sel.take(s); sel.closed {
			// What came so far was about the folder selected before (RFC 7162 section 3.2.11).
			sel, c.box = Selected{}, mailbox{}
		}
		return nil
	})
	if err == nil && !rep.OK() {
		c.drop(tags[1:]...)
		err = classify(op, rep)
	}
	if err != nil {
		return sel, nil, missing(err)
	}
	sel.Exists = c.box.exists
	sel.complete(rep)
	return sel, tags[1:], nil
}

// sendOpening sends a folder's opening, unless Follow has.
func (c *Conn) sendOpening(verb, op, raw string, behind []*command) ([]string, error) {
	c.dropAhead()
	if len(c.next) > 0 && verb == "EXAMINE" && c.next[0].raw == raw && len(c.next[0].tags) == len(behind)+1 {
		tags := c.next[0].tags
		c.next = c.next[1:]
		return tags, nil
	}
	return c.sendAll(op, append([]*command{c.opening(verb, raw)}, behind...))
}

func (c *Conn) opening(verb, raw string) *command {
	m := newCommand(verb).name(raw)
	if c.caps.Has("CONDSTORE") {
		m.add(" (CONDSTORE)")
	}
	return m
}

func (c *Conn) sendAll(op string, commands []*command) (tags []string, err error) {
	for _, m := range commands {
		tag, err := c.send(op, m)
		if err != nil {
			c.drop(tags...)
			return nil, err
		}
		tags = append(tags, tag)
	}
	return tags, nil
}

// missing takes a plain NO to SELECT or EXAMINE for a folder that is not there:
// before RFC 5530 servers said nothing more exact.
func missing(err error) error {
	var e *mail.Error
	var refused *ReplyError
	if errors.As(err, &e) && errors.As(err, &refused) && refused.Reply.Status == "NO" &&
		refused.Reply.Code == "" && e.Kind == mail.KindRefused {
		e.Kind = mail.KindNotFound
	}
	return err
}

func (sel *Selected) take(s *response) {
	switch s.Name {
	case "FLAGS":
		sel.Flags = mail.NewFlags(s.words()...)
	case "OK", "NO":
		sel.code(s.reply())
	}
}

func (sel *Selected) code(rep Reply) {
	switch rep.Code {
	case "UIDVALIDITY":
		sel.UIDValidity = clip32(parseNumber(rep.Arg))
	case "UIDNEXT":
		sel.UIDNext = mail.UID(clip32(parseNumber(rep.Arg)))
	case "HIGHESTMODSEQ":
		sel.HighestModSeq = parseNumber(rep.Arg)
	case "READ-ONLY":
		sel.ReadOnly = true
	case "CLOSED":
		sel.closed = true
	case "UIDNOTSTICKY":
		sel.NotSticky = true
	case "PERMANENTFLAGS":
		flags := flagList(rep.Arg)
		sel.listed = true
		sel.Permanent = mail.NewFlags(flags...)
		for _, f := range flags {
			sel.AnyKeyword = sel.AnyKeyword || f == `\*`
		}
	}
}

func flagList(text string) []string {
	s := &response{seg: []byte(text), lit: -1}
	return s.words()
}

func parseNumber(text string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// AppendLimit returns the greatest message a folder takes, or zero when the
// server does not say (RFC 7889). It asks only where limits differ by folder.
func (c *Conn) AppendLimit(ctx context.Context, raw string) (int64, error) {
	if limit := c.caps.AppendLimit(); limit > 0 || !c.caps.Has("APPENDLIMIT") {
		return limit, nil
	}
	var limit int64
	_, err := c.run(ctx, "status", newCommand("STATUS").name(raw).add(" (APPENDLIMIT)"), func(s *response) error {
		if s.Name == "STATUS" {
			s.mailboxOf()
			s.accept('(')
			s.items(func() {
				name := strings.ToUpper(string(s.atom()))
				if n := s.number(); name == "APPENDLIMIT" {
					limit = int64(n)
				}
			})
		}
		return nil
	})
	var refused *ReplyError
	if errors.As(err, &refused) && c.broken == nil {
		err = nil
	}
	return limit, err
}
