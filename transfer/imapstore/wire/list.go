package wire

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"mailferry/transfer/mail"
)

// Mailbox is a folder as LIST gives it.
type Mailbox struct {
	Raw        string // the name, octet for octet
	Delim      string // one octet; empty: NIL, the name has no levels
	Attrs      []string
	Subscribed bool
	Status     *mail.Status // nil: not told
}

// Has reports whether the folder has an attribute, without regard to case.
func (m *Mailbox) Has(attr string) bool {
	for _, a := range m.Attrs {
		if strings.EqualFold(a, attr) {
			return true
		}
	}
	return false
}

// Openable reports whether the folder can be opened.
func (m *Mailbox) Openable() bool { return !m.Has(`\Noselect`) && !m.Has(`\NonExistent`) }

// List returns every folder and every subscription below the prefix, with their
// Status as far as the server tells it. It takes one round trip with LIST-EXTENDED
// and LIST-STATUS (RFC 5258, RFC 5819), two otherwise.
func (c *Conn) List(ctx context.Context, prefix string) ([]*Mailbox, error) {
	const op = "list folders"
	if err := c.ready(ctx, op); err != nil {
		return nil, err
	}
	defer c.watch(ctx)()
	l := newLister()
	commands := c.listCommands(prefix)
	err := c.pipeline(op, commands, func(i int, s *response) error {
		l.take(s, i == len(commands)-1)
		return nil
	})
	if err != nil {
		return nil, widen(err)
	}
	if err := c.statusOfRest(op, l); err != nil {
		return nil, widen(err)
	}
	return l.boxes, nil
}

// listCommands are every LIST there is to send; the last one is for subscriptions.
func (c *Conn) listCommands(prefix string) []*command {
	extended := c.caps.Has("LIST-EXTENDED")
	commands := []*command{newCommand(`LIST "" `).add(pattern(prefix)).add(c.listReturn(extended))}
	if prefix != "" { // INBOX stands outside of the prefix
		commands = append(commands, newCommand(`LIST "" INBOX`).add(c.listReturn(extended)))
	}
	subscribed := newCommand(`LSUB "" "*"`)
	if extended {
		subscribed = newCommand(`LIST (SUBSCRIBED) "" "*"`)
	}
	return append(commands, subscribed)
}

func pattern(prefix string) string { return quote(prefix + "*") }

// listReturn leaves SUBSCRIBED out: a server returns it for folders that exist,
// and the subscriptions to others are wanted too.
func (c *Conn) listReturn(extended bool) string {
	var items []string
	if c.caps.Has("SPECIAL-USE") && extended {
		items = append(items, "SPECIAL-USE")
	}
	if c.caps.Has("LIST-STATUS") && extended {
		items = append(items, "STATUS ("+c.statusItems()+")")
	}
	if len(items) == 0 {
		return ""
	}
	return " RETURN (" + strings.Join(items, " ") + ")"
}

// statusItems are what one STATUS asks for. Appended mail does not raise them
// all at the same moment, so UIDNEXT comes first.
func (c *Conn) statusItems() string {
	items := "UIDVALIDITY UIDNEXT MESSAGES UNSEEN"
	if c.caps.Has("CONDSTORE") {
		items += " HIGHESTMODSEQ"
	}
	if c.caps.Has("STATUS=SIZE") {
		items += " SIZE"
	}
	return items
}

// statusOfRest asks for the status of folders that LIST did not tell. A folder
// whose STATUS is refused has none.
func (c *Conn) statusOfRest(op string, l *lister) error {
	l.join()
	var todo []*Mailbox
	for _, m := range l.boxes {
		if m.Status == nil && m.Openable() {
			todo = append(todo, m)
		}
	}
	return c.statusAll(op, todo)
}

func (c *Conn) statusAll(op string, boxes []*Mailbox) error {
	commands := make([]*command, len(boxes))
	for i, m := range boxes {
		commands[i] = newCommand("STATUS").name(m.Raw).add(" (" + c.statusItems() + ")")
	}
	err := c.pipeline(op, commands, func(i int, s *response) error {
		if s.Name == "STATUS" {
			// Servers answer one after the other; some spell the name differently.
			_, boxes[i].Status = readStatus(s)
		}
		return nil
	})
	var refused *ReplyError
	var e *mail.Error
	if errors.As(err, &refused) && errors.As(err, &e) && e.Retry == mail.RetryNever {
		return nil
	}
	return err
}

// Status asks for one folder's status (RFC 9051 section 6.3.11).
func (c *Conn) Status(ctx context.Context, raw string) (mail.Status, error) {
	return c.status(ctx, raw)
}

// StatusNow is Status for the selected folder, of which a server may not show
// what is new before it has had a chance to tell the session (as Courier).
func (c *Conn) StatusNow(ctx context.Context, raw string) (mail.Status, error) {
	return c.status(ctx, raw, newCommand("NOOP"))
}

