package transfer_test

import (
	"bytes"
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

func TestMirror(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "INBOX", 30)
	w.dst.PutText(path("INBOX"), text("INBOX-0", "hello", "")) // there before: adopted, not ours
	w.mustRun(t)
	w.dst.PutText(path("INBOX"), text("foreign", "foreign", ""))
	for _, uid := range []mail.UID{1, 2, 3} {
		w.src.Remove(path("INBOX"), uid)
	}

	w.job = func(j *transfer.Job) { j.Mirror = true; j.MaxDelete = transfer.Limit{N: 1} }
	before := w.dst.DumpUIDs()
	if _, err := w.run(t, nil); !errors.Is(err, transfer.ErrTooMany) {
		t.Fatalf("two deletions with one allowed: %v", err)
	}
	w.job = func(j *transfer.Job) { j.Mirror = true; j.MaxDelete = transfer.Limit{N: 5, Percent: true} }
	if _, err := w.run(t, nil); !errors.Is(err, transfer.ErrTooMany) {
		t.Fatalf("two of 29 deletions with 5 %% allowed: %v", err)
	}
	if w.dst.DumpUIDs() != before {
		t.Fatal("something was deleted above the limit")
	}

	w.job = func(j *transfer.Job) { j.Mirror = true; j.DryRun = true }
	if r := w.mustRun(t); r.Total.Expunged != 2 || w.dst.DumpUIDs() != before {
		t.Errorf("dry run: %+v", r.Total)
	}
	w.job = func(j *transfer.Job) { j.Mirror = true }
	r := w.mustRun(t)
	if r.Total.Expunged != 2 {
		t.Errorf("expunged %d", r.Total.Expunged)
	}
	if n := len(w.dst.Messages(path("INBOX"))); n != 29 {
		t.Errorf("%d messages are left, want 27 of the source, the adopted one and the foreign one", n)
	}
	if r := w.mustRun(t); r.Total.Expunged != 0 {
		t.Errorf("expunged twice: %+v", r.Total)
	}
}

func TestMirrorIsRefusedWhereItCannotBeSafe(t *testing.T) {
	for name, c := range map[string]struct {
		dst mailtest.Options
		job func(*transfer.Job)
	}{
		"no UIDPLUS":         {mailtest.Options{NoUIDPlus: true}, func(j *transfer.Job) {}},
		"filter of messages": {mailtest.Options{}, func(j *transfer.Job) { j.Filter.MaxSize = 1000 }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.dst)
			fill(w.src, "INBOX", 2)
			w.job = func(j *transfer.Job) { j.Mirror = true; c.job(j) }
			if _, err := w.run(t, nil); !errors.Is(err, transfer.ErrUnsupported) {
				t.Errorf("%v", err)
			}
			if n := len(w.dst.Messages(path("INBOX"))); n != 0 {
				t.Errorf("%d messages were copied before the refusal", n)
			}
		})
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

func TestRefusedMessagesAreNamedAndTheRunGoesOn(t *testing.T) {
	w := newWorld(t, mailtest.Options{Window: 4, Refuse: func(_ mail.Path, raw []byte) (bool, error) {
		if bytes.Contains(raw, []byte("virus")) {
			return false, &mail.Error{Op: "append", Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindRefused, Err: errTest}
		}
		return false, nil
	}})
	fill(w.src, "INBOX", 5)
	w.src.PutText(path("INBOX"), text("v", "bad", "virus"))
	fill(w.src, "INBOX", 5)
	for range 2 {
		r, err := w.run(t, nil)
		if err != nil || r.Complete() {
			t.Fatalf("%v, complete: %v", err, r.Complete())
		}
		if len(r.Problems) != 1 || r.Problems[0].UID != 6 || r.Problems[0].Kind != transfer.ProblemFailed || !errors.Is(r.Problems[0].Err, errTest) || r.Problems[0].Size == 0 {
			t.Errorf("%+v", r.Problems)
		}
		if r.Total.Failed != 1 || r.Total.Copied+r.Total.Already != 10 {
			t.Errorf("%+v", r.Total)
		}
	}
}

