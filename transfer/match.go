package transfer

import (
	"bytes"
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

// src and dst come back in another order.
func (m matcher) match(ctx context.Context, src, dst []candidate) (matching, error) {
	var out matching
	dst = withoutDeleted(src, dst)
	srcID, srcBare := splitByID(src)
	dstID, dstBare := splitByID(dst)
	var unsure []group
	var left []candidate
	merge(srcID, dstID, byFull, func(s, d []candidate) {
		switch {
		case len(s) == 0:
			left = append(left, d...)
		case len(d) == 0:
		case !m.proof && m.sizes && len(s) == 1 && len(d) == 1 && s[0].size == d[0].size:
			out.pairs = append(out.pairs, matched{src: s[0], dst: d[0]})
		default:
			unsure = append(unsure, group{s, d})
		}
	})
	more, err := m.byDigest(ctx, unsure, &out)
	if err != nil {
		return out, err
	}
	// A message without Message-ID may be there without one, or have got one there.
	if len(srcBare) > 0 {
		left = append(append(left, more...), dstBare...)
		unsure = nil
		merge(srcBare, left, byBare, func(s, d []candidate) {
			if len(s) > 0 && len(d) > 0 {
				unsure = append(unsure, group{s, d})
			}
		})
		_, err = m.byDigest(ctx, unsure, &out)
	}
	slices.SortFunc(out.pairs, func(a, b matched) int { return cmp.Compare(a.src.uid, b.src.uid) })
	return out, err
}

func byFull(c *candidate) []byte { return c.key.Full[:] }
func byBare(c *candidate) []byte { return c.key.Bare[:] }

// splitByID brings the candidates that have a Message-ID to the front. Lists are
// sorted in place and not put into maps: a folder may hold a million.
func splitByID(list []candidate) (with, without []candidate) {
	n := 0
	for i := range list {
		if list[i].key.HasID {
			list[i], list[n] = list[n], list[i]
			n++
		}
	}
	return list[:n:n], list[n:]
}

// merge sorts both lists by key and calls fn for each key with the candidates of
// either side that have it, ascending by UID.
func merge(src, dst []candidate, key func(*candidate) []byte, fn func(src, dst []candidate)) {
	order := func(a, b candidate) int {
		return cmp.Or(bytes.Compare(key(&a), key(&b)), cmp.Compare(a.uid, b.uid))
	}
	slices.SortFunc(src, order)
	slices.SortFunc(dst, order)
	for len(src) > 0 || len(dst) > 0 {
		var k []byte
		switch {
		case len(src) == 0:
			k = key(&dst[0])
		case len(dst) == 0 || bytes.Compare(key(&src[0]), key(&dst[0])) <= 0:
			k = key(&src[0])
		default:
			k = key(&dst[0])
		}
		s, d := sameKey(src, key, k), sameKey(dst, key, k)
		fn(src[:s:s], dst[:d:d])
		src, dst = src[s:], dst[d:]
	}
}

// sameKey counts the candidates at the front that have key k.
func sameKey(list []candidate, key func(*candidate) []byte, k []byte) int {
	n := 0
	for n < len(list) && bytes.Equal(key(&list[n]), k) {
		n++
	}
	return n
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
