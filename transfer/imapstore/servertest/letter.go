package servertest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"mailferry/transfer/mail"
)

// letter is the header of an ordinary message.
type letter struct{ id, date, from, subject string }

var (
	people   = [...]string{"Ada Lovelace <ada@example.org>", "=?UTF-8?Q?J=C3=BCrgen?= <j@example.de>", "list@example.net", "\"Doe, Jane\" <jane@example.com>", "=?ISO-2022-JP?B?GyRCO01FRBsoQg==?= <s@example.jp>"}
	subjects = [...]string{"Minutes", "Re: Minutes", "=?UTF-8?B?R3LDvMOfZQ==?=", "[debian-devel] Bug#%d: crash", "Fwd: invoice %d", "", "A rather long subject that somebody folded\r\n over two lines, number %d"}
	words    = [...]string{"ferry", "harbour", "timetable", "the", "of", "and", "mail", "box", "From", "where", "winter", "boat", "=20", "=C3=BC", "https://example.org/a?b=c", "--", "quick", "brown", "1984"}
)

func newLetter(r *rand.Rand, date time.Time) letter {
	subject := subjects[r.IntN(len(subjects))]
	if strings.Contains(subject, "%d") {
		subject = fmt.Sprintf(subject, r.IntN(1_000_000))
	}
	return letter{
		id:      fmt.Sprintf("<%x.%x@mail.example.org>", r.Uint64(), r.Uint32()),
		date:    date.Format("Mon, 2 Jan 2006 15:04:05 -0700"),
		from:    people[r.IntN(len(people))],
		subject: subject,
	}
}

// text writes the message with about size octets.
func (l letter) text(r *rand.Rand, size int) []byte {
	out := make([]byte, 0, size+200)
	field := func(name, value string) { out = append(out, name+": "+value+"\r\n"...) }
	field("Return-Path", "<bounce@example.org>")
	field("Received", fmt.Sprintf("from a.example.org by b.example.org with ESMTPS id %08x;\r\n\t%s", r.Uint32(), l.date))
	field("Date", l.date)
	field("From", l.from)
	field("To", "me@example.org")
	field("Subject", l.subject)
	if l.id != "" {
		field("Message-ID", l.id)
	}
	field("MIME-Version", "1.0")
	out = append(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n"...)
	size = max(size, len(out)+60) // a body in any case
	if size > 20_000 {
		return attachment(r, out, size)
	}
	for column := 0; len(out) < size; {
		word := words[r.IntN(len(words))]
		out = append(append(out, word...), ' ')
		if column += len(word) + 1; column > 68 {
			out, column = append(out, "\r\n"...), 0
		}
	}
	return append(out, "\r\n"...)
}

// attachment fills up with lines of base64, which are quick to make.
func attachment(r *rand.Rand, out []byte, size int) []byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for len(out) < size {
		for range 8 {
			for bits, i := r.Uint64(), 0; i < 9; i++ {
				out = append(out, alphabet[bits&63])
				bits >>= 6
			}
		}
		out = append(out, "\r\n"...)
	}
	return out
}

// size is spread like real mail: half of it below 12 kB and a long tail.
func (g *generator) size(r *rand.Rand) int {
	factor := math.Exp(1.3 * r.NormFloat64())
	if g.o.Small {
		return min(int(1200*factor), 20_000)
	}
	return min(int(12_000*factor), 800_000)
}

// anyDate is a moment of fifteen years in one of several zones.
func anyDate(r *rand.Rand) time.Time {
	zones := [...]int{0, 60, 120, -300, -480, 330, 780, -210, 345}
	minutes := zones[r.IntN(len(zones))]
	start := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
	span := int64(15 * 365 * 24 * time.Hour / time.Second)
	at := start.Add(time.Duration(r.Int64N(span)) * time.Second)
	return at.In(time.FixedZone("", minutes*60))
}

func anyFlags(r *rand.Rand) []string {
	var out []string
	for _, likely := range []struct {
		flag    string
		percent int
	}{{mail.Seen, 80}, {mail.Answered, 15}, {mail.Flagged, 5}, {"$Forwarded", 3}, {"NonJunk", 10}} {
		if r.IntN(100) < likely.percent {
			out = append(out, likely.flag)
		}
	}
	return out
}

func withFlag(messages []Message, flag string) []Message {
	for i := range messages {
		messages[i].Flags = append(messages[i].Flags, flag)
	}
	return messages
}
