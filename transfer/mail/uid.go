package mail

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// UID identifies a message within a folder for as long as the folder's
// UIDVALIDITY stays the same (RFC 9051 section 2.3.1.1). Zero is no UID.
type UID uint32

// Range is the UIDs from First to Last, both included.
type Range struct{ First, Last UID }

// UIDSet is a set of UIDs, kept as ascending ranges that neither touch nor
// overlap, so a folder of a million messages with consecutive UIDs costs eight
// bytes. The zero value is the empty set. Copies share memory: use Clone before
// changing one of two.
type UIDSet struct{ ranges []Range }

// NewUIDSet returns the set of the given UIDs.
func NewUIDSet(uids ...UID) UIDSet {
	var s UIDSet
	for _, u := range uids {
		s.Add(u)
	}
	return s
}

// Add puts uid into the set. Ascending order costs amortised constant time,
// any other order the length of the range list. Adding zero does nothing.
func (s *UIDSet) Add(uid UID) {
	if uid != 0 {
		s.AddRange(uid, uid)
	}
}

// AddRange puts every UID from first to last into the set.
func (s *UIDSet) AddRange(first, last UID) {
	if first == 0 || last < first {
		return
	}
	// The first range that ends at or behind the position just before first.
	i, _ := slices.BinarySearchFunc(s.ranges, first, func(r Range, u UID) int {
		if r.Last < u-1 {
			return -1
		}
		return 1
	})
	j := i
	for j < len(s.ranges) && (last == ^UID(0) || s.ranges[j].First <= last+1) {
		first, last = min(first, s.ranges[j].First), max(last, s.ranges[j].Last)
		j++
	}
	s.ranges = slices.Replace(s.ranges, i, j, Range{first, last})
}

// Union puts every UID of other into the set.
func (s *UIDSet) Union(other UIDSet) {
	for _, r := range other.ranges {
		s.AddRange(r.First, r.Last)
	}
}

// Contains reports whether uid is in the set, in logarithmic time.
func (s UIDSet) Contains(uid UID) bool {
	i, _ := slices.BinarySearchFunc(s.ranges, uid, func(r Range, u UID) int {
		if r.Last < u {
			return -1
		}
		return 1
	})
	return i < len(s.ranges) && s.ranges[i].First <= uid && uid != 0
}

// Minus returns the UIDs of s that are not in other.
func (s UIDSet) Minus(other UIDSet) UIDSet {
	var out UIDSet
	k := 0
	for _, r := range s.ranges {
		first := r.First
		for k < len(other.ranges) && other.ranges[k].Last < first {
			k++
		}
		covered := false
		for j := k; j < len(other.ranges) && other.ranges[j].First <= r.Last; j++ {
			o := other.ranges[j]
			if o.First > first {
				out.ranges = append(out.ranges, Range{first, o.First - 1})
			}
			if o.Last >= r.Last {
				covered = true
				break
			}
			first = o.Last + 1
		}
		if !covered {
			out.ranges = append(out.ranges, Range{first, r.Last})
		}
	}
	return out
}

// Len returns the number of UIDs in the set.
func (s UIDSet) Len() int {
	n := 0
	for _, r := range s.ranges {
		n += int(r.Last-r.First) + 1
	}
	return n
}

// Empty reports whether the set holds no UID.
func (s UIDSet) Empty() bool { return len(s.ranges) == 0 }

// First returns the smallest UID, or zero for the empty set.
func (s UIDSet) First() UID {
	if s.Empty() {
		return 0
	}
	return s.ranges[0].First
}

// Last returns the greatest UID, or zero for the empty set.
func (s UIDSet) Last() UID {
	if s.Empty() {
		return 0
	}
	return s.ranges[len(s.ranges)-1].Last
}

// Ranges returns the ascending ranges of the set. The caller must not change them.
func (s UIDSet) Ranges() []Range { return s.ranges }

// Clone returns a copy that shares nothing with s.
func (s UIDSet) Clone() UIDSet { return UIDSet{slices.Clone(s.ranges)} }

// All yields the UIDs in ascending order.
func (s UIDSet) All() iter.Seq[UID] {
	return func(yield func(UID) bool) {
		for _, r := range s.ranges {
			for u := r.First; ; u++ {
				if !yield(u) {
					return
				}
				if u == r.Last {
					break
				}
			}
		}
	}
}

// Chunks yields the set in ascending parts of at most n UIDs and at most
// maxRanges ranges each, because servers bound the length of a command line
// (8 KB is the least seen).
func (s UIDSet) Chunks(n, maxRanges int) iter.Seq[UIDSet] {
	return func(yield func(UIDSet) bool) {
		var part UIDSet
		count := 0
		for _, r := range s.ranges {
			for {
				take := min(int(r.Last-r.First)+1, n-count)
				part.ranges = append(part.ranges, Range{r.First, r.First + UID(take-1)})
				count += take
				done := r.First+UID(take-1) == r.Last
				if count == n || len(part.ranges) == maxRanges {
					if !yield(part) {
						return
					}
					part, count = UIDSet{}, 0
				}
				if done {
					break
				}
				r.First += UID(take)
			}
		}
		if !part.Empty() {
			yield(part)
		}
	}
}

// String writes the set as an IMAP sequence-set ("1:3,7"); the empty set is "".
func (s UIDSet) String() string {
	var b strings.Builder
	for i, r := range s.ranges {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(uint64(r.First), 10))
		if r.Last != r.First {
			b.WriteByte(':')
			b.WriteString(strconv.FormatUint(uint64(r.Last), 10))
		}
	}
	return b.String()
}

// ParseUIDSet reads what String wrote. "*" is not accepted: it names no message.
func ParseUIDSet(text string) (UIDSet, error) {
	var s UIDSet
	if text == "" {
		return s, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		a, b, isRange := strings.Cut(part, ":")
		if !isRange {
			b = a
		}
		first, err1 := strconv.ParseUint(a, 10, 32)
		last, err2 := strconv.ParseUint(b, 10, 32)
		if err1 != nil || err2 != nil || first == 0 || last == 0 {
			return UIDSet{}, fmt.Errorf("not a UID set: %q", part)
		}
		s.AddRange(UID(min(first, last)), UID(max(first, last)))
	}
	return s, nil
}
