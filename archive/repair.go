package archive

import (
	"context"
	"errors"
	"fmt"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

// Repaired is what became of one message that was damaged, or whose hash no source had confirmed.
type Repaired struct {
	Folder mail.Path
	UID    mail.UID // in the archive
	File   string   // relative to the archive
	Origin mail.Origin
	// Replaced says that the hash was unproven and the source has other octets, which the archive holds now.
	Replaced bool
	Err      error // why the message is as it was; nil: it is what the source holds, and on disk
}

// Repairs is what a Repair came to.
type Repairs struct {
	Checked
	Repaired  int // of Damaged
	Confirmed int // of Unproven, and whole: the source has these very octets
	Replaced  int // of Unproven: the source has others, and so has the archive now
	Failed    int // calls of fn with an error
}

// Left is how much of what was damaged is not repaired.
func (r Repairs) Left() int { return r.Damaged - r.Repaired }

// Repair verifies the archive and fetches again from source what is damaged or missing: the message of the same
// account, folder, UIDVALIDITY and UID as recorded. What comes must have the recorded size and SHA-256, unless that was
// made from the files and is unproven: then the source is right. Such messages are looked up in any case,
// and proven from then on. Nothing is lost by it: a file that gives way is kept in the archive's own directory, and
// so is, in its mbox, a message that cannot be overwritten.
//
// It calls damaged as Verify does, then fn for each message that was repaired, replaced, or not repaired, when that is
// on disk. Their errors end it and are returned. The archive must be open for writing.
func (a *Archive) Repair(ctx context.Context, source mail.Source, damaged func(Damage) error, fn func(Repaired) error) (Repairs, error) {
	const op = "repair"
	if err := a.writable(ctx, op, mail.Path{}); err != nil {
		return Repairs{}, err
	}
	broken := make(map[mail.Path]*mail.UIDSet)
	checked, err := a.Verify(ctx, func(d Damage) error {
		if d.UID != 0 {
			if broken[d.Folder] == nil {
				broken[d.Folder] = new(mail.UIDSet)
			}
			broken[d.Folder].Add(d.UID)
		}
		return damaged(d)
	})
	if err != nil {
		return Repairs{Checked: checked}, err
	}
	r := &repair{a: a, from: &origins{source: source, archive: a}, put: true, fn: fn, out: Repairs{Checked: checked}}
	return r.out, r.run(ctx, op, broken)
}

// Confirm compares the messages whose hashes were made from the files with those of source. A hash that is
// the same is proven from then on; fn is called for each message that is another there or cannot be had, and its error
// ends it. It changes no message. The archive must be open for writing.
func (a *Archive) Confirm(ctx context.Context, source mail.Source, fn func(Repaired) error) (Repairs, error) {
	const op = "confirm"
	if err := a.writable(ctx, op, mail.Path{}); err != nil {
		return Repairs{}, err
	}
	r := &repair{a: a, from: &origins{source: source, archive: a}, fn: fn}
	err := r.run(ctx, op, nil)
	return r.out, err
}

// repair goes through the archive, a folder and a page at a time.
type repair struct {
	a    *Archive
	from *origins
	put  bool // what is damaged or other is put in again
	fn   func(Repaired) error
	told error
	out  Repairs
}

func (r *repair) run(ctx context.Context, op string, broken map[mail.Path]*mail.UIDSet) error {
	folders, err := r.a.cat.Folders(ctx, catalogue.View{Gone: true})
	for i := 0; err == nil && i < len(folders); i++ {
		err = r.folder(ctx, folders[i], broken[folders[i].Path])
	}
	err = errors.Join(err, r.from.close())
	if r.told != nil {
		return r.told
	}
	return fail(op, mail.Path{}, mail.ScopeStore, err)
}

func (r *repair) folder(ctx context.Context, f catalogue.Folder, broken *mail.UIDSet) error {
	wanted, err := r.a.cat.Unproven(ctx, f.ID)
	if err != nil {
		return err
	}
	w := &repairing{repair: r, f: f}
	if broken != nil {
		w.broken = *broken
		wanted.Union(w.broken)
	}
	if wanted.Empty() {
		return nil
	}
	if !r.a.claim(f.Path) {
		return fmt.Errorf("folder %q is being written", f.Path)
	}
	defer r.a.release(f.Path)
	all := &reader{a: r.a.everything(), f: f}
	for part := range wanted.Chunks(fetchPage, fetchPage) {
		var list []catalogue.Message
		for _, uids := range part.Ranges() {
			err = all.each(ctx, catalogue.Part{First: uids.First, Last: uids.Last}, fetchPage, func(page []catalogue.Message) error {
				list = append(list, page...)
				return nil
			})
			if err != nil {
				return errors.Join(err, w.close(ctx))
			}
		}
		if err := w.messages(ctx, list); err != nil {
			return errors.Join(err, w.close(ctx))
		}
	}
	return w.close(ctx)
}

func (r *repair) tell(done Repaired) error {
	if done.Err != nil {
		r.out.Failed++
	}
	r.told = r.fn(done)
	return r.told
}
