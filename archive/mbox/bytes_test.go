package mbox_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailferry/archive/mbox"
	"mailferry/transfer/mail"
)

func cases() map[string]string {
	return map[string]string{
		"plain":                    "Subject: a\r\n\r\nbody\r\n",
		"empty":                    "",
		"one line end":             "\r\n",
		"one LF":                   "\n",
		"one CR":                   "\r",
		"bare LF":                  "Subject: a\n\nbody\n",
		"bare LF among CRLF":       "Subject: a\r\n\r\nbo\ndy\r\n",
		"bare CR":                  "Subject: a\r\n\r\nbo\rdy\r\n",
		"bare CR at the end":       "Subject: a\r\n\r\nbody\r",
		"CR CR LF":                 "Subject: a\r\r\n\r\r\nbody\r\r\n",
		"no final line end":        "Subject: a\r\n\r\nbody",
		"LF and no final line end": "Subject: a\n\nbody",
		"several final line ends":  "Subject: a\r\n\r\nbody\r\n\r\n\r\n\r\n",
		"several final LFs":        "Subject: a\n\nbody\n\n\n\n",
		"NUL":                      "Subject: a\r\n\r\nbo\x00dy\r\n\x00\r\n",
		"8-bit":                    "Subject: \xe4\xff\r\n\r\n\x80\xc3\xbc\r\n",
		"line of 1 MB":             "Subject: a\r\n\r\n" + strings.Repeat("x", 1<<20) + "\r\n",
		"1 MB without line end":    strings.Repeat("x", 1<<20),
		"1 MB of marks":            strings.Repeat(">", 1<<20) + "From x\r\n",
		"1 MB of CR":               strings.Repeat("\r", 1<<20),
		"CRLF across 64 KB":        strings.Repeat("x", 65535) + "\r\n" + strings.Repeat("y", 65534) + "\r\n",
		"no header":                "\r\nbody\r\n",
		"no colon":                 "only text\r\n",
		"no body":                  "Subject: a\r\n",
		"header and empty line":    "Subject: a\r\n\r\n",
		"begins with a fold":       " folded\r\nSubject: a\r\n\r\n",
		"own status":               "Status: RO\r\nX-Status: AF\r\nX-Keywords: x\r\nX-UID: 9\r\nContent-Length: 3\r\n\r\nbody\r\n",
		"own block":                "Status: RO\r\nX-Status:     \r\nX-Keywords:  \r\nX-UID: 1\r\nX-Mailferry: 1 1 0 " + strings.Repeat("0", 64) + " - crlf\r\n\r\nbody\r\n",
		"From_ lines":              "From a Thu Jan  2 15:04:05 2025\r\n\r\nFrom \r\n>From b\r\n>>From c\r\n>>>>>>>From d\r\nFrom\r\n>From\r\n From e\r\n",
		"From_ line at the end":    "a\r\n\r\nFrom b Thu Jan  2 15:04:05 2025",
		"quoted From_ at the end":  "a\r\n\r\n>From ",
		"marks at the end":         "a\r\n\r\n>>>",
		"LF From_ lines":           "a: b\n\nFrom \n>From b\n\rFrom x\r\n\r>From y\n",
		"a whole mbox":             "From a Thu Jan  2 15:04:05 2025\nSubject: x\n\nbody\n\nFrom b Thu Jan  2 15:04:05 2025\n\n\n",
		"only empty lines":         "\r\n\r\n\r\n",
	}
}