func TestRefusedAfterTheEffect(t *testing.T) {
	for _, uidplus := range []bool{true, false} {
		w := newWorld(t, mailtest.Options{NoUIDPlus: !uidplus, Refuse: func(_ mail.Path, raw []byte) (bool, error) {
			if bytes.Contains(raw, []byte("liar")) {
				return true, &mail.Error{Op: "append", Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindRefused, Err: errTest}
			}
			return false, nil
		}})
		fill(w.src, "INBOX", 3)
		w.src.PutText(path("INBOX"), text("l", "liar", "stored, but NO"))
		fill(w.src, "INBOX", 3)
		r := w.mustRun(t)
		wantCounts(t, r, 7, 0, 0, 0)
		if n := len(w.dst.Messages(path("INBOX"))); n != 7 {
			t.Errorf("UIDPLUS %v: %d messages, want 7", uidplus, n)
		}
	}
}

// TestRefusedAfterTheEffectInAFolderThatIsReplaced: the second opening finds the folder under another UIDVALIDITY,
// so that the intent cannot tell any more where to look for what was refused.
func TestRefusedAfterTheEffectInAFolderThatIsReplaced(t *testing.T) {
	w := newWorld(t, mailtest.Options{Refuse: func(_ mail.Path, raw []byte) (bool, error) {
		return bytes.Contains(raw, []byte("liar")), errIf(bytes.Contains(raw, []byte("liar")))
	}})
	fill(w.src, "a", 3)
	w.src.PutText(path("a"), text("l", "liar", "stored, but NO"))
	plan := mailtest.NewPlan(t, mailtest.Fault{At: "dst open writer a", Step: 2, Do: func() { w.dst.SetUIDValidity(path("a"), 4711, 10) }})
	r, err := w.run(t, plan)
	if err != nil || !plan.Fired() || !r.Complete() {
		t.Fatalf("%v, fired %t, %+v", err, plan.Fired(), r.Total)
	}
	wantCounts(t, w.mustRun(t), 0, 4, 0, 0)
	if n := len(w.dst.Messages(path("a"))); n != 4 {
		t.Errorf("%d messages, want 4", n)
	}
}

func errIf(refused bool) error {
	if !refused {
		return nil
	}
	return &mail.Error{Op: "append", Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindRefused, Err: errTest}
}

// TestAFlagThatChangedIsCountedOnce although the folder is planned twice: a message that is to be copied has been
// delivered to the destination too.
func TestAFlagThatChangedIsCountedOnce(t *testing.T) {
	for _, dst := range []mailtest.Options{{}, {NoKeywords: true}} {
		w := newWorld(t, dst)
		inbox := path("INBOX")
		fill(w.src, "INBOX", 3)
		w.mustRun(t)
		w.src.SetFlags(inbox, 2, mail.NewFlags(mail.Seen, "work"))
		both := text("new", "new", "delivered to both")
		w.src.PutText(inbox, both)
		w.dst.PutText(inbox, both)
		r := w.mustRun(t)
		dropped := 0
		if dst.NoKeywords {
			dropped = 1
		}
		if r.Total.Reflagged != 1 || r.Total.FlagsDropped != dropped || r.Total.Adopted != 1 {
			t.Errorf("keywords kept %t: %+v", !dst.NoKeywords, r.Total)
		}
	}
}

func TestKeywordsThatAreRefused(t *testing.T) {
	w := newWorld(t, mailtest.Options{NoKeywords: true})
	w.src.PutText(path("INBOX"), text("1", "one", ""), mail.Seen, "work", "home")
	r := w.mustRun(t)
	wantCounts(t, r, 1, 0, 0, 0)
	if r.Total.FlagsDropped != 2 {
		t.Errorf("dropped %d flags", r.Total.FlagsDropped)
	}
	wantContents(t, w.dst, "INBOX", `one (\Seen)`)
	if r := w.mustRun(t); r.Total.Reflagged != 0 || r.Total.FlagsDropped != 0 {
		t.Errorf("tried again: %+v", r.Total)
	}
}

