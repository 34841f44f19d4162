package other

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mailferry/transfer/mail"
)

// finder looks for folders below a root.
type finder struct {
	root    string
	spool   string
	folders []folder
	passed  []string // what was not taken for mail, for an error to name
	failed  []string // what may be mail and cannot be read
	own     []string // archives of ours, which are no part of the mail around them
}

// found says what was there instead of mail.
func (f *finder) found() string {
	passed := slices.Concat(f.own, f.passed)
	if len(passed) == 0 {
		return "the directory holds no files"
	}
	const most = 3
	text := strings.Join(passed[:min(most, len(passed))], "; ")
	if n := len(passed) - most; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return "found: " + text
}

func (f *finder) pass(at, why string) {
	if slices.ContainsFunc(f.passed, func(text string) bool { return strings.HasSuffix(text, ": a file") }) {
		f.passed = nil // what is known better now
	}
	f.passed = append(f.passed, f.short(at)+": "+why)
}

// isOwn passes over an archive that mailferry has filled. Its mail is that of somewhere else, or of the tree around it,
// which would grow by itself with every backup into it.
func (f *finder) isOwn(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, ".mailferry")); err != nil {
		return false
	}
	f.own = append(f.own, f.short(dir)+": an archive that mailferry made")
	return true
}

// short is a path below the root, fit to be shown.
func (f *finder) short(at string) string {
	if rel, err := filepath.Rel(f.root, at); err == nil {
		at = rel
	}
	return mail.Visible(at)
}

// unique refuses two folders of one name, which a Maildir++ name and a nested directory can be.
func (f *finder) unique() error {
	seen := make(map[mail.Path]string)
	for _, one := range f.folders {
		if other, twice := seen[one.path]; twice {
			return refuse(fmt.Sprintf("%q and %q are both folder %q", other, one.at, one.path), "migrate them one after the other")
		}
		seen[one.path] = one.at
	}
	return nil
}

// isMaildir reports whether dir has cur and new, or cur and tmp.
func isMaildir(dir string) bool {
	is := func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && info.IsDir()
	}
	return is("cur") && (is("new") || is("tmp"))
}

// maildirs finds the Maildirs of a tree.
func (f *finder) maildirs(ctx context.Context) error {
	root := isMaildir(f.root)
	if root {
		f.folders = append(f.folders, folder{path: mail.NewPath("INBOX"), at: f.root, subscribed: true})
	}
	if err := f.below(ctx, f.root, nil, root); err != nil {
		return err
	}
	f.subscriptions()
	return nil
}

// below looks into the directories of dir, whose folder's components are given. plus says that dir is
// a Maildir, so that names in it that begin with a dot are those of Maildir++. Elsewhere
// such a directory is taken for mail only if it is a Maildir itself.
func (f *finder) below(ctx context.Context, dir string, components []string, plus bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := filepath.Join(dir, e.Name())
		if !isDir(at, e) {
			if len(components) == 0 && !strings.HasPrefix(e.Name(), ".") && len(f.folders) == 0 {
				f.pass(at, "a file")
			}
			continue
		}
		own := isMaildir(at)
		path, ok := childPath(components, e.Name(), plus || own)
		if !ok || f.isLoop(at, e) || f.isOwn(at) {
			continue
		}
		if own {
			f.folders = append(f.folders, folder{path: mail.NewPath(path...), at: at})
		}
		if err := f.below(ctx, at, path, own); err != nil {
			return err
		}
	}
	return nil
}

// isDir follows links, as mail programs do.
func isDir(at string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(at)
	return err == nil && info.IsDir()
}

// isLoop reports whether a directory is a link to one that it is in.
func (f *finder) isLoop(at string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return false
	}
	target, err := os.Stat(at)
	for up := filepath.Dir(at); err == nil && len(up) >= len(f.root); up = filepath.Dir(up) {
		info, err := os.Stat(up)
		if err == nil && os.SameFile(info, target) {
			f.pass(at, "a link to a directory that it is in")
			return true
		}
		if up == filepath.Dir(up) {
			break
		}
	}
	return false
}

// childPath is the folder of a directory.
func childPath(parent []string, name string, plus bool) ([]string, bool) {
	rest, dotted := strings.CutPrefix(name, ".")
	switch {
	case name == "cur", name == "new", name == "tmp", name == "courierimapkeywords", name == "courierimaphieracl":
		return nil, false
	case dotted && (!plus || rest == "" || rest == "."):
		return nil, false
	case dotted:
		out := slices.Clone(parent)
		for part := range strings.SplitSeq(rest, ".") {
			out = append(out, decodeName(part))
		}
		return out, !slices.Contains(out, "")
	}
	return append(slices.Clone(parent), decodeName(name)), true
}

// subscriptions reads the lists of Dovecot and Courier.
func (f *finder) subscriptions() {
	wanted := make(map[mail.Path]bool)
	for _, list := range []string{"subscriptions", "courierimapsubscribed"} {
		text, err := os.ReadFile(filepath.Join(f.root, list))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			for _, separator := range []string{".", "/", "\t"} {
				var parts []string
				for part := range strings.SplitSeq(strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "INBOX."), separator) {
					parts = append(parts, decodeName(part))
				}
				wanted[mail.NewPath(parts...)] = true
			}
		}
	}
	for i := range f.folders {
		f.folders[i].subscribed = f.folders[i].subscribed || len(wanted) == 0 || wanted[f.folders[i].path]
	}
}
