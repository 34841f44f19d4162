package mailtest

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"

	"mailferry/transfer/mail"
)

// letter is a small message that no other n makes.
func letter(n int) []byte {
	return CRLF(fmt.Sprintf("From: a@example.org\nDate: Mon, 6 Jan 2020 10:%02d:%02d +0000\n"+
		"Subject: letter %d.\nMessage-ID: <letter.%d@example.org>\n\nThis is letter %d.\n", n/60%60, n%60, n, n, n))
}

// letterDate is the INTERNALDATE of letter n.
func letterDate(n int) time.Time {
	return time.Date(2020, 1, 6, 12, n/60%60, n%60, 0, time.FixedZone("", 3600))
}

// isLetter recognises letter n even if the store rewrote parts of it.
func isLetter(n int, raw []byte) bool {
	return bytes.Contains(bytes.ToLower(raw), fmt.Appendf(nil, "letter %d.", n))
}

// fill appends letters first to last and returns after Flush.
func (e *env) fill(w mail.Writer, first, last int) {
	e.Helper()
	a := e.appending(w)
	for n := first; n <= last; n++ {
		a.letter(n, nil)
	}
	a.flush()
}

// filled makes the check's folder with n letters in it.
func (e *env) filled(n int) {
	e.Helper()
	e.create(e.folder)
	w := e.writer(e.folder)
	e.fill(w, 1, n)
	e.close(w)
}

// whole is a message as a reader sees it.
type whole struct {
	mail.Info // as Fetch tells it
	listed    mail.Info
	raw       []byte
}

// read returns what a handle sees of its folder, in ascending order.
func (e *env) read(r mail.Reader) []whole {
	e.Helper()
	infos := e.list(r, everything())
	at := make(map[mail.UID]int)
	all := make([]whole, len(infos))
	for i, info := range infos {
		at[info.UID], all[i].listed = i, info
	}
	err := r.Fetch(e.ctx, mail.NewUIDSet(uids(infos)...), func(info mail.Info, body io.Reader) error {
		i, asked := at[info.UID]
		if !asked || all[i].UID != 0 {
			e.Errorf("Fetch: UID %d came unasked or twice", info.UID)
			return nil
		}
		raw, err := io.ReadAll(body)
		if int64(len(raw)) != info.Size {
			e.Errorf("Fetch: UID %d has %d octets, Size says %d", info.UID, len(raw), info.Size)
		}
		all[i].Info, all[i].raw = info, raw
		return err
	})
	e.ok("Fetch", err)
	for _, w := range all {
		if w.UID == 0 {
			e.Fatalf("Fetch: UID %d is listed and did not come", w.listed.UID)
		}
	}
	return all
}

// content returns what a new Reader sees of a folder.
func (e *env) content(path mail.Path) []whole {
	e.Helper()
	r := e.reader(path)
	defer e.close(r)
	return e.read(r)
}

// expectLetters holds the folder to these letters in this order.
func (e *env) expectLetters(got []whole, want ...int) {
	e.Helper()
	if len(got) != len(want) {
		e.Fatalf("the folder holds %d messages, want %d", len(got), len(want))
	}
	for i, n := range want {
		if !isLetter(n, got[i].raw) {
			e.Errorf("message %d of the folder (UID %d) is not letter %d", i+1, got[i].UID, n)
		}
	}
}

// watchedBody tells whether a store treats a Body as it should.
type watchedBody struct {
	raw []byte

	mu       sync.Mutex
	open     int
	released bool
	fault    string
}

func (b *watchedBody) Size() int64 { return int64(len(b.raw)) }

func (b *watchedBody) Open() (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.released {
		b.fault = "opened after Release"
	}
	b.open++
	return &watchedReader{Reader: bytes.NewReader(b.raw), body: b}, nil
}

func (b *watchedBody) Release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open > 0 {
		b.fault = "released while open"
	}
	b.released = true
}

// state returns what is wrong with the body of a message whose done runs.
func (b *watchedBody) state() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault == "" && !b.released {
		return "not released"
	}
	return b.fault
}

type watchedReader struct {
	io.Reader
	body *watchedBody
	once sync.Once
}

func (r *watchedReader) Close() error {
	r.once.Do(func() {
		r.body.mu.Lock()
		r.body.open--
		r.body.mu.Unlock()
	})
	return nil
}
