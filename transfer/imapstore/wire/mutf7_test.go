package wire

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestNames(t *testing.T) {
	for raw, name := range map[string]string{
		"INBOX": "INBOX", "R&-D": "R&D", "Entw&APw-rfe": "Entwürfe", "&ZeVnLIqe-": "日本語",
		"&2D3eAA-": "\U0001f600", "a b": "a b", "&-&-": "&&", "~peter/mail/&U,BTFw-/&ZeVnLIqe-": "~peter/mail/台北/日本語",
	} {
		if got, ok := DecodeName(raw); got != name || !ok {
			t.Errorf("DecodeName(%q) = %q, %v; want %q", raw, got, ok, name)
		}
		if got := EncodeName(name); got != raw {
			t.Errorf("EncodeName(%q) = %q, want %q", name, got, raw)
		}
	}
}

func TestNamesThatCannotBeRead(t *testing.T) {
	for _, raw := range []string{"R&D", "&", "&A-", "&AA-", "&2D0-", "&3gA-", "&AAA-", "&ZeVn!-", "Gr\xfc\xdfe", "&2D0AYQ-"} {
		if got, ok := DecodeName(raw); ok || got != raw {
			t.Errorf("DecodeName(%q) = %q, %v", raw, got, ok)
		}
	}
	for raw, name := range map[string]string{"Grüße": "Grüße", "&AGE-": "a", "&AGEAYg-": "ab"} {
		if got, ok := DecodeName(raw); !ok || got != name {
			t.Errorf("DecodeName(%q) = %q, %v; want %q", raw, got, ok, name)
		}
	}
}

func TestNamesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Filter(func(s string) bool { return utf8.ValidString(s) && !hasNUL(s) }).Draw(t, "name")
		raw := EncodeName(name)
		for i := range len(raw) {
			if !printable(raw[i]) {
				t.Fatalf("EncodeName(%q) = %q is not printable", name, raw)
			}
		}
		if got, ok := DecodeName(raw); got != name || !ok {
			t.Fatalf("%q became %q and then %q, %v", name, raw, got, ok)
		}
	})
}

func hasNUL(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return true
		}
	}
	return false
}

// FuzzDecodeName: whatever a server sends has one reading, and a name that could
// be read can be written again.
func FuzzDecodeName(f *testing.F) {
	for _, raw := range []string{"INBOX", "R&D", "&ZeVnLIqe-", "&2D3eAA-", "&AGE-", "&", "\xff"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		name, ok := DecodeName(raw)
		switch {
		case !ok && name != raw:
			t.Errorf("%q: an unreadable name became %q", raw, name)
		case ok && !utf8.ValidString(name):
			t.Errorf("%q: %q is not UTF-8", raw, name)
		case ok && !hasNUL(name):
			if again, ok := DecodeName(EncodeName(name)); !ok || again != name {
				t.Errorf("%q: %q became %q", raw, name, again)
			}
		}
	})
}
