package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"sync"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

// DamageKind says what is wrong with a file. The values are stable, for programs.
type DamageKind string

const (
	DamageChanged    DamageKind = "changed"    // it holds other octets than were stored
	DamageRewritten  DamageKind = "rewritten"  // another program has changed it and written it again
	DamageCut        DamageKind = "cut"        // it is shorter than what was stored
	DamageMissing    DamageKind = "missing"    // it is not there
	DamageSwapped    DamageKind = "swapped"    // it holds another message of the archive
	DamageAdded      DamageKind = "added"      // nobody recorded it
	DamageUnreadable DamageKind = "unreadable" // the disk does not give it out
)

// Damage is one thing that is wrong.
type Damage struct {
	Kind   DamageKind
	Folder mail.Path
	UID    mail.UID // in the archive; 0 for what was added
	File   string   // relative to the archive
	Holds  string   // swapped: the file that this one's message should be in
	Err    error    // unreadable: why
}

// Checked is what a Verify has looked at.
type Checked struct {
	Messages int   // of all runs, also those the source has lost since
	Octets   int64 // of these messages
	Damaged  int   // calls of fn
	Unproven int   // messages that are as when the catalogue was made again, which proves less
}

// Verify reads every file of the archive and calls fn, on its own goroutine, for each that is
// not as the catalogue says. Beside a run that writes the archive it raises no
// false alarm. fn's error ends it and is returned.
func (a *Archive) Verify(ctx context.Context, fn func(Damage) error) (Checked, error) {
	const op = "verify"
	if err := a.usable(ctx, op, mail.Path{}); err != nil {
		return Checked{}, err
	}
	v := &verifier{a: a, fn: fn, suspects: make(map[[sha256.Size]byte][]Damage)}
	folders, err := a.cat.Folders(ctx, catalogue.View{Gone: true})
	for i := 0; err == nil && i < len(folders); i++ {
		err = v.folder(ctx, folders[i])
	}
	if err == nil {
		err = v.tellSuspects(ctx, folders)
	}
	if v.told != nil {
		return v.checked, v.told
	}
	return v.checked, fail(op, mail.Path{}, mail.ScopeStore, err)
}

// maxSuspects bounds the memory for changed files that may hold another's message.
const maxSuspects = 10_000

type verifier struct {
	a        *Archive
	fn       func(Damage) error
	told     error
	checked  Checked
	suspects map[[sha256.Size]byte][]Damage // changed files, by what they hold
	held     int
	bad      mail.UIDSet // of the folder that is being looked at: what is told, or will be
}

func (v *verifier) tell(d Damage) error {
	v.checked.Damaged++
	v.told = v.fn(d)
	return v.told
}

// verifyPage is how many files are between two looks at the catalogue.
const verifyPage = 400

func (v *verifier) folder(ctx context.Context, f catalogue.Folder) error {
	readers := make([]*reader, max(2, min(8, 2*runtime.GOMAXPROCS(0))))
	for i := range readers {
		readers[i] = &reader{a: v.a, f: f, shelf: v.a.format.shelf(f.Dir)}
		defer readers[i].shelf.close()
	}
	v.bad = mail.UIDSet{}
	all := &reader{a: v.a, f: f}
	all.a = v.a.everything()
	err := all.each(ctx, catalogue.Part{First: 1, Last: maxUID}, verifyPage, func(list []catalogue.Message) error {
		results := make([]outcome, len(list))
		var wg sync.WaitGroup
		for n, r := range readers {
			wg.Go(func() {
				for i := n; i < len(list) && ctx.Err() == nil; i += len(readers) {
					results[i] = r.examine(&list[i])
				}
			})
		}
		wg.Wait()
		if err := ctx.Err(); err != nil {
			return err
		}
		v.lookAgain(f, list, results)
		return v.judge(f, list, results)
	})
	if err != nil {
		return err
	}
	return v.added(ctx, f)
}

// lookAgain makes sure that what was not found is missing. While a run renames files,
// a listing of the directory may miss one.
func (v *verifier) lookAgain(f catalogue.Folder, list []catalogue.Message, results []outcome) {
	for range looks - 1 {
		var r *reader
		for i := range results {
			if !errors.Is(results[i].err, errMissing) {
				continue
			}
			if r == nil {
				r = &reader{a: v.a, f: f, shelf: v.a.format.shelf(f.Dir)}
				defer r.shelf.close()
			}
			results[i] = r.examine(&list[i])
		}
		if r == nil || v.a.state() != "" {
			return
		}
	}
}

// everything is the archive with all it holds in view.
func (a *Archive) everything() *Archive {
	return &Archive{root: a.root, opts: a.opts, fs: a.fs, format: a.format, cat: a.cat, view: catalogue.View{Gone: true}}
}

