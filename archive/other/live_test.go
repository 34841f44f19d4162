package other_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailferry/archive/other"
	"mailferry/transfer/mail"
)

// Messages whose flags change, or that are delivered, while the folder is open.
func TestALiveMaildir(t *testing.T) {
	root := tree(t, map[string]string{"cur/1.a:2,": "1\n", "new/2.b": "2\n", "cur/3.c:2,S": "3\n", "tmp/": ""})
	s := open(t, root, other.Maildir)
	r, err := s.OpenReader(t.Context(), mail.NewPath("INBOX"))
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"cur/1.a:2,": "cur/1.a:2,FS", "new/2.b": "cur/2.b:2,S"} {
		if err := os.Rename(filepath.Join(root, from), filepath.Join(root, to)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(root, "cur/3.c:2,S")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "new/4.d"), []byte("4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(fetchAll(t, r), " ")
	if want := `1 (\Flagged \Seen) "1\r\n" 2 (\Seen) "2\r\n"`; got != want {
		t.Errorf("fetched %s, want %s", got, want)
	}
	if again := contents(t, s); !strings.Contains(again, `INBOX 3 () "4\r\n"`) {
		t.Errorf("the next session reads\n%s", again)
	}
}

// Flags that change again and again while a folder is open: no message is taken for gone that is there.
func TestAMaildirThatDoesNotRest(t *testing.T) {
	files := map[string]string{"tmp/": "", "new/": ""}
	for n := range 20 {
		files[fmt.Sprintf("cur/%d.x:2,", n+1)] = fmt.Sprintf("%d\n", n+1)
	}
	root := tree(t, files)
	r, err := open(t, root, other.Maildir).OpenReader(t.Context(), mail.NewPath("INBOX"))
	if err != nil {
		t.Fatal(err)
	}
	var all, got mail.UIDSet
	all.AddRange(1, 20)
	last := ""
	err = r.Fetch(t.Context(), all, func(i mail.Info, body io.Reader) error {
		got.Add(i.UID)
		for n := int(i.UID) + 1; n <= 20; n++ {
			at := filepath.Join(root, fmt.Sprintf("cur/%d.x:2,", n))
			next := strings.Repeat("S", int(i.UID)%5)
			if n == 20 && i.UID == 10 {
				if err := os.Remove(at + last); err != nil {
					return err
				}
			}
			if n == 20 && i.UID >= 10 {
				continue
			}
			if err := os.Rename(at+last, at+next); err != nil {
				return err
			}
		}
		last = strings.Repeat("S", int(i.UID)%5)
		return nil
	})
	if err != nil || got.String() != "1:19" {
		t.Errorf("fetched %s, %v; want 1:19, for 20 was removed", got, err)
	}
}

// A message's file that is not what it was gives an error and never a part of it.
func TestAMessageThatIsWrittenAgain(t *testing.T) {
	for name, text := range map[string]string{"longer": "12345\n", "shorter": "\n"} {
		root := tree(t, map[string]string{"cur/1.a:2,": "123\n", "new/": ""})
		r, err := open(t, root, other.Maildir).OpenReader(t.Context(), mail.NewPath("INBOX"))
		if err != nil {
			t.Fatal(err)
		}
		if got := messages(t, r); len(got) != 1 {
			t.Fatalf("at first %q", got)
		}
		if err := os.WriteFile(filepath.Join(root, "cur/1.a:2,"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err = r.Fetch(t.Context(), mail.NewUIDSet(1), func(_ mail.Info, body io.Reader) error {
			_, err := io.ReadAll(body)
			return err
		})
		if err == nil || mail.ErrorOf(err).Retry != mail.RetrySoon {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One file that cannot be read is named, and the others are read.
func TestAFileThatCannotBeRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read everything")
	}
	root := tree(t, map[string]string{"cur/1.a:2,": "1\n", "cur/2.b:2,": "2\n", "new/": ""})
	if err := os.Chmod(filepath.Join(root, "cur/1.a:2,"), 0); err != nil {
		t.Fatal(err)
	}
	r, err := open(t, root, other.Maildir).OpenReader(t.Context(), mail.NewPath("INBOX"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fetchAll(t, r); len(got) != 1 || !strings.Contains(got[0], `"2\r\n"`) {
		t.Errorf("fetched %q", got)
	}
	if err := r.(mail.Withholder).Withheld(1); mail.ErrorOf(err).Scope != mail.ScopeMessage {
		t.Errorf("why the first did not come: %v", err)
	}
}

func TestClosedAndCancelled(t *testing.T) {
	s := open(t, tree(t, map[string]string{"cur/1.a:2,": "1\n", "new/": ""}), other.Any)
	r, err := s.OpenReader(t.Context(), mail.NewPath("INBOX"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	none := func(mail.Info) error { t.Error("told of a message"); return nil }
	if err := r.List(ctx, mail.ListOptions{}, none); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	if err := r.List(t.Context(), mail.ListOptions{}, none); err == nil {
		t.Error("a closed folder is listed")
	}
	if _, err := s.OpenReader(t.Context(), mail.NewPath("None")); mail.ErrorOf(err).Kind != mail.KindNotFound {
		t.Errorf("no such folder: %v", err)
	}
}