func TestGmailKeepsWhatIsMarkedDeleted(t *testing.T) {
	w := newWorld(t, mailtest.Options{AutoExpunge: true})
	w.src.PutText(path("INBOX"), text("1", "one", ""), mail.Seen, mail.Deleted)
	wantCounts(t, w.mustRun(t), 1, 0, 0, 0)
	wantContents(t, w.dst, "INBOX", `one (\Seen)`)
	wantCounts(t, w.mustRun(t), 0, 1, 0, 0)
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

// A destination that adds what is missing or changes a header makes messages
// hard to recognise once the ledger is lost.
func TestDoubtsAreListed(t *testing.T) {
	addID := func(raw []byte) []byte {
		if bytes.Contains(raw, []byte("Message-ID:")) {
			return raw
		}
		return append([]byte("Message-ID: <made@there>\r\n"), raw...)
	}
	t.Run("a missing Message-ID is added", func(t *testing.T) {
		w := newWorld(t, mailtest.Options{Rewrite: addID})
		for _, body := range []string{"one", "two", "two"} {
			w.src.PutText(path("INBOX"), strings.Replace(text("", "bare", body), "Message-ID", "X-Other", 1))
		}
		wantCounts(t, w.mustRun(t), 3, 0, 0, 0)
		w.ledger = newLedger()
		r := w.mustRun(t)
		wantCounts(t, r, 0, 3, 0, 0)
		if len(r.Problems) != 3 || r.Total.InDoubt != 3 || r.Problems[0].Kind != transfer.ProblemInDoubt {
			t.Errorf("doubts: %+v", r.Problems)
		}
		if !r.Complete() {
			t.Error("a doubt makes no message missing")
		}
	})
	t.Run("the body is changed", func(t *testing.T) {
		w := newWorld(t, mailtest.Options{Rewrite: func(raw []byte) []byte { return append(raw, "-- \r\nfooter\r\n"...) }})
		w.src.PutText(path("INBOX"), text("1", "alone", "x"))
		w.src.PutText(path("INBOX"), text("2", "twin", "x"))
		w.src.PutText(path("INBOX"), text("2", "twin", "y"))
		wantCounts(t, w.mustRun(t), 3, 0, 0, 0)
		wantCounts(t, w.mustRun(t), 0, 3, 0, 0)
		w.ledger = newLedger()
		r := w.mustRun(t)
		// The one with a key of its own is recognised; between losing and doubling the
		// twins, they are copied, and named.
		wantCounts(t, r, 2, 1, 0, 0)
		if len(r.Problems) != 3 || r.Total.InDoubt != 3 {
			t.Errorf("doubts: %+v", r.Problems)
		}
	})
}

func TestServerThatIsFullEndsTheFolder(t *testing.T) {
	w := newWorld(t, mailtest.Options{Refuse: func(mail.Path, []byte) (bool, error) {
		return false, &mail.Error{Op: "append", Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindSpace, Err: errTest}
	}})
	fill(w.src, "INBOX", 200)
	r, err := w.run(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Total.Failed != 200 || r.Folders[0].Err == nil || mail.ErrorOf(r.Folders[0].Err).Kind != mail.KindSpace {
		t.Errorf("%+v: %v", r.Total, r.Folders[0].Err)
	}
}

// A message whose reading ends the connection each time is given up, and those
// behind it still arrive.
func TestPoisonedMessage(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "INBOX", 12)
	plan := mailtest.NewPlan(t, mailtest.Fault{At: "src read INBOX 7", Times: -1})
	r, err := w.run(t, plan)
	if err != nil || !plan.Fired() {
		t.Fatalf("%v, fired %v", err, plan.Fired())
	}
	if r.Total.Copied != 11 || r.Total.Failed != 1 || len(r.Problems) != 1 || r.Problems[0].UID != 7 {
		t.Errorf("%+v %+v", r.Total, r.Problems)
	}
}

func TestMirrorExpungesNothingThatItsRunCannotBeSureOf(t *testing.T) {
	mirrored := func(t *testing.T) *world {
		w := newWorld(t, mailtest.Options{Connections: 4})
		fill(w.src, "A", 40)
		fill(w.src, "B", 40)
		w.mustRun(t)
		w.job = func(j *transfer.Job) { j.Mirror = true }
		return w
	}
	count := func(w *world) int { return len(w.dst.Messages(path("A"))) + len(w.dst.Messages(path("B"))) }

	t.Run("a folder whose listing breaks off", func(t *testing.T) {
		w := mirrored(t)
		w.job = func(j *transfer.Job) {
			j.Mirror = true
			j.Timing.Attempts = 1
			j.Map = nil
		}
		w.src.Remove(path("A"), 1)
		w.src.Remove(path("B"), 1)
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "src listed B 20", Times: -1})
		r, err := w.run(t, plan)
		if !plan.Fired() {
			t.Fatalf("the fault never struck: %v", err)
		}
		if count(w) != 80 || r.Total.Expunged != 0 {
			t.Errorf("%d messages are left, %d expunged: %v", count(w), r.Total.Expunged, err)
		}
		w.job = func(j *transfer.Job) { j.Mirror = true }
		if r := w.mustRun(t); count(w) != 78 || r.Total.Expunged != 2 {
			t.Errorf("after a whole run %d messages are left, %d expunged", count(w), r.Total.Expunged)
		}
	})
	t.Run("a message moved into a folder that cannot take it", func(t *testing.T) {
		w := mirrored(t)
		m := w.src.Messages(path("A"))[3]
		w.src.Put(path("B"), m.Flags, m.Date, m.Raw)
		w.src.Remove(path("A"), m.UID)
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "dst append B", Times: -1,
			Err: &mail.Error{Op: "append", Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindRefused}})
		r, err := w.run(t, plan)
		if err != nil || !plan.Fired() {
			t.Fatal(err, plan.Fired())
		}
		if r.Total.Failed != 1 || r.Total.Expunged != 0 || count(w) != 80 {
			t.Errorf("%d failed, %d expunged, %d left", r.Total.Failed, r.Total.Expunged, count(w))
		}
		if r := w.mustRun(t); r.Total.Expunged != 1 || count(w) != 80 {
			t.Errorf("the next run: expunged %d, %d are left", r.Total.Expunged, count(w))
		}
	})
	t.Run("a message moved into a folder that was read before", func(t *testing.T) {
		w := mirrored(t)
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "src listed A 40", Do: func() {
			msgs := w.src.Messages(path("B"))
			w.src.Put(path("A"), msgs[3].Flags, msgs[3].Date, msgs[3].Raw)
			w.src.Remove(path("B"), msgs[3].UID)
		}})
		w.job = func(j *transfer.Job) { j.Mirror = true; j.Connections = 1 }
		w.src.PutText(path("A"), text("more", "more", "")) // A is bigger, so it is read first
		r, err := w.run(t, plan)
		if err != nil || !plan.Fired() {
			t.Fatal(err, plan.Fired())
		}
		if r.Total.Expunged != 0 || count(w) < 81 {
			t.Errorf("expunged %d, %d are left", r.Total.Expunged, count(w))
		}
		if len(r.Problems) != 1 || r.Problems[0].Kind != transfer.ProblemNotExpunged {
			t.Errorf("not said: %+v", r.Problems)
		}
		r = w.mustRun(t)
		if r.Total.Expunged != 1 || count(w) != 81 {
			t.Errorf("the next run: expunged %d, %d are left", r.Total.Expunged, count(w))
		}
	})
	t.Run("a destination that expunges by itself", func(t *testing.T) {
		w := newWorld(t, mailtest.Options{AutoExpunge: true})
		fill(w.src, "A", 5)
		fill(w.dst, "A", 5)
		w.mustRun(t)
		for uid := range mail.UID(5) {
			w.src.SetFlags(path("A"), uid+1, mail.NewFlags(mail.Deleted))
		}
		w.job = func(j *transfer.Job) { j.Mirror = true; j.MaxDelete = transfer.Limit{Percent: true} }
		w.mustRun(t)
		if count(w) != 5 {
			t.Errorf("%d of 5 adopted messages are left", count(w))
		}
	})
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

func TestRefusedFlagsAreTriedAgain(t *testing.T) {
	w := newWorld(t, mailtest.Options{})
	fill(w.src, "INBOX", 3)
	w.mustRun(t)
	w.src.SetFlags(path("INBOX"), 2, mail.NewFlags(mail.Flagged))
	refusal := &mail.Error{Op: "store", Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindRefused, Err: errTest}
	plan := mailtest.NewPlan(t, mailtest.Fault{At: "dst set flags INBOX", Times: -1, Err: refusal})
	r, err := w.run(t, plan)
	if err != nil || !plan.Fired() || len(r.Problems) != 1 || r.Problems[0].Kind != transfer.ProblemFlags || r.Problems[0].UID != 2 {
		t.Fatalf("%v, fired %v: %+v", err, plan.Fired(), r.Problems)
	}
	w.mustRun(t)
	wantContents(t, w.dst, "INBOX", `hello; hello (\Flagged); hello`)
}
