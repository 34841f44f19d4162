package wire

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mailferry/transfer/mail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noise is what ends go-imap's client when it sees it.
const noise = "S: * XFOO\nS: * VANISHED 9\nS: \nS: + out of place\nS: * 1 FETCH (X-ODD 1 FLAGS (a]b)\nS: * OK [foo bar\nS: * LIST () \"\" R&D\nS: garbage\n"

func TestChanges(t *testing.T) {
	uids := mail.NewUIDSet(1, 2, 3, 7)
	flags := mail.NewFlags(mail.Seen, "work")
	for name, tc := range map[string]struct {
		script string
		call   func(ctx context.Context, c *Conn) error
	}{
		"create": {"C: A1 NOOP\nS: A1 OK\nC: T1 CREATE \"Entw&APw-rfe/a b\"\n" + noise + "S: T1 OK [odd \"]\" code\n",
			func(ctx context.Context, c *Conn) error {
				return errors.Join(c.Noop(ctx), c.Create(ctx, "Entw&APw-rfe/a b", ""))
			}},
		"create with a role": {"C: T1 CREATE \"Sent\" (USE (\\Sent))\nS: T1 OK\n",
			func(ctx context.Context, c *Conn) error { return c.Create(ctx, "Sent", mail.RoleSent) }},
		"create with a role that is taken": {"C: T1 CREATE \"Sent\" (USE (\\Sent))\nS: T1 NO [USEATTR] no\nC: T2 CREATE \"Sent\"\nS: T2 OK\n",
			func(ctx context.Context, c *Conn) error { return c.Create(ctx, "Sent", mail.RoleSent) }},
		"create what exists": {"C: T1 CREATE \"x\"\nS: T1 NO [ALREADYEXISTS] it is there\nC: T2 CREATE \"y\"\nS: T2 NO Mailbox already exists\n",
			func(ctx context.Context, c *Conn) error {
				return errors.Join(c.Create(ctx, "x", ""), c.Create(ctx, "y", ""))
			}},
		"subscribe a name that no encoding gives": {"C: A1 SUBSCRIBE \"R&D\"\nS: A1 OK\nC: A2 UNSUBSCRIBE \"Gr\xfc\xdfe\"\nS: A2 OK\n",
			func(ctx context.Context, c *Conn) error {
				return errors.Join(c.SetSubscribed(ctx, "R&D", true), c.SetSubscribed(ctx, "Gr\xfc\xdfe", false))
			}},
		"subscribe": {"C: T1 SUBSCRIBE \"x\"\nS: T1 OK\nC: T2 UNSUBSCRIBE INBOX\nS: T2 ok\n",
			func(ctx context.Context, c *Conn) error {
				return errors.Join(c.SetSubscribed(ctx, "x", true), c.SetSubscribed(ctx, "INBOX", false))
			}},
		"store and expunge": {"C: A1 UID STORE 1:3,7 +FLAGS.SILENT (\\Seen work)\nC: A2 UID STORE 1:3,7 -FLAGS.SILENT (\\Seen work)\n" + noise + "S: A1 OK\nS: A2 OK\n" +
			"C: T1 UID EXPUNGE 1:3,7\nS: * 2 EXPUNGE\n" + noise + "S: T1 OK\n" +
			"C: A3 UID SEARCH ALL\nS: * SEARCH 4\nS: A3 OK\n",
			func(ctx context.Context, c *Conn) error {
				_, err := c.Search(ctx, "ALL")
				return err
			}},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, offering("CREATE-SPECIAL-USE UIDPLUS IMAP4rev2")+tc.script+"wait")
			if name == "store and expunge" {
				if err := errors.Join(c.StoreAll(t.Context(), []FlagStep{{uids, true, flags}, {uids, false, flags}}),
					c.Expunge(t.Context(), uids)); err != nil {
					t.Fatal(err)
				}
			}
			if err := tc.call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if !c.Usable() {
				t.Error("the connection is given up")
			}
		})
	}
}

func TestManyRangesGoInPieces(t *testing.T) {
	var uids mail.UIDSet
	for u := mail.UID(1); u <= 2*chunkRanges+2; u += 2 {
		uids.Add(u)
	}
	c := dial(t, offering("")+"C: A1 UID STORE 1,3,5\nC: A2 UID STORE 681 +FLAGS.SILENT (\\Seen)\nS: A1 OK\nS: A2 OK\nwait")
	if err := c.StoreAll(t.Context(), []FlagStep{{uids, true, mail.NewFlags(mail.Seen)}}); err != nil {
		t.Error(err)
	}
}

func TestChangesRefused(t *testing.T) {
	one := mail.NewUIDSet(1)
	for name, tc := range map[string]struct {
		script string
		usable bool
		scope  mail.Scope
		retry  mail.Retry
		kind   mail.Kind
		words  string
	}{
		"NO":            {"S: T1 NO [NOPERM] not yours [x\n", true, mail.ScopeFolder, mail.RetryNever, mail.KindRefused, "not yours"},
		"BAD":           {"S: T1 BAD [Error=\"a b\"] what\n", true, mail.ScopeFolder, mail.RetryNever, mail.KindRefused, "what"},
		"throttled":     {"S: T1 NO slow down [THROTTLED]\n", true, mail.ScopeStore, mail.RetryLater, mail.KindThrottle, "slow down"},
		"BYE":           {"S: * BYE restarting", false, mail.ScopeStore, mail.RetrySoon, mail.KindConnect, "restarting"},
		"cut off":       {"S: * 1 FE", false, mail.ScopeStore, mail.RetrySoon, mail.KindConnect, "closed"},
		"another's tag": {"S: T9 OK\nwait", false, mail.ScopeStore, mail.RetrySoon, mail.KindProtocol, "tag"},
	} {
		t.Run(name, func(t *testing.T) {
			script := "C: T1 UID EXPUNGE\n" + tc.script
			if tc.usable {
				script += "C: A1 NOOP\nS: A1 OK\nC: T2 UID EXPUNGE\nS: T2 OK\nwait"
			}
			c := dial(t, offering("")+script)
			err := c.Expunge(t.Context(), one)
			wantError(t, err, tc.scope, tc.retry, tc.kind, tc.words)
			if c.Usable() != tc.usable {
				t.Errorf("usable: %v", c.Usable())
			}
			if tc.usable {
				if err := errors.Join(c.Noop(t.Context()), c.Expunge(t.Context(), one)); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			}
		})
	}
}

func TestChangeCancelled(t *testing.T) {
	c := dial(t, offering("")+"C: T1 UID EXPUNGE\nwait")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := c.Expunge(ctx, mail.NewUIDSet(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Expunge: %v", err)
	}
	if c.Usable() {
		t.Error("the connection is still used")
	}
}

func TestLeaveTaking(t *testing.T) {
	c := dial(t, offering("")+"C: T1 SUBSCRIBE\nS: T1 OK\nC: A1 LOGOUT\nS: * BYE see you\nS: A1 OK\nwait")
	if err := c.SetSubscribed(t.Context(), "x", true); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	wantError(t, c.Noop(t.Context()), mail.ScopeStore, mail.RetrySoon, mail.KindConnect)
}
