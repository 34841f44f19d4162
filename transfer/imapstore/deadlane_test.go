package imapstore

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

// cutting is a connection that ends when certain words are sent.
type cutting struct {
	net.Conn
	words string
}

func (c *cutting) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(c.words)) {
		c.Conn.Close()
	}
	return c.Conn.Write(p)
}

// TestDeadLanesHoldNobodyUp: when every lane's connection is lost, a folder that comes later gets a new one, though other
// folders are still on the old ones and have not noticed. Writers of OpenAppender do not count as handles.
func TestDeadLanesHoldNobodyUp(t *testing.T) {
	for _, conns := range []int{1, 2} {
		t.Run(fmt.Sprint(conns), func(t *testing.T) {
			in := &intake{d: newDice(1), rare: 1, boxes: make(map[string][]string)}
			for i := range 6 {
				in.boxes[shelfFolder(i)] = nil
			}
			opts := listen(t, in.serve)
			opts.Connections = conns
			dials := 0
			opts.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				if dials++; dials <= conns {
					conn = &cutting{conn, fmt.Sprintf("APPEND %q", shelfFolder(1+dials))}
				}
				return conn, err
			}
			s := New(opts)
			defer s.Close()
			if _, err := s.Folders(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.pool.linger = 0 // a lane for each connection
			open := func(i int) mail.Writer {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				w, err := s.OpenAppender(ctx, mail.NewPath(shelfFolder(i)), 10)
				if err != nil {
					t.Fatalf("folder %d: %v", i, err)
				}
				t.Cleanup(func() { w.Close() })
				return w
			}
			for i := range conns {
				open(i) // its mail has not come yet
			}
			var busy []mail.Writer
			for i := range conns {
				busy = append(busy, open(2+i))
			}
			for _, w := range busy {
				_ = w.Append(t.Context(), &mail.Message{Body: mail.BytesBody("Subject: x\r\n\r\n")}, func(mail.UID, error) {})
				if err := w.Flush(t.Context()); err == nil {
					t.Error("not cut off")
				}
				w.Close()
			}
			open(5)
		})
	}
}