// comesBack writes bodies into one file and looks whether a scan and a look at each place give the same.
func comesBack(t testing.TB, bodies ...string) {
	t.Helper()
	data, added := write(t, bodies...)
	glance, buf := mbox.NewGlance(bytes.NewReader(data)), []byte(nil)
	entries := scan(t, data, 0)
	if len(entries) != len(bodies) {
		t.Fatalf("%d entries of %d messages", len(entries), len(bodies))
	}
	for i, want := range bodies {
		x := entries[i]
		if !x.intact() || x.body != want || x.meta.Size != int64(len(want)) || x.meta.UID != mail.UID(i+1) {
			t.Fatalf("message %d: %.200q, want %.200q; %+v, %v", i, x.body, want, x.meta, x.err)
		}
		if x.at != added[i].Place.At || added[i].Sum != sha256.Sum256([]byte(want)) || added[i].Size != int64(len(want)) {
			t.Fatalf("message %d at %d: %+v", i, x.at, added[i])
		}
		if got := bodyAt(t, bytes.NewReader(data), added[i].Place); got != want {
			t.Fatalf("message %d at its place: %.200q, want %.200q", i, got, want)
		}
		ok := false
		buf, ok = glance.Message(added[i].Place, int64(len(want)), buf)
		quoting := strings.Count(want, "From ") // more of it than there is room for needs a second look
		if ok && string(buf) != want || !ok && quoting < 1000 || buf == nil {
			t.Fatalf("message %d at a glance: %.200q, %t, want %.200q", i, buf, ok, want)
		}
	}
	if n := countFrom(data); n != len(bodies) {
		t.Fatalf("%d From_ lines for other programs to see, %d messages", n, len(bodies))
	}
}

// countFrom counts messages as the simplest of readers does.
func countFrom(data []byte) (n int) {
	for _, line := range bytes.Split(data, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("From ")) {
			n++
		}
	}
	return n
}

func TestOctetsComeBackFirstInTheMiddleAndLast(t *testing.T) {
	const other = "Subject: other\r\n\r\nnot this one\r\n"
	for name, octets := range cases() {
		t.Run(name, func(t *testing.T) {
			comesBack(t, octets)
			comesBack(t, octets, other)
			comesBack(t, other, octets, other)
			comesBack(t, other, octets)
			comesBack(t, octets, octets)
		})
	}
}

// octets draws messages made of what is difficult.
func octets() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{"\r", "\n", "\r\n", "\r\n\r\n", ">", "From ", ">From ", "From a Thu Jan  2 15:04:05 2025",
			"\nFrom ", "\r\nFrom ", "Status: RO\r\n", "X-Mailferry: ", "a: b\r\n", "\x00", "\xff", "Fro", "text"}),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 20), func(b []byte) string { return string(b) }),
	)
	return rapid.Map(rapid.SliceOfN(part, 0, 12), func(parts []string) string { return strings.Join(parts, "") })
}

func TestAnyOctetsComeBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		bodies := rapid.SliceOfN(octets(), 1, 5).Draw(r, "bodies")
		comesBack(t, bodies...)
	})
}

func FuzzOctets(f *testing.F) {
	for _, octets := range cases() {
		if len(octets) < 1<<16 {
			f.Add([]byte(octets))
		}
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		comesBack(t, string(octets), "Subject: other\r\n\r\n", string(octets))
	})
}

func TestLinesAreWrittenAsDocumented(t *testing.T) {
	for _, c := range []struct {
		octets, want string
		eol          mbox.EOL
	}{
		{"a: b\r\n\r\nFrom c\r\n>From d\r\n", "a: b\n\n>From c\n>>From d\n\n", mbox.EOLCRLF},
		{"a: b\r\n\r\nc", "a: b\n\nc\n\n", mbox.EOLNoFinal},
		{"a: b\n\r\nFrom c\n", "a: b\n\r\n>From c\n\n", mbox.EOLExact},
		{"a: b\n\nc", "a: b\n\nc\n\n", mbox.EOLExact},
		{"a\r\n\r", "a\r\n\r\n\n", mbox.EOLExact},
		{"", "\n", mbox.EOLCRLF},
	} {
		data, added := write(t, c.octets)
		_, text, _ := bytes.Cut(data, []byte("X-Mailferry: "))
		line, text, _ := bytes.Cut(text, []byte("\n"))
		if string(text) != c.want || !bytes.HasSuffix(line, []byte(" "+c.eol)) || added[0].EOL != c.eol {
			t.Errorf("%q is written as %q, %s", c.octets, text, line)
		}
	}
}
