package archive

import (
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"mailferry/archive/catalogue"
	"mailferry/archive/disk"
	"mailferry/archive/maildir"
	"mailferry/archive/mbox"
	"mailferry/transfer/mail"
)

// A place in an mbox is the offset of the From_ line and the message's SHA-256.
func mboxPlace(p mbox.Place) string {
	return strconv.FormatInt(p.At, 10) + " " + hex.EncodeToString(p.Sum[:])
}

func parseMboxPlace(text string) (p mbox.Place, ok bool) {
	at, sum, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(at, 10, 64)
	raw, herr := hex.DecodeString(sum)
	p.At = n
	return p, err == nil && herr == nil && copy(p.Sum[:], raw) == len(p.Sum)
}

type mboxBox struct {
	f      *mbox.File
	staged bool
	moved  map[[32]byte]int64 // nil: not looked for
}

func (b *mboxBox) stage(m *mail.Message) (catalogue.Message, error) {
	b.staged = true
	a, err := b.f.Append(m)
	return catalogue.Message{Origin: m.Origin, Hash: maildir.FolderHash(m.Origin.Folder), Place: mboxPlace(a.Place), Size: a.Size,
		Sum: a.Sum, Proven: true, Key: a.Key, Flags: m.Flags}, err
}

// replace looks for the message also where another program has moved it to.
func (b *mboxBox) replace(place string, m *mail.Message) (catalogue.Message, error) {
	p, ok := parseMboxPlace(place)
	if !ok {
		return catalogue.Message{}, fs.ErrNotExist
	}
	if _, _, err := mbox.Body(b.f, p); errors.Is(err, mbox.ErrNotThere) {
		if b.moved == nil {
			b.moved = placesIn(b.f)
		}
		if at, there := b.moved[p.Sum]; there {
			p.At = at
		}
	}
	b.staged = true
	a, err := b.f.Replace(p, m)
	return catalogue.Message{Origin: m.Origin, Hash: maildir.FolderHash(m.Origin.Folder), Place: mboxPlace(a.Place), Size: a.Size,
		Sum: a.Sum, Proven: true, Key: a.Key, Flags: m.Flags}, err
}

func (b *mboxBox) commit() error {
	err := b.f.Sync()
	if err == nil {
		b.staged = false
	}
	return err
}

// drop does not touch the file unless there is something to take back: another
// program may have added to it.
func (b *mboxBox) drop() error {
	if !b.staged {
		return nil
	}
	b.staged = false
	return b.f.Drop()
}

func (b *mboxBox) stamp() int64 { return b.f.Size() }
func (b *mboxBox) close() error { return errors.Join(b.drop(), b.f.Close()) }

// syncFlags leaves it to commit when messages wait for that: they must not be there before.
func (b *mboxBox) syncFlags() error {
	if b.staged {
		return nil
	}
	return b.f.Sync()
}

func (b *mboxBox) setFlags(place string, flags mail.Flags) (string, error) {
	p, ok := parseMboxPlace(place)
	if !ok {
		return place, fs.ErrNotExist
	}
	_, err := b.f.SetStatus(p, flags)
	if errors.Is(err, mbox.ErrNotThere) {
		err = fs.ErrNotExist // the catalogue has the flags all the same
	}
	return place, err
}

// mboxShelf finds messages also when other programs have moved them.
type mboxShelf struct {
	fs    disk.FS
	file  string
	in    disk.Reading
	quick *mbox.Glance
	moved map[[32]byte]int64 // nil: not looked for
}

func (s *mboxShelf) open(place string) (io.ReadCloser, error) {
	p, ok := parseMboxPlace(place)
	if !ok {
		return nil, fs.ErrNotExist
	}
	if err := s.enter(); err != nil {
		return nil, err
	}
	meta, body, err := mbox.Body(s.in, p)
	if errors.Is(err, mbox.ErrNotThere) {
		if p.At, ok = s.find(p.Sum); !ok {
			return nil, fs.ErrNotExist
		}
		meta, body, err = mbox.Body(s.in, p)
	}
	if err != nil {
		return nil, err
	}
	return &mboxBody{body, meta.Rewritten}, nil
}

// enter opens the file when it is first needed.
func (s *mboxShelf) enter() error {
	if s.in != nil {
		return nil
	}
	in, err := s.fs.Open(s.file)
	if err == nil {
		s.in, s.quick = in, mbox.NewGlance(in)
	}
	return err
}

func (s *mboxShelf) glance(place string, size int64, buf []byte) ([]byte, bool) {
	p, ok := parseMboxPlace(place)
	if !ok || s.enter() != nil {
		return buf, false
	}
	return s.quick.Message(p, size, buf)
}

// mboxBody is a message in the file of its folder.
type mboxBody struct {
	io.Reader
	byOthers bool // another program has written it again
}

func (b *mboxBody) rewritten() bool { return b.byOthers }
func (b *mboxBody) Close() error    { return nil }

func (s *mboxShelf) find(sum [32]byte) (int64, bool) {
	if s.moved == nil {
		s.moved = placesIn(s.in)
	}
	at, ok := s.moved[sum]
	return at, ok
}

// placesIn finds the messages of ours by their sums. An error shows as a message that is not found.
func placesIn(in io.ReaderAt) map[[32]byte]int64 {
	places := make(map[[32]byte]int64)
	_ = mbox.Scan(io.NewSectionReader(in, 0, 1<<62), 0, func(e *mbox.Entry) error {
		if e.Kind == mbox.Own {
			places[e.Meta.Sum] = e.At
		}
		return nil
	})
	return places
}

// forget has nothing to do: a run adds messages and moves none.
func (s *mboxShelf) forget() {}

func (s *mboxShelf) close() error {
	if s.in == nil {
		return nil
	}
	return s.in.Close()
}
