package imapstore_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
)

// filledFolder puts n messages into the INBOX of an account and returns it, for reading.
func filledFolder(t *testing.T, opts imapstore.Options, n int) *imapstore.Source {
	t.Helper()
	st := imapstore.New(opts)
	w, err := st.OpenWriter(t.Context(), mail.NewPath("INBOX"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		body := fmt.Sprintf("Subject: %d\r\n\r\n%s\r\n", i+1, strings.Repeat("x", i))
		if err := w.Append(t.Context(), &mail.Message{Body: mail.BytesBody(body)}, func(mail.UID, error) {}); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{w.Flush(t.Context()), w.Close(), st.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	src := imapstore.NewSource(opts)
	t.Cleanup(func() { src.Close() })
	return src
}

// fetched reads messages and returns the UIDs that came with the right body.
func fetched(t *testing.T, r mail.Reader, uids mail.UIDSet) (came mail.UIDSet) {
	t.Helper()
	err := r.Fetch(t.Context(), uids, func(info mail.Info, body io.Reader) error {
		text, err := io.ReadAll(body)
		if want := fmt.Sprintf("Subject: %d\r\n\r\n", info.UID); !bytes.HasPrefix(text, []byte(want)) || came.Contains(info.UID) {
			t.Errorf("uid %d: %q, came before: %v", info.UID, text, came.Contains(info.UID))
		}
		came.Add(info.UID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return came
}

func listed(t *testing.T, r mail.Reader, opts mail.ListOptions) (uids mail.UIDSet) {
	t.Helper()
	if err := r.List(t.Context(), opts, func(i mail.Info) error {
		if uids.Add(i.UID); opts.Size && i.Size == 0 {
			t.Errorf("uid %d: %+v", i.UID, i)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return uids
}

// TestAskedAhead: opening, listing and reading in one round trip; and whatever else a
// caller does instead of what it said is right too, on that connection and afterwards.
func TestAskedAhead(t *testing.T) {
	dovecot := servertest.StartDovecot(t, servertest.DovecotOptions{})
	opts := account(t, dovecot.Addr, userOf(t), dovecot.Password)
	opts.Connections = 1
	var trace bytes.Buffer
	opts.Trace = &trace
	const n = 40
	src := filledFolder(t, opts, n)
	if _, err := src.Folders(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all mail.UIDSet
	all.AddRange(1, n)
	flags := mail.ListOptions{Flags: true, Size: true}
	inbox := mail.NewPath("INBOX")
	open := func(t *testing.T, list mail.ListOptions, bodies mail.UID) mail.Reader {
		t.Helper()
		r, err := src.OpenReaderAhead(t.Context(), inbox, &list, bodies)
		if err != nil || r.Status().Messages != n {
			t.Fatal(err)
		}
		return r
	}
	for _, c := range []struct {
		name string
		do   func(t *testing.T) mail.Reader
		cost int // round trips
	}{
		{"as said", func(t *testing.T) mail.Reader {
			r := open(t, flags, 1)
			if got := listed(t, r, flags); got.String() != all.String() {
				t.Errorf("listed %q", got)
			}
			if got := fetched(t, r, all); got.String() != all.String() {
				t.Errorf("came %q", got)
			}
			return r
		}, 1},
		{"nothing", func(t *testing.T) mail.Reader { return open(t, flags, 1) }, 1},
		{"another listing", func(t *testing.T) mail.Reader {
			r := open(t, flags, 0)
			if got := listed(t, r, mail.ListOptions{Date: true, Key: true}); got.String() != all.String() {
				t.Errorf("listed %q", got)
			}
			return r
		}, 2},
		{"some bodies, without a listing, and then all", func(t *testing.T) mail.Reader {
			r := open(t, flags, 1)
			for _, set := range []mail.UIDSet{mail.NewUIDSet(3, 9), all} {
				if got := fetched(t, r, set); got.String() != set.String() {
					t.Errorf("came %q", got)
				}
			}
			return r
		}, 2},
		{"two listings between bodies", func(t *testing.T) mail.Reader {
			r := open(t, flags, 1)
			listed(t, r, flags)
			if got := listed(t, r, flags); got.String() != all.String() {
				t.Errorf("listed %q", got)
			}
			if got := fetched(t, r, all); got.String() != all.String() {
				t.Errorf("came %q", got)
			}
			return r
		}, 2},
		{"changes", func(t *testing.T) mail.Reader {
			since := flags
			since.ChangedSince, since.Vanished = 1, new(mail.UIDSet)
			r := open(t, since, 0)
			since.Vanished = new(mail.UIDSet)
			if got := listed(t, r, since); got.Empty() {
				t.Errorf("listed %q", got)
			}
			return r
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			trace.Reset()
			if err := c.do(t).Close(); err != nil {
				t.Error(err)
			}
			// Dovecot's answer may come in several pieces, but nothing is said between them.
			if got := strings.Count(trace.String(), "--: round trip"); got != c.cost {
				t.Errorf("%d round trips, want %d:\n%s", got, c.cost, trace.String())
			}
		})
	}
	r, err := src.OpenReader(t.Context(), inbox)
	if err != nil {
		t.Fatal(err)
	}
	if got := fetched(t, r, all); got.String() != all.String() || !listed(t, r, flags).Contains(n) {
		t.Errorf("afterwards %q", got)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(trace.String(), "AUTHENTICATE"); n != 0 {
		t.Errorf("%d further connections", n)
	}
	if _, err := src.OpenReaderAhead(t.Context(), mail.NewPath("nowhere"), &flags, 1); mail.ErrorOf(err).Kind != mail.KindNotFound {
		t.Errorf("a folder that is not there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.OpenReaderAhead(ctx, inbox, &flags, 1); err == nil {
		t.Error("opened with a context that has ended")
	}
}
