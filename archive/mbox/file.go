package mbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"mailferry/transfer/mail"
)

// Disk is the file of a folder, open for reading and writing. An *os.File is one.
// What was written is durable after Sync.
type Disk interface {
	io.ReaderAt
	io.WriterAt
	io.Seeker
	Truncate(size int64) error
	Sync() error
	Close() error
}

// File is the mbox file of a folder, open for adding messages and changing flags. One
// goroutine at a time may use it, and nobody else may write the file.
type File struct {
	disk    Disk
	buf     []byte // to be written at written
	written int64
	durable int64 // what Drop goes back to
	dirty   bool  // something was written after the last Sync
	gap     int   // empty lines that are missing at the end of the file
	err     error
	in      *bufio.Reader
}

// bufferSize is how much is written at once.
const bufferSize = 1 << 20

// Appended is a message that was added.
type Appended struct {
	Measured
	Place Place
	Fits  bool // the block has all of its flags and keywords
}

// Open opens a file of which the first durable octets were durable (Unknown if
// there is no record of it), and cuts off what a crash has left behind them, as Tail.Good
// says; nothing else of the file is changed. Close closes disk, also after an error.
func Open(disk Disk, durable int64) (*File, Tail, error) { return OpenRecorded(disk, durable, nil) }

// OpenRecorded is Open for a file of which it is known what messages are in it: none of them is cut off.
func OpenRecorded(disk Disk, durable int64, recorded Sums) (*File, Tail, error) {
	size, err := disk.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, Tail{}, errors.Join(err, disk.Close())
	}
	t, err := Inspect(disk, size, durable, recorded)
	if err == nil && t.Good < size {
		if err = disk.Truncate(t.Good); err == nil {
			err = disk.Sync()
		}
	}
	f := &File{disk: disk, written: t.Good, durable: t.Good, in: bufio.NewReaderSize(nil, 64<<10)}
	if err == nil {
		f.gap, err = missingEnd(disk, t.Good)
	}
	if err != nil {
		return nil, t, errors.Join(err, disk.Close())
	}
	return f, t, nil
}

// missingEnd says how many LFs have to be written before a From_ line.
func missingEnd(r io.ReaderAt, size int64) (int, error) {
	if size == 0 {
		return 0, nil
	}
	last := make([]byte, min(size, 2))
	if _, err := r.ReadAt(last, size-int64(len(last))); err != nil && err != io.EOF {
		return 0, err
	}
	switch {
	case last[len(last)-1] != '\n':
		return 2, nil
	case last[0] != '\n':
		return 1, nil
	}
	return 0, nil
}

// Size is where the next message would be added.
func (f *File) Size() int64 { return f.written + int64(len(f.buf)) }

// Append adds a message. It is durable after Sync. After an error nothing of it is
// there; if it was the file that failed, every later call fails too until Drop. The body
// is not released.
func (f *File) Append(m *mail.Message) (Appended, error) {
	if f.err != nil {
		return Appended{}, f.err
	}
	seen, err := measureBody(m.Body)
	if err != nil {
		return Appended{}, err
	}
	start, gap := f.Size(), f.gap
	a := Appended{Measured: seen, Place: Place{At: start + int64(gap), Sum: seen.Sum}}
	meta := metaOf(m, &seen)
	text, fits := formatBlock(&meta)
	a.Fits = fits
	f.put([]byte("\n\n")[:gap])
	f.put(text)
	f.gap = 0
	if err := f.copy(m.Body, &seen); err != nil {
		f.gap = gap
		f.cut(start)
		return Appended{}, errors.Join(err, f.err)
	}
	f.put([]byte("\n"))
	if f.err != nil {
		return Appended{}, f.err
	}
	return a, nil
}

func metaOf(m *mail.Message, seen *Measured) Meta {
	return Meta{UIDValidity: m.Origin.UIDValidity, UID: m.Origin.UID, Size: seen.Size, Sum: seen.Sum,
		Date: m.InternalDate, EOL: seen.EOL, Flags: m.Flags}
}

func (f *File) copy(b mail.Body, seen *Measured) error {
	return f.encodeTo((*appender)(f), b, seen)
}

func (f *File) encodeTo(w io.Writer, b mail.Body, seen *Measured) error {
	r, err := b.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	f.in.Reset(r)
	size, err := encode(w, f.in, seen.EOL != EOLExact)
	if err == nil && size != seen.Size {
		err = fmt.Errorf("the message has now %d octets and not %d", size, seen.Size)
	}
	return err
}

// appender is a File as an io.Writer.
type appender File

func (a *appender) Write(p []byte) (int, error) {
	f := (*File)(a)
	f.put(p)
	if f.err != nil {
		return 0, f.err
	}
	return len(p), nil
}

func (f *File) put(p []byte) {
	if f.err != nil {
		return
	}
	f.buf = append(f.buf, p...)
	if len(f.buf) >= bufferSize {
		f.flush()
	}
}

func (f *File) flush() {
	if f.err != nil || len(f.buf) == 0 {
		return
	}
	f.dirty = true
	if _, f.err = f.disk.WriteAt(f.buf, f.written); f.err == nil {
		f.written += int64(len(f.buf))
		f.buf = f.buf[:0]
	}
}

// cut takes back what was appended from start on.
func (f *File) cut(start int64) {
	if f.err != nil {
		return
	}
	if start >= f.written {
		f.buf = f.buf[:start-f.written]
		return
	}
	f.buf = f.buf[:0]
	if f.err = f.disk.Truncate(start); f.err == nil {
		f.written = start
	}
}

// Sync makes everything appended, and every status that was set, durable.
func (f *File) Sync() error {
	f.flush()
	if f.err == nil && f.dirty {
		// After a failed fsync nobody knows what is on the disk: no second try may hide it.
		f.err = f.disk.Sync()
	}
	if f.err == nil {
		f.dirty, f.durable = false, f.written
	}
	return f.err
}

// Drop takes back every message appended since the last Sync, after which the file can be
// used again.
func (f *File) Drop() error {
	f.buf = f.buf[:0]
	if err := f.disk.Truncate(f.durable); err != nil {
		f.err = errors.Join(f.err, err)
		return err
	}
	gap, err := missingEnd(f.disk, f.durable)
	if err != nil {
		return err
	}
	f.gap, f.written, f.err = gap, f.durable, nil
	return nil
}

// SetStatus overwrites the status lines of a message. The change is durable after Sync. It reports
// whether all flags fit; those that do not are left out. The error is ErrNotThere if another
// message or none stands at p.
func (f *File) SetStatus(p Place, flags mail.Flags) (fits bool, err error) {
	f.flush()
	if f.err != nil {
		return false, f.err
	}
	head := make([]byte, maxBlock)
	n, err := f.disk.ReadAt(head, p.At)
	if err != nil && err != io.EOF {
		return false, err
	}
	b, ok := parseBlock(head[:n]) // one that another program has written again has no room
	if !ok || b.meta.Sum != p.Sum {
		return false, ErrNotThere
	}
	text, fits := formatStatus(flags, b.widths)
	f.dirty = true
	if _, f.err = f.disk.WriteAt(text, p.At+int64(b.status)); f.err != nil {
		return false, f.err
	}
	return fits, nil
}

// ReadAt reads what was appended, also what is not yet written. It makes a File fit for Body.
func (f *File) ReadAt(p []byte, at int64) (int, error) {
	if f.flush(); f.err != nil {
		return 0, f.err
	}
	return f.disk.ReadAt(p, at)
}

// Close closes the file. What was not synced may be lost.
func (f *File) Close() error { return f.disk.Close() }
