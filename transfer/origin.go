package transfer

import (
	"context"
	"slices"

	"mailferry/transfer/mail"
)

// sourced reports whether the destination tells by itself which messages of this source folder it holds.
func (p *pairWork) sourced() bool {
	_, ok := p.reader.(mail.OriginIndex)
	return ok && p.state.UIDValidity != 0
}

// origin says that a message of an archive was read from the source under that UID.
type origin struct{ source, own mail.UID }

// byOrigin records what an archive knows of itself: which message of the source
// each of its own is. It returns how many it found.
func (p *pairWork) byOrigin(ctx context.Context) (int, error) {
	if !p.sourced() {
		return 0, nil
	}
	all, err := p.origins(ctx, p.state.UIDValidity)
	if err != nil {
		return 0, err
	}
	all = slices.DeleteFunc(all, func(o origin) bool { return !p.todo.Contains(o.source) })
	records, err := p.proven(ctx, all)
	if err != nil || len(records) == 0 {
		return 0, err
	}
	for _, r := range records {
		if p.sentAll.Contains(r.Source) {
			p.copied.Add(r.Source)
		} else {
			p.adopted.Add(r.Source)
		}
	}
	if p.run.job.DryRun {
		p.addDry(records)
		return len(records), nil
	}
	return len(records), p.commitFound(ctx, records, Change{})
}

// origins are those of the archive's messages that no record claims. validity is the source's; 0: any.
func (p *pairWork) origins(ctx context.Context, validity uint32) (all []origin, err error) {
	claimed, err := p.claimed(ctx, 0)
	if err != nil {
		return nil, err
	}
	from := mail.Origin{Source: p.run.job.Source.String(), Folder: p.src.Path, UIDValidity: validity}
	err = p.reader.(mail.OriginIndex).Origins(ctx, from, func(source, own mail.UID, certain bool) error {
		if certain && p.there.Contains(own) && !claimed.Contains(own) {
			all = append(all, origin{source, own})
		}
		return nil
	})
	return all, at(EndDest, err)
}

// proofPage is how many messages are compared with their origins at once.
const proofPage = 5000

// proven returns records of the origins under which the source still has the message: a server that was restored from its
// backup, or an account made anew, gives UIDs to other messages. Both would have to be of the same second and size.
func (p *pairWork) proven(ctx context.Context, all []origin) (records []Record, err error) {
	var taken mail.UIDSet
	for part := range slices.Chunk(all, proofPage) {
		var sources, own mail.UIDSet
		for _, o := range part {
			sources.Add(o.source)
			own.Add(o.own)
		}
		theirs, err := outlines(ctx, p.source, sources)
		if err != nil {
			return nil, at(EndSource, err)
		}
		ours, err := outlines(ctx, p.reader, own)
		if err != nil {
			return nil, at(EndDest, err)
		}
		for _, o := range part {
			if taken.Contains(o.source) || !theirs[o.source].same(ours[o.own], p.sizesCompare()) {
				continue
			}
			taken.Add(o.source)
			records = append(records, Record{Source: o.source, Dest: o.own, Appended: true})
		}
	}
	return records, nil
}

// outline is what tells messages apart without a look at their octets.
type outline struct {
	listed bool
	size   int64
	date   int64 // in seconds; 0: unknown
}

func outlines(ctx context.Context, r mail.Reader, uids mail.UIDSet) (map[mail.UID]outline, error) {
	out := make(map[mail.UID]outline, uids.Len())
	err := r.List(ctx, mail.ListOptions{Only: &uids, Size: true, Date: true}, func(i mail.Info) error {
		o := outline{listed: true, size: i.Size}
		if !i.InternalDate.IsZero() {
			o.date = i.InternalDate.Unix()
		}
		out[i.UID] = o
		return nil
	})
	return out, err
}

// same is false where there is nothing to tell by.
func (o outline) same(other outline, sizes bool) bool {
	return o.listed && other.listed && o.date == other.date &&
		(sizes && o.size == other.size || !sizes && o.date != 0)
}

// markStrays tells an archive, whose records were lost or void, of the messages that it has from this folder and that
// the source has no longer: without a record nothing else would ever tell. Everything listed has been recognised or copied by then,
// but for what failed: of that the archive's may be the only copy.
func (p *pairWork) markStrays(ctx context.Context) error {
	_, marks := p.writer.(mail.GoneMarker)
	if !p.strays || p.there.Empty() || !marks || !p.sourced() || p.run.job.DryRun || p.run.job.Filter.byMessage() {
		return nil
	}
	all, err := p.origins(ctx, 0)
	if err != nil {
		return err
	}
	var gone mail.UIDSet
	for _, o := range all {
		if p.failed[o.source] == nil {
			gone.Add(o.own)
		}
	}
	if !gone.Empty() {
		err = p.markGone(ctx, gone, p.there.Len())
	}
	p.strays = err != nil
	return err
}
