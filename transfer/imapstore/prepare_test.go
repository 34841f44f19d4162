package imapstore_test

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/servertest"
)

// Connections are logged in before they are needed, as many as are allowed and no more, and
// never before the first one has shown that the login is right.
func TestPreparedConnections(t *testing.T) {
	dovecot := servertest.StartDovecot(t, servertest.DovecotOptions{})
	opts := account(t, dovecot.Addr, userOf(t), dovecot.Password)
	opts.Connections = 3
	var trace bytes.Buffer
	opts.Trace = &trace
	src := imapstore.NewSource(opts)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	src.Prepare(cancelled, 3, math.MaxInt64)
	if logins := strings.Count(trace.String(), "AUTHENTICATE"); logins != 0 {
		t.Errorf("%d logins before the first", logins)
	}
	ready := make(chan struct{})
	go func() {
		defer close(ready)
		src.Prepare(t.Context(), 3, math.MaxInt64)
	}()
	if _, err := src.Folders(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-ready
	src.Prepare(cancelled, 3, math.MaxInt64)
	src.Prepare(t.Context(), 9, math.MaxInt64)
	src.Prepare(t.Context(), 9, math.MaxInt64)
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	if logins := strings.Count(trace.String(), "AUTHENTICATE"); logins < 3 || logins > 5 {
		t.Errorf("%d logins, want 3 and perhaps those that were cancelled", logins)
	}
}
