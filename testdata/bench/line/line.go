// Package line is an IMAP client that understands next to nothing: it sends
// commands as they are given and tells which answer ends which.
package line

import (
	"bufio"
	"fmt"
	"net"
	"strings"
)

// Conn is a session that has logged in. The caller closes it.
type Conn struct {
	net.Conn
	R    *bufio.Reader
	tags int
}

// Login connects without TLS and logs in.
func Login(addr, user, password string) (*Conn, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &Conn{Conn: nc, R: bufio.NewReaderSize(nc, 256<<10)}
	if _, err = c.R.ReadString('\n'); err == nil {
		_, err = c.Do("LOGIN " + Quote(user) + " " + Quote(password))
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("log in %s at %s: %w", user, addr, err)
	}
	return c, nil
}

// Do sends one command, waits for its end and returns the lines before it. Its
// answer must not hold literals.
func (c *Conn) Do(command string) (lines []string, err error) {
	c.tags++
	tag := fmt.Sprintf("d%d ", c.tags)
	if _, err := c.Write([]byte(tag + command + "\r\n")); err != nil {
		return nil, err
	}
	for {
		text, err := c.R.ReadString('\n')
		if err != nil {
			return nil, err
		}
		text = strings.TrimRight(text, "\r\n")
		if rest, ok := strings.CutPrefix(text, tag); ok {
			if !strings.HasPrefix(rest, "OK") {
				err = fmt.Errorf("%.20s: %s", command, rest)
			}
			return lines, err
		}
		lines = append(lines, text)
	}
}

// Counts asks how many messages each folder holds.
func (c *Conn) Counts() (map[string]int, error) {
	lines, err := c.Do(`LIST "" "*" RETURN (STATUS (MESSAGES))`)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, text := range lines {
		rest, ok := strings.CutPrefix(text, "* STATUS ")
		i := strings.LastIndex(rest, " (MESSAGES ")
		if !ok || i < 0 {
			continue
		}
		var n int
		if _, err := fmt.Sscanf(rest[i:], " (MESSAGES %d)", &n); err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		out[strings.Trim(rest[:i], `"`)] = n
	}
	return out, nil
}

// Quote makes a string of which every octet stands for itself.
func Quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
