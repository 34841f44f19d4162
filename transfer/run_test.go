package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

func TestEverythingArrivesOnce(t *testing.T) {
	w := newWorld(t, mailtest.Options{FlatParents: true})
	w.src.AddFolder(mail.Folder{Path: path("Gone fishing"), NoSelect: true})
	w.src.AddFolder(mail.Folder{Path: path("Work"), Subscribed: true})
	w.src.AddFolder(mail.Folder{Path: path("Gone fishing/Üben"), Role: mail.RoleArchive})
	w.src.AddFolder(mail.Folder{Path: path("Top"), NoSelect: true})
	w.src.AddFolder(mail.Folder{Path: path("Empty")})
	for i, s := range mailtest.Samples() {
		date := time.Date(2010+i%15, 3, 4, 5, 6, 7, 0, time.FixedZone("", (i%25-12)*3600))
		w.src.Put(path("Work"), mail.NewFlags(mail.Seen, "Key"+s.Name[:1]), date, s.Raw)
		w.src.Put(path("Work"), mail.NewFlags(mail.Deleted), date, s.Raw) // an exact duplicate
	}
	fill(w.src, "Top/Below", 5)
	before := w.src.DumpUIDs()
	n := 2*len(mailtest.Samples()) + 5

	wantCounts(t, w.mustRun(t), n, 0, 0, 0)
	if got := w.dst.Dump(); got != w.src.Dump() {
		t.Errorf("the destination differs:\n%s\nwant\n%s", got, w.src.Dump())
	}
	if got := inOrder(w.dst, "Work"); got != inOrder(w.src, "Work") {
		t.Error("the order of messages differs")
	}
	after := w.dst.DumpUIDs()
	wantCounts(t, w.mustRun(t), 0, n, 0, 0)
	r := w.mustRun(t)
	wantCounts(t, r, 0, n, 0, 0)
	for _, f := range r.Folders {
		if !f.Unopened {
			t.Errorf("%q was opened although nothing had changed", f.Source)
		}
	}
	if w.dst.DumpUIDs() != after {
		t.Error("a run without news changed the destination")
	}
	if w.src.DumpUIDs() != before {
		t.Error("the source was changed")
	}
}

func inOrder(m *mailtest.Memory, folder string) string {
	var b bytes.Buffer
	for _, msg := range m.Messages(path(folder)) {
		b.Write(msg.Raw)
		b.WriteByte(0)
	}
	return b.String()
}

func TestSecondRunDoesWhatChanged(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	for i := range 40 {
		w.src.PutText(path("INBOX"), text(string(rune('a'+i)), string(rune('a'+i)), "x"))
	}
	wantCounts(t, w.mustRun(t), 40, 0, 0, 0)

	inbox := path("INBOX")
	w.src.SetFlags(inbox, 1, mail.NewFlags(mail.Seen))            // read at the source
	w.dst.SetFlags(inbox, 1, mail.NewFlags(mail.Flagged, "mine")) // flagged by the destination's user
	w.dst.SetFlags(inbox, 2, mail.NewFlags(mail.Seen))            // read at the destination alone
	w.src.Remove(inbox, 3)                                        // expunged at the source
	w.dst.Remove(inbox, 4)                                        // deleted at the destination
	w.src.Remove(inbox, 5)
	w.dst.Remove(inbox, 5)                                // gone from both
	w.src.SetFlags(inbox, 6, mail.NewFlags(mail.Deleted)) // marked at the source
	w.src.PutText(inbox, text("new", "new", "x"), mail.Answered)
	w.dst.PutText(inbox, text("direct", "direct", "x")) // delivered to the destination

	r := w.mustRun(t)
	wantCounts(t, r, 1, 37, 1, 0)
	if r.Total.LeftOut[transfer.ReasonDeleted] != 1 || r.Total.Reflagged != 1 {
		t.Errorf("%+v", r.Total)
	}
	got := contents(w.dst, "INBOX")
	for _, want := range []string{`a (\Flagged \Seen mine); b (\Seen); c; f; `, `; direct; new (\Answered)`} {
		if !strings.Contains(got, want) {
			t.Errorf("the destination holds %s, want %s in it", got, want)
		}
	}
	// The same again: nothing more.
	dump := w.dst.DumpUIDs()
	wantCounts(t, w.mustRun(t), 0, 38, 1, 0)
	if w.dst.DumpUIDs() != dump {
		t.Error("a further run changed the destination")
	}

	w.job = func(j *transfer.Job) { j.Full = true }
	wantCounts(t, w.mustRun(t), 1, 38, 0, 0)
	if got := contents(w.dst, "INBOX"); strings.Count(got, "d") < 1 || !strings.HasSuffix(got, "new (\\Answered); d") {
		t.Errorf("--full did not bring back what was deleted: %s", got)
	}
}

