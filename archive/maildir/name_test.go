package maildir

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailferry/transfer/mail"
)

func anyName() *rapid.Generator[Name] {
	return rapid.Custom(func(t *rapid.T) Name {
		return Name{
			Stamp:    rapid.Int64Range(0, 1<<52).Draw(t, "stamp"),
			PID:      rapid.IntRange(0, 1<<31-1).Draw(t, "pid"),
			Validity: rapid.Uint32().Draw(t, "validity"),
			UID:      mail.UID(rapid.Uint32().Draw(t, "uid")),
			Folder:   rapid.Uint32().Draw(t, "folder"),
			Exact:    rapid.Bool().Draw(t, "exact"),
			Host:     hostName(rapid.String().Draw(t, "host")),
		}
	})
}

func TestNamesLeadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyName().Draw(t, "name")
		got, ok := ParseName(want.String())
		if !ok || got != want {
			t.Fatalf("%s is read as %+v, %t; want %+v", want, got, ok, want)
		}
		file := fileName(want.String(), 12, 34, "FS")
		if Base(file) != want.String() {
			t.Fatalf("the base of %s is %s", file, Base(file))
		}
		if size, ok := SizeIn(file); size != 12 || !ok {
			t.Fatalf("the size in %s is %d", file, size)
		}
		if strings.ContainsAny(file, "/\x00") || len(file) > 255 {
			t.Fatalf("%q is no file name", file)
		}
	})
}

func TestANameOfOursLooksLikeThis(t *testing.T) {
	n := Name{Stamp: 1700000000_000012, PID: 7, Validity: 3, UID: 5, Folder: 0xab, Exact: true, Host: "host.example"}
	if got, want := n.String(), "1700000000.M12P7V3U5F000000abE.host.example"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestOtherNamesAreNotOurs(t *testing.T) {
	for _, base := range []string{
		"", "x", "1700000000.M12P7.host", "1700000000.M12P7V3U5F000000ab.", "1700000000.M12P7V3U5F000000ab",
		"01700000000.M12P7V3U5F000000ab.host", "1700000000.M1000000P7V3U5F000000ab.host", "1700000000.M12P7V3U5F00000ab.host",
		"1700000000.M12P7V3U5F000000AB.host", "1700000000.M12P7V3U5F000000abEE.host", "1700000000.M12P7V3U4294967296F000000ab.host",
		"-1.M12P7V3U5F000000ab.host", "1700000000.M12P7V3U5F000000ab,S=1.host", "1700000000.R123Q4V3U5F000000ab.host",
	} {
		if n, ok := ParseName(base); ok {
			t.Errorf("%q is taken for %+v", base, n)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("1700000000.M12P7V3U5F000000abE.host.example")
	f.Add("1700000000.M12P7V3U5F000000ab.h")
	f.Fuzz(func(t *testing.T, base string) {
		if n, ok := ParseName(base); ok && n.String() != base {
			t.Fatalf("%q is read as %q", base, n)
		}
	})
}

func TestFlagsStandInNames(t *testing.T) {
	k := parseKeywords("0 $Forwarded\n1 Work\n3 later\nnonsense\n99 far\n 2 blank\n-1 x\n")
	for _, c := range []struct {
		flags   mail.Flags
		letters string
	}{
		{nil, ""},
		{mail.NewFlags(mail.Seen), "S"},
		{mail.NewFlags(mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft), "DFRST"},
		{mail.NewFlags("later", "$forwarded", mail.Draft), "Dad"},
	} {
		if got := k.letters(c.flags); got != c.letters {
			t.Errorf("%s: letters %q, want %q", c.flags, got, c.letters)
		}
		if got := k.Flags("x,S=1:2," + c.letters); !got.Equal(c.flags) {
			t.Errorf("%q: flags %s, want %s", c.letters, got, c.flags)
		}
	}
	if got := k.letters(mail.NewFlags("unknown")); got != "" {
		t.Errorf("a keyword without a letter is written as %q", got)
	}
	if got := k.Flags("x:2,PZcz"); len(got) != 0 {
		t.Errorf("letters without a meaning are flags %s", got)
	}
}

func TestOnlyTwentySixKeywordsGetLetters(t *testing.T) {
	var k Keywords
	var words []string
	for i := range 30 {
		words = append(words, "k"+decimal(100+i))
	}
	k, added := k.with(mail.NewFlags(append(words, "with blank", "", mail.Seen)...))
	if !added || len(k) != maxKeywords || k[0] != "k100" || k[25] != "k125" {
		t.Errorf("%d keywords: %q", len(k), k)
	}
	if again, added := k.with(mail.NewFlags("K103", "more")); added || len(again) != len(k) {
		t.Errorf("a full list takes %q", again[len(k):])
	}
	if got := parseKeywords(k.text()); len(got) != len(k) || got[25] != k[25] {
		t.Errorf("read back as %q", got)
	}
}

func TestLettersOfOthersStay(t *testing.T) {
	k := Keywords{"work"}
	owned := func(letter byte) bool { return !k.owns(letter) }
	if got := withFlags("base,S=3,W=4:2,PSaz", "F", owned); got != "base,S=3,W=4:2,FPz" {
		t.Errorf("%s", got)
	}
	if got := withFlags("base", "F", owned); got != "base:2,F" {
		t.Errorf("%s", got)
	}
}
