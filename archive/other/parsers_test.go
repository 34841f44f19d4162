package other

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// withCR is the rule for line ends, said plainly.
func withCR(text []byte) []byte {
	var out []byte
	for i, c := range text {
		if c == '\n' && (i == 0 || text[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

func FuzzLineEnds(f *testing.F) {
	for _, text := range []string{"", "\n", "\r\n", "\r\r\n\n", "a\nb\r\nc\rd", "\r", strings.Repeat("x", 32<<10-1) + "\r\n\n", strings.Repeat("y", 32<<10) + "\nz"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want := withCR(text)
		for name, r := range map[string]io.Reader{
			"whole":       newWireReader(bytes.NewReader(text)),
			"bit by bit":  iotest.OneByteReader(newWireReader(bytes.NewReader(text))),
			"from pieces": newWireReader(iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(text)))),
		} {
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: %q is read as %q, %v", name, text, got, err)
			}
		}
		at := filepath.Join(t.TempDir(), "m")
		if err := os.WriteFile(at, text, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(at)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if n, err := wireSize(file); err != nil || n != int64(len(want)) {
			t.Fatalf("%q has %d octets, %v; want %d", text, n, err, len(want))
		}
	})
}

func TestNamesOfFolders(t *testing.T) {
	for from, want := range map[string]string{
		"Entw&APw-rfe": "Entwürfe", "R&-D": "R&D", "R&D": "R&D", "&2D3eAA-": "😀", "Entwürfe": "Entwürfe", "&AP": "&AP", "&!!-": "&!!-",
		"&2D0-": "&2D0-", "Gr&APwA3w-e &- mehr": "Grüße & mehr", "&ü-": "&ü-", "": "",
	} {
		if got := decodeName(from); got != want {
			t.Errorf("%q is read as %q, want %q", from, got, want)
		}
	}
}

// FuzzNames: whatever a file or directory is called, it stays a name.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"1700000000.M12P3.host,S=1,W=2:2,FS", "1.a;2,", ":2,", "99999999999999999999.M9999999999999999999:2,S", "Entw&APw-rfe", "&2D0-"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > 255 {
			t.Skip("longer than names are")
		}
		e := newEntry(name, false)
		if !strings.HasPrefix(name, e.base()) || e.at < 0 {
			t.Errorf("%q: base %q, delivered %d", name, e.base(), e.at)
		}
		if got := decodeName(name); got == "" && name != "" || utf8.ValidString(name) && !utf8.ValidString(got) {
			t.Errorf("%q is read as %q", name, got)
		}
		_ = keywords{}.flags(e)
	})
}

// FuzzLists: lists that are damaged give fewer keywords and numbers, and no others.
func FuzzLists(f *testing.F) {
	f.Add("3 V1700000000 N12 G0123\n7 W5 :9.a\n11 :1.b:2,S\n")
	f.Add("0 work\n1 $Junk\n99 x\n-1 y\n")
	f.Add("work\nhome\n\n1.a:0 1\n2.b:1\n3.c:7 -1\nx\n")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "courierimapkeywords"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"dovecot-keywords", "dovecot-uidlist", "courierimapkeywords/:list", "courierimapkeywords/1.a"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		list := []entry{newEntry("1.b:2,S", false), newEntry("9.a", false)}
		if err := number(dir, list); err != nil || len(list) != 2 {
			t.Fatalf("%v, %v", list, err)
		}
		k, err := readKeywords(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range k.flags(newEntry("1.a:2,Sabz", false)) {
			if !strings.EqualFold(flag, `\Seen`) && !strings.Contains(text, flag) {
				t.Errorf("%q has the flag %q", text, flag)
			}
		}
	})
}
