package archive_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"mailferry/archive"
	"mailferry/transfer/mail"
)

const childDir = "MAILFERRY_TEST_ARCHIVE"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := appendForever(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// appendForever goes on where the last process was killed, as an engine without a ledger would:
// with the first source UID that the archive does not have. It prints each UID when it is done.
func appendForever(dir string) error {
	ctx := context.Background()
	a, err := archive.Open(ctx, dir, archive.Options{Write: true})
	if err != nil {
		return err
	}
	if err := a.BeginRun(ctx, source); err != nil {
		return err
	}
	w, err := a.OpenWriter(ctx, inbox)
	if err != nil {
		return err
	}
	for n := int(w.Status().Messages) + 1; ; n++ {
		var flags []string
		if n%3 == 0 {
			flags = append(flags, mail.Seen, "K"+strconv.Itoa(n%7))
		}
		err := w.Append(ctx, message(n, letter(n), flags...), func(_ mail.UID, err error) {
			if err == nil {
				fmt.Println(n)
			}
		})
		if err == nil && n%5 == 0 {
			err = w.Flush(ctx)
		}
		if err == nil && n%11 == 0 {
			err = w.SetFlags(ctx, []mail.FlagChange{{UID: mail.UID(n / 2), Add: mail.NewFlags(mail.Flagged)}})
		}
		if err != nil {
			return err
		}
	}
}

// TestKilledWhileItAppends: every message that was told to be done is there after
// kill -9, none is twice, and the next process goes on.
func TestKilledWhileItAppends(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		rounds := 12
		if testing.Short() {
			rounds = 3
		}
		dir := filepath.Join(t.TempDir(), "a")
		closed(t, create(t, dir, archive.Options{Format: format}))
		told := 0
		for range rounds {
			told = max(told, killOne(t, dir))
			a := open(t, dir, archive.Options{Write: true})
			expectSound(t, a)
			r, err := a.OpenReader(t.Context(), inbox)
			ok(t, err)
			got := fetch(t, r)
			closed(t, r)
			if len(got) < told {
				t.Fatalf("%d messages are there, %d were told to be done", len(got), told)
			}
			for uid, text := range got {
				// In the order of the source, each once: own UID n is letter n.
				if text != string(letter(int(uid))) {
					t.Fatalf("UID %d of %d is %.80q", uid, len(got), text)
				}
			}
			closed(t, a)
		}
		if told < rounds*5 {
			t.Errorf("only %d messages in %d rounds", told, rounds)
		}
		expectSound(t, open(t, dir, archive.Options{}))
	})
}

// killOne starts a process, kills it after a while, and returns the last UID it told.
func killOne(t *testing.T, dir string) (last int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the process wrote nothing")
	}
	kill := time.AfterFunc(time.Duration(rand.IntN(300))*time.Millisecond, func() { cmd.Process.Kill() })
	defer kill.Stop()
	for read := true; read; read = lines.Scan() {
		last, err = strconv.Atoi(lines.Text())
		ok(t, err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process ended by itself")
	}
	return last
}

// TestAFolderNamedLikeWhatAKillLeaves: its directory is no file half written.
func TestAFolderNamedLikeWhatAKillLeaves(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		dir := filepath.Join(t.TempDir(), "a")
		a := create(t, dir, archive.Options{Format: format})
		run(t, a, true, func() { putLetters(t, a, mail.NewPath("x", "mailferry-new"), 1, 2) })
		want := dump(t, a)
		closed(t, a)
		ok(t, os.WriteFile(own(dir, "lock"), []byte("pid 4711\n"), 0o600))
		if got := dump(t, open(t, dir, archive.Options{Write: true})); got != want {
			t.Errorf("after a run was killed:\n%s\nwant\n%s", got, want)
		}
	})
}
