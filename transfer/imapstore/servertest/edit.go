package servertest

import (
	"context"
	"fmt"
	"strings"

	"mailferry/transfer/mail"
)

// Editor is a second client that works on an account as its user would. It
// belongs to one goroutine.
type Editor struct {
	s        *session
	selected string
}

// Edit logs in. The caller closes the Editor; ending ctx breaks the connection.
func Edit(ctx context.Context, addr, user, password string) (*Editor, error) {
	s, err := login(ctx, addr, user, password)
	if err != nil {
		return nil, err
	}
	return &Editor{s: s}, nil
}

// Close logs out.
func (e *Editor) Close() error { return e.s.logout() }

// Append adds messages to a folder that exists.
func (e *Editor) Append(folder mail.Path, messages ...Message) error {
	raw, err := e.s.rawName(folder)
	if err != nil {
		return err
	}
	for i, m := range messages {
		st, err := e.s.append(raw, m.Flags, m.Date, m.Raw())
		if err == nil && !st.ok() {
			err = &refusal{"APPEND", st}
		}
		if err != nil {
			return fmt.Errorf("append message %d to %q: %w", i, folder, err)
		}
	}
	return nil
}

// Store adds and removes flags of one or more messages.
func (e *Editor) Store(folder mail.Path, add, remove []string, uids ...uint32) error {
	if err := e.selectFolder(folder); err != nil {
		return err
	}
	for sign, flags := range map[string][]string{"+": add, "-": remove} {
		if len(flags) == 0 {
			continue
		}
		command := fmt.Sprintf("UID STORE %s %sFLAGS.SILENT (%s)", uidList(uids), sign, strings.Join(flags, " "))
		if err := e.s.must(command, nil); err != nil {
			return err
		}
	}
	return nil
}

// Expunge removes messages for good, and no others.
func (e *Editor) Expunge(folder mail.Path, uids ...uint32) error {
	if err := e.Store(folder, []string{mail.Deleted}, nil, uids...); err != nil {
		return err
	}
	return e.s.must("UID EXPUNGE "+uidList(uids), nil)
}

// Create makes a folder and subscribes to it.
func (e *Editor) Create(folder mail.Path) error {
	if err := e.on(folder, "CREATE"); err != nil {
		return err
	}
	return e.on(folder, "SUBSCRIBE")
}

// Delete removes a folder with its messages, and its subscription.
func (e *Editor) Delete(folder mail.Path) error {
	if err := e.leave(); err != nil {
		return err
	}
	if err := e.on(folder, "UNSUBSCRIBE"); err != nil {
		return err
	}
	return e.on(folder, "DELETE")
}

// Subscribe changes whether a folder is subscribed to.
func (e *Editor) Subscribe(folder mail.Path, subscribed bool) error {
	if subscribed {
		return e.on(folder, "SUBSCRIBE")
	}
	return e.on(folder, "UNSUBSCRIBE")
}

// Rename gives a folder, and with it those below, another name.
func (e *Editor) Rename(from, to mail.Path) error {
	if err := e.leave(); err != nil {
		return err
	}
	target, err := e.s.rawName(to)
	if err != nil {
		return err
	}
	raw, err := e.s.rawName(from)
	if err != nil {
		return err
	}
	return e.s.must("RENAME "+quote(raw)+" "+quote(target), nil)
}

func (e *Editor) on(folder mail.Path, command string) error {
	raw, err := e.s.rawName(folder)
	if err != nil {
		return err
	}
	return e.s.must(command+" "+quote(raw), nil)
}

func (e *Editor) selectFolder(folder mail.Path) error {
	raw, err := e.s.rawName(folder)
	if err != nil || raw == e.selected {
		return err
	}
	if err := e.s.must("SELECT "+quote(raw), nil); err != nil {
		return err
	}
	e.selected = raw
	return nil
}

// leave gives up the selected folder, which a server may not like to see renamed.
func (e *Editor) leave() error {
	if e.selected == "" || e.selected == "INBOX" {
		return nil
	}
	return e.selectFolder(mail.NewPath("INBOX"))
}

func uidList(uids []uint32) string {
	parts := make([]string, len(uids))
	for i, uid := range uids {
		parts[i] = fmt.Sprint(uid)
	}
	return strings.Join(parts, ",")
}
