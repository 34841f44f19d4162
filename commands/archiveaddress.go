package commands

import (
	"fmt"
	"path/filepath"
	"strings"

	"mailferry/archive"
)

// hasArchiveScheme reports whether arg is written maildir:PATH or mbox:PATH.
func hasArchiveScheme(arg string) bool {
	scheme, rest, ok := strings.Cut(arg, ":")
	return ok && archiveFormat(scheme) != "" && !strings.HasPrefix(rest, "//")
}

func archiveFormat(scheme string) archive.Format {
	switch strings.ToLower(scheme) {
	case "maildir":
		return archive.Maildir
	case "mbox":
		return archive.MBox
	}
	return ""
}

func parseArchive(arg string) (address, error) {
	scheme, path, _ := strings.Cut(arg, ":")
	switch {
	case path == "":
		return address{}, badAddress(fmt.Sprintf("the address %s: names no directory", scheme), "write "+scheme+":PATH; is a shell variable not set?")
	case path == "~", strings.HasPrefix(path, "~/"):
		return address{}, badAddress(fmt.Sprintf("a ~ after %s: is not expanded by shells", scheme), "write "+scheme+`:"$HOME"`+path[1:])
	case strings.Contains(path, "\x00"):
		return address{}, badAddress("the path of an archive holds a NUL", "")
	}
	return archiveAt(path, archiveFormat(scheme))
}

// archiveAt is the address of an archive by its path, which is kept absolute: it names the
// archive in records, too.
func archiveAt(path string, format archive.Format) (address, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return address{}, usage(fmt.Sprintf("%q: %v", path, err), "")
	}
	return address{path: whole, format: format}, nil
}

func (a address) isArchive() bool { return a.path != "" }

func (a address) archiveText() string {
	if a.format == "" {
		return a.path
	}
	return string(a.format) + ":" + a.path
}
