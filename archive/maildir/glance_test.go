package maildir_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailferry/archive/disk"
	"mailferry/archive/maildir"
	"mailferry/transfer/mail"
)

func oneFolder(t testing.TB) (root *disk.Root, dir string, box *maildir.Box) {
	t.Helper()
	dir = t.TempDir()
	root, err := disk.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	if err := maildir.Make(root, map[string]mail.Path{"box": mail.NewPath("INBOX")}); err != nil {
		t.Fatal(err)
	}
	if box, err = maildir.Open(root, "box", 0); err != nil {
		t.Fatal(err)
	}
	return root, dir, box
}

func TestAGlanceIsEnoughForAnyOctets(t *testing.T) {
	root, _, box := oneFolder(t)
	var buf []byte
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"\r\n", "\n", "\r", "\r\r\n", "a", "\r\n\r\n", "long line"})).Draw(t, "parts")
		raw := []byte(strings.Join(parts, ""))
		s, err := box.Stage(&mail.Message{InternalDate: time.Unix(1, 0), Body: mail.BytesBody(raw)})
		if err == nil {
			err = box.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
		got, ok := maildir.Glance(root, "box", s.Place, s.Size, buf)
		if buf = got; !ok || got == nil || !bytes.Equal(got, raw) {
			t.Fatalf("%q came back as %q, %t", raw, got, ok)
		}
	})
}

// TestAGlanceThatIsNotEnough never takes other octets for the message.
func TestAGlanceThatIsNotEnough(t *testing.T) {
	const text = "Subject: x\n\na\nb\n"
	place := "cur/" + maildir.Name{Stamp: 1, PID: 1, Validity: 1, UID: 1, Host: "h"}.String() + ",S=16,W=20:2,"
	for name, file := range map[string]string{
		"shorter": text[:15], "longer": text + "c", "more lines": "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", "fewer lines": strings.Repeat("x", 16), "empty": "",
	} {
		root, dir, _ := oneFolder(t)
		at := filepath.Join(dir, "box", place)
		if _, ok := maildir.Glance(root, "box", place, 20, nil); ok {
			t.Errorf("%s: a file that is missing was read", name)
		}
		if err := os.WriteFile(at, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := maildir.Glance(root, "box", place, 20, nil); ok {
			t.Errorf("%s: read as %q", name, got)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := maildir.Glance(root, "box", place, 20, nil); !ok || string(got) != strings.ReplaceAll(text, "\n", "\r\n") {
			t.Errorf("the message itself: %q, %t", got, ok)
		}
		for _, size := range []int64{0, 15, 16, 19, 21} {
			if got, ok := maildir.Glance(root, "box", place, size, nil); ok {
				t.Errorf("%d octets: %q", size, got)
			}
		}
	}
}
