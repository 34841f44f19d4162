package imaptest

import (
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"mailferry/transfer/mail"
)

func (s *session) List(w *imapserver.ListWriter, ref string, patterns []string, options *imap.ListOptions) error {
	if err := s.checkListOptions(patterns, options); err != nil {
		return err
	}
	if len(patterns) == 0 {
		return w.WriteList(&imap.ListData{
			Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect},
			Delim: s.server.opts.Delimiter,
		})
	}
	for _, data := range s.listing(ref, patterns, options) {
		if err := w.WriteList(data); err != nil {
			return err
		}
	}
	return nil
}

// checkListOptions refuses what belongs to an extension that is hidden.
func (s *session) checkListOptions(patterns []string, o *imap.ListOptions) error {
	lsub := s.front.command.Name == "LSUB"
	extended := !lsub && (o.SelectSubscribed || o.SelectRemote || o.SelectRecursiveMatch) ||
		o.ReturnSubscribed || o.ReturnChildren || len(patterns) > 1
	switch {
	case extended && !s.front.offers("LIST-EXTENDED"):
		return bad("LIST-EXTENDED is not offered")
	case o.ReturnStatus != nil && !s.front.offers("LIST-STATUS"):
		return bad("LIST-STATUS is not offered")
	case (o.SelectSpecialUse || o.ReturnSpecialUse) && !s.front.offers("SPECIAL-USE"):
		return bad("SPECIAL-USE is not offered")
	case o.ReturnStatus != nil:
		return s.checkStatusOptions(o.ReturnStatus)
	}
	return nil
}

// listing collects what a LIST tells, so that it can be written without a lock.
func (s *session) listing(ref string, patterns []string, o *imap.ListOptions) []*imap.ListData {
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []*imap.ListData
	for _, path := range a.listed() {
		name := a.names.name(path)
		if !s.matches(name, ref, patterns) {
			continue
		}
		if data := s.listData(path, name, o); data != nil {
			out = append(out, data)
		}
	}
	return out
}

// listed is every path that LIST may tell of: folders, their parents, and what
// is only subscribed to.
func (a *Account) listed() []mail.Path {
	set := make(map[mail.Path]bool)
	for p := range a.folders {
		for ok := true; ok; p, ok = p.Parent() {
			set[p] = true
		}
	}
	for p := range a.subscribed {
		set[p] = true
	}
	out := make([]mail.Path, 0, len(set))
	for p := range set {
		out = append(out, p)
	}
	slices.SortFunc(out, mail.Path.Compare)
	return out
}

func (s *session) matches(name, ref string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if ref == "" && name == "INBOX" && strings.EqualFold(pattern, name) {
			return true
		}
		return imapserver.MatchList(name, s.server.opts.Delimiter, ref, pattern)
	})
}

// listData describes one folder, or returns nil if it was not asked for.
func (s *session) listData(path mail.Path, name string, o *imap.ListOptions) *imap.ListData {
	a := s.account
	f := a.folders[path]
	data := &imap.ListData{Delim: s.server.opts.Delimiter, Mailbox: name}
	switch {
	case o.SelectSubscribed && !a.subscribed[path]:
		if !o.SelectRecursiveMatch || !a.subscribedBelow(path) {
			return nil
		}
		data.ChildInfo = &imap.ListDataChildInfo{Subscribed: true}
	case !o.SelectSubscribed && !a.exists(path):
		return nil // only subscribed to
	case o.SelectSpecialUse && (f == nil || f.role == ""):
		return nil
	}
	data.Attrs = s.attributes(path, f, o)
	if o.ReturnStatus != nil && f != nil {
		data.Status = f.status(name)
	}
	return data
}

func (s *session) attributes(path mail.Path, f *folder, o *imap.ListOptions) []imap.MailboxAttr {
	a := s.account
	var attrs []imap.MailboxAttr
	switch {
	case f != nil:
	case a.hasChildren(path):
		attrs = append(attrs, imap.MailboxAttrNoSelect)
	case s.front.command.Name == "LSUB": // RFC 3501 knows no \NonExistent
	default:
		attrs = append(attrs, imap.MailboxAttrNonExistent)
	}
	if s.childrenShown(path) {
		attrs = append(attrs, imap.MailboxAttrHasChildren)
	} else if a.exists(path) {
		attrs = append(attrs, imap.MailboxAttrHasNoChildren)
	}
	if f != nil && f.role != "" && s.front.offers("SPECIAL-USE") {
		attrs = append(attrs, imap.MailboxAttr(f.role))
	}
	if a.subscribed[path] && (o.ReturnSubscribed || o.SelectSubscribed) && s.front.command.Name == "LIST" {
		attrs = append(attrs, imap.MailboxAttrSubscribed)
	}
	return attrs
}

// childrenShown goes by the names that clients see: with the prefix "INBOX."
// every folder stands below the INBOX.
func (s *session) childrenShown(path mail.Path) bool {
	a := s.account
	if path.IsInbox() && a.names.prefix != "" {
		return len(a.folders) > 1
	}
	return a.hasChildren(path)
}

func (a *Account) subscribedBelow(path mail.Path) bool {
	for p := range a.subscribed {
		if rest, ok := p.Below(path); ok && !rest.IsZero() {
			return true
		}
	}
	return false
}
