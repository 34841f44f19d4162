package mbox

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
)

// Tail is the end of a file as a crash may have left it.
type Tail struct {
	Size int64 // of the file
	// Good is where the file ends once what our own writing has left unfinished
	// is cut off: Size if there is no such thing.
	Good int64
	// Behind is the number of octets by which the file is shorter than what was
	// durable. Then nothing is cut: another program has been there.
	Behind int64
	// Messages is the number of complete messages of ours behind the durable part.
	Messages int
}

// Unknown is the durable length of a file when there is no record of it.
const Unknown = -1

// Inspect looks for what a crash has left behind the first durable octets of a
// file, which end where a message does. It changes nothing.
//
// Behind durable nothing was ever confirmed, so from the first message of ours on that is not whole (by
// its SHA-256) all may go, unless there is something from another program among it.
// With Unknown only a last message goes that the end of the file has cut.
//
// Programs that write the file again make it longer, and then confirmed messages stand behind durable. So that
// is taken for Unknown where no message ends there, or where a message that would go is recorded
// and does not stand whole before. Such a message never goes. recorded may be nil.
func Inspect(r io.ReaderAt, size, durable int64, recorded Sums) (Tail, error) {
	if durable > size {
		return Tail{Size: size, Good: size, Behind: durable - size}, nil
	}
	ends := []int64{Unknown}
	if known, err := endsMessage(r, size, durable); err != nil {
		return Tail{Size: size, Good: size}, err
	} else if known {
		ends = []int64{durable, Unknown}
	}
	var t Tail
	for _, end := range ends {
		var err error
		if t, err = inspect(r, size, end); err != nil {
			return t, err
		}
		if t.Good < durable {
			continue
		}
		if doubt, err := t.holdsRecorded(r, recorded); err != nil || !doubt {
			return t, err
		}
	}
	t.Good = size
	return t, nil
}

func inspect(r io.ReaderAt, size, durable int64) (Tail, error) {
	t := Tail{Size: size, Good: size}
	from := max(durable, 0)
	bad := int64(-1)
	err := Scan(io.NewSectionReader(r, from, size-from), from, func(e *Entry) error {
		state, err := judge(e)
		switch {
		case err != nil:
			return err
		case state == foreign, durable == Unknown && state != torn:
			bad = -1
		case state != whole && bad < 0:
			bad = e.At
		}
		if state == whole {
			t.Messages++
		}
		return nil
	})
	if err == nil && bad >= 0 {
		t.Good = bad
	}
	return t, err
}

type state int

const (
	whole   state = iota + 1
	foreign       // not written by us
	torn          // ours, cut by the end of the file
	broken        // ours, and not whole
)

func judge(e *Entry) (state, error) {
	if e.Kind != Own {
		_, err := e.End()
		return e.remains, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, e.Body); err != nil && err != io.ErrUnexpectedEOF {
		return 0, err
	}
	switch _, err := e.End(); {
	case err == ErrTorn:
		return torn, nil
	case errors.Is(err, ErrDamaged):
		return broken, nil
	case err != nil:
		return 0, err
	case !bytes.Equal(h.Sum(nil), e.Meta.Sum[:]):
		return broken, nil
	}
	return whole, nil
}

// remainsOf tells the remains of our own writing from what others have written. A
// power loss leaves a beginning of what was written, or NULs in the place of parts that
// never came to the disk. head is long, or all that the file has.
func remainsOf(head []byte) state {
	if head[0] == 0 {
		if len(bytes.Trim(head, "\x00")) == 0 {
			return torn
		}
		return broken
	}
	if !beginsOurs(head) {
		return foreign
	}
	if bytes.Count(head, []byte("\n")) < blockLines && len(head) < maxBlock {
		return torn
	}
	return broken
}

// beginsOurs reports whether head, up to its end or a NUL, could begin a message of ours.
func beginsOurs(head []byte) bool {
	const date = "????????????????????????"
	ours := fromSender + date + "\n" + statusName
	for i := range len(ours) {
		switch {
		case i == len(head) || head[i] == 0:
			return true
		case head[i] != ours[i] && ours[i] != '?':
			return false
		}
	}
	return true
}
