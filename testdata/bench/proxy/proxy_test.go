package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// echo answers every line with itself, and a line "big" with a megabyte.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					answer := append(lines.Bytes(), '\n')
					if lines.Text() == "big" {
						answer = make([]byte, 1<<20)
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func through(t *testing.T, trip time.Duration) (*Proxy, *Meter, net.Conn) {
	t.Helper()
	m := &Meter{}
	p, err := Listen(echo(t), m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	p.SetRoundTrip(trip)
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return p, m, c
}

func exchange(t *testing.T, c net.Conn, text string, answer int) []byte {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, answer)
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestEveryRoundTripIsDelayedAndCounted(t *testing.T) {
	const trip = 30 * time.Millisecond
	_, m, c := through(t, trip)
	start := time.Now()
	for range 3 {
		if got := exchange(t, c, "hello\n", 6); string(got) != "hello\n" {
			t.Fatalf("came back: %q", got)
		}
	}
	if took := time.Since(start); took < 3*trip {
		t.Errorf("three round trips took %v", took)
	}
	if octets, trips := m.Read(); octets != 36 || trips != 3 {
		t.Errorf("%d octets and %d round trips", octets, trips)
	}
}

func TestWhatIsSentTogetherIsOneRoundTrip(t *testing.T) {
	const trip = 30 * time.Millisecond
	_, m, c := through(t, trip)
	exchange(t, c, "a\nb\nc\nd\n", 8)
	if _, trips := m.Read(); trips != 1 {
		t.Errorf("%d round trips", trips)
	}
	m.Reset()
	if octets, trips := m.Read(); octets != 0 || trips != 0 {
		t.Errorf("after Reset: %d octets and %d round trips", octets, trips)
	}
}

func TestADelayDoesNotNarrowTheLine(t *testing.T) {
	const trip = 40 * time.Millisecond
	_, m, c := through(t, trip)
	start := time.Now()
	got := exchange(t, c, "big\nbig\nbig\nbig\n", 4<<20)
	if !bytes.Equal(got, make([]byte, 4<<20)) {
		t.Error("not what was sent")
	}
	if took := time.Since(start); took > 40*trip {
		t.Errorf("4 MB took %v: a window of one chunk to a trip would take that long", took)
	}
	if octets, _ := m.Read(); octets != 4<<20+16 {
		t.Errorf("%d octets", octets)
	}
}

func TestQuietWaitsForTheLastConnection(t *testing.T) {
	p, m, c := through(t, 0)
	exchange(t, c, "x\n", 2)
	quiet := make(chan struct{})
	go func() {
		p.Quiet()
		close(quiet)
	}()
	select {
	case <-quiet:
		t.Error("quiet with an open connection")
	case <-time.After(20 * time.Millisecond):
	}
	c.Close()
	<-quiet
	if octets, _ := m.Read(); octets != 4 {
		t.Errorf("%d octets", octets)
	}
}
