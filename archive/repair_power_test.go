package archive_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"testing"

	"mailferry/archive"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// load makes the files of a directory known to p, all of them durable.
func (p *power) load(t *testing.T) {
	t.Helper()
	ok(t, filepath.WalkDir(p.dir, func(full string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(p.dir, full)
		if err != nil {
			return err
		}
		n := &node{dir: d.IsDir(), synced: true}
		if !n.dir {
			info, err := d.Info()
			if err != nil {
				return err
			}
			if n.text, err = os.ReadFile(full); err != nil {
				return err
			}
			n.live, n.date, n.liveAt = append([]byte(nil), n.text...), info.ModTime(), info.ModTime()
		}
		p.now[name] = n
		return nil
	}))
	for name, n := range p.now {
		if n.dir {
			p.kept[path.Clean(name)] = p.names(name)
		}
	}
}

// TestPowerCutInARepair: at every change of the disk the power goes. The next repair finds every message, once, and leaves
// the archive sound.
func TestPowerCutInARepair(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		account, dir := backedUpWith(t, format, 100)
		want := dump(t, open(t, dir, archive.Options{}))
		damage(t, dir, format)
		p := newPower(t, dir)
		p.load(t)
		parts, cuts, variants := t.TempDir(), 0, uint64(2)
		if testing.Short() {
			variants = 1
		}
		p.step = func(step string) {
			for v := range variants {
				cuts++
				dst := filepath.Join(parts, fmt.Sprint(cuts))
				p.cut(t, dst, rand.New(rand.NewPCG(uint64(cuts), v)))
				expectRepaired(t, fmt.Sprintf("cut %d, %s", cuts, step), dst, account, want)
				ok(t, os.RemoveAll(dst))
			}
		}
		a := open(t, dir, archive.Options{Write: true}.On(p))
		if _, err := a.Repair(context.Background(), account, func(archive.Damage) error { return nil }, func(r archive.Repaired) error { return r.Err }); err != nil {
			t.Fatal(err)
		}
		p.step = func(string) {}
		closed(t, a)
		if cuts < 8 {
			t.Errorf("only %d cuts", cuts)
		}
	})
}

// damage hits three of five messages: one has a flipped bit, one is shorter, one is gone.
func damage(t *testing.T, dir string, format archive.Format) {
	t.Helper()
	list := harms()
	if format == archive.Maildir {
		ok(t, os.Remove(fileOf(t, dir, 5)))
		list[0].maildir(t, dir, fileOf(t, dir, 2))
		ok(t, os.Truncate(fileOf(t, dir, 1), 40))
		return
	}
	text, err := os.ReadFile(dir + "/INBOX.mbox")
	ok(t, err)
	text = list[2].mbox(list[0].mbox(text))
	ok(t, os.WriteFile(dir+"/INBOX.mbox", text[:len(text)-40], 0o600))
}

func expectRepaired(t *testing.T, when, dir string, account *mailtest.Memory, want string) {
	t.Helper()
	ctx := context.Background()
	a, err := archive.Open(ctx, dir, archive.Options{Write: true})
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	defer a.Close()
	_, err = a.Repair(ctx, account, func(archive.Damage) error { return nil }, func(r archive.Repaired) error { return r.Err })
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if _, err := a.Verify(ctx, func(d archive.Damage) error { t.Errorf("%s: verify: %s", when, d); return nil }); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if got, err := mailtest.DumpSource(ctx, mail.Source(a)); err != nil || got != want {
		t.Fatalf("%s: %v\n%s\nwant\n%s", when, err, got, want)
	}
}
