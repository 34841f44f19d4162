package framing_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	. "mailferry/transfer/imapstore/imaptest/framing"
)

// split feeds text in parts of n octets and writes down the pieces.
func split(side Side, text string, n int) []string {
	s := NewSplitter(side)
	var out []string
	literal := ""
	for chunk := range slices.Chunk([]byte(text), n) {
		for len(chunk) > 0 {
			p, took := s.Next(chunk)
			chunk = chunk[took:]
			switch {
			case p.Data == nil:
			case p.Literal:
				literal += string(p.Data)
			default:
				if literal != "" {
					out = append(out, "literal "+literal)
					literal = ""
				}
				kind := "line"
				if p.First {
					kind = "first"
				}
				if p.Last() {
					kind += " last"
				}
				out = append(out, kind+" "+strings.TrimRight(string(p.Data), "\r\n"))
			}
		}
	}
	return out
}

func TestSplitter(t *testing.T) {
	for name, c := range map[string]struct {
		side Side
		text string
		want []string
	}{
		"commands":          {Client, "a NOOP\r\nb NOOP\n", []string{"first last a NOOP", "first last b NOOP"}},
		"a literal":         {Client, "a APPEND x {7+}\r\nb\r\n{3}\r\nc NOOP\r\n", []string{"first a APPEND x {7+}", "literal b\r\n{3}\r", "line last ", "first last c NOOP"}},
		"two literals":      {Client, "a LOGIN {3}\r\nann {2}\r\npw\r\n", []string{"first a LOGIN {3}", "literal ann", "line  {2}", "literal pw", "line last "}},
		"an empty literal":  {Client, "a X {0}\r\n\r\nb Y\r\n", []string{"first a X {0}", "line last ", "first last b Y"}},
		"literal8":          {Client, "a X ~{1}\r\nz\r\n", []string{"first a X ~{1}", "literal z", "line last "}},
		"no literal":        {Client, "a X {}\r\na X {1x}\r\na X 1}\r\na X {-1}\r\n", []string{"first last a X {}", "first last a X {1x}", "first last a X 1}", "first last a X {-1}"}},
		"not a command":     {Client, "DONE\r\n{5}\r\nYWJj\r\n", []string{"first last DONE", "first last {5}", "first last YWJj"}},
		"a response":        {Server, "* 1 FETCH (BODY[] {4}\r\na OK FLAGS ())\r\na OK x\r\n", []string{"first * 1 FETCH (BODY[] {4}", "literal a OK", "line last  FLAGS ())", "first last a OK x"}},
		"text is no syntax": {Server, "a NO limit is {5}\r\n* OK {3}\r\n+ {2}\r\n* BYE {1}\r\n", []string{"first last a NO limit is {5}", "first last * OK {3}", "first last + {2}", "first last * BYE {1}"}},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; n <= len(c.text); n++ {
				if got := split(c.side, c.text, n); !slices.Equal(got, c.want) {
					t.Fatalf("in parts of %d: %q, want %q", n, got, c.want)
				}
			}
		})
	}
}

func TestCancelledLiteral(t *testing.T) {
	s := NewSplitter(Client)
	s.Next([]byte("a APPEND x {100}\r\n"))
	if s.Boundary() {
		t.Error("the command is not over")
	}
	s.Cancel()
	if p, _ := s.Next([]byte("b NOOP\r\n")); !p.First || p.Literal || !s.Boundary() {
		t.Errorf("the next command reads as %+v", p)
	}
}

func TestBoundaryAndLiteralOver(t *testing.T) {
	s := NewSplitter(Client)
	for _, c := range []struct {
		text           string
		boundary, over bool
	}{
		{"a NO", false, false}, {"OP\r\n", true, false}, {"b X {2+}\r\n", false, false}, {"x", false, false},
		{"y", false, true}, {" ", false, false}, {"\r\n", true, false},
	} {
		s.Next([]byte(c.text))
		if over := s.LiteralOver() && c.text != "b X {2+}\r\n"; s.Boundary() != c.boundary || over != c.over {
			t.Errorf("behind %q: boundary %v, literal over %v", c.text, s.Boundary(), over)
		}
	}
}

