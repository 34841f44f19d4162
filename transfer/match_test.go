package transfer

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailferry/transfer/mail"
)

// end is one side of a match: messages by UID from 1.
type testEnd []string

func (e testEnd) candidates() (out []candidate) {
	for i, text := range e {
		out = append(out, candidate{uid: mail.UID(i + 1), size: int64(len(text)), key: mail.KeyOf([]byte(text))})
	}
	return out
}

func (e testEnd) hash(asked *int) hasher {
	return func(_ context.Context, uids mail.UIDSet) (map[mail.UID]digest, error) {
		out := make(map[mail.UID]digest)
		for uid := range uids.All() {
			*asked++
			d := newDigester()
			d.Write([]byte(e[uid-1]))
			out[uid] = d.sum()
		}
		return out, nil
	}
}

func mimeText(id, subject, body string, extra ...string) string {
	text := strings.Join(extra, "")
	if id != "" {
		text += "Message-ID: <" + id + ">\r\n"
	}
	return text + "Date: Mon, 6 May 2024 10:00:00 +0200\r\nFrom: a@example.org\r\nSubject: " + subject + "\r\n\r\n" + body
}

func TestMatch(t *testing.T) {
	plain := mimeText("1@x", "hello", "body one\r\n")
	sameHeader := mimeText("1@x", "hello", "body two\r\n")
	longer := mimeText("1@x", "hello", "body of another length\r\n")
	noID := mimeText("", "bare", "text\r\n")
	noIDOther := mimeText("", "bare", "TEXT\r\n")
	withID := mimeText("made@there", "bare", "text\r\n")
	raw8 := mimeText("8@x", "gr\xfc\xdfe", "body\r\n")
	raw8X := mimeText("8@x", "grXXe", "body\r\n")
	for _, c := range []struct {
		story    string
		src, dst testEnd
		noSizes  bool
		want     string // source UID = destination UID
		doubtful string
		hashed   bool
	}{
		{story: "empty"},
		{story: "one and one", src: testEnd{plain}, dst: testEnd{plain}, want: "1=1"},
		{story: "nothing there", src: testEnd{plain}, dst: testEnd{}, want: ""},
		{story: "another message there", src: testEnd{plain}, dst: testEnd{mimeText("2@x", "hello", "body one\r\n")}},
		{story: "two equal ones, one there", src: testEnd{plain, plain}, dst: testEnd{plain}, want: "1=1", hashed: true},
		{story: "two equal ones, both there", src: testEnd{plain, plain}, dst: testEnd{plain, plain}, want: "1=1 2=2", hashed: true},
		{story: "one, twice there", src: testEnd{plain}, dst: testEnd{plain, plain}, want: "1=1", hashed: true, doubtful: ""},
		{story: "equal headers and sizes, other bodies", src: testEnd{plain, sameHeader}, dst: testEnd{sameHeader}, want: "2=1", hashed: true},
		{story: "equal headers and sizes: twice one is not one each", src: testEnd{plain, sameHeader}, dst: testEnd{plain, plain},
			want: "1=1", hashed: true, doubtful: "2"},
		{story: "equal header, other size", src: testEnd{plain}, dst: testEnd{longer}, hashed: true, doubtful: "1"},
		{story: "sizes mean nothing: a unique key decides", src: testEnd{plain}, dst: testEnd{longer}, noSizes: true, want: "1=1?", hashed: true},
		{story: "sizes mean nothing, key not unique", src: testEnd{plain, longer}, dst: testEnd{longer, plain}, noSizes: true, want: "1=2 2=1", hashed: true},
		{story: "8-bit header rewritten", src: testEnd{raw8}, dst: testEnd{raw8X}, want: "1=1"},
		{story: "8-bit header rewritten, twice", src: testEnd{raw8, raw8}, dst: testEnd{raw8X}, want: "1=1", hashed: true},
		{story: "a final line end added, a bare CR dropped", src: testEnd{mimeText("1@x", "a", "one\rtwo")}, dst: testEnd{mimeText("1@x", "a", "onetwo\r\n")}, want: "1=1", hashed: true},
		{story: "no body, line end added", src: testEnd{"Subject: x\r\n"}, dst: testEnd{"Subject: x\r\n\r\n"}, want: "1=1", hashed: true},
		{story: "no body, other header", src: testEnd{"Subject: x\r\nTo: a\r\n\r\n"}, dst: testEnd{"Subject: x\r\nTo: b\r\n\r\n"}, hashed: true, doubtful: "1"},
		{story: "a header line added", src: testEnd{plain}, dst: testEnd{"X-TUID: abc\r\n" + plain}, want: "1=1?", hashed: true},
		{story: "no id: the octets decide", src: testEnd{noID}, dst: testEnd{noID}, want: "1=1", hashed: true},
		{story: "no id, other body", src: testEnd{noID}, dst: testEnd{noIDOther}, hashed: true, doubtful: "1"},
		{story: "no id, one added there", src: testEnd{noID}, dst: testEnd{withID}, want: "1=1?", hashed: true},
		{story: "no id, one added there; the source has that one too", src: testEnd{noID, withID}, dst: testEnd{withID, withID}, want: "2=1 1=2?", hashed: true},
		{story: "no headers at all", src: testEnd{"x", "y"}, dst: testEnd{"y"}, want: "2=1", hashed: true},
	} {
		t.Run(c.story, func(t *testing.T) {
			asked := 0
			m := matcher{sizes: !c.noSizes, srcHash: c.src.hash(&asked), dstHash: c.dst.hash(&asked)}
			got, err := m.match(context.Background(), c.src.candidates(), c.dst.candidates())
			if err != nil {
				t.Fatal(err)
			}
			want := make(map[string]bool)
			for _, w := range strings.Fields(c.want) {
				want[w] = true
			}
			for _, p := range got.pairs {
				text := fmt.Sprintf("%d=%d", p.src.uid, p.dst.uid)
				if p.doubt {
					text += "?"
				}
				if !want[text] {
					t.Errorf("matched %s", text)
				}
				delete(want, text)
			}
			if len(want) > 0 {
				t.Errorf("not matched: %v", want)
			}
			if got.doubtful.String() != c.doubtful {
				t.Errorf("doubtful %q, want %q", got.doubtful, c.doubtful)
			}
			if (asked > 0) != c.hashed {
				t.Errorf("%d bodies were read", asked)
			}
		})
	}
}

