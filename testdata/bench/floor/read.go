package floor

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"mailferry/testdata/bench/line"
)

// Read fetches everything over n connections and throws it away.
func Read(a Account, folders []Folder, n int) error {
	var g errgroup.Group
	var octets atomic.Int64
	for _, part := range share(folders, n) {
		g.Go(func() error {
			got, err := readPart(a, part)
			octets.Add(got)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("read floor: %s: %w", a, err)
	}
	if got, want := octets.Load(), Octets(folders); got < want {
		return fmt.Errorf("read floor: %s: %d octets came of %d", a, got, want)
	}
	return nil
}

// readPart asks for everything at once and reads until the server hangs up.
func readPart(a Account, folders []Folder) (int64, error) {
	c, err := line.Login(a.Addr, a.User, a.Password)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	var b strings.Builder
	for i, f := range folders {
		fmt.Fprintf(&b, "e%d EXAMINE %s\r\n", i, line.Quote(f.Raw))
		if len(f.Messages) > 0 {
			fmt.Fprintf(&b, "f%d UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])\r\n", i)
		}
	}
	b.WriteString("l LOGOUT\r\n")
	if _, err := io.WriteString(c, b.String()); err != nil {
		return 0, err
	}
	return io.CopyBuffer(io.Discard, struct{ io.Reader }{c.R}, make([]byte, 256<<10))
}
