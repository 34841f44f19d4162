package ledger

import (
	"encoding/binary"
	"math"

	"mailferry/transfer/mail"
)

// An entry begins with an octet that says what it has in common with the one before.
const (
	skips   = 1 << iota // the source UID is not the next one: how many are left out follows
	jumps               // the destination UID is not the next one: how far it is from that follows
	unknown             // there is no destination UID, and the next one is still the same
	sent                // it was appended
	reflags             // it has other flags: their number follows

	allMarks = skips | jumps | unknown | sent | reflags
)

func encode(entries []entry) []byte {
	data := make([]byte, 0, 2*len(entries)+16)
	before := entry{source: entries[0].source - 1}
	for _, e := range entries {
		data = appendEntry(data, before, e)
		if e.dest == 0 {
			e.dest = before.dest
		}
		before = e
	}
	return data
}

// appendEntry appends e to data; before is the entry in front of it, with the destination UID known last.
func appendEntry(data []byte, before, e entry) []byte {
	at, marks := len(data), byte(0)
	data = append(data, 0)
	if skipped := e.source - before.source - 1; skipped != 0 {
		marks |= skips
		data = binary.AppendUvarint(data, uint64(skipped))
	}
	if distance := int64(e.dest) - int64(before.dest) - 1; e.dest == 0 {
		marks |= unknown
	} else if distance != 0 {
		marks |= jumps
		data = binary.AppendVarint(data, distance)
	}
	if e.appended {
		marks |= sent
	}
	if e.flags != before.flags {
		marks |= reflags
		data = binary.AppendUvarint(data, uint64(e.flags))
	}
	data[at] = marks
	return data
}

// decoder reads the entries that encode has written.
type decoder struct {
	rest         []byte
	source, dest int64 // of the entry before; dest is the one known last
	flags        int64
	torn         bool // a number is not whole, or too great
}

func newDecoder(first mail.UID, data []byte) decoder {
	return decoder{rest: data, source: int64(first) - 1}
}

// next returns the next entry of those that are left; ok is false for what encode cannot have written.
func (d *decoder) next() (e entry, ok bool) {
	marks := d.rest[0]
	d.rest = d.rest[1:]
	if marks&^allMarks != 0 || marks&jumps != 0 && marks&unknown != 0 {
		return e, false
	}
	d.source++
	if marks&skips != 0 {
		d.source += d.unsigned()
	}
	if marks&unknown == 0 {
		d.dest++
	}
	if marks&jumps != 0 {
		d.dest += d.signed()
	}
	if marks&reflags != 0 {
		d.flags = d.unsigned()
	}
	if d.torn || !isUID(d.source) || marks&unknown == 0 && !isUID(d.dest) {
		return e, false
	}
	e = entry{source: mail.UID(d.source), appended: marks&sent != 0, flags: d.flags}
	if marks&unknown == 0 {
		e.dest = mail.UID(d.dest)
	}
	return e, true
}

func isUID(n int64) bool { return n > 0 && n <= math.MaxUint32 }

func (d *decoder) unsigned() int64 {
	n, size := binary.Uvarint(d.rest)
	d.skip(size)
	d.torn = d.torn || n > math.MaxInt64
	return int64(n)
}

func (d *decoder) signed() int64 {
	n, size := binary.Varint(d.rest)
	d.skip(size)
	return n
}

func (d *decoder) skip(size int) {
	if size <= 0 {
		d.torn, size = true, 0
	}
	d.rest = d.rest[size:]
}
