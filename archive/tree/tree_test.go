package tree

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"mailferry/transfer/mail"
)

func anyPath() *rapid.Generator[mail.Path] {
	component := rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"..", ".", "", "../../x", "~x", "%41", "%~", "Sent", "sent", "SENT", "x.mbox", "x", "X.MBOX",
			"é", "e\u0301", "É", "가", "가", "INBOX", "日本語", "a/b", "\x01\x7f", strings.Repeat("x", 300), strings.Repeat("ü", 200)}),
	)
	return rapid.Map(rapid.SliceOfN(component, 1, 4), func(parts []string) mail.Path { return mail.NewPath(parts...) })
}

func TestFilesAreSafeApartAndLeadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var files []string
		paths := make(map[mail.Path]string)
		long := make(map[string]string)
		for _, p := range rapid.SliceOfN(anyPath(), 1, 10).Draw(t, "paths") {
			if _, twice := paths[p]; twice || p.IsZero() {
				continue
			}
			file := File(p, files)
			for _, other := range files {
				if Twins(file, other) {
					t.Fatalf("%q gets %q beside %q", p, file, other)
				}
			}
			paths[p], files = file, append(files, file)
			for name, text := range Long(p, file) {
				if before, twice := long[name]; twice && before != text {
					t.Fatalf("%q would hold two names", name)
				}
				long[name] = text
			}
			expectSafe(t, p, file)
		}
		for p, file := range paths {
			if back, ok := Folder(file, func(name string) string { return long[name] }); !ok || back != p {
				t.Fatalf("%q is in %q, which is read as %q, %t", p, file, back, ok)
			}
		}
	})
}

func expectSafe(t *rapid.T, p mail.Path, file string) {
	if !filepath.IsLocal(file) || !utf8.ValidString(file) || filepath.Clean(file) != file {
		t.Fatalf("%q gets the file %q", p, file)
	}
	for _, name := range strings.Split(file, "/") {
		if len(name) > 255-len(NameSuffix) || name[0] == '.' || name[0] == '~' {
			t.Fatalf("%q: %q", p, name)
		}
	}
	for _, dir := range strings.Split(file, "/")[:strings.Count(file, "/")] {
		if strings.HasSuffix(strings.ToLower(dir), suffix) {
			t.Fatalf("%q: the directory %q looks like a folder's file", p, dir)
		}
	}
}

func TestPlainNamesStayPlain(t *testing.T) {
	for text, want := range map[string]string{
		"INBOX": "INBOX.mbox", "Archive/2024": "Archive/2024.mbox", "Grüße/日本": "Grüße/日本.mbox", "a.b": "a.b.mbox",
		".x/~y": "%2Ex/%7Ey.mbox", "x.mbox": "x%2Embox.mbox", "100%": "100%25.mbox", "..": "%2E..mbox",
	} {
		if got := File(mail.ParsePath(text), nil); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTwins(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"Sent", "sent", true}, {"É", "é", true}, {"é", "e\u0301", true}, {"xéy", "xe\u0301Y", true}, {"가", "\u1100\u1161", true},
		{"K", "\u212a", true}, {"が", "か\u3099", true}, {"a", "b", false}, {"日本", "中国", false}, {"ä", "ö", false}, {"e", "é", false},
	} {
		if got := Twins(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %t", c.a, c.b, got)
		}
		if Twins(c.a, c.b) != Twins(c.b, c.a) {
			t.Errorf("%q and %q: not the same the other way round", c.a, c.b)
		}
	}
}

func TestAFolderStandsInItsParentsDirectory(t *testing.T) {
	files := []string{"Sent/a.mbox", "%73ent/b.mbox"}
	for text, want := range map[string]string{"Sent/c": "Sent/c.mbox", "sent/c": "%73ent/c.mbox", "SENT/c": "%53ENT/c.mbox"} {
		if got := File(mail.ParsePath(text), files); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzFolder(f *testing.F) {
	f.Add("a/b%2E.mbox")
	f.Fuzz(func(t *testing.T, file string) {
		if p, ok := Folder(file, func(string) string { return "" }); ok && p.IsZero() {
			t.Fatalf("%q is no folder and was taken for one", file)
		}
	})
}
