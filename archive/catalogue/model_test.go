package catalogue

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailferry/transfer/mail"
)

// model is a folder in memory, with a copy of it kept for every run.
type model struct {
	now     map[mail.UID]string // flags of what is current
	gone    map[mail.UID]string
	suspect map[mail.UID]bool
	next    mail.UID
	past    map[int64]string // by run
	all     map[int64]string // the same with what is gone
}

func text(current ...map[mail.UID]string) string {
	var b strings.Builder
	for uid := mail.UID(1); uid < 200; uid++ {
		for _, m := range current {
			if flags, ok := m[uid]; ok {
				fmt.Fprintf(&b, "%d(%s) ", uid, flags)
			}
		}
	}
	return b.String()
}

func (m *model) end(run int64) { m.past[run], m.all[run] = text(m.now), text(m.now, m.gone) }

// TestEveryViewIsWhatTheRunLeft compares all views with copies of the model.
func TestEveryViewIsWhatTheRunLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "catalogue")
		must(t, err)
		defer os.RemoveAll(dir)
		d, err := Create(filepath.Join(dir, "c.db"), "maildir")
		must(t, err)
		defer d.Close()
		f := Folder{Path: mail.NewPath("x"), Dir: ".x"}
		must(t, d.AddFolders(ctx, 0, &f))
		m := &model{now: map[mail.UID]string{}, gone: map[mail.UID]string{}, suspect: map[mail.UID]bool{}, next: 1, past: map[int64]string{}, all: map[int64]string{}}
		for range rapid.IntRange(1, 5).Draw(t, "runs") {
			run, err := d.BeginRun(ctx, "s", time.Now())
			must(t, err)
			for range rapid.IntRange(0, 4).Draw(t, "steps") {
				step(t, d, run, &f, m)
			}
			must(t, d.EndRun(ctx, run, time.Now(), true, true, nil))
			expectCounts(t, d, run)
			m.end(run)
		}
		for run, want := range m.past {
			expectView(t, d, &f, View{Run: run}, want)
			expectView(t, d, &f, View{Run: run, Gone: true}, m.all[run])
		}
		expectView(t, d, &f, View{}, text(m.now))
		expectTotals(t, d, &f, m)
	})
}

var ctx = context.Background()

func must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func someFlags(t *rapid.T) mail.Flags {
	return mail.NewFlags(rapid.SliceOfN(rapid.SampledFrom([]string{mail.Seen, mail.Flagged, "a", "b"}), 0, 3).Draw(t, "flags")...)
}

func someUID(t *rapid.T, m *model) mail.UID {
	return mail.UID(rapid.IntRange(1, max(1, int(m.next))).Draw(t, "uid"))
}

func step(t *rapid.T, d *DB, run int64, f *Folder, m *model) {
	switch rapid.IntRange(0, 2).Draw(t, "step") {
	case 0:
		var list []Message
		for range rapid.IntRange(1, 3).Draw(t, "messages") {
			flags := someFlags(t)
			list = append(list, Message{Size: 10, Flags: flags, Place: "p", Date: time.Unix(1, 0)})
			m.now[m.next] = flags.String()
			m.next++
		}
		must(t, d.Append(ctx, run, f, list, nil))
	case 1:
		uid, flags := someUID(t, m), someFlags(t)
		must(t, d.SetFlags(ctx, run, f, []Change{{UID: uid, Flags: flags, Place: "q"}}, nil))
		if _, current := m.now[uid]; current {
			m.now[uid] = flags.String()
		}
	default:
		gone, suspect := mail.NewUIDSet(someUID(t, m), someUID(t, m)), rapid.Bool().Draw(t, "suspect")
		must(t, d.MarkGone(ctx, run, f, gone, suspect))
		m.markGone(gone, suspect)
	}
}

func (m *model) markGone(gone mail.UIDSet, suspect bool) {
	clear(m.suspect)
	for uid := range gone.All() {
		flags, current := m.now[uid]
		switch {
		case current && suspect:
			m.suspect[uid] = true
		case current:
			m.gone[uid] = flags
			delete(m.now, uid)
		}
	}
}

