package foreign

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"mailferry/archive/mbox"
	"mailferry/transfer/mail"
)

// Message is one message of a file.
type Message struct {
	At    int64 // offset of its From_ line: it names the message as long as the file only grows
	Size  int64 // octets of its body
	Sum   [sha256.Size]byte
	Key   mail.Key
	Flags mail.Flags
	// Date is that of the From_ line, else that of the newest Received field, else that of Date;
	// zero: none of them has one.
	Date   time.Time
	Labels []string // those of Gmail, as the user knows them

	start, body, end int64
	own              bool
	plain            bool // has a bare From_ line, so that nothing in it is quoted
}

// Report is what a scan has seen beside the messages it delivered.
type Report struct {
	Messages int
	Pseudo   int // messages by which Pine and Dovecot keep the folder's state: left out
	// Torn is 1 if the last message was still being delivered: left out.
	Torn int
	// Damaged messages of an archive of ours do not have the SHA-256 they should have: left out.
	Damaged []int64
}

// Scan calls fn for each message in the order of the file, and returns its error. Bodies are read
// once and not kept.
func (m *Mbox) Scan(ctx context.Context, fn func(*Message) error) (Report, error) {
	var r Report
	if m.first == m.size {
		return r, nil
	}
	if m.kind.Dialect == Mailferry {
		return r, m.scanOwn(ctx, &r, fn)
	}
	w := m.walk(m.first)
	for {
		raw, err := w.next()
		if err != nil || raw == nil {
			return r, m.wrap(err)
		}
		switch torn, err := m.isTorn(raw); {
		case err != nil:
			return r, m.wrap(err)
		case torn:
			r.Torn++
			continue
		case isPseudo(raw.header):
			r.Pseudo++
			continue
		}
		msg, err := m.message(ctx, raw)
		if err != nil {
			return r, m.wrap(err)
		}
		r.Messages++
		if err := fn(msg); err != nil {
			return r, err
		}
	}
}

func (m *Mbox) wrap(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return wrap(m.path, err)
}

// At returns the message that Scan has delivered with that offset.
func (m *Mbox) At(ctx context.Context, at int64) (*Message, error) {
	if m.kind.Dialect == Mailferry {
		return m.ownAt(ctx, at)
	}
	raw, err := m.walk(at).next()
	if err == nil && raw == nil {
		err = mbox.ErrNotThere
	}
	if err != nil {
		return nil, m.wrap(err)
	}
	msg, err := m.message(ctx, raw)
	return msg, m.wrap(err)
}

// Body yields the octets of a message, of which there are Size unless the file was changed.
func (m *Mbox) Body(msg *Message) (io.Reader, error) {
	if msg.own {
		_, r, err := mbox.Body(m.data, mbox.Place{At: msg.At, Sum: msg.Sum})
		return r, m.wrap(err)
	}
	header := make([]byte, msg.body-msg.start)
	if _, err := m.data.ReadAt(header, msg.start); err != nil {
		return nil, m.wrap(err)
	}
	return m.reader(fields(header), msg), nil
}

func (m *Mbox) reader(header []field, msg *Message) io.Reader {
	var kept bytes.Buffer
	for _, f := range header {
		if !isStatus(f.name) {
			kept.Write(f.raw)
		}
	}
	rest := io.NewSectionReader(m.data, msg.body, msg.end-msg.body)
	return io.MultiReader(newDecoder(&kept, Never), newDecoder(rest, m.unquoting(msg)))
}

// unquoting is how quoted lines of a message are read.
func (m *Mbox) unquoting(msg *Message) Quoting {
	switch {
	case m.quoting != Auto:
		return m.quoting
	case m.kind.Dialect == MBoxCL2, msg.plain:
		return Never
	}
	return Quoted
}

func (m *Mbox) message(ctx context.Context, r *raw) (*Message, error) {
	msg := &Message{At: r.at, start: r.start, body: r.body, end: r.end, plain: r.sized && r.bare}
	msg.Flags, msg.Labels = flagsOf(r.header)
	var err error
	if msg.Date, err = m.date(r); err != nil {
		return nil, err
	}
	seen, err := mbox.Measure(watched{ctx, m.reader(r.header, msg)})
	msg.Size, msg.Sum, msg.Key = seen.Size, seen.Sum, seen.Key
	return msg, err
}

// watched is a reader that ends with its context.
type watched struct {
	ctx context.Context
	r   io.Reader
}

func (w watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

// date takes a From_ line of 1970-01-01 for one that has no date: programs write it for lack of another.
func (m *Mbox) date(r *raw) (time.Time, error) {
	line := make([]byte, min(r.start-r.at, maxFrom+1))
	if _, err := m.data.ReadAt(line, r.at); err != nil && err != io.EOF {
		return time.Time{}, err
	}
	if t, ok := fromDate(string(line)); ok && t.Unix() >= 24*3600 {
		return t, nil
	}
	return headerDate(r.header), nil
}

// isPseudo recognises the message in which UW IMAP, Pine and others keep UIDs and keywords.
func isPseudo(header []field) bool {
	const subject = "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"
	return strings.HasPrefix(first(header, "subject"), subject) &&
		(strings.Contains(strings.ToLower(first(header, "from")), "mail system internal data") ||
			first(header, "x-imap")+first(header, "x-imapbase") != "")
}

// isTorn reports whether a message at the end of the file may be incomplete: the file has grown
// since it was opened and what came is no From_ line, or somebody has the file
// locked or has just written it and there is no empty line at the end.
func (m *Mbox) isTorn(r *raw) (bool, error) {
	if !r.atEnd || m.kind.Gzip {
		return false, nil
	}
	now, err := m.file.Stat()
	if err != nil {
		return false, err
	}
	switch {
	case now.Size() < m.size:
		return false, errShrunk
	case now.Size() > m.size:
		ends, err := m.grownBehind(r)
		return !ends, err
	}
	finished := r.sized || r.end < m.size && !r.cut
	_, err = os.Stat(m.path + ".lock")
	return !finished && (err == nil || time.Since(m.info.ModTime()) < settled), nil
}

// grownBehind reports whether what was added to the file begins with a From_ line behind an empty line.
func (m *Mbox) grownBehind(r *raw) (bool, error) {
	head := make([]byte, maxFrom)
	n, err := m.data.ReadAt(head, m.size)
	if err != nil && err != io.EOF {
		return false, err
	}
	rest := bytes.TrimLeft(head[:n], "\r\n")
	return look(rest).separates(m.kind.Undated) && (r.end < m.size || len(rest) < n), nil
}
