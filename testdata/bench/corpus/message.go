package corpus

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"
)

// Message is one message as it lies in a Maildir.
type Message struct {
	Body  []byte // lines end in LF; valid until the next one is made
	Lines int
	Date  time.Time
	Flags string // of a Maildir's file name
}

// maker writes messages one after the other into one buffer.
type maker struct {
	corpus Corpus
	random *rand.Rand
	filler []byte // text without meaning that does not compress, in lines
	buf    bytes.Buffer
	made   int
}

func newMaker(c Corpus, round uint64) *maker {
	m := &maker{corpus: c, random: rand.New(rand.NewPCG(c.seed, round))}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range 1 << 20 {
		if i%77 == 76 {
			m.filler = append(m.filler, '\n')
		} else {
			m.filler = append(m.filler, letters[m.random.IntN(len(letters))])
		}
	}
	return m
}

// next makes the next message. The round is part of its Message-ID, so that
// messages made later are new ones.
func (m *maker) next(round uint64) Message {
	m.made++
	size := m.corpus.size(m.random)
	date := time.Unix(1_600_000_000+int64(m.made)*37, 0)
	m.buf.Reset()
	fmt.Fprintf(&m.buf, "From: Anna Alt <anna@old.example>\nTo: Bernd Neu <bernd@new.example>\n"+
		"Subject: message %d of %s\nDate: %s\nMessage-ID: <%d.%d.%s@bench.example>\n\n",
		m.made, m.corpus.Name, date.UTC().Format(time.RFC1123Z), round, m.made, m.corpus.Name)
	start := m.random.IntN(len(m.filler)/77-1) * 77
	for m.buf.Len() < size-1 {
		piece := m.filler[start:]
		m.buf.Write(piece[:min(len(piece), size-1-m.buf.Len())])
		start = 0
	}
	m.buf.WriteByte('\n')
	body := m.buf.Bytes()
	return Message{Body: body, Lines: bytes.Count(body, []byte{'\n'}), Date: date, Flags: m.flags()}
}

func (m *maker) flags() string {
	switch n := m.random.IntN(100); {
	case n < 5:
		return "FS"
	case n < 15:
		return "RS"
	case n < 85:
		return "S"
	}
	return ""
}
