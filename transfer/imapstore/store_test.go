package imapstore

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mailferry/transfer/mail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAddress(t *testing.T) {
	for want, opts := range map[string]Options{
		"imaps://ann@mail.example.org":                  {Host: "mail.example.org", User: "ann"},
		"imaps://ann@example.org@mail.example.org:1993": {Host: "mail.example.org", Port: 1993, User: "ann@example.org"},
		"imap://ann@[::1]":                              {Host: "::1", Port: 143, User: "ann", Security: StartTLS},
		"imap://a%2Fb%3F%25%20c%0A@h:993":               {Host: "h", Port: 993, User: "a/b?% c\n", Security: Plain},
		"imaps://admin@h?authzid=bob":                   {Host: "h", Port: 993, User: "admin", Authzid: "bob"},
	} {
		if got := New(opts).String(); got != want {
			t.Errorf("address is %q, want %q", got, want)
		}
	}
}

// login lets in, after a greeting that wants a password.
func login(answer string) *fake {
	return &fake{greeting: "* OK [CAPABILITY IMAP4rev1] hi\r\n", answer: func(_, command string) string {
		if strings.HasPrefix(command, "LOGIN") {
			return answer
		}
		return "pass"
	}}
}

// TestOneLoginAttempt: a password that was refused is not tried again, however
// many workers want to.
func TestOneLoginAttempt(t *testing.T) {
	f := login("$ NO [AUTHENTICATIONFAILED] wrong\r\n")
	st := New(f.start(t))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			_, err := st.Folders(t.Context())
			if e := mail.ErrorOf(err); err == nil || e.Kind != mail.KindAuth || e.Retry != mail.RetryNever {
				t.Errorf("Folders: %v", err)
			}
		})
	}
	wg.Wait()
	if traits := st.Traits(); traits.UIDPlus || !traits.DurableUIDs {
		t.Errorf("traits of a server that was never seen: %+v", traits)
	}
	if n := len(f.said("LOGIN")); n != 1 {
		t.Errorf("%d login attempts", n)
	}
	if err := errors.Join(st.Close(), st.Close()); err != nil {
		t.Error(err)
	}
}

