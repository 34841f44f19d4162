package foreign

import (
	"strconv"
	"strings"
)

// Dialect says how a file keeps lines that look like From_ lines apart from those.
type Dialect string

const (
	MBoxO     Dialect = "mboxo"   // "From " is quoted; or nothing needed it
	MBoxRD    Dialect = "mboxrd"  // quoted lines are quoted too
	MBoxCL    Dialect = "mboxcl"  // Content-Length, and quoted
	MBoxCL2   Dialect = "mboxcl2" // Content-Length, and not quoted
	Mailferry Dialect = "mailferry"
)

// Kind is what a file was found to be.
type Kind struct {
	Dialect  Dialect
	CRLF     bool // its first line ends in CRLF
	Gzip     bool
	Undated  bool // its first From_ line has no date
	Unspaced bool // no empty lines in front of From_ lines
}

// String describes the kind in a few words.
func (k Kind) String() string {
	words := []string{string(k.Dialect)}
	for _, w := range []struct {
		is   bool
		word string
	}{{k.CRLF, "CRLF"}, {k.Gzip, "gzip"}, {k.Undated, "From_ lines without dates"}, {k.Unspaced, "no empty lines between messages"}} {
		if w.is {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ", ")
}

// Quoting says whether ">From " stands for "From ".
type Quoting int

const (
	Auto   Quoting = iota // as the file suggests
	Quoted                // one ">" is taken from every ">From ", ">>From " ...
	Simple                // only from ">From ": the file is known to be mboxo
	Never
)

// tally is what a look at all messages has found.
type tally struct {
	messages int
	sized    int  // with a Content-Length that fits
	bare     bool // one of those has a From_ line inside
	deep     bool // there is a line ">>From "
	spaced   int  // From_ lines behind an empty line, but for the first
	unspaced int  // those behind another line that are followed by a header field
}

func (t *tally) dialect() Dialect {
	switch sized := 2*t.sized > t.messages; {
	case sized && t.bare:
		return MBoxCL2
	case sized:
		return MBoxCL
	case t.deep:
		return MBoxRD
	}
	return MBoxO
}

// survey reads the whole file to find out of which kind it is.
func (m *Mbox) survey() error {
	m.kind.Undated = !m.firstIsDated()
	t, err := m.count()
	if err != nil {
		return err
	}
	if t.spaced == 0 && t.unspaced > 0 {
		m.kind.Unspaced = true
		if t, err = m.count(); err != nil {
			return err
		}
	}
	m.kind.Dialect = t.dialect()
	return nil
}

func (m *Mbox) count() (t tally, err error) {
	w := m.walk(m.first)
	for {
		raw, err := w.next()
		if err != nil || raw == nil {
			return t, err
		}
		t.messages++
		t.deep = t.deep || raw.deep
		t.unspaced += raw.unspaced
		if raw.at > m.first && raw.spaced {
			t.spaced++
		}
		if raw.sized {
			t.sized++
			t.bare = t.bare || raw.bare
		}
	}
}

// contentLength reads the field of that name; -1 if there is none.
func contentLength(header []field) int64 {
	n, err := strconv.ParseInt(first(header, "content-length"), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}