func TestDryRunIsThePlanOfTheRealRun(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "INBOX", 10)
	fill(w.src, "Work/Done", 4)
	w.dst.PutText(path("INBOX"), text("INBOX-3", "hello", "xxx"))
	check := func(step string) {
		t.Helper()
		before := w.dst.DumpUIDs()
		w.job = func(j *transfer.Job) { j.DryRun = true }
		dry := w.mustRun(t)
		if w.dst.DumpUIDs() != before {
			t.Fatalf("%s: the dry run changed the destination", step)
		}
		w.job = nil
		wet := w.mustRun(t)
		if len(dry.Folders) != len(wet.Folders) {
			t.Fatalf("%s: %d folders planned, %d done", step, len(dry.Folders), len(wet.Folders))
		}
		for i, f := range dry.Folders {
			g := wet.Folders[i]
			f.Counts.Bytes, g.Counts.Bytes = 0, 0
			if f.Source != g.Source || f.Dest != g.Dest || f.Created != g.Created ||
				f.Counts.Copied != g.Counts.Copied || f.Counts.Already != g.Counts.Already || f.Counts.Reflagged != g.Counts.Reflagged {
				t.Errorf("%s: planned %+v, done %+v", step, f, g)
			}
		}
	}
	check("first run onto a destination with mail")
	w.src.PutText(path("INBOX"), text("n", "n", ""))
	w.src.SetFlags(path("INBOX"), 1, mail.NewFlags(mail.Seen))
	w.src.Remove(path("INBOX"), 2)
	w.dst.Remove(path("INBOX"), 3)
	check("second run")
}

func TestFilters(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "INBOX", 3)
	fill(w.src, "Archive/2023", 2)
	fill(w.src, "Archive/2024", 2)
	fill(w.src, "Spam", 2)
	w.job = func(j *transfer.Job) {
		j.Filter = transfer.Filter{Folders: []string{"INBOX", "Archive/*"}, Exclude: []string{"**/2023"}}
	}
	r := w.mustRun(t)
	wantCounts(t, r, 5, 0, 0, 0)
	if r.Skipped != 2 || len(w.dst.Messages(path("Spam"))) != 0 || len(w.dst.Messages(path("Archive/2023"))) != 0 {
		t.Errorf("skipped %d", r.Skipped)
	}
	w.job = func(j *transfer.Job) { j.Filter.Folders = []string{"INBOX", "Archiv"} }
	if _, err := w.run(t, nil); !errors.Is(err, transfer.ErrNoMatch) {
		t.Errorf("a glob that matches nothing: %v", err)
	}
	w.job = func(j *transfer.Job) { j.Filter.MaxSize = 10 }
	r = w.mustRun(t)
	wantCounts(t, r, 0, 5, 4, 0)
	w.job = nil
	wantCounts(t, w.mustRun(t), 4, 5, 0, 0)
}

