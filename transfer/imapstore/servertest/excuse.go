package servertest

import (
	"fmt"

	"mailferry/transfer/mail"
)

// Kind is a kind of difference between two accounts.
type Kind int

const (
	MissingFolder  Kind = iota + 1 // in a only
	ExtraFolder                    // in b only
	Selectable                     // \Noselect on one side only
	Roles                          // RFC 6154
	Subscription                   // on one side only
	MissingMessage                 // in a only
	ExtraMessage                   // in b only
	Flags                          // of a message whose bytes are equal, or excused
	Date                           // likewise
	EightBit                       // a's 8-bit header octets are X in b
	LineEnds                       // the same lines, with other line ends or another end of the last line
	sameBytes
)

// Excuse is a named difference that a pair of servers makes inevitable, with the
// number of times it must occur.
type Excuse struct {
	name   string
	kind   Kind
	want   int
	got    int
	covers func(path mail.Path, a, b *Record) bool
}

// AnyNumber, in place of a number, excuses a difference however often it occurs.
const AnyNumber = -1

// Expect excuses differences of one kind, for the reason name. Without paths it
// does so in all folders.
func Expect(name string, kind Kind, times int, paths ...mail.Path) *Excuse {
	return ExpectWhere(name, kind, times, func(path mail.Path, _, _ *Record) bool {
		for _, p := range paths {
			if p == path {
				return true
			}
		}
		return len(paths) == 0
	})
}

// ExpectWhere excuses the differences for which covers is true. a and b are nil
// for differences of folders, and on the side that lacks a message.
func ExpectWhere(name string, kind Kind, times int, covers func(path mail.Path, a, b *Record) bool) *Excuse {
	return &Excuse{name: name, kind: kind, want: times, covers: covers}
}

// String says how often the excuse was used in the last Diff.
func (e *Excuse) String() string { return fmt.Sprintf("%s: %d", e.name, e.got) }

// Used is how often the excuse was used in the last Diff.
func (e *Excuse) Used() int { return e.got }

// stage is a way to take two messages for the same.
type stage struct {
	kind        Kind
	left, right func(Record) any
}

// stages are tried one after the other. Flags and date decide first among equal
// messages, so that a swap of flags between duplicates is no difference.
func stages() []stage {
	withDate := func(r Record) any { return [2]any{r.Sum, r.Date} }
	withFlags := func(r Record) any { return [2]any{r.Sum, r.Flags.String()} }
	bytes := func(r Record) any { return r.Sum }
	munged := func(r Record) any { return [3]any{r.Munged, r.Flags.String(), r.Date} }
	exact := func(r Record) any { return [3]any{r.Sum, r.Flags.String(), r.Date} }
	lines := func(r Record) any { return [3]any{r.Lines, r.Flags.String(), r.Date} }
	onlyLines := func(r Record) any { return r.Lines }
	return []stage{
		{sameBytes, withDate, withDate},
		{sameBytes, withFlags, withFlags},
		{sameBytes, bytes, bytes},
		{EightBit, munged, exact},
		{EightBit, func(r Record) any { return r.Munged }, bytes},
		{LineEnds, lines, lines},
		{LineEnds, onlyLines, onlyLines},
	}
}
