package transfer

import (
	"cmp"
	"context"
	"slices"

	"mailferry/transfer/mail"
)

// candidate is a message that may have a counterpart at the other end.
type candidate struct {
	uid   mail.UID
	size  int64
	key   mail.Key
	flags mail.Flags
}

func candidateOf(i mail.Info) candidate { return candidate{i.UID, i.Size, i.Key, i.Flags} }

// matched is a source message and its counterpart. whole: every octet is known to
// be equal. doubt: something speaks for another message, a header that differs or
// a size.
type matched struct {
	src, dst candidate
	whole    bool
	doubt    bool
}

// matching is the outcome of a match. doubtful are source messages without a
// counterpart although the destination holds unmatched messages with the same key.
type matching struct {
	pairs    []matched
	doubtful mail.UIDSet
}

// hasher returns the digests of messages of one end. A message that is missing
// in the result is never matched by digest.
type hasher func(ctx context.Context, uids mail.UIDSet) (map[mail.UID]digest, error)

// matcher finds which source messages a destination holds. Messages are
// multisets: every candidate is matched at most once.
//
// One candidate on either side with equal key and equal size is a match where both
// ends keep sizes (a key without Message-ID never is). In every other case of equal
// keys the octets decide: first all of them, then without regard to what servers
// are known to mend, then those behind the header, in doubt. Where sizes say nothing and the octets differ, a key that is unique at both
// ends still is a match, in doubt: such servers rewrite what they are given.
//
// A destination message marked \Deleted is on its way out and no counterpart,
// unless the source's is marked too.
type matcher struct {
	sizes            bool // both ends keep bytes, so sizes can be compared
	proof            bool // octets decide in every case: for few messages
	srcHash, dstHash hasher
}

func (m matcher) match(ctx context.Context, src, dst []candidate) (matching, error) {
	var out matching
	dst = withoutDeleted(src, dst)
	byFull := groupBy(dst, func(c candidate) ([16]byte, bool) { return c.key.Full, c.key.HasID })
	var unsure []group
	for key, s := range groupBy(src, func(c candidate) ([16]byte, bool) { return c.key.Full, c.key.HasID }) {
		d := byFull[key]
		delete(byFull, key)
		switch {
		case len(d) == 0:
		case !m.proof && len(s) == 1 && len(d) == 1 && m.sizes && s[0].size == d[0].size:
			out.pairs = append(out.pairs, matched{src: s[0], dst: d[0]})
		default:
			unsure = append(unsure, group{s, d})
		}
	}
	left, err := m.byDigest(ctx, unsure, &out)
	if err != nil {
		return out, err
	}
	err = m.withoutID(ctx, src, dst, byFull, left, &out)
	sortMatching(&out)
	return out, err
}

// withoutID matches source messages that have no Message-ID with what is left
// of the destination: messages without one, and messages that may have got one there.
func (m matcher) withoutID(ctx context.Context, src, dst []candidate, free map[[16]byte][]candidate, left []candidate, out *matching) error {
	bare := groupBy(src, func(c candidate) ([16]byte, bool) { return c.key.Bare, !c.key.HasID })
	if len(bare) == 0 {
		return nil
	}
	for _, group := range free {
		left = append(left, group...)
	}
	for _, c := range dst {
		if !c.key.HasID {
			left = append(left, c)
		}
	}
	byBare := groupBy(left, func(c candidate) ([16]byte, bool) { return c.key.Bare, true })
	var unsure []group
	for key, s := range bare {
		if d := byBare[key]; len(d) > 0 {
			unsure = append(unsure, group{s, d})
		}
	}
	_, err := m.byDigest(ctx, unsure, out)
	return err
}

// group is the candidates of both ends that share a key.
type group struct{ src, dst []candidate }

