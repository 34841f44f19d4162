package tree

import (
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"mailferry/transfer/mail"
)

const (
	suffix       = ".mbox"
	shortMark    = "%~"
	maxComponent = 200
	// NameSuffix ends the name of the file that holds a component too long for a name.
	NameSuffix = ".name"
)

// File returns the file of a new folder. existing are the files of all others, from
// which it differs also to a file system that ignores case or the
// composition of letters.
func File(folder mail.Path, existing []string) string {
	parts := folder.Components()
	dir := ""
	for i, part := range parts {
		last := i == len(parts)-1
		siblings, here := below(existing, dir)
		if !last {
			// The directory that the component has already stays its directory.
			if at := slices.IndexFunc(here, func(s string) bool { return decode(s) == part }); at >= 0 {
				dir = path.Join(dir, here[at])
				continue
			}
		}
		dir = path.Join(dir, spell(part, last, siblings))
	}
	return dir
}

// below returns the names in a directory, and those of them that are directories.
func below(files []string, dir string) (all, dirs []string) {
	for _, f := range files {
		rest := f
		if dir != "" {
			var ok bool
			if rest, ok = strings.CutPrefix(f, dir+"/"); !ok {
				continue
			}
		}
		name, _, deeper := strings.Cut(rest, "/")
		if deeper && !slices.Contains(dirs, name) {
			dirs = append(dirs, name)
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all, dirs
}

func spell(part string, last bool, siblings []string) string {
	for escaped := 0; ; escaped++ {
		name := encode(part, escaped)
		if len(name) > maxComponent {
			name = shorten(name, part)
		}
		if last {
			name += suffix
		}
		twin := slices.ContainsFunc(siblings, func(s string) bool { return Twins(s, name) })
		if !twin || escaped > len(part) {
			return name
		}
	}
}

func shorten(name, part string) string {
	sum := sha256.Sum256([]byte(part))
	tail := fmt.Sprintf("%s%x", shortMark, sum[:8])
	cut := name[:maxComponent-len(tail)]
	for !utf8.ValidString(cut) {
		cut = cut[:len(cut)-1]
	}
	if i := strings.LastIndexByte(cut, '%'); i >= 0 && i > len(cut)-3 {
		cut = cut[:i]
	}
	return cut + tail
}

// Long yields the components of a folder that its file does not spell: the name of the
// file that shall hold each, and what it shall hold.
func Long(folder mail.Path, file string) map[string]string {
	long := make(map[string]string)
	names := strings.Split(strings.TrimSuffix(file, suffix), "/")
	for i, part := range folder.Components() {
		if i < len(names) && strings.Contains(names[i], shortMark) {
			long[path.Join(names[:i+1]...)+NameSuffix] = encode(part, 0) + "\n"
		}
	}
	return long
}

// Folder returns the folder of a file. long reads the file that holds a component too long for a name.
func Folder(file string, long func(name string) string) (mail.Path, bool) {
	text, ok := strings.CutSuffix(file, suffix)
	if !ok || text == "" {
		return mail.Path{}, false
	}
	names := strings.Split(text, "/")
	parts := make([]string, len(names))
	for i, name := range names {
		if name == "" {
			return mail.Path{}, false
		}
		if strings.Contains(name, shortMark) {
			if name = strings.TrimSuffix(long(path.Join(names[:i+1]...)+NameSuffix), "\n"); name == "" {
				return mail.Path{}, false
			}
		}
		parts[i] = decode(name)
	}
	p := mail.NewPath(parts...)
	return p, !p.IsZero()
}
