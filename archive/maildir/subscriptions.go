package maildir

import (
	"strings"

	"mailferry/archive/disk"
)

const subscriptionsFile = "subscriptions"

// WriteSubscriptions replaces the list of folders subscribed to, as Dovecot keeps it:
// a name per line, without the dot in front.
func WriteSubscriptions(fsys disk.FS, names []string) error {
	text := ""
	for _, name := range names {
		text += name + "\n"
	}
	return disk.Replace(fsys, subscriptionsFile, text)
}

// ReadSubscriptions returns the names in that list.
func ReadSubscriptions(fsys disk.FS) ([]string, error) {
	text, err := disk.ReadSmall(fsys, subscriptionsFile)
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(text) {
		if name := strings.TrimRight(line, "\r\n"); name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}
