package mailtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mailferry/transfer/mail"
)

// Dump is the account as text: every folder with its properties, and every
// message with digest, size, date and flags. UIDs are left out and the messages of a
// folder sorted, so equal texts mean equal contents in whatever order.
func (m *Memory) Dump() string { return m.dump(false) }

// DumpUIDs is Dump with UIDVALIDITY, UIDNEXT and UIDs, in the order of the UIDs.
func (m *Memory) DumpUIDs() string { return m.dump(true) }

func (m *Memory) dump(uids bool) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	for _, f := range m.sorted() {
		b.WriteString(folderLine(f.Folder))
		if uids {
			fmt.Fprintf(&b, " validity=%d next=%d", f.validity, f.next)
		}
		b.WriteByte('\n')
		lines := make([]string, 0, len(f.messages))
		for _, msg := range f.messages {
			line := messageLine(digest(msg.Raw), int64(len(msg.Raw)), msg.Date, msg.Flags)
			if uids {
				line = fmt.Sprintf("  %d%s", msg.UID, line)
			}
			lines = append(lines, line)
		}
		if !uids {
			slices.Sort(lines)
		}
		b.WriteString(strings.Join(lines, ""))
	}
	return b.String()
}

func folderLine(f mail.Folder) string {
	line := fmt.Sprintf("%q", f.Path.String())
	if f.Role != "" {
		line += " " + string(f.Role)
	}
	for _, p := range []struct {
		is   bool
		text string
	}{{f.Subscribed, " subscribed"}, {f.NoSelect, " noselect"}, {f.Missing, " missing"}} {
		if p.is {
			line += p.text
		}
	}
	return line
}

func messageLine(sum string, size int64, date time.Time, flags mail.Flags) string {
	return fmt.Sprintf("  %s %d %s (%s)\n", sum, size, date.UTC().Format(time.RFC3339), flags)
}

// DumpSource is Dump of any store, read through its contracts.
func DumpSource(ctx context.Context, source mail.Source) (string, error) {
	folders, err := source.Folders(ctx)
	if err != nil {
		return "", err
	}
	slices.SortFunc(folders, func(a, b mail.Folder) int { return a.Path.Compare(b.Path) })
	var b strings.Builder
	for _, f := range folders {
		b.WriteString(folderLine(f) + "\n")
		if f.NoSelect || f.Missing {
			continue
		}
		lines, err := messageLines(ctx, source, f.Path)
		if err != nil {
			return "", err
		}
		b.WriteString(strings.Join(lines, ""))
	}
	return b.String(), nil
}

func messageLines(ctx context.Context, source mail.Source, path mail.Path) (lines []string, err error) {
	r, err := source.OpenReader(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var all mail.UIDSet
	err = r.List(ctx, mail.ListOptions{}, func(info mail.Info) error {
		all.Add(info.UID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = r.Fetch(ctx, all, func(info mail.Info, body io.Reader) error {
		raw, err := io.ReadAll(body)
		lines = append(lines, messageLine(digest(raw), info.Size, info.InternalDate, info.Flags))
		return err
	})
	if err == nil && len(lines) != all.Len() {
		err = fmt.Errorf("folder %q: %d messages listed, %d fetched", path, all.Len(), len(lines))
	}
	slices.Sort(lines)
	return lines, err
}
