package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"mailferry/transfer/mail"
)

// In all tests of this package, a message that is read from memory after it was given back is nonsense.
func init() {
	spoil = func(b []byte) {
		b = b[:cap(b)]
		for n := copy(b, "given back! "); n < len(b); n *= 2 {
			copy(b[n:], b[:n])
		}
	}
}

// TestMemoryBelongsToOneMessage: whatever sizes come and go, nobody finds another's octets in what is his.
func TestMemoryBelongsToOneMessage(t *testing.T) {
	sizes := rapid.OneOf(rapid.IntRange(0, 3000), rapid.SampledFrom([]int{511, 512, 513, 640, 641, 4096, pageSize - 1, pageSize, pageSize + 1, 3*pageSize + 700}))
	rapid.Check(t, func(t *rapid.T) {
		m := newMemory(64 << 20)
		held := map[byte][]piece{}
		var next byte
		t.Repeat(map[string]func(*rapid.T){
			"borrow": func(t *rapid.T) {
				n := sizes.Draw(t, "octets")
				pieces, err := m.borrow(context.Background(), int64(n), nil)
				if err != nil {
					t.Fatal(err)
				}
				next++
				got := 0
				for _, p := range pieces {
					b := p.octets
					for i := range b {
						b[i] = next
					}
					if got += len(b); cap(b) > max(512, len(b)*5/4+1) {
						t.Fatalf("%d octets lie in %d", len(b), cap(b))
					}
				}
				if got != n {
					t.Fatalf("asked for %d octets and got %d", n, got)
				}
				m.take(held, next, pieces)
			},
			"give back": func(t *rapid.T) {
				for who, pieces := range held {
					delete(held, who)
					m.giveBack(pieces)
					break
				}
			},
			"": func(t *rapid.T) {
				for who, pieces := range held {
					for _, p := range pieces {
						if slices.IndexFunc(p.octets, func(o byte) bool { return o != who }) >= 0 {
							t.Fatal("octets of another's")
						}
					}
				}
			},
		})
	})
}

// take keeps pieces, instead of those that had the same number 256 borrowings ago.
func (m *memory) take(held map[byte][]piece, who byte, pieces []piece) {
	if old, ok := held[who]; ok {
		m.giveBack(old)
	}
	held[who] = pieces
}

func TestMemoryGoesRound(t *testing.T) {
	m := newMemory(8 << 20)
	sizes := []int64{2000, 70_000, 3_000_000}
	n := testing.AllocsPerRun(100, func() {
		for _, size := range sizes {
			pieces, err := m.borrow(context.Background(), size, nil)
			if err != nil {
				t.Fatal(err)
			}
			m.giveBack(pieces)
		}
	})
	if n > 9 { // the lists of pieces
		t.Errorf("%v allocations", n)
	}
	if !m.budget.TryAcquire(8 << 20) {
		t.Error("not all of the budget came back")
	}
}

// TestMemoryIsNotKeptForOneSize: a mailbox of ever larger messages takes no more from the system than
// one whose messages are alike.
func TestMemoryIsNotKeptForOneSize(t *testing.T) {
	const budget = 8 << 20
	m := newMemory(budget)
	for size := 100; size < 2*pageSize; size += 1 + size/7 {
		var lent [][]piece
		for octets := 0; octets+size <= budget/2; octets += max(size, 512) {
			pieces, err := m.borrow(t.Context(), int64(size), nil)
			if err != nil {
				t.Fatal(err)
			}
			lent = append(lent, pieces)
		}
		for _, pieces := range lent {
			m.giveBack(pieces)
		}
		for class, list := range m.pages.roomy {
			if len(list) > 0 {
				t.Fatalf("after messages of %d octets, pages for pieces of class %d are kept", size, class)
			}
		}
	}
	if held := len(m.pages.empty) * pageSize; held > budget {
		t.Errorf("%d octets are held, of which %d were lent at once", held, budget/2)
	}
}

// inMemory is a body of those octets, and the memory in which it lies.
func inMemory(t *testing.T, octets []byte) (*memory, mail.Body) {
	t.Helper()
	l := newLoader(&Job{}, false)
	it, err := l.load(t.Context(), mail.Info{UID: 1, Size: int64(len(octets))}, bytes.NewReader(octets), false)
	if err != nil {
		t.Fatal(err)
	}
	return l.memory, it.body
}

func TestABodyInMemoryReadsLikeAnyOther(t *testing.T) {
	for _, size := range []int{0, 1, 511, pageSize - 1, pageSize, 2*pageSize + 5} {
		octets := bytes.Repeat([]byte("0123456789\n"), size/11+1)[:size]
		_, body := inMemory(t, octets)
		if body.Size() != int64(size) {
			t.Errorf("%d octets: the size is %d", size, body.Size())
		}
		r, err := body.Open()
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(struct{ io.Reader }{r}, octets); err != nil {
			t.Errorf("%d octets: %v", size, err)
		}
		again, err := body.Open()
		if err != nil {
			t.Fatal(err)
		}
		some := make([]byte, size/3)
		var out bytes.Buffer
		if _, err := io.ReadFull(again, some); err != nil {
			t.Fatal(err)
		}
		if n, err := again.(io.WriterTo).WriteTo(&out); n != int64(size-len(some)) || err != nil || !bytes.Equal(append(some, out.Bytes()...), octets) {
			t.Errorf("%d octets: the rest is %d octets, %v", size, n, err)
		}
	}
}

// TestABodyIsReadToItsEndThoughReleased: memory in which somebody reads is not given back.
func TestABodyIsReadToItsEndThoughReleased(t *testing.T) {
	octets := bytes.Repeat([]byte("mail"), pageSize)
	m, body := inMemory(t, octets)
	r, err := body.Open()
	if err != nil {
		t.Fatal(err)
	}
	body.Release()
	body.Release()
	if _, err := body.Open(); !errors.Is(err, errReleased) {
		t.Errorf("opened although released: %v", err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, octets) {
		t.Errorf("read %d octets, %v", len(got), err)
	}
	if m.budget.TryAcquire(defaultMemory) {
		t.Fatal("the memory is free while it is being read")
	}
	r.Close()
	r.Close()
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, errReaderClosed) {
		t.Errorf("read although closed: %v", err)
	}
	if _, err := r.(io.WriterTo).WriteTo(io.Discard); !errors.Is(err, errReaderClosed) {
		t.Errorf("written although closed: %v", err)
	}
	if !m.budget.TryAcquire(defaultMemory) {
		t.Error("the memory did not come back")
	}
}

// TestABodyOfAnotherSizeLeavesNothing: too short or too long is an error, and the memory comes back.
func TestABodyOfAnotherSizeLeavesNothing(t *testing.T) {
	for _, size := range []int{0, 10, pageSize, pageSize + 10} {
		for _, stated := range []int{size - 1, size + 1, size + pageSize} {
			if stated < 0 {
				continue
			}
			l := newLoader(&Job{}, false)
			_, err := l.load(t.Context(), mail.Info{UID: 7, Size: int64(stated)}, bytes.NewReader(make([]byte, size)), false)
			if err == nil || stated > size && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%d octets of %d: %v", size, stated, err)
			}
			if !l.memory.budget.TryAcquire(defaultMemory) {
				t.Errorf("%d octets of %d: memory did not come back", size, stated)
			}
		}
	}
}
