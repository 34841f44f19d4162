package commands_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
)

// migration is the program between two real servers, run as a user runs it.
type migration struct {
	srcAddr, dstAddr string // host:port
	src, dst         *servertest.Server
	user             string
	dstUser          string
	state            string
	flags            []string
}

func newMigration(t testing.TB, src, dst *servertest.Server, user string) *migration {
	return &migration{srcAddr: src.Addr, dstAddr: dst.Addr, src: src, dst: dst, user: user, dstUser: user,
		state: filepath.Join(t.TempDir(), "state.db")}
}

func address(addr, user string) string {
	return "imap://" + url.PathEscape(user) + "@" + addr + "?tls=none"
}

func (m *migration) command(ctx context.Context, verb string, args ...string) *exec.Cmd {
	args = append(append([]string{verb}, args...), m.flags...)
	cmd := exec.CommandContext(ctx, "mailferry", append(args, address(m.srcAddr, m.user), address(m.dstAddr, m.dstUser))...)
	cmd.Env = append(os.Environ(), "MAILFERRY_SOURCE_PASSWORD="+m.src.Password, "MAILFERRY_DEST_PASSWORD="+m.dst.Password)
	return cmd
}

// summary is the last line of a --json run that counts.
type summary struct {
	Type    string
	Found   int
	Copied  int
	Already int `json:"already_there"`
	LeftOut int `json:"left_out"`
	Failed  int
	Pending int
	Doubt   int `json:"in_doubt"`
	Verdict string
	Code    int

	Reflagged int `json:"flags_changed"`
	Expunged  int `json:"deleted"`
	problems  []string
}

// run migrates and returns the exit code and what --json told. Every line must be
// an object, and the summary must add up.
func (m *migration) run(t testing.TB, args ...string) (int, summary) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := m.command(ctx, "migrate", append([]string{"--json", "--state", m.state}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	code := cmd.ProcessState.ExitCode()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var s summary
	for line := range strings.Lines(out.String()) {
		var head struct{ Type string }
		if err := json.Unmarshal([]byte(line), &head); err != nil {
			t.Fatalf("not an object: %q: %v", line, err)
		}
		switch head.Type {
		case "summary":
			if err := json.Unmarshal([]byte(line), &s); err != nil {
				t.Fatal(err)
			}
		case "message_error", "error":
			s.problems = append(s.problems, line)
		}
	}
	if s.Type != "summary" || s.Found != s.Copied+s.Already+s.LeftOut+s.Failed+s.Pending {
		t.Errorf("the summary does not add up: %+v\n%s%s", s, out.String(), errs.String())
	}
	return code, s
}

// loseLedger deletes all that the runs remember.
func (m *migration) loseLedger() {
	for _, name := range []string{"", "-wal", "-shm", ".lock"} {
		os.Remove(m.state + name)
	}
}

func snapshot(t testing.TB, s *servertest.Server, user string) *servertest.Mailbox {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	box, err := servertest.Snapshot(ctx, s.Addr, user, s.Password)
	if err != nil {
		t.Fatalf("snapshot of %s: %v\n%s", s.Name, err, s.Logs())
	}
	return box
}

func fillCorpus(t testing.TB, s *servertest.Server, user string, o servertest.CorpusOptions) *servertest.Corpus {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c := servertest.NewCorpus(o)
	refused, err := servertest.Fill(ctx, s.Addr, user, s.Password, c)
	if err != nil {
		t.Fatalf("fill %s: %v\n%s", s.Name, err, s.Logs())
	}
	for _, r := range refused {
		t.Logf("%s refused %v", s.Name, r)
	}
	return c
}

func wantEqual(t testing.TB, a, b *servertest.Mailbox, excuses ...*servertest.Excuse) {
	t.Helper()
	if d := servertest.Diff(a, b, excuses...); len(d) > 0 {
		t.Errorf("%d differences:\n%s", len(d), servertest.Report(d, 20))
	}
}

// sameUIDs reports whether two snapshots of one account agree in everything, UIDs
// and flags included.
func sameUIDs(a, b *servertest.Mailbox) bool {
	x, err1 := json.Marshal(flat(a))
	y, err2 := json.Marshal(flat(b))
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// sameMessages is sameUIDs without the flags.
func sameMessages(a, b *servertest.Mailbox) bool {
	for path, f := range a.Folders {
		g := b.Folders[path]
		if g == nil || !slices.Equal(f.UIDs(), g.UIDs()) {
			return false
		}
	}
	return len(a.Folders) == len(b.Folders)
}

func flat(m *servertest.Mailbox) map[string]*servertest.FolderContent {
	out := make(map[string]*servertest.FolderContent)
	for path, f := range m.Folders {
		out[path.Key()] = f
	}
	return out
}

// pair is a destination and what servers of its kind make of the corpus.
type pair struct {
	name    string
	dst     func(testing.TB) *servertest.Server
	renamed map[string]string // names the destination cannot spell, and what they become
	excuses func() []*servertest.Excuse
}

func pairs() []pair {
	return []pair{
		{name: "Dovecot", dst: func(t testing.TB) *servertest.Server {
			return servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true, Separator: ".", Prefix: "INBOX."})
		}},
		{name: "Cyrus", dst: func(t testing.TB) *servertest.Server {
			return servertest.StartCyrus(t, servertest.CyrusOptions{Memory: true, Munge8bit: true})
		}, renamed: map[string]string{`Say "hello"`: "Say _hello_"}, excuses: func() []*servertest.Excuse {
			return []*servertest.Excuse{
				servertest.Expect("Cyrus makes parents real folders", servertest.Selectable, 6),
				servertest.Expect("Cyrus puts X for 8-bit octets in headers", servertest.EightBit, 2),
			}
		}},
		{name: "Courier", dst: func(t testing.TB) *servertest.Server {
			return servertest.StartCourier(t, servertest.CourierOptions{Memory: true})
		}, renamed: map[string]string{"Post 📬😀": "Post __"}, excuses: func() []*servertest.Excuse {
			return []*servertest.Excuse{
				servertest.Expect("Courier knows no roles", servertest.Roles, 5),
				servertest.Expect("Courier mends line ends, also the last", servertest.LineEnds, 3),
			}
		}},
	}
}