func TestMapping(t *testing.T) {
	w := newWorld(t, mailtest.Options{Separator: "."})
	fill(w.src, "INBOX", 1)
	fill(w.src, "Work/Old.Stuff", 1)
	fill(w.src, "Work/Old_Stuff", 2)
	w.src.AddFolder(mail.Folder{Path: path("Sent Items"), Role: mail.RoleSent})
	fill(w.src, "Sent Items", 3)
	fill(w.src, "Sent Items/2020", 1)
	w.dst.AddFolder(mail.Folder{Path: path("Sent"), Role: mail.RoleSent})
	w.mustRun(t)
	for folder, n := range map[string]int{"INBOX": 1, "Sent": 3, "Sent/2020": 1, "Work/Old_Stuff": 2, "Work/Old_Stuff (2)": 1} {
		if got := len(w.dst.Messages(path(folder))); got != n {
			t.Errorf("%s: %d messages, want %d\n%s", folder, got, n, w.dst.Dump())
		}
	}
	dump := w.dst.DumpUIDs()
	w.job = func(j *transfer.Job) { j.Map = []transfer.Mapping{{From: path("Work"), To: path("Job")}} }
	if _, err := w.run(t, nil); !errors.Is(err, transfer.ErrRemapped) {
		t.Errorf("a recorded pair was sent elsewhere: %v", err)
	}
	if w.dst.DumpUIDs() != dump {
		t.Error("something was changed all the same")
	}
	w.job = func(j *transfer.Job) {
		j.Map = []transfer.Mapping{{From: path("Work"), To: path("Job")}}
		j.Remap = true
	}
	w.mustRun(t)
	if n := len(w.dst.Messages(path("Job/Old_Stuff"))); n != 2 {
		t.Errorf("--remap: %d messages", n)
	}
}

func TestTwoFoldersIntoOne(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "A", 3)
	fill(w.src, "B", 3)
	same := text("same", "same", "in both")
	w.src.PutText(path("A"), same)
	w.src.PutText(path("B"), same)
	w.job = func(j *transfer.Job) {
		j.Map = []transfer.Mapping{{From: path("A"), To: path("All")}, {From: path("B"), To: path("All")}}
	}
	wantCounts(t, w.mustRun(t), 8, 0, 0, 0)
	wantCounts(t, w.mustRun(t), 0, 8, 0, 0)
	w.ledger = newLedger()
	wantCounts(t, w.mustRun(t), 0, 8, 0, 0)
	if n := len(w.dst.Messages(path("All"))); n != 8 {
		t.Errorf("%d messages, want 8", n)
	}
}

func TestFlagModes(t *testing.T) {
	for mode, want := range map[transfer.FlagMode]string{
		transfer.FlagsMerge:  `one (\Answered there)`,
		transfer.FlagsSource: `one (\Answered)`,
		transfer.FlagsNone:   `one (\Seen there)`,
	} {
		w := newWorld(t, mailtest.Options{})
		w.job = func(j *transfer.Job) { j.Flags = mode }
		w.src.PutText(path("INBOX"), text("1", "one", ""), mail.Seen)
		w.mustRun(t)
		w.dst.SetFlags(path("INBOX"), 1, mail.NewFlags(mail.Seen, "there"))
		w.src.SetFlags(path("INBOX"), 1, mail.NewFlags(mail.Answered))
		w.mustRun(t)
		wantContents(t, w.dst, "INBOX", want)
	}
}

func TestAdoption(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	inbox := path("INBOX")
	w.src.PutText(inbox, text("1", "one", ""), mail.Seen, "work")
	w.src.PutText(inbox, text("2", "two", ""))
	w.src.PutText(inbox, text("2", "two", ""))
	w.src.PutText(inbox, text("4", "four", ""))
	w.dst.PutText(inbox, text("2", "two", ""), mail.Flagged)
	w.dst.PutText(inbox, text("1", "one", ""), mail.Answered)
	w.dst.PutText(inbox, text("own", "own", ""))
	r := w.mustRun(t)
	wantCounts(t, r, 2, 2, 0, 0)
	if r.Total.Adopted != 2 {
		t.Errorf("adopted %d", r.Total.Adopted)
	}
	wantContents(t, w.dst, "INBOX", `two (\Flagged); one (\Answered \Seen work); own; two; four`)
}

