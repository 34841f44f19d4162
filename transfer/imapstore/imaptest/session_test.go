package imaptest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/mail"
)

func TestAppendKeepsFlagsAndDate(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{UIDValidity: 42})
	c := login(t, addr)
	_, answer := c.do(appendCommand("INBOX", `(\sEEN WorkTodo $Label1 \Draft) " 3-Feb-1999 04:05:06 -0330" `, "x"))
	if answer != "OK [APPENDUID 42 1] APPEND completed" {
		t.Errorf("answer %q", answer)
	}
	c.ok("EXAMINE INBOX")
	want := `* 1 FETCH (UID 1 FLAGS ($Label1 \Draft \Seen WorkTodo) INTERNALDATE " 3-Feb-1999 04:05:06 -0330")`
	if got := c.ok("UID FETCH 1 (FLAGS INTERNALDATE)"); got[0] != want {
		t.Errorf("fetched %q, want %q", got, want)
	}
	date := time.Date(1999, 2, 3, 4, 5, 6, 0, time.FixedZone("", -(3*60+30)*60))
	m := a.Messages(inbox)[0]
	if !m.Date.Equal(date) || !m.Flags.Equal(mail.NewFlags(mail.Seen, mail.Draft, "$Label1", "worktodo")) || m.Flags[3] != "WorkTodo" {
		t.Errorf("stored %+v", m)
	}
}

func TestFlagsThatAreNone(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	c := login(t, addr)
	c.refused(appendCommand("INBOX", `(\Nonsense) `, "x"), "BAD")
	c.ok(appendCommand("INBOX", ``, "x"))
	c.ok("SELECT INBOX")
	c.refused(`STORE 1 +FLAGS (\Nonsense)`, "BAD")
	c.refused(`STORE 1 +NONSENSE (a)`, "BAD")
	if got := a.Messages(inbox); len(got) != 1 || len(got[0].Flags) != 0 {
		t.Errorf("stored %+v", got)
	}
}

func TestServerWithoutKeywords(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{NoKeywords: true})
	c := login(t, addr)
	c.ok(appendCommand("INBOX", `(\Seen Work) `, "x"))
	if got := find(c.ok("SELECT INBOX"), "PERMANENTFLAGS"); strings.Contains(got, `\*`) {
		t.Errorf("offered: %s", got)
	}
	c.ok("STORE 1 +FLAGS.SILENT (Other)")
	if got := a.Messages(inbox)[0].Flags.String(); got != `\Seen` {
		t.Errorf("stored %s", got)
	}
}

func TestSelectTellsTheFolder(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{UIDValidity: 42})
	fill(t, a, 3)
	if err := a.SetFlags(inbox, 2, mail.NewFlags("Work")); err != nil {
		t.Fatal(err)
	}
	c := login(t, addr)
	for command, permanent := range map[string]string{
		"SELECT":  `\Answered \Deleted \Draft \Flagged \Seen \*`,
		"EXAMINE": ``,
	} {
		want := []string{
			"* 3 EXISTS", "* 0 RECENT", "* OK [UIDVALIDITY 42] UIDs valid", "* OK [UIDNEXT 4] Predicted next UID",
			`* FLAGS (\Answered \Deleted \Draft \Flagged \Seen Work)`, "* OK [PERMANENTFLAGS (" + permanent + ")] Permanent flags",
		}
		if got := c.ok(command + " INBOX"); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
		c.ok("UNSELECT")
	}
}