func TestParseCommand(t *testing.T) {
	for line, want := range map[string]string{
		"a NOOP\r\n":             "a|NOOP||true",
		"a1 uid fetch 1:* FLAGS": "a1|UID FETCH|1:* FLAGS|true",
		"x Login a b\n":          "x|LOGIN|a b|true",
		"DONE\r\n":               "|||false",
		"":                       "|||false",
		" NOOP":                  "|||false",
		"a ":                     "|||false",
	} {
		c, ok := ParseCommand([]byte(line))
		if got := fmt.Sprintf("%s|%s|%s|%v", c.Tag, c.Name, c.Args, ok); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}

func TestParseStatus(t *testing.T) {
	for line, want := range map[string]string{
		"a OK done\r\n": "a|OK|true", "* no\n": "*|NO|true", "b Bad": "b|BAD|true", "* BYE now": "*|BYE|true",
		"a BYE now": "a|BYE|false", "* PREAUTH x": "*|PREAUTH|true", "* 1 EXISTS": "||false", "* OKAY": "||false", "+ OK": "+|OK|true", "": "||false",
	} {
		tag, condition, ok := ParseStatus([]byte(line))
		if got := fmt.Sprintf("%s|%s|%v", tag, condition, ok); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}

func TestEditCapabilities(t *testing.T) {
	edit := Without([]string{"uidplus", "AUTH", "X=1"})
	for line, want := range map[string]string{
		"* CAPABILITY IMAP4rev1 UIDPLUS IDLE\r\n":               "* CAPABILITY IMAP4rev1 IDLE\r\n",
		"* capability AUTH=PLAIN AUTH=LOGIN X=1 X=2\r\n":        "* capability X=2\r\n",
		"* OK [CAPABILITY IMAP4rev1 UIDPLUS] ready UIDPLUS\r\n": "* OK [CAPABILITY IMAP4rev1] ready UIDPLUS\r\n",
		"a ok [capability UIDPLUS]\r\n":                         "a ok [capability ]\r\n",
		"* OK told [CAPABILITY UIDPLUS]\r\n":                    "* OK told [CAPABILITY UIDPLUS]\r\n",
		"* OK [CAPABILITY UIDPLUS\r\n":                          "* OK [CAPABILITY UIDPLUS\r\n",
		"* 1 FETCH [CAPABILITY UIDPLUS]\r\n":                    "* 1 FETCH [CAPABILITY UIDPLUS]\r\n",
		"* CAPABILITY  IMAP4rev1 \r\n":                          "* CAPABILITY  IMAP4rev1 \r\n",
	} {
		if got := string(EditCapabilities([]byte(line), edit)); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// However the octets arrive, the pieces are the same octets and the same cuts.
func FuzzSplitter(f *testing.F) {
	for _, s := range []string{"a NOOP\r\n", "a X {3+}\r\nabc {2}\r\nxy\r\nb\r\n", "* 1 FETCH (B {2}\r\n)) x)\r\n", "{1}\r\n{99999999999999999999}\r\n", "a {5}\r\nab"} {
		f.Add([]byte(s), uint8(1), true)
		f.Add([]byte(s), uint8(7), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, size uint8, client bool) {
		side := Server
		if client {
			side = Client
		}
		whole, parts := NewSplitter(side), NewSplitter(side)
		a := pieces(whole, data, max(len(data), 1))
		b := pieces(parts, data, int(size)%16+1)
		if !slices.Equal(a, b) || whole.Boundary() != parts.Boundary() {
			t.Errorf("whole %q, in parts %q", a, b)
		}
		if !bytes.HasPrefix(data, []byte(strings.Join(a, ""))) {
			t.Errorf("%q became %q", data, a)
		}
	})
}

// pieces joins the parts of a literal.
func pieces(s *Splitter, data []byte, n int) []string {
	var out []string
	literal := false
	for chunk := range slices.Chunk(data, n) {
		for len(chunk) > 0 {
			p, took := s.Next(chunk)
			chunk = chunk[took:]
			switch {
			case p.Data == nil:
			case p.Literal && literal:
				out[len(out)-1] += string(p.Data)
			default:
				out = append(out, string(p.Data))
			}
			if p.Data != nil {
				literal = p.Literal
			}
		}
	}
	return out
}

func FuzzEditCapabilities(f *testing.F) {
	f.Add([]byte("* CAPABILITY A B\r\n"))
	f.Add([]byte("a OK [CAPABILITY A B] text\r\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if got := EditCapabilities(line, func(c []string) []string { return c }); !bytes.Equal(got, line) {
			t.Errorf("nothing to edit, but %q became %q", line, got)
		}
		seen := 0
		got := EditCapabilities(line, func(c []string) []string { seen = len(c); return append(c, "NEW") })
		if bytes.Equal(got, line) && seen > 0 {
			t.Errorf("%q was not edited", line)
		}
		ParseCommand(line)
	})
}
