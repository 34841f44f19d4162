package transfer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"mailferry/transfer/mail"
)

// Compare finds the differences between two stores, folder by folder, with the
// mapping and the folder filter of job; it uses no ledger and changes nothing. Folders
// that only B has are differences unless a folder filter is set. With
// bodies the octets of every message are compared too.
func Compare(ctx context.Context, job Job, bodies bool) (*Comparison, error) {
	job.DryRun, job.Ledger = true, nil
	r, err := newRun(&job)
	if err != nil {
		return &Comparison{Bodies: bodies}, err
	}
	c := &comparer{run: r, out: &Comparison{Bodies: bodies}, bodies: bodies}
	src, dst, err := listBoth(ctx, job.Source, job.Dest)
	if err != nil {
		return c.out, err
	}
	r.watch.listed(src)
	chosen, _, err := job.Filter.choose(src)
	if err != nil {
		return c.out, err
	}
	if r.folders, err = r.pairUp(src, dst, chosen, nil); err != nil {
		return c.out, err
	}
	slices.SortFunc(r.folders, func(a, b *folderWork) int { return a.dest.Compare(b.dest) })
	for _, f := range r.folders {
		if r.stopped() {
			return c.out, ErrStopped
		}
		if err := c.folder(ctx, f); err != nil {
			return c.out, err
		}
	}
	if len(job.Filter.Folders)+len(job.Filter.Exclude) == 0 {
		c.extraFolders(dst)
	}
	return c.out, nil
}

// comparer is the state of one Compare.
type comparer struct {
	run    *run
	out    *Comparison
	bodies bool
}

// side is one message of a comparison with what is compared.
type side struct {
	candidate
	folder mail.Path
	date   time.Time
}

func (c *comparer) extraFolders(dst []mail.Folder) {
	known := make(map[mail.Path]bool)
	for _, f := range c.run.folders {
		known[f.dest] = true
	}
	for _, f := range dst {
		if !known[f.Path] && !f.NoSelect && !f.Missing && !emptyInbox(f) {
			c.differ(Difference{Kind: DiffExtraFolder, Folder: f.Path, Detail: messagesOf(f)})
		}
	}
}

// emptyInbox is true of what every account has, whether mail is kept there or not: that one side alone has it is no difference.
func emptyInbox(f mail.Folder) bool {
	return f.Path.IsInbox() && f.Status != nil && f.Status.Messages == 0
}

func messagesOf(f mail.Folder) string {
	if f.Status == nil {
		return ""
	}
	return fmt.Sprintf("%d messages", f.Status.Messages)
}

func (c *comparer) differ(d Difference) { c.out.Differences = append(c.out.Differences, d) }

// folder compares a folder of B with the folders of A that it is made of.
func (c *comparer) folder(ctx context.Context, f *folderWork) error {
	c.out.Folders++
	if !f.exists {
		for _, p := range f.pairs {
			if emptyInbox(p.src) {
				continue
			}
			c.differ(Difference{Kind: DiffMissingFolder, Folder: p.src.Path, Detail: messagesOf(p.src)})
			if p.src.Status != nil {
				c.out.MessagesA += int(p.src.Status.Messages)
			}
		}
		return nil
	}
	b, err := c.run.job.Dest.OpenReader(ctx, f.dest)
	if err != nil {
		return at(EndDest, err)
	}
	defer b.Close()
	var bySource [][]side
	rest, err := sides(ctx, b, f.dest)
	if err != nil {
		return at(EndDest, err)
	}
	c.out.MessagesB += len(rest)
	for _, p := range f.pairs {
		var left []side
		if left, rest, err = c.pair(ctx, p, b, rest); err != nil {
			return err
		}
		bySource = append(bySource, left)
	}
	for _, left := range bySource {
		for _, s := range left {
			c.differ(Difference{Kind: DiffMissing, Folder: s.folder, UID: s.uid, Size: s.size})
		}
	}
	for _, s := range rest {
		c.differ(Difference{Kind: DiffExtra, Folder: s.folder, UID: s.uid, Size: s.size})
	}
	return nil
}