func fill(t *testing.T, a *imaptest.Account, n int) {
	t.Helper()
	for i := range n {
		if _, err := a.Append(inbox, nil, timeOf("2020-01-02"), fmt.Appendf(nil, "Subject: %d\r\n\r\nbody\r\n", i+1)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExamineChangesNothing(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	fill(t, a, 2)
	if err := a.SetFlags(inbox, 2, mail.NewFlags(mail.Deleted)); err != nil {
		t.Fatal(err)
	}
	c := login(t, addr)
	c.ok("CREATE Other")
	c.ok("EXAMINE INBOX")
	c.ok("FETCH 1:* (BODY[] RFC822)")
	for _, command := range []string{
		`STORE 1 FLAGS (\Seen)`, `UID STORE 1 +FLAGS.SILENT (Work)`, "EXPUNGE", "UID EXPUNGE 1:*", "MOVE 1 Other",
		appendCommand("INBOX", "", "x"), appendCommand("Other", "", "x"),
	} {
		c.refused(command, "NO [CANNOT]")
	}
	c.ok("CLOSE")
	if got := a.Messages(inbox); len(got) != 2 || len(got[0].Flags) != 0 || got[1].Flags.String() != mail.Deleted {
		t.Errorf("left: %+v", got)
	}
	if got := a.Messages(mail.NewPath("Other")); len(got) != 0 {
		t.Errorf("in Other: %+v", got)
	}
	c.ok("SELECT INBOX")
	c.ok(appendCommand("INBOX", "", "x"))
	c.ok("FETCH 1 (BODY.PEEK[] BODY[HEADER])")
	if got := a.Messages(inbox); len(got) != 3 || len(got[0].Flags) != 0 {
		t.Errorf("peeking changed: %+v", got)
	}
	if got := c.ok("FETCH 1 BODY[TEXT]"); got[0] != "* 1 FETCH (FLAGS (\\Seen) BODY[TEXT] {6}body\r\n)" {
		t.Errorf("fetched %q", got)
	}
	c.ok("CLOSE")
	if got := a.Messages(inbox); len(got) != 2 || got[0].Flags.String() != mail.Seen {
		t.Errorf("after CLOSE of a SELECTed folder: %+v", got)
	}
}

func TestAppendInExaminedSessionWhereAllowed(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{AllowWriting: true})
	c := login(t, addr)
	c.ok("EXAMINE INBOX")
	c.ok(appendCommand("INBOX", "", "x"))
	if got := len(a.Messages(inbox)); got != 1 {
		t.Errorf("%d messages", got)
	}
}

func TestSessionsHearOfEachOther(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	fill(t, a, 3)
	c, d := login(t, addr), login(t, addr)
	c.ok("SELECT INBOX")
	d.ok("SELECT INBOX")
	expect := func(who *client, command string, want ...string) {
		t.Helper()
		if got := who.ok(command); !slices.Equal(got, want) {
			t.Errorf("%s: heard %q, want %q", command, got, want)
		}
	}
	expect(c, `STORE 1,3 +FLAGS (\Deleted)`, `* 1 FETCH (FLAGS (\Deleted))`, `* 3 FETCH (FLAGS (\Deleted))`)
	expect(c, `UID STORE 2 +FLAGS.SILENT (Work)`)
	expect(d, "NOOP", `* 1 FETCH (UID 1 FLAGS (\Deleted))`, `* 3 FETCH (UID 3 FLAGS (\Deleted))`, `* 2 FETCH (UID 2 FLAGS (Work))`)
	expect(d, "NOOP")
	expect(c, appendCommand("INBOX", "", "x"), "* 4 EXISTS")
	expect(c, "EXPUNGE", "* 3 EXPUNGE", "* 1 EXPUNGE")
	expect(d, "FETCH 1,3 UID", "* 4 EXISTS") // gone, but EXPUNGE may not be told here
	expect(d, "NOOP", "* 3 EXPUNGE", "* 1 EXPUNGE")
	expect(d, "FETCH 1:* UID", "* 1 FETCH (UID 2)", "* 2 FETCH (UID 4)")
	if err := a.Expunge(inbox, 2); err != nil {
		t.Fatal(err)
	}
	if err := a.SetUIDValidity(inbox, 99); err != nil {
		t.Fatal(err)
	}
	expect(d, "UID FETCH 1:* UID", "* 2 FETCH (UID 4)", "* 1 EXPUNGE")
	expect(d, "STATUS INBOX (UIDVALIDITY UIDNEXT MESSAGES)", `* STATUS INBOX (MESSAGES 1 UIDNEXT 5 UIDVALIDITY 99)`)
}

func TestIdleHearsAtOnce(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	c := login(t, addr)
	c.ok("SELECT INBOX")
	c.send("i IDLE\r\n")
	if got := c.line(); !strings.HasPrefix(got, "+") {
		t.Fatal(got)
	}
	fill(t, a, 1)
	if got := c.line(); got != "* 1 EXISTS" {
		t.Errorf("heard %q", got)
	}
	c.send("DONE\r\n")
	if got := c.line(); got != "i OK IDLE completed" {
		t.Errorf("heard %q", got)
	}
	c.send("i IDLE\r\n")
	c.line()
	c.send("j NOOP\r\n")
	if got := c.line(); got != "* BYE DONE was expected" {
		t.Errorf("a command in place of DONE: %q", got)
	}
}

func TestExpungeByUIDTakesOnlyThose(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	fill(t, a, 5)
	for _, uid := range []mail.UID{2, 3, 4} {
		if err := a.SetFlags(inbox, uid, mail.NewFlags(mail.Deleted)); err != nil {
			t.Fatal(err)
		}
	}
	c := login(t, addr)
	c.ok("SELECT INBOX")
	if got := c.ok("UID EXPUNGE 1:2,4,77"); !slices.Equal(got, []string{"* 4 EXPUNGE", "* 2 EXPUNGE"}) {
		t.Errorf("heard %q", got)
	}
	if got := c.ok("UID SEARCH ALL"); got[0] != "* SEARCH 1 3 5" {
		t.Errorf("left: %q", got)
	}
	if err := a.SetUIDNext(inbox, 100); err != nil || a.SetUIDNext(inbox, 50) == nil {
		t.Errorf("UIDNEXT went back, or not on: %v", err)
	}
	fill(t, a, 1)
	if got := c.ok("UID FETCH * UID"); got[0] != "* 3 FETCH (UID 5)" || got[1] != "* 4 EXISTS" {
		t.Errorf("fetched %q", got)
	}
	if got := c.ok("UID FETCH 200:* UID"); got[0] != "* 4 FETCH (UID 100)" {
		t.Errorf("fetched %q", got)
	}
}

func TestCopyAndMove(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{UIDValidity: 1})
	fill(t, a, 3)
	c := login(t, addr)
	c.ok("CREATE Other")
	c.ok("SELECT INBOX")
	if _, got := c.do("COPY 2:3 Other"); got != "OK [COPYUID 2 2:3 1:2] COPY completed" {
		t.Errorf("copied: %q", got)
	}
	if got := c.ok("UID MOVE 1 Other"); !slices.Equal(got, []string{"* OK [COPYUID 2 1 3] COPY completed", "* 1 EXPUNGE"}) {
		t.Errorf("moved: %q", got)
	}
	c.refused("COPY 1 None", "NO [TRYCREATE]")
	c.ok("UID COPY 77 Other")
	c.ok("UID MOVE 77 Other")
	if in, other := a.Messages(inbox), a.Messages(mail.NewPath("Other")); len(in) != 2 || len(other) != 3 {
		t.Errorf("%d and %d messages", len(in), len(other))
	}
}

func TestSearch(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	for i, raw := range []string{
		"Subject: Hello\r\nDate: Thu, 2 Jan 2020 00:00:00 +0000\r\n\r\nlong body\r\n",
		"Subject: other\r\nMessage-ID: <x@y>\r\n\r\n",
		"no header",
	} {
		if _, err := a.Append(inbox, nil, timeOf("2020-01-02").AddDate(0, 0, i), []byte(raw)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Expunge(inbox, 2); err != nil {
		t.Fatal(err)
	}
	fill(t, a, 1)
	if err := a.SetFlags(inbox, 4, mail.NewFlags(mail.Seen, "Work")); err != nil {
		t.Fatal(err)
	}
	c := login(t, addr)
	c.ok("EXAMINE INBOX")
	for query, want := range map[string]string{
		"ALL": "1 3 4", "SEEN": "4", "UNSEEN": "1 3", "KEYWORD work": "4", "UNKEYWORD Work": "1 3", "UID 2:3": "3", "2:*": "3 4",
		"SUBJECT hello": "1", `HEADER Message-ID ""`: "", "BODY body": "1 4", "TEXT header": "3", "LARGER 19": "1 4", "SMALLER 10": "3",
		"SINCE 3-Jan-2020": "3", "BEFORE 3-Jan-2020": "1 4", "ON 4-Jan-2020": "3", "SENTSINCE 1-Jan-2020": "1", "NOT SEEN": "1 3",
		"OR SEEN SUBJECT hello": "1 4", "UNSEEN LARGER 20": "1", "UID 77": "",
	} {
		if got := strings.TrimSpace(strings.TrimPrefix(c.ok("UID SEARCH " + query)[0], "* SEARCH")); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if got := c.ok("SEARCH RETURN (MIN MAX COUNT ALL) ALL")[0]; !strings.HasSuffix(got, "ALL 1:3 MIN 1 MAX 3 COUNT 3") {
		t.Errorf("extended: %q", got)
	}
}
