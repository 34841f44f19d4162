package mbox

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"

	"mailferry/transfer/mail"
)

// Replace puts m where the damaged message at p stands. If the octets there have another length, m is
// appended, and the damaged message stays in the file as one of Superseded, marked as deleted for other
// programs; that is durable before m is. Like an appended message, m is durable after Sync.
func (f *File) Replace(p Place, m *mail.Message) (Appended, error) {
	f.flush()
	if f.err != nil {
		return Appended{}, f.err
	}
	seen, err := measureBody(m.Body)
	if err != nil {
		return Appended{}, err
	}
	old, err := f.regionAt(p.At)
	if err != nil {
		return Appended{}, err
	}
	meta := metaOf(m, &seen)
	var length counter
	if err := f.encodeTo(&length, m.Body, &seen); err != nil {
		return Appended{}, err
	}
	if text, ok := old.blockFor(&meta, p.Sum, int64(length)); ok {
		return f.overwrite(p.At, text, m, &seen)
	}
	if old.own(p.Sum) {
		if err := f.supersede(p.At, old.block); err != nil {
			return Appended{}, err
		}
	}
	return f.Append(m)
}

// overwrite writes the message over one of the same length.
func (f *File) overwrite(at int64, text []byte, m *mail.Message, seen *Measured) (Appended, error) {
	f.dirty = true
	w := &placed{f: f, at: at}
	if _, err := w.Write(text); err != nil {
		return Appended{}, err
	}
	if err := f.encodeTo(w, m.Body, seen); err != nil {
		return Appended{}, err
	}
	_, err := w.Write([]byte("\n"))
	return Appended{Measured: *seen, Place: Place{At: at, Sum: seen.Sum}, Fits: true}, err
}

// supersede makes of a message of ours one that is not taken for it any more.
func (f *File) supersede(at int64, b *block) error {
	if b.moved == nil {
		text, _ := formatStatus(b.meta.Flags.Union(mail.NewFlags(mail.Deleted)), b.widths)
		w := &placed{f: f, at: at + int64(b.status)}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	w := &placed{f: f, at: at + int64(b.ferry)}
	if _, err := io.WriteString(w, supersededName); err != nil {
		return err
	}
	f.dirty = true
	return f.Sync()
}

// region is what stands at a place, up to the next From_ line.
type region struct {
	head  []byte
	block *block // nil: it cannot be read
	whole bool   // a message of ours that is as its block says
	size  int64
}

// hit reports whether the block is that of m, with a part of it damaged.
func (r *region) hit(m *Meta) bool {
	b := r.block
	return b != nil && b.moved == nil && !r.whole && b.meta.UIDValidity == m.UIDValidity && b.meta.UID == m.UID && b.meta.Size == m.Size
}

func (r *region) own(sum [32]byte) bool {
	return r.block != nil && !r.block.superseded && r.block.meta.Sum == sum
}

func (f *File) regionAt(at int64) (r region, err error) {
	if at < 0 || at >= f.written {
		return r, nil
	}
	if at > 0 {
		// Behind a change of another program's, At may be amid another message.
		var before [1]byte
		if _, err := f.disk.ReadAt(before[:], at-1); err != nil || before[0] != '\n' {
			return r, err
		}
	}
	r.head = make([]byte, maxBlock)
	n, err := f.disk.ReadAt(r.head, at)
	if err != nil && err != io.EOF {
		return r, err
	}
	r.head = r.head[:n]
	if b, ok := readBlock(r.head); ok {
		r.block = b
	}
	err = Scan(io.NewSectionReader(f.disk, at, math.MaxInt64-at), at, func(e *Entry) error {
		if e.Kind == Own {
			state, err := judge(e)
			if r.whole = state == whole; err != nil {
				return err
			}
		}
		end, err := f.endOf(e)
		r.size = end - at
		if err == nil {
			err = errStop
		}
		return err
	})
	if err == errStop {
		err = nil
	}
	return r, err
}

// endOf is where the next From_ line stands: what is left behind a message that was cut short, or made
// longer, belongs to its place.
func (f *File) endOf(e *Entry) (int64, error) {
	rest := &text{src: e.src, start: e.Kind != Junk}
	if e.own != nil {
		_, err := e.End()
		if err != nil && err != ErrTorn && err != ErrDamaged {
			return 0, err
		}
		rest.start = err == nil || e.own.text.start
	}
	e.ended = true
	_, err := io.Copy(io.Discard, rest)
	return e.src.at, err
}

// errStop ends a scan.
var errStop = errors.New("stop")

// maxFrom is more than a From_ line and the status lines of a block have.
const maxFrom = 1 << 10

// spareKeywords is the room for keywords that a block may be taken to have had.
const spareKeywords = 256

// blockFor is the block with which a message, of length octets in the file, takes exactly the region's place.
func (r *region) blockFor(m *Meta, sum [32]byte, length int64) (text []byte, ok bool) {
	if r.own(sum) || r.hit(m) {
		if r.block.moved != nil {
			return nil, false
		}
		text, ok = formatBlockIn(m, r.block.widths)
		return text, ok && int64(len(text))+length+1 == r.size
	}
	// A block that was hit itself is known by what is left of it.
	uid := []byte(fmt.Sprintf("\n%s%d\n", uidName, m.UID))
	if r.block != nil || bytes.Contains(r.head[:min(len(r.head), maxFrom)], []byte("\n"+supersededName)) || !bytes.Contains(r.head, uid) && !bytes.Contains(r.head, []byte(hex.EncodeToString(m.Sum[:]))) {
		return nil, false
	}
	text, _ = formatBlock(m)
	room := keywordsRoom(m.Flags) + int(r.size-length-1-int64(len(text)))
	if room < 0 || room > spareKeywords {
		return nil, false
	}
	return formatBlockIn(m, [3]int{statusWidth, xStatusWidth, room})
}

// counter counts octets.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// placed writes at a place in the file. A failure is the file's.
type placed struct {
	f  *File
	at int64
}

func (w *placed) Write(p []byte) (int, error) {
	if w.f.err != nil {
		return 0, w.f.err
	}
	n, err := w.f.disk.WriteAt(p, w.at)
	w.at += int64(n)
	w.f.err = err
	return n, err
}
