package maildir

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"mailferry/transfer/mail"
)

// Directory names
//
// The INBOX is the root; any other folder is "." and its components joined by ".", in
// modified UTF-7 (RFC 3501 section 5.1.3). %XX stands for an octet that cannot be there itself: "%",
// ".", "/", controls, octets that are no UTF-8, and "~" at the start of a component. An
// empty component is "%00". A name that would be too long is cut and ends in "%~" and
// a hash; then the file NameFile in the directory holds all of it.

const (
	inboxDir   = "."
	maxDirName = 240
	shortMark  = "%~"
	// NameFile holds, in a directory whose name was too long, what it would have been.
	NameFile = "mailferry-folder"
)

// Dir returns the directory of a folder. taken reports whether a directory is there
// whose name is the same to a file system that ignores case. parent is the
// directory of the parent folder, or "".
func Dir(path mail.Path, parent string, taken func(dir string) bool) string {
	if path.IsInbox() {
		return inboxDir
	}
	parts := path.Components()
	last := parts[len(parts)-1]
	stem := "."
	switch {
	case len(parts) > 1 && parent != "" && parent != inboxDir && !strings.Contains(parent, shortMark):
		stem = parent + "."
	case len(parts) > 1:
		stem = "." + encodeAll(parts[:len(parts)-1]) + "."
	}
	// A later twin has its first letters escaped, as many as it takes.
	for escaped := 0; ; escaped++ {
		dir := stem + encode(last, escaped)
		if len(dir) > maxDirName {
			dir = shorten(dir, path)
		}
		if !taken(dir) || escaped > len(last) {
			return dir
		}
	}
}

// FullName is what stands in NameFile.
func FullName(path mail.Path) string { return "." + encodeAll(path.Components()) }

// IsShort reports whether a directory's name does not tell its folder's.
func IsShort(dir string) bool { return strings.Contains(dir, shortMark) }

func shorten(dir string, path mail.Path) string {
	sum := sha256.Sum256([]byte(path.Key()))
	tail := fmt.Sprintf("%s%x", shortMark, sum[:8])
	cut := dir[:maxDirName-len(tail)]
	// Neither a base64 sequence nor an escape may be left open.
	if i := strings.LastIndexByte(cut, '&'); i >= 0 && !strings.Contains(cut[i:], "-") {
		cut = cut[:i]
	}
	if i := strings.LastIndexByte(cut, '%'); i >= 0 && i > len(cut)-3 {
		cut = cut[:i]
	}
	return cut + tail
}

func encodeAll(parts []string) string {
	out := make([]string, len(parts))
	for i, c := range parts {
		out[i] = encode(c, 0)
	}
	return strings.Join(out, ".")
}

// PathOf returns the folder of a directory, or of what NameFile holds. A name that
// this package would not have made stands for itself.
func PathOf(dir string) (mail.Path, bool) {
	if dir == inboxDir {
		return mail.NewPath("INBOX"), true
	}
	name, ok := strings.CutPrefix(dir, ".")
	if !ok || name == "" || name == "." || IsShort(name) {
		return mail.Path{}, false
	}
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = decode(p)
	}
	path := mail.NewPath(parts...)
	return path, !path.IsZero() && !path.IsInbox()
}

// Fold is equal for names that some file systems take for the same. Directory names are ASCII.
func Fold(dir string) string { return strings.ToLower(dir) }
