package transfer

import (
	"fmt"
	"slices"
	"strings"

	"mailferry/transfer/mail"
)

// mapper decides which destination folder each source folder goes to.
type mapper struct {
	job      *Job
	recorded map[mail.Path]Pair      // by source
	roles    map[mail.Path]mail.Path // source folder with a role -> the destination's folder with it
	owner    map[mail.Path]mail.Path // destination name given by translation -> source
}

func newMapper(job *Job, src, dst []mail.Folder, pairs []Pair) *mapper {
	m := &mapper{job: job, recorded: make(map[mail.Path]Pair), owner: make(map[mail.Path]mail.Path)}
	for _, p := range pairs {
		m.recorded[p.Source] = p
	}
	m.roles = rolePairs(src, dst)
	return m
}

// rolePairs pairs the folders of equal role where each end has exactly one. It
// leaves a role alone whose folder at the destination has the name of another source
// folder: the two would be merged without having been asked.
func rolePairs(src, dst []mail.Folder) map[mail.Path]mail.Path {
	out := make(map[mail.Path]mail.Path)
	names := make(map[mail.Path]bool)
	for _, f := range src {
		names[f.Path] = true
	}
	for _, role := range mail.Roles() {
		s, d := withRole(src, role), withRole(dst, role)
		if len(s) == 1 && len(d) == 1 && (s[0] == d[0] || !names[d[0]]) {
			out[s[0]] = d[0]
		}
	}
	return out
}

func withRole(folders []mail.Folder, role mail.Role) (paths []mail.Path) {
	for _, f := range folders {
		if f.Role == role && !f.NoSelect && !f.Missing {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// dest returns where path goes. A recorded pair stays as it is; a --map or
// --into that says otherwise is ErrRemapped, unless Remap allows it.
func (m *mapper) dest(path mail.Path) (mail.Path, error) {
	want, explicit := m.byRule(path)
	want = m.unique(path, m.job.Dest.Name(want))
	old, ok := m.recorded[path]
	if !ok || old.Dest == want || m.job.Remap {
		return want, nil
	}
	plain := m.job.Dest.Name(path)
	if !explicit && (old.Dest == plain || m.isRoleFolder(path) || sameButNumber(old.Dest, plain)) {
		return old.Dest, nil
	}
	return want, fmt.Errorf("%w: %q went to %q, now to %q", ErrRemapped, path, old.Dest, want)
}

func (m *mapper) byRule(path mail.Path) (dest mail.Path, explicit bool) {
	dest = path
	if to, ok := m.mapped(path); ok {
		dest, explicit = to, true
	} else if to, ok := m.byRole(path); ok && m.job.Into.IsZero() {
		dest = to
	}
	if !m.job.Into.IsZero() {
		dest, explicit = m.job.Into.Join(dest), true
	}
	return dest, explicit
}

func (m *mapper) mapped(path mail.Path) (mail.Path, bool) {
	for _, rule := range m.job.Map {
		if rest, ok := path.Below(rule.From); ok {
			return rule.To.Join(rest), true
		}
	}
	return mail.Path{}, false
}

// byRole follows the innermost ancestor that has a role at both ends, so that
// the children of a renamed folder stay below it.
func (m *mapper) byRole(path mail.Path) (mail.Path, bool) {
	for p, ok := path, true; ok; p, ok = p.Parent() {
		if to, found := m.roles[p]; found {
			rest, _ := path.Below(p)
			return to.Join(rest), true
		}
	}
	return mail.Path{}, false
}

func (m *mapper) isRoleFolder(path mail.Path) bool {
	_, ok := m.byRole(path)
	return ok
}

// unique keeps two source folders apart whose names the destination cannot
// spell differently. Folders that a rule sends to one destination stay together.
func (m *mapper) unique(source, dest mail.Path) mail.Path {
	if ruled, _ := m.byRule(source); m.job.Dest.Name(ruled) == ruled {
		if _, taken := m.owner[dest]; !taken {
			m.owner[dest] = source
		}
		return dest
	}
	base := dest
	for n := 2; ; n++ {
		if owner, taken := m.owner[dest]; !taken || owner == source {
			m.owner[dest] = source
			return dest
		}
		c := base.Components()
		c[len(c)-1] += fmt.Sprintf(" (%d)", n)
		dest = mail.NewPath(c...)
	}
}

func sameButNumber(p, base mail.Path) bool {
	rest, ok := strings.CutPrefix(p.Key(), base.Key()+" (")
	return ok && strings.HasSuffix(rest, ")")
}

// choose returns the source folders that the filter lets through and how many it
// excludes. A glob that matches no folder is ErrNoMatch: it is a typing error more
// often than not, and a backup of nothing looks like success.
func (f Filter) choose(folders []mail.Folder) (chosen []mail.Folder, skipped int, err error) {
	used := make([]bool, len(f.Folders))
	for _, folder := range folders {
		if folder.NoSelect || folder.Missing {
			continue
		}
		name := folder.Path.String()
		in := len(f.Folders) == 0
		for i, glob := range f.Folders {
			if MatchGlob(glob, name) {
				in, used[i] = true, true
			}
		}
		if in && slices.ContainsFunc(f.Exclude, func(g string) bool { return MatchGlob(g, name) }) {
			in = false
		}
		if in {
			chosen = append(chosen, folder)
		} else {
			skipped++
		}
	}
	if i := slices.Index(used, false); i >= 0 {
		return nil, 0, fmt.Errorf("%w: --folder %q", ErrNoMatch, f.Folders[i])
	}
	if len(chosen) == 0 && len(f.Exclude) > 0 {
		return nil, 0, fmt.Errorf("%w: --exclude leaves nothing", ErrNoMatch)
	}
	return chosen, skipped, nil
}

// target is where a source folder goes, or why that is not allowed.
type target struct {
	path mail.Path
	err  error
}

// all maps every source folder, also those that the filter excludes, so that a
// folder's destination does not depend on the filter. Names that the destination can
// spell come first: a translated name gives way to them.
func (m *mapper) all(src []mail.Folder) map[mail.Path]target {
	out := make(map[mail.Path]target, len(src))
	for _, translated := range []bool{false, true} {
		for _, f := range src {
			ruled, _ := m.byRule(f.Path)
			if (m.job.Dest.Name(ruled) != ruled) != translated {
				continue
			}
			to, err := m.dest(f.Path)
			out[f.Path] = target{to, err}
		}
	}
	return out
}