// outcome is what a message's file turned out to hold.
type outcome struct {
	size int64
	sum  [sha256.Size]byte
	err  error

	rewritten bool // another program has written it again
}

func (r *reader) examine(m *catalogue.Message) (o outcome) {
	body, err := r.open(m)
	if err != nil {
		return outcome{err: err}
	}
	defer body.Close()
	if b, ok := body.(interface{ rewritten() bool }); ok {
		o.rewritten = b.rewritten()
	}
	h := sha256.New()
	if r.buf == nil {
		r.buf = make([]byte, 64<<10)
	}
	o.size, o.err = io.CopyBuffer(h, body, r.buf)
	h.Sum(o.sum[:0])
	return o
}

func (v *verifier) judge(f catalogue.Folder, list []catalogue.Message, results []outcome) error {
	for i, m := range list {
		o := results[i]
		v.checked.Messages++
		v.checked.Octets += m.Size
		if !m.Proven {
			v.checked.Unproven++
		}
		if o.err == nil && o.sum == m.Sum {
			continue
		}
		v.bad.Add(m.UID)
		d := Damage{Folder: f.Path, UID: m.UID, File: v.a.format.where(f.Dir, m.Place)}
		switch {
		case errors.Is(o.err, errMissing):
			d.Kind = DamageMissing
		case o.rewritten && (o.err == nil || errors.Is(o.err, io.ErrUnexpectedEOF)):
			d.Kind = DamageRewritten
		case errors.Is(o.err, io.ErrUnexpectedEOF):
			d.Kind = DamageCut
		case o.err != nil:
			d.Kind, d.Err = DamageUnreadable, o.err
		default:
			d.Kind = DamageChanged
			if o.size < m.Size {
				d.Kind = DamageCut
			}
			if v.held < maxSuspects {
				v.held++
				v.suspects[o.sum] = append(v.suspects[o.sum], d)
				continue
			}
		}
		if err := v.tell(d); err != nil {
			return err
		}
	}
	return nil
}

// tellSuspects tells of the files whose octets are not those stored, and looks
// whether these belong to another file.
func (v *verifier) tellSuspects(ctx context.Context, folders []catalogue.Folder) error {
	if v.held == 0 {
		return nil
	}
	all := v.a.everything()
	for _, f := range folders {
		r := &reader{a: all, f: f}
		err := r.each(ctx, catalogue.Part{First: 1, Last: maxUID}, page, func(list []catalogue.Message) error {
			for _, m := range list {
				for i := range v.suspects[m.Sum] {
					d := &v.suspects[m.Sum][i]
					d.Kind, d.Holds = DamageSwapped, v.a.format.where(f.Dir, m.Place)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	var list []Damage
	for _, same := range v.suspects {
		list = append(list, same...)
	}
	sortDamages(list)
	for _, d := range list {
		if err := v.tell(d); err != nil {
			return err
		}
	}
	return nil
}

// added tells of files that nobody recorded. A run that is at work, or was killed, leaves
// messages of ours that are not recorded yet: the next run takes them in.
func (v *verifier) added(ctx context.Context, f catalogue.Folder) error {
	cat := v.a.cat
	known := func(fn func(mail.UID, string) error) error { return cat.Places(ctx, f.ID, fn) }
	before := v.a.state()
	found, err := v.a.format.survey(f, known)
	if err != nil {
		return fsMissing(err)
	}
	if err := v.fewer(ctx, f, found.missing); err != nil {
		return err
	}
	for _, place := range found.foreign {
		if err := v.tell(Damage{Kind: DamageAdded, Folder: f.Path, File: v.a.format.where(f.Dir, place)}); err != nil {
			return err
		}
	}
	if len(found.ours) == 0 || before == "" || v.a.state() != before {
		return nil
	}
	for _, s := range found.ours {
		if err := v.tell(Damage{Kind: DamageAdded, Folder: f.Path, File: v.a.format.where(f.Dir, s.place)}); err != nil {
			return err
		}
	}
	return nil
}

// fewer tells of messages that others stand in for: an mbox gives out the same octets for each of several equal ones, also
// when it has fewer of them.
func (v *verifier) fewer(ctx context.Context, f catalogue.Folder, missing []mail.UID) error {
	if v.a.format.name() != MBox {
		return nil
	}
	for _, uid := range missing {
		if v.bad.Contains(uid) {
			continue
		}
		d := Damage{Kind: DamageMissing, Folder: f.Path, UID: uid}
		list, err := v.a.cat.Messages(ctx, f.ID, catalogue.View{Gone: true}, catalogue.Part{First: uid, Last: uid, Limit: 1})
		if err != nil {
			return err
		}
		for _, m := range list {
			d.File = v.a.format.where(f.Dir, m.Place)
		}
		if err := v.tell(d); err != nil {
			return err
		}
	}
	return nil
}

// fsMissing: that a whole directory is gone was told message by message.
func fsMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
