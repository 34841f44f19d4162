package servertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mailferry/transfer/mail"
)

// Diff says in what b differs from a: folders, roles, subscriptions, and the
// messages of each folder as a multiset of bytes, flags and date. UIDs and
// UIDVALIDITY are not compared. Differences that an excuse covers are not
// reported; an excuse that covered another number than it was made for is a
// difference itself. Equal accounts give nil.
func Diff(a, b *Mailbox, excuses ...*Excuse) []string {
	d := &differ{excuses: excuses}
	for _, e := range excuses {
		e.got = 0
	}
	for _, path := range bothKeys(a.Folders, b.Folders) {
		d.folder(path, a.Folders[path], b.Folders[path])
	}
	for _, path := range bothKeys(a.Subscribed, b.Subscribed) {
		if a.Subscribed[path] != b.Subscribed[path] && !d.excused(path, Subscription, nil, nil) {
			d.say("folder %q: subscribed %t and %t", path, a.Subscribed[path], b.Subscribed[path])
		}
	}
	for _, e := range excuses {
		if e.want >= 0 && e.got != e.want {
			d.say("excuse %q: %d times and not %d", e.name, e.got, e.want)
		}
	}
	return d.out
}

func bothKeys[V any](a, b map[mail.Path]V) []mail.Path {
	var out []mail.Path
	for path := range a {
		out = append(out, path)
	}
	for path := range b {
		if _, ok := a[path]; !ok {
			out = append(out, path)
		}
	}
	slices.SortFunc(out, mail.Path.Compare)
	return out
}

type differ struct {
	excuses []*Excuse
	out     []string
}

func (d *differ) say(format string, args ...any) { d.out = append(d.out, fmt.Sprintf(format, args...)) }

func (d *differ) excused(path mail.Path, kind Kind, a, b *Record) bool {
	for _, e := range d.excuses {
		if e.kind == kind && e.covers(path, a, b) {
			e.got++
			return true
		}
	}
	return false
}

func (d *differ) folder(path mail.Path, a, b *FolderContent) {
	switch {
	case b == nil:
		if !d.excused(path, MissingFolder, nil, nil) {
			d.say("folder %q: missing, with %d messages", path, len(a.Messages))
		}
		return
	case a == nil:
		if !d.excused(path, ExtraFolder, nil, nil) {
			d.say("folder %q: should not be there, with %d messages", path, len(b.Messages))
		}
		return
	}
	if a.NoSelect != b.NoSelect && !d.excused(path, Selectable, nil, nil) {
		d.say("folder %q: \\Noselect %t and %t", path, a.NoSelect, b.NoSelect)
	}
	if !slices.Equal(a.Roles, b.Roles) && !d.excused(path, Roles, nil, nil) {
		d.say("folder %q: roles %v and %v", path, a.Roles, b.Roles)
	}
	d.messages(path, a.Messages, b.Messages)
}

// messages pairs off the messages of both sides, the most alike first, and
// reports what is left. Pairs are sought in the order of the stages.
func (d *differ) messages(path mail.Path, a, b []Record) {
	whole := func(r Record) any { return [3]any{r.Sum, r.Flags.String(), r.Date} }
	a, b = pairOff(a, b, whole, whole, func(*Record, *Record) bool { return true })
	for _, s := range stages() {
		a, b = pairOff(a, b, s.left, s.right, func(x, y *Record) bool {
			return s.kind == sameBytes || d.excused(path, s.kind, x, y)
		}, func(x, y *Record) { d.details(path, x, y) })
	}
	for i := range a {
		if !d.excused(path, MissingMessage, &a[i], nil) {
			d.say("folder %q: missing %s", path, a[i])
		}
	}
	for i := range b {
		if !d.excused(path, ExtraMessage, nil, &b[i]) {
			d.say("folder %q: should not be there: %s", path, b[i])
		}
	}
}

// details compares flags and dates of two messages taken for the same.
func (d *differ) details(path mail.Path, a, b *Record) {
	if !a.Flags.Equal(b.Flags) && !d.excused(path, Flags, a, b) {
		d.say("folder %q: flags [%s] and [%s] of %s", path, a.Flags, b.Flags, b)
	}
	if a.Date != b.Date && !d.excused(path, Date, a, b) {
		d.say("folder %q: date %s and %s of %s", path, utc(a.Date), utc(b.Date), b)
	}
}

// pairOff takes out pairs with equal keys that accept allows and returns the rest.
func pairOff(a, b []Record, left, right func(Record) any, accept func(x, y *Record) bool, then ...func(x, y *Record)) (restA, restB []Record) {
	waiting := map[any][]int{}
	for i, r := range b {
		waiting[right(r)] = append(waiting[right(r)], i)
	}
	taken := make([]bool, len(b))
	for i := range a {
		at := waiting[left(a[i])]
		if len(at) == 0 || !accept(&a[i], &b[at[0]]) {
			restA = append(restA, a[i])
			continue
		}
		waiting[left(a[i])] = at[1:]
		taken[at[0]] = true
		for _, f := range then {
			f(&a[i], &b[at[0]])
		}
	}
	for i, r := range b {
		if !taken[i] {
			restB = append(restB, r)
		}
	}
	return restA, restB
}

// String names a message for people.
func (r Record) String() string {
	return fmt.Sprintf("uid %d, %d octets, sha256 %x, flags [%s], %s", r.UID, r.Size, r.Sum[:6], r.Flags, utc(r.Date))
}

func utc(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// Report joins differences for a test's message, at most limit of them.
func Report(differences []string, limit int) string {
	if len(differences) > limit {
		more := fmt.Sprintf("... and %d more", len(differences)-limit)
		differences = append(slices.Clone(differences[:limit]), more)
	}
	return strings.Join(differences, "\n")
}
