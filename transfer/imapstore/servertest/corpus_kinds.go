package servertest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"mailferry/transfer/mail"
)

// letters are messages as people and programs write them.
func (g *generator) letters(n int) []Message {
	var out []Message
	for range g.some(n) {
		out = append(out, g.letter(nil))
	}
	return out
}

// letter is an ordinary message; change, if any, may alter its text.
func (g *generator) letter(change func(*letter)) Message {
	r := g.random()
	size := g.size(r)
	date := anyDate(r)
	l := newLetter(r, date)
	if change != nil {
		change(&l)
	}
	seed := [2]uint64{r.Uint64(), r.Uint64()}
	return Message{
		Flags: anyFlags(r),
		Date:  date.Add(time.Duration(r.IntN(7200)) * time.Second),
		Raw:   func() []byte { return l.text(rand.New(rand.NewPCG(seed[0], seed[1])), size) },
	}
}

func (g *generator) flagged() {
	var out []Message
	for _, f := range []string{mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft} {
		m := g.letter(nil)
		m.Flags = []string{f}
		out = append(out, m)
	}
	all := g.letter(nil)
	all.Flags = []string{mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft}
	out = append(out, all)
	keywords := Keywords()
	for i := range g.some(80) {
		m := g.letter(nil)
		m.Flags = []string{keywords[i%len(keywords)], keywords[(i*7+3)%len(keywords)]}
		out = append(out, m)
	}
	every := g.letter(nil)
	every.Flags = append([]string{mail.Seen}, keywords...)
	g.add(append(out, every), "Flags and keywords")
}

// Keywords are the forty keywords of the corpus, those of RFC 5788 among them.
func Keywords() []string {
	out := []string{"$Forwarded", "$MDNSent", "$Junk", "$NotJunk", "$Phishing", "$Important", "NonJunk", "Work/urgent", "x:y.z", "UPPER"}
	for i := len(out); i < 40; i++ {
		out = append(out, fmt.Sprintf("label%02d", i))
	}
	return out
}

func (g *generator) duplicates() {
	var out []Message
	for range g.some(20) {
		m := g.letter(nil)
		twin := m // equal in everything
		later := m
		later.Date = m.Date.Add(90 * time.Minute)
		out = append(out, m, twin, later)
	}
	g.add(out, "Duplicates")
}

func (g *generator) lookalikes() {
	var out []Message
	for i := range g.some(20) {
		m := g.letter(nil)
		raw := m.Raw()
		other := m // same header and size, another body
		other.Raw = func() []byte { return otherBody(raw) }
		longer := m
		longer.Raw = func() []byte { return append(slices.Clone(raw), "one line more\r\n"...) }
		id := fmt.Sprintf("<same-%d@example.org>", i)
		sameID := func(l *letter) { l.id = id }
		noID := func(l *letter) { l.id = "" }
		out = append(out, m, other, longer, g.letter(sameID), g.letter(sameID), g.letter(noID), g.letter(noID))
	}
	g.add(out, "Lookalikes")
}

// otherBody changes letters of the body and nothing else.
func otherBody(raw []byte) []byte {
	out := slices.Clone(raw)
	body := out[bytes.Index(out, []byte("\r\n\r\n"))+4:]
	for i, c := range body {
		if c >= 'a' && c < 'z' {
			body[i] = c + 1
		}
	}
	return out
}

func (g *generator) large() {
	sizes := []int{30 << 20, 5 << 20, 4 << 20, 3 << 20, 3 << 20, 2 << 20, 2 << 20, 1 << 20, 1 << 20}
	var out []Message
	for _, size := range sizes {
		if g.o.Small {
			size /= 100
		}
		r := g.random()
		date := anyDate(r)
		l := newLetter(r, date)
		seed := r.Uint64()
		out = append(out, Message{Flags: anyFlags(r), Date: date, Raw: func() []byte {
			return l.text(rand.New(rand.NewPCG(seed, 0)), size)
		}})
	}
	g.add(out, "Large")
}

// odd adds messages of strange shapes.
func (g *generator) odd() {
	longLine := 1 << 20
	if g.o.Small {
		longLine = 64 << 10
	}
	const head = "From: a@example.org\r\nDate: Mon, 7 Mar 2011 10:00:00 +0100\r\n"
	shapes := []string{
		head + "Subject: no empty line\r\n",
		head + "Subject: no body\r\n\r\n",
		head + "Subject: no final line end\r\n\r\nabc",
		head + "Subject: no final line end after From\r\n\r\nFrom me",
		head + "Subject: From lines\r\n\r\nFrom here to there\r\n>From quoted\r\n>>From twice\r\nFrom \r\n\r\nFrom a@b Mon Jan  1 00:00:00 2001\r\n",
		head + "Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n",
		head + "Subject: blank lines\r\n\r\n\r\n\r\n\r\n\r\n",
		head + "Subject: spaces at the end  \r\n\tfolded\r\n \r\n\r\nx \r\n\t\r\n",
		head + "Subject: 8 bit caf\xe9 \xff\xfe\r\n\r\nna\xefve\r\n",
		head + "Subject: UTF-8 Grüße aus Köln 📬\r\nX-Raw: 日本\r\n\r\nGrüße\r\n",
		head + "Subject: one long line\r\n\r\n" + strings.Repeat("0123456789abcdef", longLine/16) + "\r\n",
		head + "Subject: long header line\r\nX-Long: " + strings.Repeat("abcdefg ", 1000) + "\r\n\r\nx\r\n",
		head + "Subject: control characters\r\n\r\n\x01\x02\x1b[31m\x7f\x08\r\n",
		head + "Subject: Status fields\r\nStatus: RO\r\nX-Status: A\r\nX-Keywords: a b\r\nX-UID: 17\r\nX-Mailferry: 1 2 3\r\n\r\nx\r\n",
		head + "Subject: two of a kind\r\nSubject: two of a kind\r\nMessage-ID: <1@x>\r\nMessage-ID: <2@x>\r\n\r\nx\r\n",
		"\r\nno header at all\r\n",
		"X: y\r\n\r\n",
	}
	if !g.o.NoBareLineEnd {
		shapes = append(shapes,
			head+"Subject: bare CR\r\n\r\na\rb\r\rc\r\n",
			head+"Subject: bare LF\r\n\r\na\nb\n\nc\r\n",
			head+"Subject: CR CR LF\r\n\r\na\r\r\nb\r\n",
		)
	}
	if !g.o.NoEmpty {
		shapes = append(shapes, "")
	}
	var out []Message
	for _, shape := range shapes {
		m := g.letter(nil)
		m.Raw = func() []byte { return []byte(shape) }
		out = append(out, m)
	}
	g.add(out, "Odd shapes")
}
