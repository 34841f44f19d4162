package commands

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"mailferry/archive"
	"mailferry/transfer"
	"mailferry/transfer/mail"
)

func (w *world) listCommand() *cli.Command {
	return command(cli.Command{
		Name:      "list",
		Usage:     "show the folders of an account or archive",
		ArgsUsage: "STORE",
		Description: `Shows each folder's name as --folder and --map take it, its role, and how many messages and bytes
it holds, as far as the server tells that without listing them; of an archive also its runs.`,
		Flags:  join(outputFlags(), endFlags(transfer.EndSource), configFlag()),
		Action: w.list,
	})
}

func (w *world) list(c *cli.Context) error {
	if err := arguments(c, 1, 1, "one account or archive"); err != nil {
		return err
	}
	out, err := outputOf(c)
	if err != nil {
		return err
	}
	ts, err := w.targets(c.Context, c, transfer.EndSource)
	if err != nil {
		return err
	}
	trace, err := openTrace(c.String("trace"))
	if err != nil {
		return err
	}
	defer trace.close()
	store, err := w.openSource(c.Context, ts[0], archive.Options{}, 1, trace)
	if err != nil {
		return err
	}
	defer store.Close()
	folders, err := store.Folders(c.Context)
	if err != nil {
		return withAccount(&transfer.EndError{End: transfer.EndSource, Err: err}, ts[0].address, address{})
	}
	runs, err := runsOf(c.Context, store)
	if err != nil {
		return err
	}
	slices.SortStableFunc(folders, inboxFirst)
	if out.json {
		w.listJSON(store.String(), folders, runs)
		return nil
	}
	if out.quiet {
		return nil
	}
	if err := w.listText(folders); err != nil {
		return err
	}
	return writeRuns(w.stdout, runs)
}

func inboxFirst(a, b mail.Folder) int {
	switch {
	case a.Path.IsInbox() == b.Path.IsInbox():
		return 0
	case a.Path.IsInbox():
		return -1
	}
	return 1
}

// folderSum adds up what the folders tell.
type folderSum struct {
	folders, messages int
	unread, bytes     int64 // -1: a folder does not tell
}

func (s *folderSum) add(f mail.Folder) {
	if f.NoSelect || f.Missing {
		return
	}
	s.folders++
	st := statusOf(f)
	s.messages += int(st.Messages)
	s.unread = addKnown(s.unread, st.Unseen)
	s.bytes = addKnown(s.bytes, st.Bytes)
}

func addKnown(sum, n int64) int64 {
	if sum < 0 || n < 0 {
		return -1
	}
	return sum + n
}

func statusOf(f mail.Folder) mail.Status {
	if f.Status == nil {
		return mail.Status{Unseen: -1, Bytes: -1}
	}
	return *f.Status
}

func (w *world) listText(folders []mail.Folder) error {
	t := &table{head: []string{"FOLDER", "ROLE", "MESSAGES", "UNREAD", "BYTES", ""}, left: map[int]bool{1: true, 5: true}}
	var sum folderSum
	for _, f := range folders {
		sum.add(f)
		role := ""
		if f.Role != "" {
			role = mail.Visible(string(f.Role[1:]))
		}
		t.add(append([]string{folderText(f.Path), role}, numbers(f)...)...)
	}
	t.add("total", "", thousands(sum.messages), known(sum.unread, thousands), known(sum.bytes, sizeText), "")
	if err := t.write(w.stdout); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w.stdout, "\n%s in %s\n", count(sum.messages, "message"), count(sum.folders, "folder"))
	return err
}

// numbers are a folder's columns behind its name and role.
func numbers(f mail.Folder) []string {
	switch {
	case f.Missing:
		return []string{"", "", "", "does not exist, only subscribed"}
	case f.NoSelect:
		return []string{"", "", "", "holds folders only"}
	case f.Status == nil:
		return []string{"?", "?", "?", "the server does not tell"}
	}
	return []string{thousands(f.Status.Messages), known(f.Status.Unseen, thousands), known(f.Status.Bytes, sizeText), ""}
}

func known(n int64, format func(int64) string) string {
	if n < 0 {
		return "?"
	}
	return format(n)
}

func (w *world) listJSON(store string, folders []mail.Folder, runs []archive.Run) {
	lines := &jsonLines{w: w.stdout}
	var sum folderSum
	for _, f := range folders {
		sum.add(f)
		lines.write(mailboxObject(f))
	}
	for _, r := range runs {
		lines.write(runObject(r))
	}
	o := object{"type": "summary", "complete": true, "store": store, "folders": sum.folders, "messages": sum.messages}
	lines.write(o.known("unread", sum.unread).known("bytes", sum.bytes))
}

func mailboxObject(f mail.Folder) object {
	o := object{"type": "mailbox", "role": string(f.Role), "subscribed": f.Subscribed, "selectable": !f.NoSelect && !f.Missing,
		"exists": !f.Missing}.named("name", f.Path)
	if f.Status != nil {
		o["messages"], o["uidvalidity"] = f.Status.Messages, f.Status.UIDValidity
		o.known("unread", f.Status.Unseen).known("bytes", f.Status.Bytes)
	}
	return o
}

// known adds a number unless it is negative, which means that nobody told it.
func (o object) known(key string, n int64) object {
	if n >= 0 {
		o[key] = n
	}
	return o
}
