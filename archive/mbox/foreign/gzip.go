package foreign

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"mailferry/transfer/mail"
)

const gzipMagic = "\x1f\x8b\x08"

// unpack takes the octets out of a file compressed by gzip.
func (m *Mbox) unpack(spool string) error {
	r := bufio.NewReader(io.NewSectionReader(m.file, 0, m.size))
	magic, err := r.Peek(len(gzipMagic))
	if err != nil && err != io.EOF {
		return err
	}
	if !strings.HasPrefix(gzipMagic, string(magic)) || len(magic) == 0 && !m.isNamedGzip() {
		return nil
	}
	packed, err := gzip.NewReader(r)
	if err != nil {
		return asDamage(err)
	}
	tmp, err := os.CreateTemp(spool, "mbox-*")
	if err != nil {
		return err
	}
	m.data, m.kind.Gzip = tmp, true
	if err := os.Remove(tmp.Name()); err != nil {
		return err
	}
	if err := copyMail(tmp, packed); err != nil {
		return asDamage(err)
	}
	m.size, err = tmp.Seek(0, io.SeekCurrent)
	return err
}

// isNamedGzip tells a compressed file of which nothing is left from an mbox without messages.
func (m *Mbox) isNamedGzip() bool { return strings.HasSuffix(strings.ToLower(m.path), ".gz") }

// copyMail refuses what is no mbox before it takes room, but only if its data are whole: what damaged data
// were nobody can tell.
func copyMail(w io.Writer, packed io.Reader) error {
	head := make([]byte, 4<<10)
	n, err := io.ReadFull(packed, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF { // the next read tells these two apart
		return err
	}
	found := whatItIs(head[:n])
	if n == 0 || found == "" {
		if _, err := w.Write(head[:n]); err != nil {
			return err
		}
		_, err = io.Copy(w, packed)
		return err
	}
	if _, err := io.Copy(io.Discard, packed); err != nil {
		return err
	}
	return refusal(found + ", compressed by gzip")
}

func asDamage(err error) error {
	var corrupt flate.CorruptInputError
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, gzip.ErrChecksum, gzip.ErrHeader} {
		if errors.Is(err, known) {
			return damaged(known)
		}
	}
	if errors.As(err, &corrupt) {
		return damaged(err)
	}
	return err
}

func damaged(err error) error {
	return &mail.Error{Kind: mail.KindDamaged, Err: fmt.Errorf("the gzip data is damaged or cut off: %w", err)}
}
