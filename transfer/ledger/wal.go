package ledger

import "encoding/binary"

// The layout of a write-ahead log: https://www.sqlite.org/fileformat2.html#walformat
const (
	walHeaderSize  = 32
	walFrameHeader = 24
	walMagic       = 0x377f0682 // with the lowest bit set: checksums of big-endian words
	walVersion     = 3007000

	usualPageSize = 4096
)

var errLog error = &damage{"its write-ahead log is damaged: what was recorded last is lost"}

// walDamaged reports whether transactions that were durable are lost. SQLite takes
// everything behind a damaged frame for a torn end. But each commit waits for
// the disk before the next one begins, so a crash can tear only one of them.
func walDamaged(log []byte) bool {
	r, ok := newWAL(log)
	if !ok {
		if len(log) < walHeaderSize+walFrameHeader {
			return false
		}
		r.pageSize, r.rest = usualPageSize, log[walHeaderSize:]
		r.salt = binary.BigEndian.Uint64(r.rest[8:])
	}
	unread := r.rest
	for ok {
		unread = r.rest
		_, ok = r.next()
	}
	commits := 0
	for size := walFrameHeader + r.pageSize; len(unread) >= size; unread = unread[size:] {
		be := binary.BigEndian
		if be.Uint64(unread[8:]) == r.salt && be.Uint32(unread) != 0 && be.Uint32(unread[4:]) != 0 {
			commits++
		}
	}
	return commits > 1
}

// walReader walks the valid frames of a log.
type walReader struct {
	order    binary.ByteOrder
	pageSize int
	salt     uint64
	sum      [2]uint32
	rest     []byte
}

// newWAL reads the header; ok is false if SQLite would ignore the whole log.
func newWAL(log []byte) (r walReader, ok bool) {
	if len(log) < walHeaderSize {
		return r, false
	}
	be := binary.BigEndian
	magic := be.Uint32(log)
	if magic&^1 != walMagic || be.Uint32(log[4:]) != walVersion {
		return r, false
	}
	r.order = binary.LittleEndian
	if magic&1 == 1 {
		r.order = be
	}
	r.pageSize = int(be.Uint32(log[8:]))
	r.salt = be.Uint64(log[16:])
	r.add(log[:24])
	valid := r.pageSize >= 512 && r.pageSize <= 65536 && r.pageSize&(r.pageSize-1) == 0 && r.matches(log[24:])
	r.rest = log[walHeaderSize:]
	return r, valid
}

// add takes data, a multiple of eight octets, into the running checksum.
func (r *walReader) add(data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		r.sum[0] += r.order.Uint32(data) + r.sum[1]
		r.sum[1] += r.order.Uint32(data[4:]) + r.sum[0]
	}
}

func (r *walReader) matches(sum []byte) bool {
	return binary.BigEndian.Uint32(sum) == r.sum[0] && binary.BigEndian.Uint32(sum[4:]) == r.sum[1]
}

// walFrame is one page; pages is the size of the database if the frame ends a transaction.
type walFrame struct {
	number, pages uint32
	page          []byte
}

// next returns the next frame; ok is false at the end of what is valid.
func (r *walReader) next() (f walFrame, ok bool) {
	size := walFrameHeader + r.pageSize
	if len(r.rest) < size {
		return f, false
	}
	head, page := r.rest[:walFrameHeader], r.rest[walFrameHeader:size]
	r.rest = r.rest[size:]
	be := binary.BigEndian
	f = walFrame{be.Uint32(head), be.Uint32(head[4:]), page}
	if f.number == 0 || be.Uint64(head[8:]) != r.salt {
		return f, false
	}
	r.add(head[:8])
	r.add(page)
	return f, r.matches(head[16:])
}

// applyWAL returns the database with every complete transaction of the log. It may
// reuse file.
func applyWAL(file, log []byte) []byte {
	r, ok := newWAL(log)
	if !ok {
		return file
	}
	pages := make(map[uint32][]byte)
	open := make(map[uint32][]byte) // of the transaction that has not ended
	size := uint32(0)
	for f, ok := r.next(); ok; f, ok = r.next() {
		open[f.number] = f.page
		if f.pages == 0 {
			continue
		}
		size = f.pages
		for n, page := range open {
			pages[n] = page
		}
		clear(open)
	}
	if size == 0 {
		return file
	}
	return patch(file, pages, int(size), r.pageSize)
}

// patch puts pages into file and gives it its size. Pages that are in neither make
// the database damaged, which its check finds: so it does not grow beyond what is known.
func patch(file []byte, pages map[uint32][]byte, size, pageSize int) []byte {
	known := len(file) / pageSize
	for n := range pages {
		known = max(known, int(n))
	}
	if limit := len(file)/pageSize + len(pages); known > limit {
		known = limit
	}
	size = min(size, known)
	want := size * pageSize
	if want <= len(file) {
		file = file[:want]
	} else {
		file = append(file, make([]byte, want-len(file))...)
	}
	for n, page := range pages {
		if int(n) <= size {
			copy(file[(int(n)-1)*pageSize:], page)
		}
	}
	return file
}
