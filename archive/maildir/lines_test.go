package maildir

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// anyOctets draws from what line ends are made of more often than from the rest.
func anyOctets() *rapid.Generator[[]byte] {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{"\r\n", "\n", "\r", "\r\r\n", "a", "From ", "\r\n\r\n", "\x00", "\xff"}),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 5), func(b []byte) string { return string(b) }),
	)
	return rapid.Map(rapid.SliceOf(part), func(parts []string) []byte {
		var all []byte
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	})
}

// writeIn writes in pieces of so many octets.
func writeIn(w io.Writer, raw []byte, step int) {
	for len(raw) > 0 {
		n := min(step, len(raw))
		w.Write(raw[:n])
		raw = raw[n:]
	}
}

// stored is what would be in the file.
func stored(t *rapid.T, raw []byte, step int) (file []byte, f *form) {
	f = new(form)
	writeIn(f, raw, step)
	if f.exact() {
		return raw, f
	}
	var b bytes.Buffer
	u := &unixWriter{w: &b}
	writeIn(u, raw, step)
	if err := u.finish(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), f
}

func TestEveryOctetComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := anyOctets().Draw(t, "octets")
		file, f := stored(t, raw, rapid.IntRange(1, 7).Draw(t, "step"))
		name := Name{Exact: f.exact(), Host: "h"}.String()
		var d Decoder
		for _, r := range []io.Reader{bytes.NewReader(file), iotest.OneByteReader(bytes.NewReader(file))} {
			d.Reset(name, r)
			got, err := io.ReadAll(iotest.OneByteReader(&d))
			if err != nil || !bytes.Equal(got, raw) {
				t.Fatalf("%q came back as %q, %v", raw, got, err)
			}
		}
		disk, wire := f.sizes()
		if disk != int64(len(file)) {
			t.Fatalf("S= is %d of a file of %d octets", disk, len(file))
		}
		if want := virtualSize(file); wire != want {
			t.Fatalf("W= is %d of %q, for Dovecot it is %d", wire, file, want)
		}
		if !f.exact() && bytes.Contains(file, []byte("\r\n")) {
			t.Fatalf("%q is stored with CRLF and without an E: %q", raw, file)
		}
	})
}

// virtualSize counts as Dovecot does: LF without CR before it is two octets.
func virtualSize(file []byte) int64 {
	n := len(file)
	for i, c := range file {
		if c == '\n' && (i == 0 || file[i-1] != '\r') {
			n++
		}
	}
	return int64(n)
}

func TestPlainMailIsStoredAsUnixText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := []byte("Subject: x\r\n\r\nbody\rwith a lone CR\r\n\r\n")
		file, f := stored(t, raw, rapid.IntRange(1, 40).Draw(t, "step"))
		if f.exact() || !bytes.Equal(file, []byte("Subject: x\n\nbody\rwith a lone CR\n\n")) {
			t.Fatalf("stored as %q", file)
		}
	})
}

func TestAHeaderIsFoundInAnyPieces(t *testing.T) {
	raw := []byte("Message-ID: <a@b>\r\nSubject: x\r\n\r\nMessage-ID: <no@no>\r\n\r\n")
	whole := newExamined()
	whole.Write(raw)
	for step := 1; step < len(raw); step++ {
		e := newExamined()
		writeIn(e, raw, step)
		if e.key() != whole.key() || e.sum() != whole.sum() {
			t.Fatalf("in pieces of %d the key or hash is another", step)
		}
		if bytes.Contains(e.header[:min(len(e.header), 34)], []byte("no@no")) {
			t.Fatalf("the body counts as header: %q", e.header)
		}
	}
}
