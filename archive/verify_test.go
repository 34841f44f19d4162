package archive_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mailferry/archive"
	"mailferry/transfer/mail"
)

func TestVerifyNamesWhatIsWrong(t *testing.T) {
	edit := func(change func(text []byte) []byte) func(*testing.T, string, []string) {
		return func(t *testing.T, _ string, list []string) {
			text, err := os.ReadFile(list[1])
			ok(t, err)
			ok(t, os.WriteFile(list[1], change(text), 0o600))
		}
	}
	for _, c := range []struct {
		name    string
		do      func(t *testing.T, dir string, list []string)
		kinds   []string
		file    int // which file the damage names, from 1; 0: none of the list
		without int // the message that is not delivered any more; 0: all are
	}{
		{"nothing", func(t *testing.T, dir string, list []string) {}, nil, 0, 0},
		{"a flipped bit", edit(func(text []byte) []byte { text[len(text)-3] ^= 4; return text }), []string{"changed"}, 2, 2},
		{"a cut file", edit(func(text []byte) []byte { return text[:len(text)-1] }), []string{"cut"}, 2, 2},
		{"an empty file", edit(func(text []byte) []byte { return nil }), []string{"cut"}, 2, 2},
		{"an editor", edit(func(text []byte) []byte { return append(text, "one line more\n"...) }), []string{"changed"}, 2, 2},
		{"an editor that makes CRLF of LF", edit(func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) }), nil, 0, 0},
		{"a missing file", func(t *testing.T, dir string, list []string) { ok(t, os.Remove(list[1])) }, []string{"missing"}, 2, 2},
		{"a file in new/", func(t *testing.T, dir string, list []string) {
			ok(t, os.Rename(list[1], filepath.Join(dir, "new", filepath.Base(list[1]))))
		}, nil, 0, 0},
		{"other flags in a name", func(t *testing.T, dir string, list []string) {
			ok(t, os.Rename(list[1], strings.TrimSuffix(list[1], ":2,")+":2,FS"))
		}, nil, 0, 0},
		{"a copy with other flags", func(t *testing.T, dir string, list []string) {
			ok(t, os.Link(list[1], list[1]+"S"))
		}, []string{"added"}, 0, 0},
		{"a file of somebody else", func(t *testing.T, dir string, list []string) {
			ok(t, os.WriteFile(filepath.Join(dir, "cur", "1700000000.1.host:2,S"), []byte("hello"), 0o600))
		}, []string{"added"}, 0, 0},
		{"a file that looks like ours", func(t *testing.T, dir string, list []string) {
			ok(t, os.Link(list[1], strings.Replace(list[1], "V7U", "V8U", 1)))
		}, []string{"added"}, 0, 0},
		{"a directory that cannot be read as a file", func(t *testing.T, dir string, list []string) {
			ok(t, os.Remove(list[1]))
			ok(t, os.Mkdir(list[1], 0o700))
		}, []string{"unreadable"}, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a")
			a := create(t, dir, archive.Options{})
			putLetters(t, a, inbox, 1, 3)
			closed(t, a)
			list := files(t, dir)
			c.do(t, dir, list)
			a = open(t, dir, archive.Options{})
			var told []archive.Damage
			checked, err := a.Verify(t.Context(), func(d archive.Damage) error { told = append(told, d); return nil })
			if ok(t, err); checked.Messages != 3 || checked.Damaged != len(told) {
				t.Errorf("checked %+v", checked)
			}
			var kinds []string
			for _, d := range told {
				kinds = append(kinds, string(d.Kind))
				if c.file > 0 && (filepath.Join(dir, d.File) != list[c.file-1] || d.UID != mail.UID(c.file)) {
					t.Errorf("it names %s, UID %d", d.File, d.UID)
				}
				if d.String() == "" || strings.Contains(d.String(), "\n") {
					t.Errorf("said as %q", d)
				}
			}
			if !slices.Equal(kinds, c.kinds) {
				t.Errorf("told %q, want %q", kinds, c.kinds)
			}
			expectDelivered(t, dir, c.without)
		})
	}
}

