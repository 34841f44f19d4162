package maildir

import (
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailferry/transfer/mail"
)

func anyPath() *rapid.Generator[mail.Path] {
	component := rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"..", ".", "", "../../x", "a.b", "~x", "%41", "&", "&AOQ-", "Sent", "sent", "SENT", "cur", "INBOX", "inbox", "Grüße", "日本語", "😀", "a/b", "\x01\x7f", strings.Repeat("x", 300), strings.Repeat("ü", 200)}),
	)
	return rapid.Map(rapid.SliceOfN(component, 1, 5), func(parts []string) mail.Path { return mail.NewPath(parts...) })
}

// drawTree gives each path the directory it gets beside those before it.
func drawTree(t *rapid.T) map[mail.Path]string {
	dirs := make(map[mail.Path]string)
	taken := make(map[string]bool)
	for _, p := range rapid.SliceOfN(anyPath(), 1, 12).Draw(t, "paths") {
		if _, twice := dirs[p]; twice || p.IsZero() {
			continue
		}
		parent, _ := p.Parent()
		dir := Dir(p, dirs[parent], func(dir string) bool { return taken[Fold(dir)] })
		dirs[p] = dir
		taken[Fold(dir)] = true
	}
	return dirs
}

func TestDirectoriesAreSafeApartAndLeadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		folded := make(map[string]mail.Path)
		for p, dir := range drawTree(t) {
			if other, twice := folded[Fold(dir)]; twice {
				t.Fatalf("%q and %q share %q", p, other, dir)
			}
			folded[Fold(dir)] = p
			if dir != inboxDir && (!filepath.IsLocal(dir) || dir[0] != '.' || len(dir) > 255 || len(dir) < 2) {
				t.Fatalf("%q gets the directory %q", p, dir)
			}
			for i := range len(dir) {
				if c := dir[i]; c < ' ' || c > '~' || c == '/' {
					t.Fatalf("%q: octet %#x in %q", p, c, dir)
				}
			}
			told := dir
			if IsShort(dir) {
				told = FullName(p)
			}
			if back, ok := PathOf(told); !ok || back != p {
				t.Fatalf("%q is in %q, which is read as %q, %t", p, told, back, ok)
			}
		}
	})
}

func TestPlainNamesStayPlain(t *testing.T) {
	none := func(string) bool { return false }
	for path, want := range map[string]string{
		"INBOX": ".", "Archive/2024": ".Archive.2024", "Grüße": ".Gr&APwA3w-e", "A & B": ".A &- B", "INBOX/x": ".INBOX.x",
		"a.b": ".a%2Eb", "100%": ".100%25", "~x/~y": ".%7Ex.%7Ey", "..": ".%2E%2E", "a//b": ".a.%00.b",
	} {
		if got := Dir(mail.ParsePath(path), "", none); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestTwinsGetNamesThatEveryFileSystemTellsApart(t *testing.T) {
	taken := make(map[string]bool)
	for _, c := range []struct{ name, want string }{
		{"Sent", ".Sent"}, {"sent", ".%73ent"}, {"SENT", ".%53ENT"}, {"sEnt", ".%73%45nt"},
	} {
		got := Dir(mail.NewPath(c.name), "", func(dir string) bool { return taken[Fold(dir)] })
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		taken[Fold(got)] = true
	}
}

func TestAChildStandsBelowItsParentsDirectory(t *testing.T) {
	got := Dir(mail.NewPath("sent", "x"), ".%73ent", func(string) bool { return false })
	if got != ".%73ent.x" {
		t.Errorf("%s", got)
	}
}

func TestNamesOfOthersStandForThemselves(t *testing.T) {
	for dir, want := range map[string]string{".a%zz": "a%zz", ".&": "&", ".&bad": "&bad", ".50%": "50%", ".&2D0-x": "&2D0-x", ".A.b": "A/b"} {
		if got, ok := PathOf(dir); !ok || got != mail.ParsePath(want) {
			t.Errorf("%q is %q, %t; want %q", dir, got, ok, want)
		}
	}
	for _, dir := range []string{"", "x", "..", ".INBOX", ".a%~0011223344556677"} {
		if got, ok := PathOf(dir); ok {
			t.Errorf("%q is taken for the folder %q", dir, got)
		}
	}
}

func FuzzPathOf(f *testing.F) {
	f.Add(".a.b&AOQ-%2E")
	f.Add(".&2D3eAA-")
	f.Fuzz(func(t *testing.T, dir string) {
		p, ok := PathOf(dir)
		if !ok {
			return
		}
		if p.IsZero() {
			t.Fatalf("%q is no folder and was taken for one", dir)
		}
		again, ok := PathOf(FullName(p))
		if !p.IsInbox() && (!ok || again != p) {
			t.Fatalf("%q is %q, whose name is read as %q", dir, p, again)
		}
	})
}
