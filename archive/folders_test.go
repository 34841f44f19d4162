package archive_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"mailferry/archive"
	"mailferry/archive/disk"
	"mailferry/transfer/mail"
)

// counting counts what waits for the disk.
type counting struct {
	disk.FS
	waits int
}

func (c *counting) Sync(files []disk.File) error {
	c.waits++
	return c.FS.Sync(files)
}

func (c *counting) SyncDir(name string) error {
	c.waits++
	return c.FS.SyncDir(name)
}

func folderNames(t *testing.T, a *archive.Archive) map[string]bool {
	t.Helper()
	list, err := a.Folders(t.Context())
	ok(t, err)
	names := make(map[string]bool)
	for _, f := range list {
		names[f.Path.String()] = f.Subscribed
	}
	return names
}

func foldersCalled(names ...string) (list []mail.Folder, paths []mail.Path) {
	for _, name := range names {
		list = append(list, mail.Folder{Path: mail.ParsePath(name)})
		paths = append(paths, mail.ParsePath(name))
	}
	return list, paths
}

// TestManyFoldersWaitForTheDiskTogether: made and subscribed to at once they are what they are one by one, in this
// process and the next.
func TestManyFoldersWaitForTheDiskTogether(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		names := []string{"Sent", "Work", "Work/2023", "Work/2024", "Work/2024/Q1", "work", "INBOX", "Grüße"}
		list, paths := foldersCalled(names...)
		dir := t.TempDir()
		root, err := disk.OpenRoot(dir + "/.")
		ok(t, err)
		defer root.Close()
		c := &counting{FS: root}
		a := create(t, dir, archive.Options{Format: format}.On(c))
		c.waits = 0
		errs, _, err := a.CreateAll(t.Context(), list)
		if ok(t, err); len(errs) != len(list) || slices.ContainsFunc(errs, func(e error) bool { return e != nil }) {
			t.Fatalf("errors %v", errs)
		}
		if c.waits > len(list)+3 {
			t.Errorf("%d folders waited %d times for the disk", len(list), c.waits)
		}
		errs, err = a.SetSubscribedAll(t.Context(), paths[1:3], true)
		if ok(t, err); len(errs) != 2 || errs[0] != nil || errs[1] != nil {
			t.Errorf("errors %v", errs)
		}
		want := map[string]bool{"INBOX": false}
		for i, name := range names {
			want[name] = i == 1 || i == 2
			put(t, a, paths[i], message(i+1, letter(i+1)))
		}
		if got := folderNames(t, a); !maps.Equal(got, want) {
			t.Errorf("folders %v, want %v", got, want)
		}
		closed(t, a)

		one := filepath.Join(t.TempDir(), "b")
		b := create(t, one, archive.Options{Format: format})
		for i, f := range list {
			ok(t, b.Create(t.Context(), f))
			put(t, b, paths[i], message(i+1, letter(i+1)))
		}
		for _, path := range paths[1:3] {
			ok(t, b.SetSubscribed(t.Context(), path, true))
		}
		a = open(t, dir, archive.Options{})
		if dump(t, a) != dump(t, b) {
			t.Errorf("together:\n%s\none by one:\n%s", dump(t, a), dump(t, b))
		}
		expectSound(t, a)
	})
}

// TestAFolderThatCannotBeMadeIsNamed: the others are there all the same, and nothing of it is.
func TestAFolderThatCannotBeMadeIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	a := create(t, dir, archive.Options{})
	ok(t, os.WriteFile(filepath.Join(dir, ".In the way"), []byte("no directory"), 0o600))
	list, paths := foldersCalled("Before", "In the way", "Later", "")
	errs, _, err := a.CreateAll(t.Context(), list)
	if ok(t, err); len(errs) != 4 || errs[0] != nil || errs[1] == nil || errs[2] != nil || errs[3] == nil {
		t.Fatalf("errors %v", errs)
	}
	if e := mail.ErrorOf(errs[1]); e.Folder != paths[1] || e.Scope != mail.ScopeFolder {
		t.Errorf("%+v", e)
	}
	if got, want := folderNames(t, a), map[string]bool{"INBOX": false, "Before": false, "Later": false}; !maps.Equal(got, want) {
		t.Errorf("folders %v, want %v", got, want)
	}
	errs, err = a.SetSubscribedAll(t.Context(), paths[:3], true)
	if ok(t, err); len(errs) != 3 || errs[0] != nil || mail.ErrorOf(errs[1]).Kind != mail.KindNotFound || errs[2] != nil {
		t.Errorf("errors %v", errs)
	}
	putLetters(t, a, paths[2], 1, 2)
	closed(t, a)
	expectSound(t, open(t, dir, archive.Options{}))
}

// TestRolesComeBack: files do not tell them, so that they are lost with the catalogue, and learned from whoever says them. One
// that is known stays.
func TestRolesComeBack(t *testing.T) {
	forBoth(t, func(t *testing.T, format archive.Format) {
		dir, sent := filepath.Join(t.TempDir(), "a"), mail.NewPath("Sent")
		a := create(t, dir, archive.Options{Format: format})
		ok(t, a.Create(t.Context(), mail.Folder{Path: sent, Role: mail.RoleSent}))
		want := dump(t, a)
		closed(t, a)
		ok(t, os.Remove(own(dir, "catalogue.db")))
		ok(t, os.RemoveAll(own(dir, "catalogue.copy")))
		a = open(t, dir, archive.Options{Write: true})
		if dump(t, a) == want {
			t.Error("the role was not lost")
		}
		for _, role := range []mail.Role{"", mail.RoleSent, mail.RoleTrash} {
			ok(t, a.Create(t.Context(), mail.Folder{Path: sent, Role: role}))
		}
		closed(t, a)
		if got := dump(t, open(t, dir, archive.Options{})); got != want {
			t.Errorf("after it was said again:\n%s\nwant\n%s", got, want)
		}
	})
}
