package wire

import (
	"context"
	"reflect"
	"testing"

	"mailferry/transfer/mail"
)

const selectedB = "C: A2 SELECT \"b\"\nS: * 7 EXISTS\nS: * OK [UIDVALIDITY 8]\nS: * OK [UIDNEXT 20]\nS: A2 OK [READ-WRITE]\n"

func flagged(uids ...mail.UID) []FlagStep {
	return []FlagStep{{UIDs: mail.NewUIDSet(uids...), Add: true, Flags: mail.NewFlags(mail.Flagged)},
		{UIDs: mail.NewUIDSet(uids...), Flags: mail.NewFlags(mail.Seen)}}
}

// TestLaneFlags: flags are set in the folder that is meant, whichever was selected last.
func TestLaneFlags(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		steps  func(a, b *Sender) []error
	}{
		"of the folder that is selected": {"C: A3 UID STORE 3,5 +FLAGS.SILENT (\\Flagged)\nC: A4 UID STORE 3,5 -FLAGS.SILENT (\\Seen)\n" +
			"S: * 3 FETCH (UID 3 MODSEQ (12))\nS: A3 OK\nS: A4 OK\nC: A5 UID STORE 6\nC: A6 UID STORE 6\nS: A5 OK\nS: A6 OK\nwait",
			func(_, b *Sender) []error {
				return []error{b.SetFlags(t.Context(), flagged(3, 5)), b.SetFlags(t.Context(), flagged(6))}
			}},
		"of one folder after the other": {"C: A3 SELECT \"in box\"\nS: * OK [CLOSED]\nS: * 2 EXISTS\nS: * OK [UIDVALIDITY 9]\nS: A3 OK [READ-WRITE]\n" +
			"C: A4 UID STORE 1 +FLAGS\nC: A5 UID STORE 1 -FLAGS\nS: A4 OK\nS: A5 OK\n" +
			"C: A6 SELECT \"b\"\nS: * 7 EXISTS\nS: * OK [UIDVALIDITY 8]\nS: A6 OK [READ-WRITE]\nC: A7 UID STORE 4\nC: A8 UID STORE 4\nS: A7 OK\nS: A8 OK\nwait",
			func(a, b *Sender) []error {
				return []error{a.SetFlags(t.Context(), flagged(1)), b.SetFlags(t.Context(), flagged(4))}
			}},
		"of none": {"wait", func(_, b *Sender) []error { return []error{b.SetFlags(t.Context(), nil)} }},
	} {
		t.Run(name, func(t *testing.T) {
			l, a := board(t, dial(t, offering("LITERAL+ UIDPLUS")+selecting+selectedB+tc.script))
			for i, err := range tc.steps(a.s, ride1(t, l, "b").s) {
				if err != nil {
					t.Errorf("step %d: %v", i+1, err)
				}
			}
		})
	}
}

// TestLaneFlagsRefused: what the server says about one folder's flags is that folder's matter alone.
func TestLaneFlagsRefused(t *testing.T) {
	l, a := board(t, dial(t, offering("LITERAL+ UIDPLUS")+selecting+selectedB+
		"C: A3 UID STORE 3 +FLAGS\nC: A4 UID STORE 3 -FLAGS\nS: A3 NO [CANNOT] not these\nS: A4 OK\n"+
		"C: A5 SELECT \"in box\"\nS: * 2 EXISTS\nS: * OK [UIDVALIDITY 10]\nS: A5 OK [READ-WRITE]\n"+
		"C: A6 SELECT \"in box\"\nS: A6 NO [NONEXISTENT] gone\n"+
		"C: A7 SELECT \"in box\"\nS: * OK [UIDVALIDITY 9]\nS: A7 OK [READ-ONLY]\n"+
		"C: A8 SELECT \"b\"\nS: * OK [UIDVALIDITY 8]\nS: A8 OK [READ-WRITE]\nC: A9 UID STORE 3\nC: A10 UID STORE 3\nS: A9 OK\nS: A10 OK\nwait"))
	b := ride1(t, l, "b")
	wantError(t, b.s.SetFlags(t.Context(), flagged(3)), mail.ScopeFolder, mail.RetryNever, mail.KindRefused, "not these")
	wantError(t, a.s.SetFlags(t.Context(), flagged(1)), mail.ScopeFolder, mail.RetrySoon, 0, "replaced by another")
	wantError(t, a.s.SetFlags(t.Context(), flagged(1)), mail.ScopeFolder, mail.RetryNever, mail.KindNotFound, "gone")
	wantError(t, a.s.SetFlags(t.Context(), flagged(1)), mail.ScopeFolder, mail.RetryNever, mail.KindRefused, "reading only")
	if err := b.s.SetFlags(t.Context(), flagged(3)); err != nil || !l.Healthy() {
		t.Errorf("%v; healthy: %t", err, l.Healthy())
	}
}

// TestLaneFlagsBesideMail: mail that is on its way waits for no flags, and keeps its answers.
func TestLaneFlagsBesideMail(t *testing.T) {
	l, a := board(t, dial(t, offering("LITERAL+ UIDPLUS")+selecting+selectedB+
		"C: A3 APPEND \"in box\"\nC: one\nC: A4 UID STORE 3 +FLAGS\nC: A5 UID STORE 3 -FLAGS\n"+
		"S: A4 OK\nS: A3 OK [APPENDUID 9 1]\nS: A5 OK\nwait"))
	b := ride1(t, l, "b")
	if err := a.send(1, newBody("one")); err != nil {
		t.Fatal(err)
	}
	if err := b.s.SetFlags(t.Context(), flagged(3)); err != nil {
		t.Error(err)
	}
	if err := a.s.Flush(t.Context()); err != nil || !reflect.DeepEqual(a.got, []string{"1:1"}) {
		t.Errorf("%v, %q", err, a.got)
	}
}

// TestLaneFlagsCutShort: a lane that ends, or is given up, leaves nobody waiting for it to select a folder.
func TestLaneFlagsCutShort(t *testing.T) {
	for name, end := range map[string]string{"by the server": "", "by one folder": "wait"} {
		t.Run(name, func(t *testing.T) {
			l, a := board(t, dial(t, offering("LITERAL+ UIDPLUS")+selecting+selectedB+"C: A3 SELECT \"c\"\nS: * OK [UIDVALIDITY 7]\nS: A3 OK\n"+end))
			b := ride1(t, l, "b")
			ride1(t, l, "c")
			ctx, cancel := context.WithCancel(t.Context())
			first := make(chan error, 2)
			go func() { first <- a.s.SetFlags(ctx, flagged(1)) }()
			go func() { first <- b.s.SetFlags(t.Context(), flagged(1)) }()
			if end == "wait" {
				cancel()
			}
			defer cancel()
			for range 2 {
				if err := <-first; err == nil || mail.ErrorOf(err).Scope != mail.ScopeStore {
					t.Errorf("SetFlags: %v", err)
				}
			}
			if l.Healthy() {
				t.Error("the lane is taken for healthy")
			}
		})
	}
}