// TestMigrateToServers moves a mailbox full of difficulties from Dovecot to each
// server and lets the judge compare.
func TestMigrateToServers(t *testing.T) {
	src := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	fillCorpus(t, src, "anna", servertest.CorpusOptions{Small: testing.Short()})
	before := snapshot(t, src, "anna")
	for _, p := range pairs() {
		t.Run(p.name, func(t *testing.T) {
			dst := p.dst(t)
			m := newMigration(t, src, dst, "anna")
			addr, log := servertest.Relay(t, src.Addr)
			m.srcAddr = addr
			code, s := m.run(t)
			t.Logf("exit %d: %s", code, s.Verdict)
			for _, line := range s.problems {
				t.Log(line)
			}
			if code != 0 || s.Copied != before.Messages() || s.Copied < 2000 {
				t.Errorf("exit %d, %+v", code, s)
			}
			after := snapshot(t, dst, "anna")
			var excuses []*servertest.Excuse
			if p.excuses != nil {
				excuses = p.excuses()
			}
			want := renamed(before, p.renamed)
			wantEqual(t, want, after, excuses...)
			if folders := servertest.OutOfOrder(want, after); len(folders) > 0 {
				t.Errorf("in another order: %v", folders)
			}
			for _, e := range excuses {
				t.Log(e)
			}
			if code, s = m.run(t); code != 0 || s.Copied != 0 || s.Already != before.Messages() {
				t.Errorf("second run: exit %d, %+v", code, s)
			}
			if !sameUIDs(snapshot(t, dst, "anna"), after) {
				t.Error("the second run changed the destination")
			}
			m.loseLedger()
			if code, s = m.run(t); code != 0 || s.Copied != 0 || s.Already != before.Messages() {
				t.Errorf("with the ledger lost: exit %d, %+v", code, s)
			}
			t.Logf("with the ledger lost: %s, %d in doubt", s.Verdict, s.Doubt)
			if !sameMessages(snapshot(t, dst, "anna"), after) {
				t.Error("the run without a ledger added or removed messages")
			}
			if !sameUIDs(snapshot(t, src, "anna"), before) {
				t.Error("the source was changed")
			}
			if n := log.Count("SELECT", "STORE", "UID STORE", "APPEND"); n > 0 || len(log.Changes()) > 0 || log.Opaque() || log.Count("EXAMINE") == 0 {
				t.Errorf("the source was told to change something: %v", log.Changes())
			}
		})
	}
}

// renamed is the mailbox under the names that the destination gives it.
func renamed(m *servertest.Mailbox, names map[string]string) *servertest.Mailbox {
	out := &servertest.Mailbox{Folders: maps.Clone(m.Folders), Subscribed: maps.Clone(m.Subscribed)}
	for from, to := range names {
		old, now := mail.ParsePath(from), mail.ParsePath(to)
		out.Folders[now], out.Subscribed[now] = out.Folders[old], out.Subscribed[old]
		delete(out.Folders, old)
		delete(out.Subscribed, old)
	}
	return out
}
