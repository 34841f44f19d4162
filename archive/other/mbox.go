package other

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"mailferry/archive/mbox/foreign"
	"mailferry/transfer/mail"
)

// mboxBox is an open mbox.
type mboxBox struct {
	file *foreign.Mbox
	*index
}

// index is what is kept of an mbox. Of a message that is little, for there may be millions.
type index struct {
	list []mboxMessage
	sets []mail.Flags // of which messages have one
}

// indexes are those of files that were read, as long as these do not change.
type indexes struct {
	mu   sync.Mutex
	read map[string]dated
}

// dated is an index and the file as it was when it was read.
type dated struct {
	*index
	size  int64
	mtime time.Time
}

func (x *indexes) of(path string, now os.FileInfo) *index {
	x.mu.Lock()
	defer x.mu.Unlock()
	if was, ok := x.read[path]; ok && was.size == now.Size() && was.mtime.Equal(now.ModTime()) {
		return was.index
	}
	return nil
}

func (x *indexes) keep(path string, was os.FileInfo, i *index) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.read == nil {
		x.read = make(map[string]dated)
	}
	x.read[path] = dated{i, was.Size(), was.ModTime()}
}

type mboxMessage struct {
	at, size int64
	date     int64   // Unix time; 0: unknown
	zone     int32   // seconds east of UTC
	set      int32   // -1: it is damaged
	sum      [8]byte // of its octets' SHA-256
}

func (s *Source) openMbox(ctx context.Context, path string) (box, error) {
	before, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	file, err := foreign.Open(path, foreign.Options{Spool: s.spool})
	if err != nil {
		return nil, err
	}
	if known := s.indexes.of(path, before); known != nil {
		return &mboxBox{file, known}, nil
	}
	i, report, err := readIndex(ctx, file)
	if err == nil && report.Torn > 0 && wait(ctx, before.ModTime().Add(settled)) {
		// It was still being delivered, or it is the end of a file that is new here.
		if err := file.Close(); err != nil {
			return nil, err
		}
		return s.openMbox(ctx, path)
	}
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s.report(path, report)
	s.indexes.keep(path, before, i)
	return &mboxBox{file, i}, nil
}

// settled is how long a file must have been left alone to be complete without an empty line
// at its end; package foreign has the same idea.
const settled = 11 * time.Second

// wait waits for a moment and reports whether that was in the future and has come.
func wait(ctx context.Context, until time.Time) bool {
	left := time.Until(until)
	if left <= 0 {
		return false
	}
	timer := time.NewTimer(min(left, settled))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// report tells of messages that are not delivered.
func (s *Source) report(path string, r foreign.Report) {
	if r.Torn > 0 {
		s.note(fmt.Sprintf("%q: the last message is cut off and left out", path))
	}
}

func readIndex(ctx context.Context, file *foreign.Mbox) (*index, foreign.Report, error) {
	x := &index{}
	known := make(map[string]int32)
	report, err := file.Scan(ctx, func(m *foreign.Message) error {
		text := m.Flags.String()
		set, ok := known[text]
		if !ok {
			set = int32(len(x.sets))
			known[text], x.sets = set, append(x.sets, m.Flags)
		}
		one := mboxMessage{at: m.At, size: m.Size, set: set, sum: [8]byte(m.Sum[:8])}
		if !m.Date.IsZero() {
			_, offset := m.Date.Zone()
			one.date, one.zone = m.Date.Unix(), int32(offset)
		}
		x.list = append(x.list, one)
		return nil
	})
	for _, at := range report.Damaged {
		i, _ := slices.BinarySearchFunc(x.list, at, func(m mboxMessage, at int64) int { return cmp.Compare(m.at, at) })
		x.list = slices.Insert(x.list, i, mboxMessage{at: at, set: -1})
	}
	return x, report, err
}

var errDamaged = withheld{errors.New("it does not have the SHA-256 with which it was stored")}

func (b *mboxBox) len() int { return len(b.list) }

func (b *mboxBox) unseen() (n int64) {
	for _, m := range b.list {
		if m.set >= 0 && !b.sets[m.set].Has(mail.Seen) {
			n++
		}
	}
	return n
}

func (b *mboxBox) close() error { return b.file.Close() }

func (m mboxMessage) when() time.Time {
	if m.date == 0 {
		return time.Time{}
	}
	return time.Unix(m.date, 0).In(time.FixedZone("", int(m.zone)))
}

func (b *mboxBox) info(ctx context.Context, i int, opts mail.ListOptions) (info mail.Info, err error) {
	m := b.list[i]
	if m.set < 0 {
		return info, errDamaged
	}
	if opts.Flags {
		info.Flags = b.sets[m.set]
	}
	if opts.Size {
		info.Size = m.size
	}
	if opts.Date {
		info.InternalDate = m.when()
	}
	if opts.Key {
		whole, err := b.at(ctx, m)
		if err != nil {
			return info, err
		}
		info.Key = whole.Key
	}
	return info, nil
}

// at reads a message again. One with other octets than it had is none that anybody asked for.
func (b *mboxBox) at(ctx context.Context, m mboxMessage) (*foreign.Message, error) {
	whole, err := b.file.At(ctx, m.at)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errChanged, mail.ErrorOf(err).Err)
	}
	if whole.Size != m.size || [8]byte(whole.Sum[:8]) != m.sum {
		return nil, errChanged
	}
	return whole, nil
}

func (b *mboxBox) body(ctx context.Context, i int) (mail.Info, io.ReadCloser, error) {
	m := b.list[i]
	if m.set < 0 {
		return mail.Info{}, nil, errDamaged
	}
	whole, err := b.at(ctx, m)
	if err != nil {
		return mail.Info{}, nil, err
	}
	r, err := b.file.Body(whole)
	if err != nil {
		return mail.Info{}, nil, err
	}
	return mail.Info{Flags: b.sets[m.set], InternalDate: m.when(), Size: m.size}, io.NopCloser(r), nil
}
