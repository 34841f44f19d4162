package archive

import (
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
	// A run may be writing: one end for all that reads, or the rest of a message that was cut would pass for text.
	info, err := in.Stat()
	if err != nil {
		return out, err
	}
	out.read = func(place string) (catalogue.Message, error) { return m.takeIn(f.Dir, place) }
	broken := false // the message before is: text behind it is its own
	var foreign []int64
	err = mbox.Scan(io.NewSectionReader(in, 0, info.Size()), 0, func(e *mbox.Entry) error {
		place := mboxPlace(e.Place())
		remains := broken && e.Kind == mbox.Junk
		_, err := e.End()
		broken = errors.Is(err, mbox.ErrDamaged)
		switch sum := shortSum(place); {
		case remains:
		case e.Kind == mbox.Superseded:
		case e.Kind != mbox.Own:
			foreign = append(foreign, e.At)
		case left[sum] > 0:
			left[sum]--
		default:
			return noteStray(e, place, &out)
		}
		return nil
	})
	if err == nil && len(foreign) > 0 {
		out.foreign, err = notOurs(in, info.Size(), f, known, foreign)
	}
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

// notOurs leaves out what is no message yet because we are writing it, or were when the run was killed.
func notOurs(in io.ReaderAt, size int64, f catalogue.Folder, known places, foreign []int64) (places []string, err error) {
	tail, err := mbox.Inspect(in, size, durable(f), sumsOf(known))
	for _, at := range foreign {
		if at < tail.Good {
			places = append(places, strconv.FormatInt(at, 10))
		}
	}
	return places, err
}

func shortSum(place string) uint64 {
	p, _ := parseMboxPlace(place)
	return binary.BigEndian.Uint64(p.Sum[:])
}

// noteStray notes a message that is not recorded, unless it is cut off: nobody was told of that.
func noteStray(e *mbox.Entry, place string, out *found) error {
	end, err := e.End()
	if errors.Is(err, mbox.ErrTorn) {
		return nil
	}
	if err != nil && !errors.Is(err, mbox.ErrDamaged) {
		return err
	}
	out.ours = append(out.ours, stray{end, place})
	return nil
}

// takeIn reads a message. Its block holds the hash of what the source had sent.
func (m mboxFormat) takeIn(file, place string) (out catalogue.Message, err error) {
	p, _ := parseMboxPlace(place)
	in, err := m.fs.Open(file)
	if err != nil {
		return out, err
	}
	defer in.Close()
	meta, body, err := mbox.Body(in, p)
	if err != nil {
		return out, err
	}
	seen, err := mbox.Measure(body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return out, err
	}
	out = catalogue.Message{Origin: mail.Origin{UIDValidity: meta.UIDValidity, UID: meta.UID}, Place: place,
		Size: meta.Size, Sum: meta.Sum, Proven: err == nil && seen.Sum == meta.Sum, Date: meta.Date, Flags: meta.Flags, Key: seen.Key}
	if out.Date.IsZero() {
		out.Date = time.Now()
	}
	return out, nil
}
