package commands_test

import (
	"context"
	"testing"
	"time"

	"mailferry/transfer/imapstore/imaptest/faultproxy"
	"mailferry/transfer/imapstore/servertest"
)

// TestVerifyBesideABackup verifies an archive again and again while backups fill it and bring it up
// to date: each time it is intact.
func TestVerifyBesideABackup(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	for _, format := range formats() {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			w := &week{archiving: newArchiving(t, src, src, format), t: t}
			w.user = "beside-" + format
			fillCorpus(t, src, w.user, servertest.CorpusOptions{Small: true, Few: slow})
			proxy := faultproxy.Start(t, src.Addr, faultproxy.Delay(20*time.Millisecond, 30*time.Millisecond))
			w.srcAddr = proxy.Addr()
			if code, s := w.backup(t, "--folder", "Sent"); code != 0 {
				t.Fatalf("exit %d, %+v", code, s)
			}
			first := w.verifyBeside("first")
			w.change(snapshot(t, src, w.user))
			second := w.verifyBeside("second", "--accept-loss")
			if first == 0 || second == 0 {
				t.Errorf("verified %d and %d times beside a backup", first, second)
			}
			w.verify(t, address(src.Addr, w.user))
		})
	}
}

// verifyBeside backs up, and returns how often the archive was verified meanwhile.
func (w *week) verifyBeside(what string, args ...string) (n int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	// The limit makes the backup last for a few seconds.
	cmd := w.command(ctx, "backup", append(args, "--quiet", "--rate-limit", "2M", address(w.srcAddr, w.user), w.archive)...)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		w.verify(w.t)
		select {
		case err := <-ended:
			if err != nil {
				w.t.Errorf("the %s backup: %v", what, err)
			}
			return n
		default:
			n++
		}
	}
}
