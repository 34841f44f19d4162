package ledger

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"

	"mailferry/transfer/mail"
)

// chunkSize is the usual greatest number of records in a chunk. Larger ones would make it dearer to
// change or to look up a single record, and SQLite would spread their rows over several pages.
const chunkSize = 256

// entry is a record in a chunk; a number stands for its flags.
type entry struct {
	source, dest mail.UID
	appended     bool
	flags        int64
}

func entryBySource(e entry, uid mail.UID) int { return cmp.Compare(e.source, uid) }

// chunk is a row of records that are adjacent in the order of a pair's source UIDs.
type chunk struct {
	pair        int64
	first, last mail.UID // of the source
	top         mail.UID // the greatest of the destination
	data        []byte
}

// newChunk makes the row of entries, of which there is one at least.
func newChunk(pair int64, entries []entry) chunk {
	c := chunk{pair: pair, first: entries[0].source, last: entries[len(entries)-1].source, data: encode(entries)}
	for _, e := range entries {
		c.top = max(c.top, e.dest)
	}
	return c
}

// columns are the columns of a chunk's row in the table's order.
func (c chunk) columns() []any {
	return []any{c.pair, int64(c.first), int64(c.last), int64(c.top), c.data, c.checksum()}
}

func (c chunk) checksum() int64 {
	var room [64]byte
	b := binary.AppendUvarint(room[:0], uint64(c.pair))
	b = binary.AppendUvarint(b, uint64(c.first))
	b = binary.AppendUvarint(b, uint64(c.last))
	b = binary.AppendUvarint(b, uint64(c.top))
	return signed(crc32.Update(crc32.ChecksumIEEE(b), crc32.IEEETable, c.data))
}

func scanChunk(row scanner) (c chunk, err error) {
	var sum int64
	if err := row.Scan(&c.pair, &c.first, &c.last, &c.top, &c.data, &sum); err != nil {
		return c, unreadable(err)
	}
	if sum != c.checksum() {
		return c, c.damaged()
	}
	return c, nil
}

// walk visits the entries in order for as long as visit wants more. An error says that the row is
// not one that newChunk made.
func (c chunk) walk(visit func(entry) (more bool)) error {
	d := newDecoder(c.first, c.data)
	var top mail.UID
	n := 0
	for ; len(d.rest) > 0; n++ {
		e, ok := d.next()
		if !ok || n == 0 && e.source != c.first {
			return c.damaged()
		}
		top = max(top, e.dest)
		if !visit(e) {
			return nil
		}
	}
	if n == 0 || d.source != int64(c.last) || top != c.top {
		return c.damaged()
	}
	return nil
}

func (c chunk) entries() (out []entry, err error) {
	out = make([]entry, 0, min(len(c.data), chunkSize))
	err = c.walk(func(e entry) bool {
		out = append(out, e)
		return true
	})
	return out, err
}

func (c chunk) damaged() error {
	return damaged("the records of the uids from %d on in pair %d are damaged", c.first, c.pair)
}

func (c chunk) overlaps() error {
	return damaged("the records of the uids from %d on in pair %d are there twice", c.first, c.pair)
}
