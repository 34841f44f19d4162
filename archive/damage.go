package archive

import (
	"cmp"
	"fmt"
	"slices"

	"mailferry/transfer/mail"
)

// String is the damage in one line for people.
func (d Damage) String() string {
	file := mail.Visible(d.File)
	switch d.Kind {
	case DamageCut:
		return file + ": is shorter than what was stored"
	case DamageRewritten:
		return file + ": was changed and written again by another program"
	case DamageMissing:
		return file + ": is missing"
	case DamageSwapped:
		return file + ": holds the message that belongs into " + mail.Visible(d.Holds)
	case DamageAdded:
		return file + ": was added by somebody else"
	case DamageUnreadable:
		return fmt.Sprintf("%s: cannot be read: %s", file, mail.Visible(d.Err.Error()))
	}
	return file + ": holds other octets than were stored"
}

func sortDamages(list []Damage) {
	slices.SortFunc(list, func(a, b Damage) int {
		return cmp.Or(a.Folder.Compare(b.Folder), cmp.Compare(a.UID, b.UID))
	})
}
