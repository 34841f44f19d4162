package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"time"

	"mailferry/archive/catalogue"
	"mailferry/archive/mbox"
	"mailferry/transfer/mail"
)

// survey compares by hash: offsets change when another program writes the file.
func (m mboxFormat) survey(f catalogue.Folder, known places) (out found, err error) {
	left := make(map[uint64]int32)
	if err := known(func(_ mail.UID, place string) error { left[shortSum(place)]++; return nil }); err != nil {
		return out, err
	}
	in, err := m.fs.Open(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return out, known(func(uid mail.UID, _ string) error { out.missing = append(out.missing, uid); return nil })
	}
	if err != nil {
		return out, err
	}
	defer in.Close()
	err = mbox.Scan(io.NewSectionReader(in, 0, 1<<62), 0, func(e *mbox.Entry) error {
		place := mboxPlace(e.Place())
		switch sum := shortSum(place); {
		case e.Kind != mbox.Own:
			out.foreign = append(out.foreign, strconv.FormatInt(e.At, 10))
		case left[sum] > 0:
			left[sum]--
		default:
			return m.stray(f, e, place, &out)
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	return out, known(func(uid mail.UID, place string) error {
		if sum := shortSum(place); left[sum] > 0 {
			left[sum]--
			out.missing = append(out.missing, uid)
		}
		return nil
	})
}

func shortSum(place string) uint64 {
	p, _ := parseMboxPlace(place)
	return binary.BigEndian.Uint64(p.Sum[:])
}

// stray notes a message that is not recorded. One that is not whole is not of ours
// to take in: nobody was told of it.
func (m mboxFormat) stray(f catalogue.Folder, e *mbox.Entry, place string, out *found) error {
	meta := e.Meta
	end, err := e.End()
	if errors.Is(err, mbox.ErrTorn) {
		return nil
	}
	if err != nil && !errors.Is(err, mbox.ErrDamaged) {
		return err
	}
	out.ours = append(out.ours, stray{end, place, func() (catalogue.Message, error) { return m.takeIn(f.Dir, place, meta) }})
	return nil
}

// takeIn reads a message. Its block holds the hash of what the source had sent.
func (m mboxFormat) takeIn(file, place string, meta mbox.Meta) (catalogue.Message, error) {
	s := &mboxShelf{fs: m.fs, file: file}
	defer s.close()
	out := catalogue.Message{Origin: mail.Origin{UIDValidity: meta.UIDValidity, UID: meta.UID}, Place: place,
		Size: meta.Size, Sum: meta.Sum, Date: meta.Date, Flags: meta.Flags}
	if out.Date.IsZero() {
		out.Date = time.Now()
	}
	body, err := s.open(place)
	if err != nil {
		return out, err
	}
	defer body.Close()
	seen, err := mbox.Measure(body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return out, err
	}
	out.Key, out.Proven = seen.Key, err == nil && bytes.Equal(seen.Sum[:], meta.Sum[:])
	return out, nil
}