func TestUIDValidityChanges(t *testing.T) {
	for _, end := range []string{"source", "destination"} {
		w := newWorld(t, mailtest.Options{})
		fill(w.src, "INBOX", 9)
		w.mustRun(t)
		if end == "source" {
			w.src.SetUIDValidity(path("INBOX"), 4711, 100)
		} else {
			w.dst.SetUIDValidity(path("INBOX"), 4711, 100)
		}
		r := w.mustRun(t)
		wantCounts(t, r, 0, 9, 0, 0)
		if r.Total.Adopted != 9 || len(w.dst.Messages(path("INBOX"))) != 9 {
			t.Errorf("%s: %+v", end, r.Total)
		}
	}
}

func TestSubscriptionsFollowTheSource(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	w.src.AddFolder(mail.Folder{Path: path("A"), Subscribed: true})
	w.src.AddFolder(mail.Folder{Path: path("B")})
	w.src.AddFolder(mail.Folder{Path: path("C"), Subscribed: true})
	w.mustRun(t)
	w.dst.AddFolder(mail.Folder{Path: path("B"), Subscribed: true}) // by the destination's user
	w.dst.AddFolder(mail.Folder{Path: path("C")})
	w.src.AddFolder(mail.Folder{Path: path("A")})
	w.mustRun(t)
	if got, want := w.dst.Dump(), "\"A\"\n\"B\" subscribed\n\"C\"\n"; !strings.Contains(got, want) {
		t.Errorf("%s\nwant in it\n%s", got, want)
	}
}

func TestStop(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "INBOX", 300)
	stop := make(chan struct{})
	closed := false
	w.job = func(j *transfer.Job) {
		j.Stop = stop
		j.Observe = func(e transfer.Event) {
			if _, ok := e.(transfer.EventCopied); ok && !closed {
				closed = true
				close(stop)
			}
		}
	}
	r, err := w.run(t, nil)
	if !errors.Is(err, transfer.ErrStopped) {
		t.Fatalf("%v", err)
	}
	there := len(w.dst.Messages(path("INBOX")))
	if r.Total.Copied != there || r.Total.Pending != 300-there || r.Total.Failed != 0 || there == 300 {
		t.Errorf("%d there, %+v", there, r.Total)
	}
	w.job = nil
	wantCounts(t, w.mustRun(t), 300-there, there, 0, 0)
}

// TestWhatIsToldToBeCopiedIsRecorded however the run ends: records wait for the next commit, and the last of them for none.
func TestWhatIsToldToBeCopiedIsRecorded(t *testing.T) {
	for _, end := range []string{"at its end", "stopped", "cancelled"} {
		w := newWorld(t, mailtest.Options{})
		fill(w.src, "INBOX", 600)
		fill(w.src, "Small", 3)
		stop := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		copied := 0
		r, err := transfer.Run(ctx, transfer.Job{Source: w.src, Dest: w.dst, Ledger: w.ledger, Timing: noWait(), Batch: 50, Stop: stop,
			Observe: func(e transfer.Event) {
				if _, ok := e.(transfer.EventCopied); !ok {
					return
				}
				switch copied++; {
				case copied == 1 && end == "stopped":
					close(stop)
				case copied == 120 && end == "cancelled":
					cancel()
				}
			}})
		if (err == nil) != (end == "at its end") || r.Total.Copied == 0 {
			t.Errorf("%s: %d copied, %v", end, r.Total.Copied, err)
		}
		for _, f := range r.Folders {
			if recorded, err := w.ledger.Claimed(t.Context(), f.Dest, 0); err != nil || recorded.Len() != f.Counts.Copied {
				t.Errorf("%s: of %q %d are copied and %d recorded, %v", end, f.Source, f.Counts.Copied, recorded.Len(), err)
			}
		}
	}
}

