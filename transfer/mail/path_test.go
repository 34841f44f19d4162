package mail_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailferry/transfer/mail"
)

func TestPathIsMadeOfComponents(t *testing.T) {
	for _, c := range []struct {
		path mail.Path
		want []string
		text string
	}{
		{mail.Path{}, nil, ""},
		{mail.NewPath(), nil, ""},
		{mail.NewPath("a"), []string{"a"}, "a"},
		{mail.NewPath("a", "b/c"), []string{"a", "b/c"}, "a/b/c"},
		{mail.NewPath("inBox", "inBox"), []string{"INBOX", "inBox"}, "INBOX/inBox"},
		{mail.NewPath("INBOXES"), []string{"INBOXES"}, "INBOXES"},
		{mail.NewPath("a\x00b"), []string{"ab"}, "ab"},
		{mail.NewPath("\xff\xfe"), []string{"\xff\xfe"}, "\xff\xfe"},
		{mail.ParsePath("a/b/c"), []string{"a", "b", "c"}, "a/b/c"},
		{mail.ParsePath("Inbox/x"), []string{"INBOX", "x"}, "INBOX/x"},
		{mail.ParsePath(""), nil, ""},
	} {
		if got := c.path.Components(); !slices.Equal(got, c.want) || c.path.String() != c.text {
			t.Errorf("components %q, text %q, want %q and %q", got, c.path, c.want, c.text)
		}
		if c.path.IsZero() != (c.want == nil) {
			t.Errorf("%q: IsZero %t", c.path, c.path.IsZero())
		}
	}
}

func TestInboxIsOneFolderInAnyCase(t *testing.T) {
	for _, name := range []string{"INBOX", "inbox", "Inbox", "iNbOx"} {
		if p := mail.NewPath(name); !p.IsInbox() || p != mail.NewPath("INBOX") {
			t.Errorf("%q is not the INBOX", name)
		}
	}
	for _, p := range []mail.Path{mail.NewPath("INBOX", "a"), mail.NewPath("a", "INBOX"), {}} {
		if p.IsInbox() {
			t.Errorf("%q is taken for the INBOX", p)
		}
	}
}

func TestPathsBelowEachOther(t *testing.T) {
	a, ab, abc, abx := mail.NewPath("a"), mail.NewPath("a", "b"), mail.NewPath("a", "b", "c"), mail.NewPath("a", "bx")
	for _, c := range []struct {
		path, ancestor, rest mail.Path
		ok                   bool
	}{
		{abc, a, mail.NewPath("b", "c"), true},
		{abc, ab, mail.NewPath("c"), true},
		{ab, ab, mail.Path{}, true},
		{abx, ab, mail.Path{}, false},
		{a, ab, mail.Path{}, false},
		{a, mail.NewPath("A"), mail.Path{}, false},
	} {
		rest, ok := c.path.Below(c.ancestor)
		if ok != c.ok || ok && rest != c.rest {
			t.Errorf("%q below %q: %q, %t", c.path, c.ancestor, rest, ok)
		}
	}
	if parent, ok := abc.Parent(); !ok || parent != ab {
		t.Errorf("parent of %q: %q, %t", abc, parent, ok)
	}
	if parent, ok := a.Parent(); ok || !parent.IsZero() {
		t.Errorf("parent of %q: %q, %t", a, parent, ok)
	}
}

func TestAnInboxThatComesToTheTopIsTheInbox(t *testing.T) {
	rest, _ := mail.NewPath("old", "Inbox").Below(mail.NewPath("old"))
	if got := (mail.Path{}).Join(rest); !got.IsInbox() {
		t.Errorf("%q at the top is not the INBOX", got)
	}
	if got := mail.NewPath("new").Join(rest); got != mail.NewPath("new", "Inbox") {
		t.Errorf("%q: the spelling below another folder was changed", got)
	}
}

func anyPath() *rapid.Generator[mail.Path] {
	component := rapid.SampledFrom([]string{"a", "b", "a b", "a/b", "INBOX", "inbox", "é", "\xff", "~", "\x01", "A"})
	return rapid.Custom(func(t *rapid.T) mail.Path {
		return mail.NewPath(rapid.SliceOfN(component, 1, 4).Draw(t, "components")...)
	})
}

func TestPathLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := anyPath().Draw(t, "p"), anyPath().Draw(t, "q")
		if back := mail.PathFromKey(p.Key()); back != p {
			t.Fatalf("the key of %q leads to %q", p, back)
		}
		if back := mail.NewPath(p.Components()...); back != p {
			t.Fatalf("the components of %q make %q", p, back)
		}
		joined := p.Join(q)
		if rest, ok := joined.Below(p); !ok || rest != q {
			t.Fatalf("%q below %q is %q, %t", joined, p, rest, ok)
		}
		if p.Join(mail.Path{}) != p || (mail.Path{}).Join(p) != p {
			t.Fatalf("joining nothing changes %q", p)
		}
		if p.Compare(joined) >= 0 || joined.Compare(p) <= 0 || p.Compare(p) != 0 {
			t.Fatalf("%q does not stand before its descendant %q", p, joined)
		}
		if (p.Compare(q) == 0) != (p == q) {
			t.Fatalf("Compare of %q and %q", p, q)
		}
	})
}

// TestPathOrderKeepsTreesTogether: between a folder and its last descendant
// stands nothing else.
func TestPathOrderKeepsTreesTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paths := rapid.SliceOf(anyPath()).Draw(t, "paths")
		slices.SortFunc(paths, mail.Path.Compare)
		for i, p := range paths {
			outside := false
			for _, q := range paths[i:] {
				_, below := q.Below(p)
				if below && outside {
					t.Fatalf("%q stands apart from %q", q, p)
				}
				outside = outside || !below
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	f.Add("a/b", "inbox")
	f.Add("", "/")
	f.Add("\x00/\xff", "INBOX/x")
	f.Fuzz(func(t *testing.T, text, child string) {
		p, q := mail.ParsePath(text), mail.ParsePath(child)
		if mail.PathFromKey(p.Key()) != p {
			t.Fatalf("the key of %q leads elsewhere", p)
		}
		if mail.ParsePath(p.String()) != p {
			t.Fatalf("the text of %q leads elsewhere", p)
		}
		for _, c := range p.Components() {
			if strings.Contains(c, "\x00") {
				t.Fatalf("%q holds NUL", p)
			}
		}
		if rest, ok := p.Join(q).Below(p); !p.IsZero() && (!ok || rest != q) {
			t.Fatalf("%q below %q: %q, %t", p.Join(q), p, rest, ok)
		}
	})
}