func TestConnections(t *testing.T) {
	f := login("$ OK [CAPABILITY IMAP4rev1] in\r\n")
	opts := f.start(t)
	opts.Connections = 2
	st := New(opts)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r, err := st.OpenReader(t.Context(), mail.NewPath("INBOX"))
			if err != nil {
				t.Error(err)
				return
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(f.said("LOGIN")); n < 1 || n > 2 {
		t.Errorf("%d logins for two connections", n)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	if logins, logouts := len(f.said("LOGIN")), len(f.said("LOGOUT")); logins != logouts {
		t.Errorf("%d logins, %d logouts", logins, logouts)
	}
	if _, err := st.Folders(t.Context()); err == nil {
		t.Error("an account that was closed still connects")
	}
}

func TestWaitingForAConnectionEnds(t *testing.T) {
	opts := login("$ OK [CAPABILITY IMAP4rev1] in\r\n").start(t)
	opts.Connections = 1
	st := New(opts)
	defer st.Close()
	r, err := st.OpenReader(t.Context(), mail.NewPath("INBOX"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := st.Folders(ctx); !errors.Is(err, ctx.Err()) || err == nil {
		t.Errorf("Folders: %v", err)
	}
}

// TestStaleConnections: one that the server has forgotten is replaced unnoticed.
func TestStaleConnections(t *testing.T) {
	f := login("$ OK [CAPABILITY IMAP4rev1] in\r\n")
	noop := "$ OK\r\n"
	inner := f.answer
	f.answer = func(tag, command string) string {
		if command == "NOOP" {
			return noop
		}
		return inner(tag, command)
	}
	st := New(f.start(t))
	defer st.Close()
	folders := func() {
		t.Helper()
		if _, err := st.Folders(t.Context()); err != nil {
			t.Fatal(err)
		}
		st.pool.mu.Lock()
		st.pool.idle[0].since = time.Now().Add(-2 * stale)
		st.pool.mu.Unlock()
	}
	folders()
	folders()
	if n := len(f.said("LOGIN")); n != 1 {
		t.Errorf("%d logins while the connection works", n)
	}
	noop = hangUp
	folders()
	if n := len(f.said("LOGIN")); n != 2 {
		t.Errorf("%d logins, want one and another for the connection that was lost", n)
	}
}

func TestNobodyThereIsFinal(t *testing.T) {
	opts := Options{Host: "127.0.0.1", Port: 1, Security: Plain, User: "ann"}
	_, err := New(opts).Folders(t.Context())
	if e := mail.ErrorOf(err); err == nil || e.Kind != mail.KindConnect || e.Retry != mail.RetryNever || e.Hint == "" {
		t.Errorf("%v (%+v)", err, e)
	}
}

// TestSourceCannotWrite: there is no way from a Source to a method that changes
// anything.
func TestSourceCannotWrite(t *testing.T) {
	var src mail.Source = NewSource(Options{})
	if _, ok := src.(mail.Store); ok {
		t.Error("a Source is a Store")
	}
	if _, ok := src.(mail.Subscriber); ok {
		t.Error("a Source is a Subscriber")
	}
	f := folder(1, func(string) string { return row(1) + "$ OK\r\n" })
	r := f.read(t)
	if _, ok := r.(mail.Writer); ok {
		t.Error("a Reader is a Writer")
	}
	if _, ok := r.(interface{ Append() }); ok {
		t.Error("a Reader can append")
	}
	if _, err := listAll(t, r, full); err != nil {
		t.Error(err)
	}
	_ = r.Fetch(t.Context(), mail.NewUIDSet(1), func(mail.Info, io.Reader) error { return nil })
	for _, command := range f.said("") {
		verb, _, _ := strings.Cut(command, " ")
		if !strings.Contains("EXAMINE NAMESPACE LIST LSUB STATUS UID NOOP LOGOUT", verb) || strings.Contains(command, "BODY[") {
			t.Errorf("the server was told %q", command)
		}
	}
}

func TestMissingFolder(t *testing.T) {
	for _, answer := range []string{"$ NO [NONEXISTENT] no\r\n", "$ NO Mailbox doesn't exist\r\n", "$ NO what\r\n"} {
		f := &fake{greeting: hello, answer: func(_, command string) string {
			if strings.HasPrefix(command, "EXAMINE") {
				return answer
			}
			return "pass"
		}}
		src := NewSource(f.start(t))
		_, err := src.OpenReader(t.Context(), mail.NewPath("none"))
		if e := mail.ErrorOf(err); err == nil || e.Kind != mail.KindNotFound || e.Scope != mail.ScopeFolder || e.Folder.String() != "none" {
			t.Errorf("%q: %v (%+v)", answer, err, e)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFolderOpenedForReadingOnly(t *testing.T) {
	f := &fake{greeting: hello, answer: func(_, command string) string {
		if strings.HasPrefix(command, "SELECT") {
			return "* 0 EXISTS\r\n$ OK [READ-ONLY] look, do not touch\r\n"
		}
		return "pass"
	}}
	st := New(f.start(t))
	defer st.Close()
	_, err := st.OpenWriter(t.Context(), mail.NewPath("INBOX"))
	if e := mail.ErrorOf(err); err == nil || e.Scope != mail.ScopeFolder || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("OpenWriter: %v", err)
	}
}

// TestFoldersOfSeveralNamespaces: only the personal one is the account's.
func TestFoldersOfSeveralNamespaces(t *testing.T) {
	f := &fake{greeting: hello, answer: func(_, command string) string {
		switch {
		case command == "NAMESPACE":
			return "* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) ((\"Shared/\" \"/\"))\r\n$ OK\r\n"
		case strings.HasPrefix(command, "LIST"):
			return "* LIST (\\HasChildren) \"/\" INBOX\r\n* LIST (\\Sent) \"/\" Sent\r\n* LIST () \"/\" B/a\r\n* LIST (\\Noselect) \"/\" B\r\n" +
				"* LIST () \"/\" Shared/x\r\n* LIST (\\Noselect) \"/\" Shared\r\n* LIST () \"/\" \"Other Users/bob\"\r\n* LIST () \"/\" Sharedness\r\n$ OK\r\n"
		case strings.HasPrefix(command, "LSUB"):
			return "* LSUB () \"/\" Sent\r\n* LSUB () \"/\" Gone\r\n$ OK\r\n"
		case strings.HasPrefix(command, "STATUS"):
			return "* STATUS x (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 4 UNSEEN 0)\r\n$ OK\r\n"
		}
		return "pass"
	}}
	src := NewSource(f.start(t))
	defer src.Close()
	folders, err := src.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, folder := range folders {
		text := folder.Path.String() + string(folder.Role)
		if folder.NoSelect {
			text += " noselect"
		}
		if folder.Subscribed {
			text += " subscribed"
		}
		if folder.Missing {
			text += " missing"
		}
		if (folder.Status == nil) != folder.NoSelect {
			t.Errorf("%s: status %v", text, folder.Status)
		}
		got = append(got, text)
	}
	want := `B noselect, B/a, Gone noselect subscribed missing, INBOX, Sent\Sent subscribed, Sharedness`
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

func TestDescribe(t *testing.T) {
	src := NewSource((&fake{greeting: strings.Replace(hello, "UIDPLUS", "UIDPLUS APPENDLIMIT=1000", 1)}).start(t))
	defer src.Close()
	facts, err := src.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string)
	for _, fact := range facts {
		if _, twice := values[fact.Name]; twice || fact.Means == "" {
			t.Errorf("fact %+v", fact)
		}
		values[fact.Name] = fact.Value
	}
	for name, want := range map[string]string{
		"server": "hello", "tls": "none", "LITERAL+": "yes", "UIDPLUS": "yes", "CONDSTORE": "no", "QRESYNC": "no", "MULTIAPPEND": "no",
		"COMPRESS=DEFLATE": "no", "LIST-STATUS": "no", "SPECIAL-USE": "no", "NAMESPACE": "yes", "APPENDLIMIT": "1000",
		"STATUS=SIZE": "no", "IMAP4rev2": "no", "OBJECTID": "no", "namespace": `""`, "delimiter": `"/"`, "connections": "4",
	} {
		if values[name] != want {
			t.Errorf("%s is %q, want %q", name, values[name], want)
		}
	}
}

func TestTraits(t *testing.T) {
	for greeting, want := range map[string]mail.Traits{
		"IMAP4rev1 UIDPLUS QRESYNC APPENDLIMIT=35651584] ready":             {KeepsBytes: true, UIDPlus: true, ModSeqs: true, MaxSize: 35651584},
		"IMAP4rev1 X-GM-EXT-1] Gimap ready":                                 {KeepsBytes: true, AutoExpunge: true},
		"IMAP4rev1 UIDPLUS] The Microsoft Exchange IMAP4 service is ready.": {UIDPlus: true},
	} {
		st := New((&fake{greeting: "* PREAUTH [CAPABILITY " + greeting + "\r\n"}).start(t))
		want.DurableUIDs, want.Connections = true, 4
		if got := st.Traits(); got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", greeting, got, want)
		}
		st.Close()
	}
}

// TestLearnAlphabet: a server that refuses every name says nothing about letters.
func TestLearnAlphabet(t *testing.T) {
	for name, tc := range map[string]struct {
		refuse func(raw string) bool
		want   alphabet
	}{
		"takes all":     {func(string) bool { return false }, alphabet{}},
		"refuses all":   {func(string) bool { return true }, alphabet{}},
		"no dots":       {func(raw string) bool { return strings.Contains(raw, ".") }, alphabet{anywhere: "."}},
		"no ~ in front": {func(raw string) bool { return strings.HasPrefix(raw, `"~`) }, alphabet{first: "~"}},
	} {
		f := &fake{greeting: hello, answer: func(_, command string) string {
			if raw, ok := strings.CutPrefix(command, "STATUS "); ok && tc.refuse(raw) {
				return "$ NO [CANNOT] Character not allowed\r\n"
			} else if ok {
				return "$ NO [NONEXISTENT] none\r\n"
			}
			return "pass"
		}}
		st := New(f.start(t))
		st.Traits()
		if got := st.known().letters; got != tc.want {
			t.Errorf("%s: learnt %+v, want %+v", name, got, tc.want)
		}
		st.Close()
		if len(f.said("CREATE")) > 0 {
			t.Errorf("%s: a folder was created", name)
		}
	}
}

func TestChangesAreGrouped(t *testing.T) {
	seen, work := mail.NewFlags(mail.Seen), mail.NewFlags("work", "not an atom")
	groups := groupChanges([]mail.FlagChange{
		{UID: 9, Add: seen}, {UID: 3, Remove: work}, {UID: 2, Add: seen}, {UID: 4, Add: seen, Remove: work}, {UID: 3, Add: seen},
	})
	var got []string
	for _, g := range groups {
		got = append(got, g.uids.String()+" +"+g.add.String()+" -"+g.remove.String())
	}
	if want := `2:3,9 +\Seen -; 3 + -work; 4 +\Seen -work`; strings.Join(got, "; ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, "; "), want)
	}
}
