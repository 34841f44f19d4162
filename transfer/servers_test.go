package transfer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/mail"
)

// serverPair is two servers inside the process, the first one filled.
type serverPair struct {
	servers          [2]*imaptest.Server
	src, dst         *imaptest.Account
	srcAddr, dstAddr string
	before           string
}

func newServerPair(t *testing.T, dest imaptest.Options) *serverPair {
	t.Helper()
	p := &serverPair{}
	p.servers[0] = imaptest.New(imaptest.Options{})
	p.servers[1] = imaptest.New(dest)
	p.src, p.dst = p.servers[0].AddUser("user", "secret"), p.servers[1].AddUser("user", "secret")
	for i, addr := range []*string{&p.srcAddr, &p.dstAddr} {
		a, err := p.servers[i].Start()
		if err != nil {
			t.Fatal(err)
		}
		*addr = a
	}
	put := func(folder string, flags mail.Flags, text string) {
		date := time.Date(2015, 2, 3, 4, 5, 6, 0, time.FixedZone("", -7*3600))
		if _, err := p.src.Append(path(folder), flags, date, []byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"INBOX", "Räder/Alt"} {
		if err := p.src.Create(path(f), "", true); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			put(f, mail.NewFlags(mail.Seen, "Key"), text(fmt.Sprint(f, i), "hello", strings.Repeat("x", i)))
		}
		dup := text("dup"+f, "twice", "the same")
		put(f, nil, dup)
		put(f, mail.NewFlags(mail.Flagged), dup)
	}
	p.before = dump(p.src)
	return p
}

func (p *serverPair) close() {
	for _, s := range p.servers {
		s.Close()
	}
}

func dump(a *imaptest.Account) string {
	var b strings.Builder
	for _, f := range a.Folders() {
		fmt.Fprintf(&b, "%s subscribed=%v\n", f.Path, f.Subscribed)
		var lines []string
		for _, m := range a.Messages(f.Path) {
			lines = append(lines, fmt.Sprintf("  %q (%s) %d\n", m.Raw, m.Flags, m.Date.Unix()))
		}
		slices.Sort(lines)
		b.WriteString(strings.Join(lines, ""))
	}
	return b.String()
}

// check judges the destination on its storage, and the source by what reached it.
func (p *serverPair) check(t *testing.T, when string) {
	t.Helper()
	if got := dump(p.dst); got != p.before {
		t.Errorf("%s: the destination holds\n%s\nwant\n%s", when, got, p.before)
	}
	if dump(p.src) != p.before {
		t.Errorf("%s: the source was changed", when)
	}
	if n := p.servers[0].Count("SELECT", "STORE", "UID STORE", "APPEND", "EXPUNGE", "UID EXPUNGE", "CREATE", "DELETE"); n != 0 {
		t.Errorf("%s: %d commands that could change the source reached it", when, n)
	}
}

// A first run opens no folder at the destination but one, to learn what can be stored, and lists them twice: as
// they are found, and behind their creation. Their final state comes with the last answers: the second
// run opens nothing.
func TestAFirstRunAsksLittle(t *testing.T) {
	p := newServerPair(t, imaptest.Options{})
	defer p.close()
	for i := range 20 {
		f := path(fmt.Sprint("folder ", i))
		if err := p.src.Create(f, "", false); err != nil {
			t.Fatal(err)
		}
		for k := range i {
			if _, err := p.src.Append(f, nil, time.Unix(1_500_000_000, 0), []byte(text(fmt.Sprint(i, "-", k), "hello", "x"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.before = dump(p.src)
	ledger := newLedger()
	run := func() *transfer.Report {
		from, to := imapstore.NewSource(order{User: "user"}.options(p.srcAddr)), imapstore.New(order{User: "user"}.options(p.dstAddr))
		defer from.Close()
		defer to.Close()
		r, err := transfer.Run(t.Context(), transfer.Job{Source: from, Dest: to, Ledger: ledger})
		if err != nil || !r.Complete() {
			t.Fatal(err, r.Problems)
		}
		return r
	}
	run()
	p.check(t, "after the first run")
	count := p.servers[1].Count
	if n := count("SELECT"); n != 1 {
		t.Errorf("%d folders were opened", n)
	}
	if n := count("LIST"); n != 4 {
		t.Errorf("%d LISTs", n)
	}
	r := run()
	for _, f := range r.Folders {
		if f.Err != nil || f.Counts.Copied > 0 {
			t.Errorf("%q: %+v", f.Source, f)
		}
	}
	p.check(t, "after the second run")
}
