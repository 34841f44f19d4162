package maildir

import (
	"bytes"
	"path"
	"slices"

	"mailferry/archive/disk"
)

// Glance reads a message of so many octets with one look at its file, into buf if that has the room. It may fail
// for a message that a Decoder can read, and what it returns is right only if its SHA-256 is.
func Glance(fsys disk.FS, dir, place string, size int64, buf []byte) ([]byte, bool) {
	file := path.Base(place)
	exact, ours := exactForm(file)
	stored, known := SizeIn(file)
	crs := size - stored // that are not in the file
	if !ours || !known || crs < 0 || exact && crs > 0 {
		return buf, false
	}
	buf = slices.Grow(buf[:0], int(size)+1)[:size+1]
	// An octet more than there should be shows a file that has grown.
	n, err := fsys.Peek(path.Join(dir, place), buf[crs:])
	buf = buf[:size]
	return buf, err == nil && int64(n) == stored && (exact || withCRs(buf, int(crs)))
}

// withCRs puts CR before each LF of a text that stands at the end of buf, behind room for as many as there are.
func withCRs(buf []byte, from int) bool {
	to := 0
	for {
		i := bytes.IndexByte(buf[from:], '\n')
		if i < 0 {
			return to+copy(buf[to:], buf[from:]) == len(buf)
		}
		if to == from {
			return false // there are more
		}
		copy(buf[to:], buf[from:from+i])
		buf[to+i], buf[to+i+1] = '\r', '\n'
		from, to = from+i+1, to+i+2
	}
}
