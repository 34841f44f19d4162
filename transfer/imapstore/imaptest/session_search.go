package imaptest

import (
	"bytes"
	netmail "net/mail"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"mailferry/transfer/mail"
)

func (s *session) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, _ *imap.SearchOptions) (*imap.SearchData, error) {
	a := s.account
	a.mu.Lock()
	all := s.view.pick(imap.SeqSet{{Start: 1, Stop: 0}})
	flags := make([]mail.Flags, len(all))
	for i, m := range all {
		flags[i] = m.flags
	}
	a.mu.Unlock()

	var seqs imap.SeqSet
	var uids imap.UIDSet
	data := &imap.SearchData{}
	q := query{session: s}
	for i, m := range all {
		if !q.matches(m, flags[i], criteria) {
			continue
		}
		seqs.AddNum(m.seq)
		uids.AddNum(m.uid)
		n := m.seq
		if kind == imapserver.NumKindUID {
			n = uint32(m.uid)
		}
		if data.Count == 0 {
			data.Min = n
		}
		data.Max = n
		data.Count++
	}
	if data.All = seqs; kind == imapserver.NumKindUID {
		data.All = uids
	}
	return data, nil
}

// query remembers which messages the sets of a search name.
type query struct {
	session *session
	sets    map[string]map[uint32]bool // of sequence numbers
}

func (q *query) inSet(m numbered, set imap.NumSet, kind string) bool {
	key := kind + set.String()
	in, ok := q.sets[key]
	if !ok {
		in = make(map[uint32]bool)
		for _, p := range q.session.view.pick(set) {
			in[p.seq] = true
		}
		if q.sets == nil {
			q.sets = make(map[string]map[uint32]bool)
		}
		q.sets[key] = in
	}
	return in[m.seq]
}

func (q *query) matches(m numbered, flags mail.Flags, c *imap.SearchCriteria) bool {
	for _, set := range c.SeqNum {
		if !q.inSet(m, set, "seq ") {
			return false
		}
	}
	for _, set := range c.UID {
		if !q.inSet(m, set, "uid ") {
			return false
		}
	}
	for i := range c.Not {
		if q.matches(m, flags, &c.Not[i]) {
			return false
		}
	}
	for i := range c.Or {
		if !q.matches(m, flags, &c.Or[i][0]) && !q.matches(m, flags, &c.Or[i][1]) {
			return false
		}
	}
	return matchesFlags(flags, c) && matchesSize(m, c) && matchesDates(m, c) && matchesText(m, c)
}

func matchesFlags(flags mail.Flags, c *imap.SearchCriteria) bool {
	has := func(f imap.Flag) bool { return flags.Has(string(f)) }
	return !slices.ContainsFunc(c.NotFlag, has) &&
		!slices.ContainsFunc(c.Flag, func(f imap.Flag) bool { return !has(f) })
}

func matchesSize(m numbered, c *imap.SearchCriteria) bool {
	size := int64(len(m.raw))
	return (c.Larger == 0 || size > c.Larger) && (c.Smaller == 0 || size < c.Smaller)
}

func matchesDates(m numbered, c *imap.SearchCriteria) bool {
	if !within(m.date, c.Since, c.Before) {
		return false
	}
	if c.SentSince.IsZero() && c.SentBefore.IsZero() {
		return true
	}
	lines := fields(m.raw[:headerEnd(m.raw)], []string{"Date"}, true)
	_, value, _ := strings.Cut(string(lines), ":")
	sent, err := netmail.ParseDate(strings.Join(strings.Fields(value), " "))
	return err == nil && within(sent, c.SentSince, c.SentBefore)
}

// within compares days and disregards times and zones (RFC 9051 section 6.4.4).
func within(t, since, before time.Time) bool {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return (since.IsZero() || !day.Before(since)) && (before.IsZero() || day.Before(before))
}

func matchesText(m numbered, c *imap.SearchCriteria) bool {
	end := headerEnd(m.raw)
	for _, h := range c.Header {
		lines := fields(m.raw[:end], []string{h.Key}, true)
		if len(lines) == 0 || h.Value != "" && !contains(lines[len(h.Key)+1:], h.Value) {
			return false
		}
	}
	for _, text := range c.Body {
		if !contains(m.raw[end:], text) {
			return false
		}
	}
	for _, text := range c.Text {
		if !contains(m.raw, text) {
			return false
		}
	}
	return true
}

func contains(data []byte, text string) bool {
	return bytes.Contains(bytes.ToLower(data), []byte(strings.ToLower(text)))
}