func TestMessagesThatVanishMeanwhile(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "INBOX", 11)
	w.src.Remove(path("INBOX"), 1) // or it would not be listed
	plan := mailtest.NewPlan(t, mailtest.Fault{At: "src fetch", Step: 1, Do: func() {
		w.src.Remove(path("INBOX"), 4)
		w.src.Remove(path("INBOX"), 10)
	}})
	r, err := w.run(t, plan)
	if err != nil || !plan.Fired() {
		t.Fatal(err, plan.Fired())
	}
	wantCounts(t, r, 8, 0, 2, 0)
	if r.Total.LeftOut[transfer.ReasonGone] != 2 {
		t.Errorf("%+v", r.Total)
	}
}

func TestUndeletedMessageComesBack(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	w.src.PutText(path("INBOX"), text("1", "one", ""), mail.Deleted)
	w.mustRun(t)
	w.dst.Remove(path("INBOX"), 1) // a client expunged
	wantCounts(t, w.mustRun(t), 0, 0, 1, 0)
	w.src.SetFlags(path("INBOX"), 1, nil)
	wantCounts(t, w.mustRun(t), 1, 0, 0, 0)
}

func TestServersThatGoBackInTime(t *testing.T) {
	t.Run("the destination's folder is replaced during the run", func(t *testing.T) {
		w := newWorld(t, mailtest.Options{})
		fill(w.src, "INBOX", 300)
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "dst append INBOX", Step: 200, Do: func() {
			for _, m := range w.dst.Messages(path("INBOX")) {
				w.dst.Remove(path("INBOX"), m.UID)
			}
			w.dst.SetUIDValidity(path("INBOX"), 99, 1)
		}})
		_, err := w.run(t, plan)
		if !plan.Fired() {
			t.Fatal("not replaced", err)
		}
		w.mustRun(t)
		w.mustRun(t)
		if n := len(w.dst.Messages(path("INBOX"))); n != 300 {
			t.Errorf("%d of 300 messages are there", n)
		}
	})
	t.Run("the source is restored from a backup", func(t *testing.T) {
		w := newWorld(t, mailtest.Options{})
		fill(w.src, "INBOX", 6)
		w.mustRun(t)
		w.src.Remove(path("INBOX"), 5)
		w.src.Remove(path("INBOX"), 6)
		w.src.SetUIDNext(path("INBOX"), 5)
		w.src.PutText(path("INBOX"), text("other", "other", ""))
		r := w.mustRun(t)
		if r.Total.Copied != 1 || !strings.Contains(contents(w.dst, "INBOX"), "other") {
			t.Errorf("%+v", r.Total)
		}
	})
	t.Run("two folders into one that is renumbered", func(t *testing.T) {
		w := newWorld(t, mailtest.Options{})
		fill(w.src, "A", 4)
		fill(w.src, "B", 4)
		w.job = func(j *transfer.Job) {
			j.Map = []transfer.Mapping{{From: path("A"), To: path("All")}, {From: path("B"), To: path("All")}}
		}
		w.mustRun(t)
		w.dst.SetUIDValidity(path("All"), 77, 3)
		wantCounts(t, w.mustRun(t), 0, 8, 0, 0)
	})
	t.Run("uidnext lies high", func(t *testing.T) {
		w := newWorld(t, mailtest.Options{NoUIDPlus: true, Window: 3})
		fill(w.src, "INBOX", 5)
		w.dst.SetUIDNext(path("INBOX"), 100)
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "dst flush INBOX", Mode: mailtest.After})
		r, err := w.run(t, plan)
		if err != nil || len(w.dst.Messages(path("INBOX"))) != 5 {
			t.Errorf("%v %+v\n%s", err, r.Total, w.dst.DumpUIDs())
		}
	})
}

// Mail that reaches both ends during the weeks before the cut-over is not doubled.
func TestMailDeliveredToBothEnds(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "INBOX", 5)
	w.mustRun(t)
	both := text("both", "delivered twice", "x")
	w.src.PutText(path("INBOX"), both)
	w.dst.PutText(path("INBOX"), both)
	wantCounts(t, w.mustRun(t), 0, 6, 0, 0)
	if n := len(w.dst.Messages(path("INBOX"))); n != 6 {
		t.Errorf("%d messages, want 6", n)
	}
}
