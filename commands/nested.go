package commands

import (
	"os"
	"path/filepath"
)

// admitPlaces refuses two ends on disk of which one lies inside the other: what a run has written would be
// mail to copy for the next, and the mail would double each night.
func admitPlaces(source, dest address) error {
	if !source.isArchive() || !dest.isArchive() {
		return nil
	}
	below, above := inside(dest.path, source.path), inside(source.path, dest.path)
	switch {
	case below && above:
		return usage("source and destination are the same archive", "")
	case below:
		return usage("the destination lies inside the source, so every run would copy what the last one has written",
			"name a directory that is not below "+source.path)
	case above:
		return usage("the source lies inside the destination, so every run would mix it with what the last one has written",
			"name a destination that "+source.path+" is not below")
	}
	return nil
}

// inside reports whether path is dir or lies in it, however the two are written. path need not
// exist yet.
func inside(path, dir string) bool {
	outer, err := os.Stat(dir)
	if err != nil {
		return false
	}
	for at := resolved(path); ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil && os.SameFile(info, outer) {
			return true
		}
		if at == filepath.Dir(at) {
			return false
		}
	}
}

// resolved follows the links in a path as far as it exists.
func resolved(path string) string {
	rest := ""
	for at := path; ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		if at == filepath.Dir(at) {
			return path
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}
