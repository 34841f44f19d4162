package floor

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"mailferry/testdata/bench/line"
)

const (
	window     = 4 << 20 // octets on a connection that wait for their answer
	perCommand = 100     // messages in one MULTIAPPEND
	batch      = 2 << 20 // octets in one MULTIAPPEND, so that two are under way
)

// Write makes the folders and appends all messages over n connections, each
// folder on one of them and its messages in order; with multi, many to a command.
func Write(a Account, folders []Folder, n int, multi bool) error {
	var g errgroup.Group
	for _, part := range share(folders, n) {
		g.Go(func() error { return writePart(a, part, multi) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("write floor: %s: %w", a, err)
	}
	return nil
}

func writePart(a Account, folders []Folder, multi bool) error {
	c, err := line.Login(a.Addr, a.User, a.Password)
	if err != nil {
		return err
	}
	defer c.Close()
	w := &writer{w: bufio.NewWriterSize(c, 256<<10), perCommand: 1}
	if multi {
		w.perCommand = perCommand
	}
	w.room = sync.NewCond(&w.mu)
	var g errgroup.Group
	g.Go(func() error { return w.answers(c.R) })
	g.Go(func() error {
		for _, f := range folders {
			if err := w.folder(f); err != nil {
				return err
			}
		}
		w.command("LOGOUT", 0)
		return w.w.Flush()
	})
	return g.Wait()
}

// writer sends commands while fewer octets than the window are unanswered.
type writer struct {
	w          *bufio.Writer
	perCommand int

	mu     sync.Mutex
	room   *sync.Cond
	sizes  []int64 // of the commands sent, by tag
	flying int64
	failed error
}

// command writes the start of a command of so many octets, once the window has room.
func (w *writer) command(text string, size int64) {
	w.mu.Lock()
	for w.failed == nil && w.flying > 0 && w.flying+size > window {
		w.mu.Unlock()
		w.w.Flush() // an error comes back with the next write
		w.mu.Lock()
		if w.failed == nil && w.flying > 0 && w.flying+size > window {
			w.room.Wait()
		}
	}
	w.flying += size
	w.sizes = append(w.sizes, size)
	tag := len(w.sizes) - 1
	w.mu.Unlock()
	fmt.Fprintf(w.w, "t%d %s", tag, text)
	if size == 0 {
		w.w.WriteString("\r\n")
	}
}

func (w *writer) folder(f Folder) error {
	if f.Raw != "INBOX" {
		w.command("CREATE "+line.Quote(f.Raw), 0)
	}
	for rest := f.Messages; len(rest) > 0; {
		n, size := 1, int64(len(rest[0].Body))
		for n < len(rest) && n < w.perCommand && size+int64(len(rest[n].Body)) <= batch {
			size += int64(len(rest[n].Body))
			n++
		}
		w.command("APPEND "+line.Quote(f.Raw), size)
		for _, m := range rest[:n] {
			fmt.Fprintf(w.w, " (%s) %q {%d+}\r\n", m.Flags, m.Date.Format("_2-Jan-2006 15:04:05 -0700"), len(m.Body))
			w.w.Write(m.Body)
		}
		if _, err := w.w.WriteString("\r\n"); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// answers reads until the server hangs up.
func (w *writer) answers(r *bufio.Reader) (err error) {
	defer func() {
		w.mu.Lock()
		w.failed = err
		w.mu.Unlock()
		w.room.Signal()
	}()
	for {
		text, err := r.ReadString('\n')
		if err != nil {
			return fmt.Errorf("the server went away: %w", err)
		}
		if text[0] != 't' {
			continue
		}
		tag, rest, _ := strings.Cut(text[1:], " ")
		n, err := strconv.Atoi(tag)
		refused := !strings.HasPrefix(rest, "OK") && !strings.Contains(rest, "ALREADYEXISTS")
		switch {
		case err != nil || refused:
			return fmt.Errorf("answer %q", text)
		case strings.Contains(rest, "Logout"):
			return nil
		}
		w.mu.Lock()
		w.flying -= w.sizes[n]
		w.mu.Unlock()
		w.room.Signal()
	}
}