// expectDelivered: every message but one is delivered whole, and that one is withheld.
func expectDelivered(t *testing.T, dir string, without int) {
	t.Helper()
	r, err := open(t, dir, archive.Options{}).OpenReader(t.Context(), inbox)
	ok(t, err)
	defer closed(t, r)
	got := fetch(t, r)
	for n := 1; n <= 3; n++ {
		why := r.(mail.Withholder).Withheld(mail.UID(n))
		if n != without {
			if got[mail.UID(n)] != string(letter(n)) || why != nil {
				t.Errorf("letter %d came as %q, withheld for %v", n, got[mail.UID(n)], why)
			}
			continue
		}
		if text, came := got[mail.UID(n)]; came {
			t.Errorf("a damaged message was delivered: %q", text)
		}
		if e := mail.ErrorOf(why); e.Kind != mail.KindDamaged || e.Scope != mail.ScopeMessage || e.UID != mail.UID(n) {
			t.Errorf("withheld for %v", why)
		}
	}
}

func TestSwappedFilesAreToldFromChangedOnes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	putLetters(t, a, inbox, 1, 2)
	putLetters(t, a, mail.NewPath("Other"), 3, 4)
	closed(t, a)
	one, two := files(t, dir)[0], files(t, filepath.Join(dir, ".Other"))[1]
	ok(t, os.Rename(one, one+"x"))
	ok(t, os.Rename(two, one))
	ok(t, os.Rename(one+"x", two))
	var told []archive.Damage
	_, err := open(t, dir, archive.Options{}).Verify(t.Context(), func(d archive.Damage) error { told = append(told, d); return nil })
	ok(t, err)
	if len(told) != 2 || told[0].Kind != archive.DamageSwapped || told[1].Kind != archive.DamageSwapped {
		t.Fatalf("told %v", told)
	}
	if told[0].Holds != told[1].File || told[1].Holds != told[0].File {
		t.Errorf("it does not say who holds what: %v", told)
	}
}

func TestWithDamagedDeliversWhatThereIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	large := append(letter(2), bytes.Repeat([]byte("0123456789\r\n"), 200_000)...)
	put(t, a, inbox, message(1, letter(1)), message(2, large))
	closed(t, a)
	for _, name := range files(t, dir) {
		text, err := os.ReadFile(name)
		ok(t, err)
		ok(t, os.WriteFile(name, text[:len(text)-4], 0o600))
	}
	r, err := open(t, dir, archive.Options{}).OpenReader(t.Context(), inbox)
	ok(t, err)
	if got := fetch(t, r); len(got) != 0 {
		t.Errorf("%d damaged messages were delivered", len(got))
	}
	closed(t, r)
	r, err = open(t, dir, archive.Options{WithDamaged: true}).OpenReader(t.Context(), inbox)
	ok(t, err)
	defer closed(t, r)
	if got := fetch(t, r); len(got) != 2 || !strings.HasPrefix(string(letter(1)), got[1]) || !strings.HasPrefix(string(large), got[2]) || len(got[2]) < len(large)-10 {
		t.Errorf("%d messages, of %d and %d octets", len(got), len(got[1]), len(got[2]))
	}
}

func TestVerifyStopsWhenItIsTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	putLetters(t, a, inbox, 1, 3)
	for _, name := range files(t, dir) {
		ok(t, os.Remove(name))
	}
	enough := errors.New("enough")
	n := 0
	_, err := a.Verify(t.Context(), func(archive.Damage) error { n++; return enough })
	if err != enough || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Verify(ctx, func(archive.Damage) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestVerifySeesAMessageBeingWritten: whatever part of it is in the mbox file yet, nobody has added it. Text of others there is told.
func TestVerifySeesAMessageBeingWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	file := filepath.Join(dir, "INBOX.mbox")
	a := create(t, dir, archive.Options{Format: archive.MBox})
	putLetters(t, a, inbox, 1, 3)
	before, err := os.ReadFile(file)
	ok(t, err)
	w, err := a.OpenWriter(t.Context(), inbox)
	ok(t, err)
	ok(t, w.Append(t.Context(), message(4, letter(4), "Work"), func(mail.UID, error) {}))
	ok(t, w.Flush(t.Context()))
	whole, err := os.ReadFile(file)
	ok(t, err)
	closed(t, w)

	archived := filepath.Join(t.TempDir(), "b")
	b := create(t, archived, archive.Options{Format: archive.MBox})
	putLetters(t, b, inbox, 1, 3)
	file = filepath.Join(archived, "INBOX.mbox")
	told := func(tail []byte) []string {
		ok(t, os.WriteFile(file, slices.Concat(before, tail), 0o600))
		other := open(t, archived, archive.Options{})
		defer closed(t, other)
		return damages(t, other)
	}
	message := whole[len(before):]
	for cut := range len(message) {
		if got := told(message[:cut]); len(got) > 0 {
			t.Fatalf("%d of %d octets written: verify tells %q", cut, len(message), got)
		}
		if got := told(slices.Concat(message[:cut], make([]byte, len(message)-cut))); len(got) > 0 {
			t.Fatalf("%d of %d octets on the disk after a power cut: verify tells %q", cut, len(message), got)
		}
	}
	for _, theirs := range []string{"notes\n", "From a@b Thu", "From a@b Thu Jan  2 15:04:05 2025\nSubject: new\n\nnew\n\n"} {
		if got := told([]byte(theirs)); !slices.Equal(got, []string{"added"}) {
			t.Errorf("%q of others: verify tells %q", theirs, got)
		}
	}
}

// TestVerifyBesideABackupRaisesNoFalseAlarm: another process would see no more of the writer than this reader.
func TestVerifyBesideABackupRaisesNoFalseAlarm(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		dir := filepath.Join(t.TempDir(), "a")
		a := create(t, dir, archive.Options{Format: format})
		putLetters(t, a, inbox, 1, 200)
		var wg sync.WaitGroup
		done := make(chan struct{})
		var enough atomic.Bool
		wg.Go(func() {
			defer close(done)
			w, err := a.OpenWriter(context.Background(), inbox)
			if err != nil {
				t.Error(err)
				return
			}
			defer w.Close()
			for n := 201; n <= 500 || !enough.Load() && !t.Failed(); n++ {
				err := errors.Join(
					w.Append(context.Background(), message(n, letter(n)), func(mail.UID, error) {}),
					w.SetFlags(context.Background(), []mail.FlagChange{{UID: mail.UID(n - 200), Add: mail.NewFlags(mail.Seen)}}))
				if n%10 == 0 {
					err = errors.Join(err, w.Flush(context.Background()))
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
		times := 0
		for working := true; working; times++ {
			select {
			case <-done:
				working = false
			default:
			}
			r := open(t, dir, archive.Options{})
			expectSound(t, r)
			closed(t, r)
			enough.Store(times >= 3)
		}
		wg.Wait()
		closed(t, a)
		expectSound(t, open(t, dir, archive.Options{}))
	})
}

// TestOneOfTwoEqualMessagesIsMissed: the one that is left is read for both.
func TestOneOfTwoEqualMessagesIsMissed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{Format: archive.MBox})
	put(t, a, inbox, message(1, letter(1)), message(2, letter(1)), message(3, letter(3)))
	closed(t, a)
	expectSound(t, open(t, dir, archive.Options{}))
	changeMbox(t, dir, func(list []string) []string { return list[1:] })
	if got := damages(t, open(t, dir, archive.Options{})); !slices.Equal(got, []string{"missing"}) {
		t.Errorf("verify tells %q", got)
	}
}
