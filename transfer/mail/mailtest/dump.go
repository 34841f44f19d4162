package mailtest

import (
	"fmt"
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
