package imaptest

import (
	"bytes"
	"errors"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"mailferry/transfer/mail"
)

// fetchBatch is the number of messages looked at with one locking.
const fetchBatch = 256

func (s *session) Fetch(w *imapserver.FetchWriter, set imap.NumSet, options *imap.FetchOptions) error {
	if len(options.BinarySection)+len(options.BinarySectionSize) > 0 || options.ModSeq {
		return bad("unknown FETCH item")
	}
	picked := s.view.pick(set)
	see := !s.view.readOnly && setsSeen(options)
	for len(picked) > 0 {
		n := min(fetchBatch, len(picked))
		for _, m := range s.snapshot(picked[:n], see) {
			if err := s.write(w, m, options); err != nil {
				return err
			}
		}
		picked = picked[n:]
	}
	return nil
}

func setsSeen(options *imap.FetchOptions) bool {
	for _, b := range options.BodySection {
		if !b.Peek && b.Specifier != imap.PartSpecifierHeader {
			return true
		}
	}
	return false
}

// fetched is what a message was when it was looked at.
type fetched struct {
	numbered
	flags mail.Flags
	seen  bool // the FETCH itself set \Seen, of which the client must hear
}

// snapshot leaves out messages that are gone.
func (s *session) snapshot(msgs []numbered, see bool) []fetched {
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]fetched, 0, len(msgs))
	for _, m := range msgs {
		if m.gone {
			continue
		}
		changed := see && s.view.folder.setFlags(m.message, m.flags.Union(mail.NewFlags(mail.Seen)), s)
		out = append(out, fetched{m, m.flags, changed})
	}
	return out
}

// write sends one FETCH response, with no lock held. The response must be closed
// also when writing failed: imapserver cannot say anything more before.
func (s *session) write(w *imapserver.FetchWriter, m fetched, options *imap.FetchOptions) error {
	r := w.CreateMessage(m.seq)
	if err := writeItems(r, m, options); err != nil {
		r.Close()
		return err
	}
	return r.Close()
}

func writeItems(r *imapserver.FetchResponseWriter, m fetched, options *imap.FetchOptions) error {
	if options.UID {
		r.WriteUID(m.uid)
	}
	if options.Flags || m.seen {
		r.WriteFlags(toFlags(m.flags))
	}
	if options.InternalDate {
		r.WriteInternalDate(m.date)
	}
	if options.RFC822Size {
		r.WriteRFC822Size(int64(len(m.raw)))
	}
	if options.Envelope {
		r.WriteEnvelope(envelope(m.raw))
	}
	if options.BodyStructure != nil {
		r.WriteBodyStructure(imapserver.ExtractBodyStructure(bytes.NewReader(m.raw)))
	}
	for _, item := range options.BodySection {
		if err := writeSection(r, item, section(m.raw, item)); err != nil {
			return err
		}
	}
	return nil
}

func writeSection(r *imapserver.FetchResponseWriter, item *imap.FetchItemBodySection, data []byte) error {
	literal := r.WriteBodySection(item, int64(len(data)))
	_, err := literal.Write(data)
	return errors.Join(err, literal.Close())
}
