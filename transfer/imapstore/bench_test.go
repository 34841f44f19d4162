package imapstore_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
)

// corpus is the sizes of messages: small ones of some 4 KB, or log-normal as real ones.
type corpus struct {
	name  string
	sizes []int
}

func corpora() []corpus {
	rng := rand.New(rand.NewPCG(1, 2))
	small, real := make([]int, 10_000), make([]int, 2_000)
	for i := range small {
		small[i] = 3500 + rng.IntN(800)
	}
	for i := range real {
		real[i] = min(5<<20, max(700, int(math.Exp(9.46+1.75*rng.NormFloat64()))))
	}
	return []corpus{{"small", small}, {"real", real}}
}

func (c corpus) bytes() (n int64) {
	for _, size := range c.sizes {
		n += int64(size)
	}
	return n
}

// bodies are the messages of a corpus, cut out of one text.
func (c corpus) bodies() [][]byte {
	line := "c2VlIGhvdyBpdCBydW5zLCBzZWUgaG93IGl0IHJ1bnMsIHNlZSBob3cgaXQgcnVucy4gYW5k\r\n"
	text := strings.Repeat(line, (5<<20)/len(line)+1)
	out := make([][]byte, len(c.sizes))
	for i, size := range c.sizes {
		header := fmt.Sprintf("Message-ID: <%d@bench>\r\nSubject: message %d\r\n\r\n", i, i)
		out[i] = []byte(header + text[:max(0, size-len(header)-2)] + "\r\n")
	}
	return out
}

// filledServer is a Dovecot in memory whose INBOX holds the corpus.
func filledServer(b *testing.B, c corpus) imapstore.Options {
	b.Helper()
	dovecot := servertest.StartDovecot(b, servertest.DovecotOptions{Memory: true})
	opts := benchAccount(dovecot, "ann")
	appendAll(b, opts, c.bodies())
	return opts
}

func benchAccount(s *servertest.Server, user string) imapstore.Options {
	opts := imapstore.Options{Security: imapstore.Plain, User: user, Password: fixedPassword(s.Password)}
	addr, err := net.ResolveTCPAddr("tcp", s.Addr)
	if err != nil {
		panic(err)
	}
	opts.Host, opts.Port = "127.0.0.1", addr.Port
	return opts
}

func appendAll(b *testing.B, opts imapstore.Options, bodies [][]byte) {
	b.Helper()
	st := imapstore.New(opts)
	defer st.Close()
	w, err := st.OpenWriter(b.Context(), mail.NewPath("INBOX"))
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	done := 0
	for _, body := range bodies {
		err := w.Append(b.Context(), &mail.Message{Body: mail.BytesBody(body)}, func(_ mail.UID, err error) {
			if done++; err != nil {
				b.Error(err)
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(b.Context()); err != nil || done != len(bodies) {
		b.Fatalf("%d of %d messages, %v", done, len(bodies), err)
	}
}

// BenchmarkReading reads every body, and beside it the floor: one FETCH for all of them,
// whose octets nobody looks at.
func BenchmarkReading(b *testing.B) {
	for _, c := range corpora() {
		opts := filledServer(b, c)
		b.Run(c.name+"/floor", func(b *testing.B) {
			b.SetBytes(c.bytes())
			for b.Loop() {
				readFloor(b, opts)
			}
		})
		b.Run(c.name+"/store", func(b *testing.B) {
			b.SetBytes(c.bytes())
			b.ReportAllocs()
			for b.Loop() {
				readAll(b, opts, len(c.sizes))
			}
		})
	}
}

func readAll(b *testing.B, opts imapstore.Options, want int) {
	src := imapstore.NewSource(opts)
	defer src.Close()
	r, err := src.OpenReader(b.Context(), mail.NewPath("INBOX"))
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	var all mail.UIDSet
	all.AddRange(1, r.Status().UIDNext-1)
	n := 0
	buf := make([]byte, 64<<10)
	err = r.Fetch(b.Context(), all, func(_ mail.Info, body io.Reader) error {
		n++
		for {
			if _, err := body.Read(buf); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
	})
	if err != nil || n != want {
		b.Fatalf("%d of %d messages, %v", n, want, err)
	}
}

// talk sends commands of which the last is tagged "z" and reads up to its reply.
func talk(b *testing.B, opts imapstore.Options, say func(*bufio.Writer)) {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", opts.Port))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	password, _ := opts.Password(b.Context())
	fmt.Fprintf(conn, "a LOGIN %s %s\r\n", opts.User, password)
	said := make(chan error, 1)
	go func() {
		bw := bufio.NewWriterSize(conn, 64<<10)
		say(bw)
		said <- bw.Flush()
	}()
	tail := make([]byte, 0, 128<<10)
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			b.Fatal(err)
		}
		if n >= 300 {
			tail = tail[:0]
		}
		tail = append(tail, buf[max(0, n-300):n]...)
		if bytes.Contains(tail, []byte("\r\nz OK")) && bytes.HasSuffix(tail, []byte("\r\n")) {
			break
		}
	}
	if err := <-said; err != nil {
		b.Fatal(err)
	}
}

func readFloor(b *testing.B, opts imapstore.Options) {
	talk(b, opts, func(bw *bufio.Writer) {
		bw.WriteString("b EXAMINE INBOX\r\nz UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])\r\n")
	})
}

// BenchmarkWriting appends a corpus to an empty account, and beside it the floor:
// MULTIAPPENDs of 100 messages, whose answers nobody waits for.
func BenchmarkWriting(b *testing.B) {
	dovecot := servertest.StartDovecot(b, servertest.DovecotOptions{Memory: true})
	users := 0
	for _, c := range corpora() {
		bodies := c.bodies()
		for name, write := range map[string]func(*testing.B, imapstore.Options, [][]byte){"floor": writeFloor, "store": appendAll} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				b.SetBytes(c.bytes())
				b.ReportAllocs()
				for b.Loop() {
					users++
					write(b, benchAccount(dovecot, fmt.Sprintf("user%d", users)), bodies)
				}
			})
		}
	}
}

func writeFloor(b *testing.B, opts imapstore.Options, bodies [][]byte) {
	talk(b, opts, func(bw *bufio.Writer) {
		for i, body := range bodies {
			if i%100 == 0 {
				if i > 0 {
					bw.WriteString("\r\n")
				}
				bw.WriteString("c APPEND INBOX")
			}
			fmt.Fprintf(bw, " {%d+}\r\n", len(body))
			bw.Write(body)
		}
		bw.WriteString("\r\nz NOOP\r\n")
	})
}

// BenchmarkListing lists 10,000 messages as a first run does, and as a run does that
// finds nothing changed.
func BenchmarkListing(b *testing.B) {
	c := corpora()[0]
	opts := filledServer(b, c)
	src := imapstore.NewSource(opts)
	defer src.Close()
	r, err := src.OpenReader(b.Context(), mail.NewPath("INBOX"))
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	all := mail.ListOptions{Flags: true, Size: true, Date: true, Key: true}
	for name, o := range map[string]mail.ListOptions{
		"everything": all,
		"flags":      {Flags: true},
		"unchanged":  {Flags: true, ChangedSince: r.Status().HighestModSeq},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				if err := r.List(b.Context(), o, func(mail.Info) error { n++; return nil }); err != nil {
					b.Fatal(err)
				}
				if want := len(c.sizes); (n == want) != (o.ChangedSince == 0) {
					b.Fatalf("%d of %d messages", n, want)
				}
			}
		})
	}
}