// expectCounts compares what is recorded of a run with the messages.
func expectCounts(t *rapid.T, d *DB, run int64) {
	runs, err := d.Runs(ctx)
	must(t, err)
	is := runs[len(runs)-1]
	is.Started, is.Ended = time.Time{}, time.Time{}
	want := Run{ID: run, Source: "s", Complete: true}
	row := d.queryRow(ctx, `SELECT coalesce(sum(added = ?1), 0), coalesce(sum(flags_since = ?1 AND added < ?1), 0),
		coalesce(sum(gone = ?1), 0), coalesce(sum(suspect = ?1), 0) FROM messages`, run)
	must(t, row.Scan(&want.Added, &want.Reflagged, &want.Gone, &want.Suspect))
	if is != want {
		t.Fatalf("%+v is recorded, the messages say %+v", is, want)
	}
}

func expectView(t *rapid.T, d *DB, f *Folder, v View, want string) {
	var b strings.Builder
	for first := mail.UID(1); ; {
		list, err := d.Messages(ctx, f.ID, v, Part{First: first, Last: 1000, Limit: 2})
		must(t, err)
		for _, m := range list {
			fmt.Fprintf(&b, "%d(%s) ", m.UID, m.Flags)
			first = m.UID + 1
		}
		if len(list) < 2 {
			break
		}
	}
	if b.String() != want {
		t.Fatalf("view %+v shows %s, want %s", v, b.String(), want)
	}
}

func expectTotals(t *rapid.T, d *DB, f *Folder, m *model) {
	now, _, err := d.Folder(ctx, f.Path)
	must(t, err)
	unseen := int64(0)
	for _, flags := range m.now {
		if !mail.ParseFlags(flags).Has(mail.Seen) {
			unseen++
		}
	}
	if n := int64(len(m.now)); now.Messages != n || now.Bytes != 10*n || now.Unseen != unseen || now.Next != m.next {
		t.Fatalf("the folder says %+v of %d messages, %d unseen", now, n, unseen)
	}
	messages, counted, bytes, err := d.Totals(ctx, f.ID, View{})
	must(t, err)
	if messages != now.Messages || counted != now.Unseen || bytes != now.Bytes {
		t.Fatalf("counted %d messages, %d unseen, %d octets; the folder says %+v", messages, counted, bytes, now)
	}
	list, err := d.Messages(ctx, f.ID, View{}, Part{First: 1, Last: 1000, Limit: 1000})
	must(t, err)
	for _, msg := range list {
		if (msg.Suspect > 0) != m.suspect[msg.UID] {
			t.Fatalf("UID %d: suspect since run %d, want %t", msg.UID, msg.Suspect, m.suspect[msg.UID])
		}
	}
}

// TestDamageIsAnErrorAndNeverAPanic flips and cuts a catalogue everywhere.
func TestDamageIsAnErrorAndNeverAPanic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.db")
	d, err := Create(path, "maildir")
	check(t, err)
	f := Folder{Path: mail.NewPath("x"), Dir: ".x"}
	check(t, d.AddFolders(ctx, 0, &f))
	var list []Message
	for range 300 {
		list = append(list, Message{Size: 10, Flags: mail.NewFlags("k"), Place: "place", Date: time.Unix(1, 0)})
	}
	check(t, d.Append(ctx, 0, &f, list, nil))
	check(t, d.Close())
	sound, err := os.ReadFile(path)
	check(t, err)
	for at := 0; at < len(sound); at += 997 {
		for _, harm := range []func() []byte{
			func() []byte { bad := append([]byte(nil), sound...); bad[at] ^= 0xff; return bad },
			func() []byte { return sound[:at] },
		} {
			check(t, os.WriteFile(path, harm(), 0o600))
			d, err := Open(path, true)
			if err != nil {
				continue
			}
			_, err = d.Folders(ctx, View{Gone: true})
			if err == nil {
				_, err = d.Messages(ctx, f.ID, View{}, Part{First: 1, Last: 1000, Limit: 1000})
			}
			_ = err // right or an error: the seal of the file tells which before anybody relies on it
			check(t, d.Close())
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
