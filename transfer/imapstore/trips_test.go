package imapstore_test

import (
	"bytes"
	"strings"
	"testing"

	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
)

// TestRoundTrips: what it costs to look at an account in which nothing changed, from the
// first octet to goodbye, at each end; and what a further connection costs that opens a folder.
func TestRoundTrips(t *testing.T) {
	dovecot := servertest.StartDovecot(t, servertest.DovecotOptions{})
	prefixed := servertest.StartDovecot(t, servertest.DovecotOptions{Prefix: "INBOX.", Separator: "."})
	look := func(t *testing.T, server *servertest.Server, source, dest int) {
		t.Helper()
		var trace bytes.Buffer
		opts := account(t, server.Addr, userOf(t), server.Password)
		opts.Trace = &trace
		src, st := imapstore.NewSource(opts), imapstore.New(opts)
		for _, end := range []mail.Source{src, st} {
			trace.Reset()
			if _, err := end.Folders(t.Context()); err != nil {
				t.Fatal(err)
			}
			most := source
			if end == mail.Source(st) {
				most = dest
			}
			end.Traits()
			if err := end.Close(); err != nil {
				t.Error(err)
			}
			if n := strings.Count(trace.String(), "--: round trip"); n > most || n == 0 {
				t.Errorf("%d round trips, want %d:\n%s", n, most, trace.String())
			}
		}
	}
	t.Run("Dovecot", func(t *testing.T) { look(t, dovecot, 3, 3) })
	t.Run("Dovecot with a prefix", func(t *testing.T) { look(t, prefixed, 3, 4) })
	t.Run("Cyrus", func(t *testing.T) { look(t, servertest.StartCyrus(t, servertest.CyrusOptions{}), 3, 4) })
	t.Run("Courier", func(t *testing.T) { look(t, servertest.StartCourier(t, servertest.CourierOptions{}), 6, 7) })
	t.Run("further connections", func(t *testing.T) {
		var trace bytes.Buffer
		opts := account(t, dovecot.Addr, userOf(t), dovecot.Password)
		opts.Trace = &trace
		src := imapstore.NewSource(opts)
		defer src.Close()
		var open []mail.Reader
		for range 3 {
			r, err := src.OpenReader(t.Context(), mail.NewPath("INBOX"))
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, r)
		}
		for _, number := range []string{"#2", "#3"} { // login, and EXAMINE with ENABLE
			if n := strings.Count(trace.String(), number+" --: round trip"); n != 2 {
				t.Errorf("connection %s: %d round trips:\n%s", number, n, trace.String())
			}
		}
		for _, r := range open {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
