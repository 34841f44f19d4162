package imapstore

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

func TestPathsOfRawNames(t *testing.T) {
	slash := &server{delim: "/"}
	inbox := &server{prefix: "INBOX.", delim: "."}
	for _, tc := range []struct {
		server     *server
		raw, delim string
		want       mail.Path
	}{
		{slash, "inbox", "/", mail.NewPath("INBOX")},
		{slash, "INBOX/Sub", "/", mail.NewPath("INBOX", "Sub")},
		{slash, "A/Entw&APw-rfe/C", "/", mail.NewPath("A", "Entwürfe", "C")},
		{slash, "R&D", "/", mail.NewPath("R&D")},
		{slash, "a/R&D/&AOk-", "/", mail.NewPath("a", "R&D", "é")},
		{slash, "Gr\xfc\xdfe", "/", mail.NewPath("Gr\xfc\xdfe")},
		{slash, "flat/name", "", mail.NewPath("flat/name")},
		{slash, "a//b/", "/", mail.NewPath("a", "", "b", "")},
		{slash, `back\slash`, `\`, mail.NewPath("back", "slash")},
		{inbox, "INBOX", ".", mail.NewPath("INBOX")},
		{inbox, "INBOX.Sent", ".", mail.NewPath("Sent")},
		{inbox, "inbox.Sent.2020", ".", mail.NewPath("Sent", "2020")},
		{inbox, "INBOX.INBOX.x", ".", mail.NewPath("INBOX", "x")},
	} {
		if got := tc.server.decode(tc.raw, tc.delim); got != tc.want {
			t.Errorf("%q is %q, want %q", tc.raw, got, tc.want)
		}
	}
}

func TestNamesStayApart(t *testing.T) {
	srv := &server{prefix: "INBOX.", delim: "."}
	boxes := []*wire.Mailbox{
		{Raw: "INBOX.&AGE-", Delim: "."}, {Raw: "INBOX", Delim: "."}, {Raw: "INBOX.a", Delim: "."},
		{Raw: "INBOX.inbox", Delim: "."}, {Raw: "INBOX.&-AGE-", Delim: "."}, {Raw: "INBOX.b.c", Delim: "."}, {Raw: "INBOX.b.c", Delim: "."},
	}
	n := newNames(srv, boxes[:6])
	for raw, want := range map[string]string{
		"INBOX": "INBOX", "INBOX.a": "a", "INBOX.b.c": "b/c", "INBOX.&-AGE-": "&AGE-",
		"INBOX.&AGE-": "INBOX.&AGE-", "INBOX.inbox": "INBOX.inbox",
	} {
		path := n.pathOf(raw)
		if path.String() != want {
			t.Errorf("%q has the path %q, want %q", raw, path, want)
		}
		if back, ok := n.rawOf(path); back != raw || !ok {
			t.Errorf("%q leads back to %q", raw, back)
		}
	}
	for path, want := range map[string]string{
		"new": "INBOX.new", "b/new": "INBOX.b.new", "b/c/é": "INBOX.b.c.&AOk-", "INBOX/x": "INBOX.INBOX.x", "INBOX": "INBOX",
	} {
		if got := n.raw(mail.ParsePath(path)); got != want {
			t.Errorf("%q would be %q, want %q", path, got, want)
		}
	}
}

func TestSpelling(t *testing.T) {
	dots := &server{prefix: "INBOX.", delim: ".", letters: alphabet{anywhere: "/", first: "~"}}
	flat := &server{}
	courier := &server{delim: ".", greeting: "Courier-IMAP ready."}
	courier.letters = knownAlphabet(courier)
	cyrus := &server{delim: "/", id: map[string]string{"name": "Cyrus IMAPD"}}
	cyrus.letters = knownAlphabet(cyrus)
	for _, tc := range []struct {
		server     *server
		path, want mail.Path
	}{
		{dots, mail.NewPath("v1.2", "a/b"), mail.NewPath("v1_2", "a_b")},
		{dots, mail.NewPath("~x", "a~"), mail.NewPath("_x", "a~")},
		{dots, mail.NewPath("", "."), mail.NewPath("_", "_")},
		{dots, mail.NewPath("a\r\nb", "c\x7f\u0085d", "\xff"), mail.NewPath("a__b", "c__d", "_")},
		{dots, mail.NewPath("Ä & \U0001f600"), mail.NewPath("Ä & \U0001f600")},
		{courier, mail.NewPath("Ä\U0001f600"), mail.NewPath("Ä_")},
		{cyrus, mail.NewPath(`"a\b"`, "c%d*"), mail.NewPath("_a_b_", "c_d*")},
		{flat, mail.NewPath("a", "b"), mail.NewPath("a_b")},
		{nil, mail.NewPath("a.b", "c\x01"), mail.NewPath("a.b", "c_")},
		{dots, mail.NewPath("INBOX"), mail.NewPath("INBOX")},
	} {
		if got := tc.server.spell(tc.path); got != tc.want {
			t.Errorf("%q becomes %q, want %q", tc.path, got, tc.want)
		}
	}
}

// TestSpelledNamesComeBack: what Create writes is what the next listing reads.
func TestSpelledNamesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		srv := &server{
			prefix:  rapid.SampledFrom([]string{"", "INBOX."}).Draw(t, "prefix"),
			delim:   rapid.SampledFrom([]string{".", "/", `\`, ""}).Draw(t, "delim"),
			letters: alphabet{anywhere: "%*", first: "~."},
		}
		path := srv.spell(mail.NewPath(rapid.SliceOfN(rapid.String(), 1, 4).Draw(t, "parts")...))
		if again := srv.spell(path); again != path {
			t.Fatalf("%q is spelt %q the second time", path, again)
		}
		raw := srv.encode(path)
		if got := srv.decode(raw, srv.delim); got != path && !strings.EqualFold(raw, "INBOX") {
			t.Fatalf("%q is written %q and read %q", path, raw, got)
		}
	})
}

// FuzzNames: any list of raw names gives as many paths, each of which leads back.
func FuzzNames(f *testing.F) {
	f.Add("INBOX\nINBOX.a\nINBOX.&AGE-\ninbox", ".", "INBOX.")
	f.Add("R&D\n&\n&AA-\na/b/c\n/", "/", "")
	f.Add("x\nx\x00", "", "")
	f.Fuzz(func(t *testing.T, list, delim, prefix string) {
		srv := &server{prefix: prefix, delim: delim[:min(1, len(delim))]}
		distinct := make(map[string]bool)
		var boxes []*wire.Mailbox
		for _, raw := range strings.Split(list, "\n") {
			if raw != "" && !strings.Contains(raw, "\x00") && !distinct[raw] {
				distinct[raw] = true
				boxes = append(boxes, &wire.Mailbox{Raw: raw, Delim: srv.delim})
			}
		}
		n := newNames(srv, boxes)
		paths := make(map[mail.Path]string)
		for raw := range distinct {
			path := n.pathOf(raw)
			if other, taken := paths[path]; taken {
				t.Errorf("%q and %q share the path %q", raw, other, path)
			}
			paths[path] = raw
			if got := n.raw(path); got != raw {
				t.Errorf("%q has the path %q, which leads to %q", raw, path, got)
			}
		}
	})
}