// status sends the commands before it in the same round trip.
func (c *Conn) status(ctx context.Context, raw string, before ...*command) (mail.Status, error) {
	const op = "status"
	if err := c.ready(ctx, op); err != nil {
		return mail.Status{}, err
	}
	defer c.watch(ctx)()
	var found *mail.Status
	m := newCommand("STATUS").name(raw).add(" (" + c.statusItems() + ")")
	err := c.pipeline(op, append(before, m), func(_ int, s *response) error {
		if s.Name == "STATUS" {
			_, found = readStatus(s)
		}
		return nil
	})
	if err == nil && found == nil {
		err = &mail.Error{Op: op, Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindProtocol,
			Err: errors.New("the server told no status")}
	}
	if err != nil {
		return mail.Status{}, err
	}
	return *found, nil
}

// lister collects LIST, LSUB and STATUS responses.
type lister struct {
	boxes  []*Mailbox
	byName map[string]*Mailbox
	status map[string]*mail.Status
}

func newLister() *lister {
	return &lister{byName: make(map[string]*Mailbox), status: make(map[string]*mail.Status)}
}

func (l *lister) take(s *response, subscriptions bool) {
	switch s.Name {
	case "LIST", "LSUB":
		if m := readMailbox(s); m != nil {
			l.merge(m, subscriptions)
		}
	case "STATUS":
		if name, status := readStatus(s); status != nil {
			l.status[name] = status
		}
	}
}

func (l *lister) merge(m *Mailbox, subscriptions bool) {
	key := m.Raw
	if strings.EqualFold(key, "INBOX") {
		key = "INBOX"
	}
	known := l.byName[key]
	switch {
	case known == nil:
		if subscriptions {
			m.Subscribed = !m.Has(`\Noselect`) || m.Has(`\Subscribed`)
			m.Attrs = append(m.Attrs, `\NonExistent`)
			if !m.Subscribed {
				return // a parent of subscriptions, not one itself (RFC 3501 section 6.3.9)
			}
		}
		l.byName[key] = m
		l.boxes = append(l.boxes, m)
	case subscriptions:
		known.Subscribed = true
	case len(known.Attrs) < len(m.Attrs):
		known.Attrs = m.Attrs
	}
}

func (l *lister) join() {
	for _, m := range l.boxes {
		if m.Status = l.status[m.Raw]; m.Status == nil && strings.EqualFold(m.Raw, "INBOX") {
			m.Status = l.status["INBOX"]
		}
	}
}

func readMailbox(s *response) *Mailbox {
	m := &Mailbox{Attrs: s.words()}
	delim, _ := s.value()
	if len(delim) > 0 {
		m.Delim = string(delim[:1])
	}
	s.spaces()
	m.Raw = string(s.mailboxName())
	if m.Raw == "" || s.err != nil {
		return nil
	}
	return m
}

// mailboxName reads the name at the end of LIST, however badly it is quoted.
func (s *response) mailboxName() []byte {
	if s.pos >= len(s.seg) && s.lit >= 0 {
		return s.literal()
	}
	if s.peek() != '"' {
		name := bytes.TrimRight(s.rest(), " ")
		if i := bytes.Index(name, []byte(` (`)); i >= 0 && extendedData(name[i+2:]) {
			name = name[:i]
		}
		s.pos = len(s.seg)
		return bytes.Clone(name)
	}
	start := s.pos
	name := s.quoted()
	if next := s.peek(); next == 0 || next == ' ' {
		return name
	}
	end := bytes.LastIndexByte(s.seg, '"')
	s.pos = len(s.seg)
	return bytes.Clone(s.seg[start+1 : end])
}

// extendedData tells LIST-EXTENDED's last item from a parenthesis in a name.
func extendedData(text []byte) bool {
	upper := strings.ToUpper(string(text))
	return strings.HasPrefix(upper, `"CHILDINFO"`) || strings.HasPrefix(upper, `CHILDINFO`) ||
		strings.HasPrefix(upper, `"OLDNAME"`) || strings.HasPrefix(upper, `OLDNAME`)
}

// readStatus reads a STATUS response; status is nil when it has no list.
func readStatus(s *response) (name string, status *mail.Status) {
	name = s.mailboxOf()
	if !s.accept('(') {
		return "", nil
	}
	st := &mail.Status{Unseen: -1, Bytes: -1}
	s.items(func() { statusItem(st, strings.ToUpper(string(s.atom())), s) })
	return name, st
}

// mailboxOf reads the name at the head of STATUS, also one with spaces that
// should have been quoted.
func (s *response) mailboxOf() string {
	raw, _ := s.value()
	for s.spaces(); s.pos < len(s.seg); s.spaces() {
		if c := s.peek(); c == '(' || c == ')' {
			break
		}
		raw = append(append(raw, ' '), s.atom()...)
	}
	return string(raw)
}

func statusItem(st *mail.Status, item string, s *response) {
	text, _ := s.value()
	n, ok := number(text)
	if !ok {
		return
	}
	switch item {
	case "UIDVALIDITY":
		st.UIDValidity = clip32(uint64(n))
	case "UIDNEXT":
		st.UIDNext = mail.UID(clip32(uint64(n)))
	case "MESSAGES":
		st.Messages = clip32(uint64(n))
	case "HIGHESTMODSEQ":
		st.HighestModSeq = uint64(n)
	case "UNSEEN":
		st.Unseen = n
	case "SIZE":
		st.Bytes = n
	}
}
