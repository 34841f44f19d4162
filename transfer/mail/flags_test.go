package mail_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailferry/transfer/mail"
)

func TestNewFlags(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want string
	}{
		{nil, ""},
		{[]string{`\SEEN`, `\flagged`}, `\Flagged \Seen`},
		{[]string{`\Recent`, `\recent`, `\*`, `\`, ""}, ""},
		{[]string{"Work", "work", "WORK"}, "Work"},
		{[]string{"b", "A", "$Forwarded", `\Seen`}, `$Forwarded \Seen A b`},
		{[]string{`\Important`}, `\Important`},
		{[]string{"Recent"}, "Recent"},
	} {
		if got := mail.NewFlags(c.in...); got.String() != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestNewFlagsLeavesItsArgumentAlone(t *testing.T) {
	in := []string{"b", "a", `\seen`}
	mail.NewFlags(in...)
	if !slices.Equal(in, []string{"b", "a", `\seen`}) {
		t.Errorf("became %q", in)
	}
}

// TestUnionKeepsTheFirstSpelling also with more flags than sorting treats as few.
func TestUnionKeepsTheFirstSpelling(t *testing.T) {
	var mine, theirs []string
	for c := 'a'; c <= 'z'; c++ {
		mine = append(mine, "Key"+string(c))
		theirs = append(theirs, "KEY"+string(c))
	}
	f := mail.NewFlags(mine...)
	if got := f.Union(mail.NewFlags(theirs...)); got.String() != f.String() {
		t.Errorf("union is %q, want %q", got, f)
	}
}

func anyFlags() *rapid.Generator[mail.Flags] {
	names := rapid.SampledFrom([]string{`\Seen`, `\seen`, `\Flagged`, `\Deleted`, `\Recent`, "Work", "work", "$Junk", "x", "Y", "_", "[a]"})
	return rapid.Map(rapid.SliceOf(names), func(s []string) mail.Flags { return mail.NewFlags(s...) })
}

func TestFlagsLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, g := anyFlags().Draw(t, "f"), anyFlags().Draw(t, "g")
		before := f.String() + "|" + g.String()
		union, minus := f.Union(g), f.Minus(g)
		for _, name := range []string{`\Seen`, `\SEEN`, "work", "$JUNK", "X", "y", "_", "[A]", `\Recent`, "none"} {
			if union.Has(name) != (f.Has(name) || g.Has(name)) {
				t.Fatalf("union %q has %s: %t", union, name, union.Has(name))
			}
			if minus.Has(name) != (f.Has(name) && !g.Has(name)) {
				t.Fatalf("minus %q has %s: %t", minus, name, minus.Has(name))
			}
		}
		if !union.Equal(g.Union(f)) || !minus.Union(g).Equal(union) || !f.Minus(nil).Equal(f) {
			t.Fatalf("union %q, minus %q of %q and %q", union, minus, f, g)
		}
		if back := mail.ParseFlags(f.String()); back.String() != f.String() {
			t.Fatalf("%q is read back as %q", f, back)
		}
		if f.Equal(g) != (len(f.Minus(g)) == 0 && len(g.Minus(f)) == 0) {
			t.Fatalf("%q equals %q: %t", f, g, f.Equal(g))
		}
		if after := f.String() + "|" + g.String(); after != before {
			t.Fatalf("%s became %s", before, after)
		}
	})
}

func TestStatusPermits(t *testing.T) {
	for _, c := range []struct {
		status mail.Status
		flag   string
		want   bool
	}{
		{mail.Status{Permanent: mail.NewFlags(mail.Seen)}, `\seen`, true},
		{mail.Status{Permanent: mail.NewFlags(mail.Seen)}, mail.Draft, false},
		{mail.Status{Permanent: mail.NewFlags("work")}, "Work", true},
		{mail.Status{Permanent: mail.NewFlags("work")}, "play", false},
		{mail.Status{AnyKeyword: true}, "play", true},
		{mail.Status{AnyKeyword: true}, mail.Seen, false},
		{mail.Status{}, "play", false},
	} {
		if got := c.status.Permits(c.flag); got != c.want {
			t.Errorf("%+v permits %s: %t", c.status, c.flag, got)
		}
	}
}

func TestRolesAreListedOnce(t *testing.T) {
	seen := make(map[mail.Role]bool)
	for _, r := range mail.Roles() {
		if seen[r] || !strings.HasPrefix(string(r), `\`) {
			t.Errorf("role %q", r)
		}
		seen[r] = true
	}
	if !seen[mail.RoleSent] || !seen[mail.RoleImportant] || len(seen) != 8 {
		t.Errorf("roles: %v", seen)
	}
}

func FuzzParseFlags(f *testing.F) {
	f.Add(`\Seen \recent $Forwarded Work work`)
	f.Add("  \t x")
	f.Fuzz(func(t *testing.T, text string) {
		flags := mail.ParseFlags(text)
		if back := mail.ParseFlags(flags.String()); !slices.Equal(back, flags) {
			t.Fatalf("%q is read back as %q", flags, back)
		}
		for _, flag := range flags {
			if flag == "" || strings.EqualFold(flag, `\Recent`) || !flags.Has(flag) {
				t.Fatalf("%q holds %q", flags, flag)
			}
		}
	})
}
