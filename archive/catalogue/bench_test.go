package catalogue

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

// BenchmarkMessages reads a folder as a restore does.
func BenchmarkMessages(b *testing.B) {
	const messages, page = 10_000, 500
	d, err := Create(filepath.Join(b.TempDir(), "catalogue.db"), "maildir")
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	f := &Folder{Path: mail.NewPath("INBOX"), Dir: "."}
	list := make([]Message, messages)
	for i := range list {
		list[i] = Message{Size: int64(4000 + i), Date: time.Unix(1700000000+int64(i), 0).In(time.FixedZone("", 3600)),
			Flags: mail.NewFlags(mail.Seen), Place: fmt.Sprintf("cur/1795970902.M%06dP27513V1016U%dF54a5e722.vm,S=3891,W=3996:2,S", i, i)}
	}
	if err := d.AddFolders(b.Context(), 0, f); err != nil {
		b.Fatal(err)
	}
	if err := d.Append(b.Context(), 0, f, list, nil); err != nil {
		b.Fatal(err)
	}
	for of, name := range map[Extent]string{Everything: "everything", Listed: "listed", Stored: "stored"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for first := mail.UID(1); first <= messages; first += page {
					list, err := d.Messages(b.Context(), f.ID, View{}, Part{First: first, Last: messages, Limit: page, Of: of})
					if err != nil || len(list) != page {
						b.Fatal(len(list), err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*messages), "ns/msg")
		})
	}
}
