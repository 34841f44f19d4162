package servertest

import (
	"strings"
	"testing"

	"mailferry/transfer/mail"
)

// A transcript is what client (C:) and server (S:) say in turn.
func TestRelayTellsCommandsFromLiterals(t *testing.T) {
	tests := []struct {
		name, transcript, commands string
	}{
		{"plain", "S:* OK hi\r\n|C:a NOOP\r\nb uid fetch 1 (FLAGS)\r\n", "NOOP,UID FETCH"},
		{"a literal that looks like commands", "C:a APPEND x {18+}\r\nb STORE 1 FLAGS\r\n.\r\nc NOOP\r\n", "APPEND,NOOP"},
		{"two literals", "C:a RENAME {3+}\r\na\r\n {3+}\r\nb\r\n\r\nb NOOP\r\n", "RENAME,NOOP"},
		{"a synchronizing literal", "C:a APPEND x {8}\r\n|S:+ ok\r\n|C:x NOOP\r\n\r\nb NOOP\r\n", "APPEND,NOOP"},
		{"one that is refused", "C:a APPEND x {8}\r\n|S:a NO [TOOBIG] no\r\n|C:b STORE 1 FLAGS ()\r\n", "APPEND,STORE"},
		{"an empty one", "C:a APPEND x {0}\r\n|S:+ ok\r\n|C:\r\nb NOOP\r\n", "APPEND,NOOP"},
		{"an empty one that is refused", "C:a APPEND x {0}\r\n|S:a NO no\r\n|C:b NOOP\r\n", "APPEND,NOOP"},
		{"MULTIAPPEND", "C:a APPEND x {3+}\r\nabc {3+}\r\nabc\r\nb NOOP\r\n", "APPEND,NOOP"},
		{"a server's literal with + in it", "C:a FETCH 1 BODY[]\r\n|S:* 1 FETCH (BODY[] {5}\r\n+ x\r\n)\r\na OK\r\n|C:b APPEND x {4}\r\n|S:b NO\r\n|C:c NOOP\r\n", "FETCH,APPEND,NOOP"},
		{"AUTHENTICATE with a challenge", "C:a AUTHENTICATE PLAIN\r\n|S:+ \r\n|C:AGEAYg==\r\nb NOOP\r\n", "AUTHENTICATE,NOOP"},
		{"AUTHENTICATE with an initial response", "C:a AUTHENTICATE PLAIN AGEAYg==\r\n|S:a OK\r\n|C:b NOOP\r\n", "AUTHENTICATE,NOOP"},
		{"IDLE", "C:a IDLE\r\n|S:+ idling\r\n* 5 EXISTS\r\n|C:DONE\r\n|S:a OK\r\n|C:b NOOP\r\n", "IDLE,NOOP"},
		{"COMPRESS", "C:a COMPRESS DEFLATE\r\n|S:a OK\r\n|C:\x01\x02\r\nSTORE X Y\r\n", "COMPRESS"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 7, 1000} {
				log := &Log{}
				play(&tap{log: log, conn: 1}, test.transcript, size)
				var names []string
				for _, c := range log.Commands() {
					names = append(names, c.Name)
				}
				if got := strings.Join(names, ","); got != test.commands {
					t.Errorf("in pieces of %d: %s and not %s", size, got, test.commands)
				}
				if log.Opaque() != strings.Contains(test.commands, "COMPRESS") {
					t.Errorf("opaque: %t", log.Opaque())
				}
			}
		})
	}
}

func play(t *tap, transcript string, size int) {
	for _, turn := range strings.Split(transcript, "|") {
		text := []byte(turn[2:])
		for len(text) > 0 {
			n := min(size, len(text))
			if turn[0] == 'C' {
				t.fromClient(text[:n])
			} else {
				t.fromServer(text[:n])
			}
			text = text[n:]
		}
	}
}

func TestRelayKeepsPasswordsToItself(t *testing.T) {
	log := &Log{}
	play(&tap{log: log}, "C:a LOGIN anna secret\r\nb LOGIN {4+}\r\nanna {6+}\r\nsecret\r\nc AUTHENTICATE PLAIN c2VjcmV0\r\n", 1000)
	if log.Count("LOGIN", "AUTHENTICATE") != 3 {
		t.Fatalf("commands: %v", log.Commands())
	}
	for _, c := range log.Commands() {
		if strings.Contains(c.Line, "secret") || strings.Contains(c.Line, "c2Vj") {
			t.Errorf("%q", c.Line)
		}
	}
}

func FuzzRelay(f *testing.F) {
	f.Add("a APPEND x {18+}\r\nb STORE 1 FLAGS\r\n.\r\n", "+ ok\r\n", 3)
	f.Fuzz(func(t *testing.T, client, server string, size int) {
		if size < 1 {
			return
		}
		log := &Log{}
		play(&tap{log: log}, "C:"+strings.ReplaceAll(client, "|", "")+"|S:"+strings.ReplaceAll(server, "|", "")+"|C:"+strings.ReplaceAll(client, "|", ""), size)
		if n := len(log.Commands()); n > strings.Count(client, "\n")*2+2 {
			t.Errorf("%d commands in %q", n, client)
		}
	})
}

func corpusSize(c *Corpus) int64 {
	n := 0
	for _, f := range c.Folders {
		for _, m := range f.Messages {
			n += len(m.Raw())
		}
	}
	return int64(n)
}

func TestRelayShowsWhoChangesTheServer(t *testing.T) {
	s := StartDovecot(t, DovecotOptions{Memory: true})
	addr, log := Relay(t, s.Addr)
	corpus := &Corpus{Folders: []Folder{{Components: []string{"INBOX"}, Messages: (&generator{o: CorpusOptions{Small: true}}).letters(5)}}}
	if _, err := Fill(t.Context(), addr, "anna", s.Password, corpus); err != nil {
		t.Fatal(err)
	}
	if n := log.Count("APPEND"); n != 5 {
		t.Errorf("%d APPENDs seen", n)
	}
	if changes := log.Changes(); len(changes) != 5 {
		t.Errorf("filling changed the server by %v", changes)
	}

	addr, log = Relay(t, s.Addr)
	m, err := Snapshot(t.Context(), addr, "anna", s.Password)
	if err != nil {
		t.Fatal(err)
	}
	if d := Diff(corpus.Mailbox(), m); d != nil {
		t.Errorf("through the relay: %s", Report(d, 5))
	}
	if changes := log.Changes(); len(changes) != 0 || log.Count("UID FETCH") != 1 || log.Connections() != 1 {
		t.Errorf("a snapshot sent %v, and of those could change something: %v", log.Commands(), changes)
	}
	if up, down := log.Octets(); up == 0 || down < corpusSize(corpus) {
		t.Errorf("%d octets up and %d down", up, down)
	}

	addr, log = Relay(t, s.Addr)
	e, err := Edit(t.Context(), addr, "anna", s.Password)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Store(mail.NewPath("INBOX"), []string{mail.Flagged}, nil, m.Folders[mail.NewPath("INBOX")].UIDs()[0]); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if changes := log.Changes(); len(changes) != 2 || changes[0].Name != "SELECT" || changes[1].Name != "UID STORE" {
		t.Errorf("changes: %v", changes)
	}
}
