package servertest

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"mailferry/transfer/mail"
)

// Refused is a folder or message that a server did not take.
type Refused struct {
	Folder  mail.Path
	Message int // index in Folder.Messages; -1: the folder itself
	Text    string
}

func (r Refused) String() string {
	if r.Message < 0 {
		return fmt.Sprintf("folder %q: %s", r.Folder, r.Text)
	}
	return fmt.Sprintf("folder %q message %d: %s", r.Folder, r.Message, r.Text)
}

// Fill puts a corpus into an account and returns what the server refused. A
// folder that exists is added to. With LITERAL+ messages are sent without
// waiting for answers.
func Fill(ctx context.Context, addr, user, password string, c *Corpus) ([]Refused, error) {
	s, err := login(ctx, addr, user, password)
	if err != nil {
		return nil, err
	}
	f := &filler{session: s}
	for _, folder := range deepestLast(c.Folders) {
		if err := f.folder(folder); err != nil {
			s.close()
			return f.refused, fmt.Errorf("fill folder %q: %w", folder.Path(), err)
		}
	}
	return f.refused, s.logout()
}

// deepestLast leaves out what only comes into being as a parent and puts
// parents before their children, where that is a difference.
func deepestLast(folders []Folder) []Folder {
	var out []Folder
	for _, f := range folders {
		if !f.NoSelect {
			out = append(out, f)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return len(out[i].Components) < len(out[j].Components) })
	return out
}

type filler struct {
	*session
	refused []Refused
}

func (f *filler) refuse(path mail.Path, message int, text string) {
	f.refused = append(f.refused, Refused{path, message, text})
}

func (f *filler) folder(folder Folder) error {
	path := folder.Path()
	raw, err := f.rawName(path)
	if err != nil {
		f.refuse(path, -1, err.Error())
		return nil
	}
	var no *refusal
	if err := f.create(raw, path, folder.Role); errors.As(err, &no) {
		f.refuse(path, -1, no.text)
		return nil
	} else if err != nil {
		return err
	}
	if folder.Subscribed {
		if err := f.must("SUBSCRIBE "+quote(raw), nil); err != nil {
			return err
		}
	}
	return f.messages(path, raw, folder.Messages)
}

// create makes a folder, with its role where the server can be told.
func (s *session) create(raw string, path mail.Path, role string) error {
	if path.IsInbox() {
		return nil
	}
	if role != "" && s.caps["CREATE-SPECIAL-USE"] {
		if err := s.must("CREATE "+quote(raw)+" (USE ("+role+"))", nil); err == nil {
			return nil
		}
	}
	err := s.must("CREATE "+quote(raw), nil)
	var no *refusal
	if errors.As(err, &no) && s.exists(raw) {
		return nil
	}
	return err
}

func (s *session) exists(raw string) bool {
	found := false
	err := s.must(`LIST "" `+quote(raw), func(r response) {
		v := r.after("LIST")
		found = found || len(v) == 3 && !hasAttribute(v[0], `\Noselect`, `\NonExistent`)
	})
	return err == nil && found
}

func hasAttribute(attributes value, names ...string) bool {
	for _, a := range attributes.list {
		for _, name := range names {
			if strings.EqualFold(a.text, name) {
				return true
			}
		}
	}
	return false
}

// At most this much is sent ahead of the server's answers.
const (
	windowMessages = 64
	windowOctets   = 4 << 20
)

func (f *filler) messages(path mail.Path, raw string, messages []Message) error {
	if !f.caps["LITERAL+"] {
		for i, m := range messages {
			st, err := f.append(raw, m.Flags, m.Date, m.Raw())
			if err != nil {
				return err
			}
			if !st.ok() {
				f.refuse(path, i, st.text)
			}
		}
		return nil
	}
	for first := 0; first < len(messages); {
		tags := map[string]int{}
		for octets := 0; first < len(messages) && len(tags) < windowMessages && octets < windowOctets; first++ {
			m := messages[first]
			body := m.Raw()
			tags[f.sendAppend(raw, m.Flags, m.Date, body, "+")] = first
			f.out.Write(body)
			f.out.WriteString("\r\n")
			octets += len(body)
		}
		if err := f.out.Flush(); err != nil {
			return f.cause(err)
		}
		if err := f.answers(path, tags); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) answers(path mail.Path, tags map[string]int) error {
	for len(tags) > 0 {
		r, err := f.receive()
		if err != nil {
			return err
		}
		i, ok := tags[r.tag]
		if !ok {
			continue
		}
		delete(tags, r.tag)
		if !r.status.ok() {
			f.refuse(path, i, r.status.text)
		}
	}
	return nil
}

// append sends one message in a synchronizing literal (RFC 9051 section 4.3).
func (s *session) append(raw string, flags []string, date time.Time, body []byte) (status, error) {
	tag := s.sendAppend(raw, flags, date, body, "")
	if err := s.out.Flush(); err != nil {
		return status{}, s.cause(err)
	}
	for {
		r, err := s.receive()
		switch {
		case err != nil:
			return status{}, err
		case r.tag == tag:
			return r.status, nil
		case r.tag == "+":
			s.out.Write(body)
			s.out.WriteString("\r\n")
			if err := s.out.Flush(); err != nil {
				return status{}, s.cause(err)
			}
		}
	}
}

// sendAppend writes the command up to the literal without flushing.
func (s *session) sendAppend(raw string, flags []string, date time.Time, body []byte, plus string) (tag string) {
	return s.send(fmt.Sprintf("APPEND %s (%s) %s {%d%s}", quote(raw), strings.Join(flags, " "),
		quote(date.Format("_2-Jan-2006 15:04:05 -0700")), len(body), plus))
}