// At a destination that keeps bytes, exactly as many messages are matched as
// both ends have in common, and only equal ones, when the octets decide.
func TestMatchIsIntersectionOfMultisets(t *testing.T) {
	texts := []string{mimeText("1@x", "a", "one"), mimeText("1@x", "a", "two"), mimeText("1@x", "a", "longer one"),
		mimeText("", "a", "one"), mimeText("", "a", "two"), mimeText("2@x", "b", "one"), ""}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) testEnd {
			return rapid.SliceOfN(rapid.SampledFrom(texts), 0, 8).Draw(t, name)
		}
		src, dst := draw("src"), draw("dst")
		asked := 0
		got, err := matcher{sizes: true, srcHash: src.hash(&asked), dstHash: dst.hash(&asked)}.
			match(context.Background(), src.candidates(), dst.candidates())
		if err != nil {
			t.Fatal(err)
		}
		common := 0
		counts := make(map[string]int)
		for _, s := range src {
			counts[s]++
		}
		for _, d := range dst {
			if counts[d] > 0 {
				counts[d]--
				common++
			}
		}
		inDst := make(map[mail.Key]int)
		for _, c := range dst.candidates() {
			inDst[c.key]++
		}
		var usedSrc, usedDst mail.UIDSet
		for _, p := range got.pairs {
			// A key and a size that are unique at the destination are taken for proof; and
			// the generator has two messages that differ in the Message-ID alone: a
			// destination that adds one looks like that, so it may be matched, in doubt.
			alone := p.src.key.HasID && p.src.size == p.dst.size && inDst[p.dst.key] == 1
			if src[p.src.uid-1] != dst[p.dst.uid-1] && !p.doubt && !alone {
				t.Fatalf("matched %q with %q", src[p.src.uid-1], dst[p.dst.uid-1])
			}
			if usedSrc.Contains(p.src.uid) || usedDst.Contains(p.dst.uid) {
				t.Fatal("matched twice")
			}
			usedSrc.Add(p.src.uid)
			usedDst.Add(p.dst.uid)
		}
		if len(got.pairs) < common {
			t.Fatalf("%d matched, %d in common", len(got.pairs), common)
		}
	})
}

// However a message is cut into writes, its digest is the same.
func TestDigestDoesNotDependOnPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab:\r\n \u00fc"))).Draw(t, "text")
		one := newDigester()
		one.Write([]byte(text))
		pieces := newDigester()
		for rest := []byte(text); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			pieces.Write(rest[:n])
			rest = rest[n:]
		}
		if one.sum() != pieces.sum() || string(one.header) != string(pieces.header) {
			t.Fatalf("%q", text)
		}
	})
}