// pair compares one folder of A with the messages of B that are not taken yet
// and returns what is left of both.
func (c *comparer) pair(ctx context.Context, p *pairWork, b mail.Reader, rest []side) (leftA, leftB []side, err error) {
	a, err := c.run.job.Source.OpenReader(ctx, p.src.Path)
	if err != nil {
		return nil, nil, at(EndSource, err)
	}
	defer a.Close()
	mine, err := sides(ctx, a, p.src.Path)
	if err != nil {
		return nil, nil, at(EndSource, err)
	}
	mine = slices.DeleteFunc(mine, func(s side) bool {
		return c.run.job.Filter.reject(mail.Info{Size: s.size, InternalDate: s.date}) != ""
	})
	c.out.MessagesA += len(mine)
	hash := func(r mail.Reader, end End) hasher {
		return func(ctx context.Context, uids mail.UIDSet) (map[mail.UID]digest, error) {
			d, err := digests(ctx, r, uids)
			return d, at(end, err)
		}
	}
	m := matcher{sizes: p.sizesCompare(), srcHash: hash(a, EndSource), dstHash: hash(b, EndDest)}
	found, err := m.match(ctx, candidatesOf(mine), candidatesOf(rest))
	if err != nil {
		return nil, nil, err
	}
	byA, byB := index(mine), index(rest)
	for _, pair := range found.pairs {
		c.compare(byA[pair.src.uid], byB[pair.dst.uid])
	}
	if c.bodies {
		if err := c.compareBodies(ctx, p.src.Path, found.pairs, m); err != nil {
			return nil, nil, err
		}
	}
	for _, pair := range found.pairs {
		delete(byA, pair.src.uid)
		delete(byB, pair.dst.uid)
	}
	return remaining(mine, byA), remaining(rest, byB), nil
}

// compare looks at what two messages that correspond have besides their octets.
func (c *comparer) compare(a, b side) {
	same := true
	if !a.flags.Equal(b.flags) {
		same = false
		c.differ(Difference{Kind: DiffFlags, Folder: a.folder, UID: a.uid, Size: a.size,
			Detail: fmt.Sprintf("(%s) and (%s)", a.flags, b.flags)})
	}
	if a.date.Unix() != b.date.Unix() {
		same = false
		c.differ(Difference{Kind: DiffDate, Folder: a.folder, UID: a.uid, Size: a.size,
			Detail: a.date.Format(time.RFC3339) + " and " + b.date.Format(time.RFC3339)})
	}
	if same {
		c.out.Same++
	}
}

// compareBodies fetches every matched message of both ends, a part at a time.
func (c *comparer) compareBodies(ctx context.Context, folder mail.Path, pairs []matched, m matcher) error {
	for part := range slices.Chunk(pairs, 1000) {
		var src, dst []mail.UID
		for _, p := range part {
			src, dst = append(src, p.src.uid), append(dst, p.dst.uid)
		}
		a, err := m.srcHash(ctx, sortedSet(src))
		if err != nil {
			return err
		}
		b, err := m.dstHash(ctx, sortedSet(dst))
		if err != nil {
			return err
		}
		for _, p := range part {
			x, okA := a[p.src.uid]
			y, okB := b[p.dst.uid]
			if !okA || !okB || x.whole != y.whole {
				c.differ(Difference{Kind: DiffBody, Folder: folder, UID: p.src.uid, Size: p.src.size, Detail: bodyDetail(okA, okB, x, y)})
			}
		}
	}
	return nil
}

func bodyDetail(okA, okB bool, x, y digest) string {
	switch {
	case !okA || !okB:
		return "could not be read at both ends"
	case x.body == y.body:
		return "the header differs"
	default:
		return fmt.Sprintf("sha256 %x and %x", x.whole[:8], y.whole[:8])
	}
}

func sides(ctx context.Context, r mail.Reader, folder mail.Path) (out []side, err error) {
	err = r.List(ctx, mail.ListOptions{Key: true, Size: true, Flags: true, Date: true}, func(i mail.Info) error {
		out = append(out, side{candidateOf(i), folder, i.InternalDate})
		return nil
	})
	return out, err
}

func candidatesOf(list []side) []candidate {
	out := make([]candidate, len(list))
	for i, s := range list {
		out[i] = s.candidate
	}
	return out
}

func index(list []side) map[mail.UID]side {
	out := make(map[mail.UID]side, len(list))
	for _, s := range list {
		out[s.uid] = s
	}
	return out
}

func remaining(list []side, keep map[mail.UID]side) []side {
	var out []side
	for _, s := range list {
		if _, ok := keep[s.uid]; ok {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b side) int { return cmp.Compare(a.uid, b.uid) })
	return out
}
