package transfer

import (
	"math/bits"
	"sync"
)

// Pieces are at most a page long, and larger bodies have several. From one power of two to the next there are
// steps sizes, so that at most a fifth of a piece is wasted.
const (
	leastLog = 9
	pageLog  = 18
	pageSize = 1 << pageLog
	steps    = 4
	sizes    = (pageLog-leastLog)*steps + 1
)

// pages lends memory in pieces and lends what is given back first, because memory fresh from the system costs more
// than copying a message into it, and none of it is in the processor's caches. A page whose pieces have all come back
// serves pieces of any size: however sizes change over a mailbox, hardly more is taken from the system than was lent at once.
type pages struct {
	slab int // the most octets taken from the system at once: as many again as have been

	mu    sync.Mutex
	taken int            // octets in all slabs
	fresh []byte         // of a slab, and not a page yet
	empty []*page        // of which nothing is lent
	roomy [sizes][]*page // of which some is lent and some is not, by the size of the pieces
}

type page struct {
	octets []byte
	class  int // the number of its pieces' size
	free   []uint16
	pieces int
	place  int // among the roomy ones
}

// piece is memory that somebody has borrowed.
type piece struct {
	octets []byte
	home   *page
	number uint16
}

// sizeFor returns the least size of a piece that holds n octets, and its number.
func sizeFor(n int) (class, size int) {
	if n <= 1<<leastLog {
		return 0, 1 << leastLog
	}
	log := bits.Len(uint(n-1)) - 1 // n is above 1<<log
	step := 1 << log / steps
	k := (n - 1<<log + step - 1) / step // 1 to steps
	return (log-leastLog)*steps + k, 1<<log + k*step
}

// lend returns a piece of n octets, at most a page. Anything may stand in it.
func (p *pages) lend(n int) piece {
	class, size := sizeFor(n)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.roomy[class]) == 0 {
		p.enter(p.cut(class, size))
	}
	from := p.roomy[class][len(p.roomy[class])-1]
	last := len(from.free) - 1
	number := from.free[last]
	if from.free = from.free[:last]; last == 0 {
		p.leave(from)
	}
	at := int(number) * size
	return piece{from.octets[at : at+n : at+size], from, number}
}

// takeBack is for a piece to which nobody refers any more.
func (p *pages) takeBack(back piece) {
	p.mu.Lock()
	defer p.mu.Unlock()
	home := back.home
	home.free = append(home.free, back.number)
	if len(home.free) == 1 {
		p.enter(home)
	}
	if len(home.free) == home.pieces {
		p.leave(home)
		p.empty = append(p.empty, home)
	}
}

// cut makes a page of pieces of that size.
func (p *pages) cut(class, size int) *page {
	fresh := p.page()
	fresh.class, fresh.pieces, fresh.free = class, pageSize/size, fresh.free[:0]
	for n := range fresh.pieces {
		fresh.free = append(fresh.free, uint16(fresh.pieces-1-n))
	}
	return fresh
}

func (p *pages) page() *page {
	if last := len(p.empty) - 1; last >= 0 {
		one := p.empty[last]
		p.empty = p.empty[:last]
		return one
	}
	if len(p.fresh) < pageSize {
		p.fresh = newSlab(max(min(p.slab, p.taken), pageSize))
		p.taken += len(p.fresh)
	}
	one := &page{octets: p.fresh[:pageSize:pageSize]}
	p.fresh = p.fresh[pageSize:]
	return one
}

func (p *pages) enter(one *page) {
	one.place = len(p.roomy[one.class])
	p.roomy[one.class] = append(p.roomy[one.class], one)
}

func (p *pages) leave(one *page) {
	list := p.roomy[one.class]
	last := len(list) - 1
	list[one.place] = list[last]
	list[one.place].place = one.place
	p.roomy[one.class] = list[:last]
}
