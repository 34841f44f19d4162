package mailtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

// Limits is what a real store changes or refuses, beyond what its Traits say.
type Limits struct {
	Changed []string          // Samples it stores with other octets
	Refused []string          // Samples it refuses
	Names   []string          // folder names of the suite it cannot have
	NoRoles bool              // it records no roles of folders
	Skip    map[string]string // checks that do not apply, with the reason
}

// Run puts a store through the contracts of package mail, as far as its Traits
// go. new is called for each check and may return the same account every time,
// empty of the suite's folders, which are called "suite" and something. The
// suite closes the store.
func Run(t *testing.T, new func(t *testing.T) mail.Store, limits ...Limits) {
	var l Limits
	if len(limits) > 0 {
		l = limits[0]
	}
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			if reason := l.Skip[c.name]; reason != "" {
				t.Skip(reason)
			}
			c.on(t, new(t), l)
		})
	}
}

// check is one promise. run may end its goroutine by Fatal.
type check struct {
	name string
	run  func(e *env)
}

func checks() []check {
	return slices.Concat(folderChecks(), listChecks(), fetchChecks(), appendChecks(), appenderChecks(), changeChecks(), sessionChecks())
}

// patience ends a check that hangs.
const patience = 2 * time.Minute

func (c check) on(tb testing.TB, store mail.Store, limits Limits) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	e := &env{TB: tb, ctx: ctx, store: store, traits: store.Traits(), limits: limits,
		folder: store.Name(mail.NewPath("suite " + c.name))}
	defer e.finish()
	c.run(e)
}

// env is what a check works with: a store, and a folder of its own that is not
// there yet.
type env struct {
	testing.TB
	ctx    context.Context
	store  mail.Store
	traits mail.Traits
	limits Limits
	folder mail.Path

	handles []mail.Reader
}

// finish closes handles, then the store, each twice.
func (e *env) finish() {
	e.Helper()
	for _, h := range e.handles {
		e.closeTwice("handle", h.Close)
	}
	e.closeTwice("store", e.store.Close)
}

func (e *env) closeTwice(what string, close func() error) {
	e.Helper()
	for _, time := range []string{"first", "second"} {
		if err := close(); err != nil && !e.Failed() {
			e.Errorf("%s Close of %s: %v", time, what, err)
		}
	}
}

// ok ends the check if err is set.
func (e *env) ok(doing string, err error) {
	e.Helper()
	if err != nil {
		e.Fatalf("%s: %v", doing, err)
	}
}

func (e *env) create(path mail.Path) mail.Path {
	e.Helper()
	e.ok("create "+path.String(), e.store.Create(e.ctx, mail.Folder{Path: path}))
	return path
}

// reader opens a Reader that is closed at the end of the check, or before.
func (e *env) reader(path mail.Path) mail.Reader {
	e.Helper()
	r, err := e.store.OpenReader(e.ctx, path)
	e.ok("open reader", err)
	e.handles = append(e.handles, r)
	return r
}

func (e *env) writer(path mail.Path) mail.Writer {
	e.Helper()
	w, err := e.store.OpenWriter(e.ctx, path)
	e.ok("open writer", err)
	e.handles = append(e.handles, w)
	return w
}

func (e *env) close(h mail.Reader) {
	e.Helper()
	e.closeTwice("handle", h.Close)
	e.handles = slices.DeleteFunc(e.handles, func(other mail.Reader) bool { return other == h })
}

// everything is what a listing can be asked for.
func everything() mail.ListOptions {
	return mail.ListOptions{Flags: true, Size: true, Date: true, Key: true}
}

// list returns what List tells and holds it to the order.
func (e *env) list(r mail.Reader, opts mail.ListOptions) []mail.Info {
	e.Helper()
	var infos []mail.Info
	err := r.List(e.ctx, opts, func(info mail.Info) error {
		if n := len(infos); info.UID == 0 || n > 0 && info.UID <= infos[n-1].UID {
			e.Errorf("List: UID %d is not in ascending order", info.UID)
		}
		infos = append(infos, info)
		return nil
	})
	e.ok("List", err)
	return infos
}

// uids returns the UIDs of a listing.
func uids(infos []mail.Info) []mail.UID {
	list := make([]mail.UID, len(infos))
	for i, info := range infos {
		list[i] = info.UID
	}
	return list
}

func (e *env) folders() map[mail.Path]mail.Folder {
	e.Helper()
	list, err := e.store.Folders(e.ctx)
	e.ok("Folders", err)
	byPath := make(map[mail.Path]mail.Folder)
	for _, f := range list {
		if _, twice := byPath[f.Path]; twice {
			e.Errorf("Folders: %q is listed twice", f.Path)
		}
		byPath[f.Path] = f
	}
	return byPath
}
