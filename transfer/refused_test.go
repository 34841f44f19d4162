package transfer_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

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
