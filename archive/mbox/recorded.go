package mbox

import (
	"crypto/sha256"
	"io"
)

// Sums calls fn for the SHA-256 of every message that is recorded as being in a file.
type Sums func(fn func(sum [sha256.Size]byte)) error

// endsMessage reports whether a message may have ended at an offset: what follows is the end of the file, a From_ line,
// or what a power loss has left of one.
func endsMessage(r io.ReaderAt, size, at int64) (bool, error) {
	if at < 0 {
		return false, nil
	}
	from := max(at-1, 0)
	src := newSource(io.NewSectionReader(r, from, size-from), from)
	head, err := src.peek(int(at-from) + maxBlock)
	if err != nil {
		return false, err
	}
	ended := at == 0 || head[0] == '\n'
	head = head[at-from:]
	for len(head) > 0 && head[0] == '\n' {
		head, ended = head[1:], true
	}
	return len(head) == 0 || head[0] == 0 || ended && (isFrom(head) || beginsOurs(head)), nil
}

// holdsRecorded reports whether what t cuts off has a message that is recorded and does not stand whole before that.
func (t Tail) holdsRecorded(r io.ReaderAt, recorded Sums) (bool, error) {
	if t.Good == t.Size || recorded == nil {
		return false, nil
	}
	lost := make(map[[sha256.Size]byte]int)
	err := Scan(io.NewSectionReader(r, t.Good, t.Size-t.Good), t.Good, func(e *Entry) error {
		if e.Kind == Own {
			lost[e.Meta.Sum] = 0
		}
		return nil
	})
	if err != nil || len(lost) == 0 {
		return false, err
	}
	left := 0
	err = recorded(func(sum [sha256.Size]byte) {
		if _, there := lost[sum]; there {
			lost[sum]++
			left++
		}
	})
	if err != nil || left == 0 {
		return false, err
	}
	err = Scan(io.NewSectionReader(r, 0, t.Good), 0, func(e *Entry) error {
		if e.Kind != Own || lost[e.Meta.Sum] == 0 {
			return nil
		}
		state, err := judge(e)
		if state == whole {
			lost[e.Meta.Sum]--
			left--
		}
		return err
	})
	return left > 0, err
}
