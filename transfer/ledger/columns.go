package ledger

import (
	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// scanner is what sql.Row and sql.Rows have in common.
type scanner interface{ Scan(dest ...any) error }

// pairColumns are the columns of a pair's row in the table's order, without the sum.
func pairColumns(p transfer.Pair) []any {
	out := []any{p.ID, []byte(p.Source.Key()), []byte(p.Dest.Key())}
	out = append(out, statusColumns(p.SourceState)...)
	out = append(out, statusColumns(p.DestState)...)
	return append(out, number(p.Adopted), number(p.Complete), []byte(p.Filter), number(p.Subscribed))
}

func statusColumns(s mail.Status) []any {
	return []any{int64(s.UIDValidity), int64(s.UIDNext), int64(s.Messages), int64(s.HighestModSeq),
		s.Unseen, s.Bytes, []byte(s.Permanent.String()), number(s.AnyKeyword)}
}

func scanPair(row scanner) (p transfer.Pair, err error) {
	var source, dest, filter []byte
	var src, dst statusRow
	var sum int64
	into := []any{&p.ID, &source, &dest}
	into = append(into, src.columns()...)
	into = append(into, dst.columns()...)
	into = append(into, &p.Adopted, &p.Complete, &filter, &p.Subscribed, &sum)
	if err := row.Scan(into...); err != nil {
		return p, unreadable(err)
	}
	p.Source, p.Dest = mail.PathFromKey(string(source)), mail.PathFromKey(string(dest))
	p.SourceState, p.DestState, p.Filter = src.status(), dst.status(), string(filter)
	if sum != columnSum(pairColumns(p)) {
		return p, damaged("the record of pair %d is damaged", p.ID)
	}
	return p, nil
}

// statusRow is a mail.Status on its way out of the database.
type statusRow struct {
	s         mail.Status
	modSeq    int64
	permanent []byte
}

func (r *statusRow) columns() []any {
	return []any{&r.s.UIDValidity, &r.s.UIDNext, &r.s.Messages, &r.modSeq, &r.s.Unseen, &r.s.Bytes, &r.permanent, &r.s.AnyKeyword}
}

func (r *statusRow) status() mail.Status {
	r.s.HighestModSeq = uint64(r.modSeq)
	if len(r.permanent) > 0 {
		r.s.Permanent = mail.ParseFlags(string(r.permanent))
	}
	return r.s
}

// intentColumns are the columns of an intent's row without ID and sum.
func intentColumns(i transfer.Intent) []any {
	return []any{i.Pair, int64(i.DestValidity), int64(i.DestNext), i.Source.String()}
}

func scanIntent(row scanner) (i transfer.Intent, err error) {
	var source string
	var sum int64
	if err := row.Scan(&i.ID, &i.Pair, &i.DestValidity, &i.DestNext, &source, &sum); err != nil {
		return i, unreadable(err)
	}
	if i.Source, err = mail.ParseUIDSet(source); err != nil || sum != columnSum(intentColumns(i)) {
		return i, damaged("the record of intent %d is damaged", i.ID)
	}
	return i, nil
}
