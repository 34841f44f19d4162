package maildir_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"mailferry/archive/disk"
	"mailferry/archive/maildir"
	"mailferry/transfer/mail"
)

// text is a message of about so many octets.
func text(octets int) []byte {
	return []byte("Subject: x\r\nFrom: ann@example.org\r\n\r\n" + strings.Repeat(strings.Repeat("x", 74)+"\r\n", octets/76))
}

// BenchmarkWrite stages messages and commits them a hundred at a time, which includes what makes them durable.
func BenchmarkWrite(b *testing.B) {
	for _, octets := range []int{4 << 10, 64 << 10} {
		b.Run(fmt.Sprint(octets>>10, "KB"), func(b *testing.B) {
			root, err := disk.OpenRoot(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			defer root.Close()
			folder := mail.NewPath("INBOX")
			if err := maildir.Make(root, map[string]mail.Path{"box": folder}); err != nil {
				b.Fatal(err)
			}
			box, err := maildir.Open(root, "box", 0)
			if err != nil {
				b.Fatal(err)
			}
			raw := text(octets)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				_, err := box.Stage(&mail.Message{Origin: mail.Origin{Folder: folder, UIDValidity: 1, UID: mail.UID(n)},
					Flags: mail.NewFlags(mail.Seen), InternalDate: time.Unix(1700000000, 0), Body: mail.BytesBody(raw)})
				if err == nil && n%100 == 0 {
					err = box.Commit()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			if err := box.Commit(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkRead gives back the octets of a message whose lines end in LF on disk.
func BenchmarkRead(b *testing.B) {
	raw := text(64 << 10)
	file := strings.ReplaceAll(string(raw), "\r\n", "\n")
	name := maildir.Name{Stamp: 1, PID: 1, Validity: 1, UID: 1, Host: "here"}.String()
	var d maildir.Decoder
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset(name, strings.NewReader(file))
		if n, err := io.Copy(io.Discard, &d); err != nil || n != int64(len(raw)) {
			b.Fatal(n, err)
		}
	}
}