// byDigest matches within groups by octets and returns the destination's
// candidates that are left.
func (m matcher) byDigest(ctx context.Context, groups []group, out *matching) ([]candidate, error) {
	var src, dst []mail.UID
	for _, g := range groups {
		src, dst = appendUIDs(src, g.src), appendUIDs(dst, g.dst)
	}
	if len(src) == 0 || len(dst) == 0 {
		return nil, nil
	}
	srcSums, err := m.srcHash(ctx, sortedSet(src))
	if err != nil {
		return nil, err
	}
	dstSums, err := m.dstHash(ctx, sortedSet(dst))
	if err != nil {
		return nil, err
	}
	var left []candidate
	for _, g := range groups {
		lonely := !m.sizes && len(g.src) == 1 && len(g.dst) == 1 && g.src[0].key.HasID
		for _, how := range []likeness{whole, loose, body} {
			g.pairUp(out, srcSums, dstSums, how)
		}
		if lonely && len(g.src) == 1 {
			out.pairs = append(out.pairs, matched{src: g.src[0], dst: g.dst[0], doubt: true})
			g.src, g.dst = nil, nil
		}
		if len(g.dst) > 0 {
			for _, s := range g.src {
				out.doubtful.Add(s.uid)
			}
		}
		left = append(left, g.dst...)
	}
	return left, nil
}

// likeness is how two messages are equal, see digest.
type likeness int

const (
	whole likeness = iota
	loose
	body
)

// sum returns the digest to compare by; false if it proves nothing.
func (l likeness) sum(d digest) ([32]byte, bool) {
	switch l {
	case whole:
		return d.whole, true
	case loose:
		return d.loose, true
	}
	return d.body, d.body != noBody()
}

// pairUp moves the candidates with equal sums from the group to out.
func (g *group) pairUp(out *matching, srcSums, dstSums map[mail.UID]digest, how likeness) {
	free := make(map[[32]byte][]candidate)
	for _, d := range g.dst {
		if all, came := dstSums[d.uid]; came {
			if sum, ok := how.sum(all); ok {
				free[sum] = append(free[sum], d)
			}
		}
	}
	taken := make(map[mail.UID]bool)
	g.src = slices.DeleteFunc(slices.Clone(g.src), func(s candidate) bool {
		all, came := srcSums[s.uid]
		sum, ok := how.sum(all)
		if !came || !ok || len(free[sum]) == 0 {
			return false
		}
		d := free[sum][0]
		free[sum] = free[sum][1:]
		taken[d.uid] = true
		out.pairs = append(out.pairs, matched{src: s, dst: d, whole: how == whole, doubt: how == body})
		return true
	})
	g.dst = slices.DeleteFunc(slices.Clone(g.dst), func(d candidate) bool { return taken[d.uid] })
}

func withoutDeleted(src, dst []candidate) []candidate {
	marked := make(map[[16]byte]bool)
	for _, s := range src {
		if s.flags.Has(mail.Deleted) {
			marked[s.key.Full], marked[s.key.Bare] = true, true
		}
	}
	out := make([]candidate, 0, len(dst))
	for _, d := range dst {
		if !d.flags.Has(mail.Deleted) || marked[d.key.Full] || marked[d.key.Bare] {
			out = append(out, d)
		}
	}
	return out
}

func groupBy(list []candidate, key func(candidate) ([16]byte, bool)) map[[16]byte][]candidate {
	out := make(map[[16]byte][]candidate)
	for _, c := range list {
		if k, ok := key(c); ok {
			out[k] = append(out[k], c)
		}
	}
	return out
}

func appendUIDs(to []mail.UID, from []candidate) []mail.UID {
	for _, c := range from {
		to = append(to, c.uid)
	}
	return to
}

func sortedSet(uids []mail.UID) mail.UIDSet {
	slices.Sort(uids)
	return mail.NewUIDSet(uids...)
}

func sortMatching(m *matching) {
	slices.SortFunc(m.pairs, func(a, b matched) int { return cmp.Compare(a.src.uid, b.src.uid) })
}
