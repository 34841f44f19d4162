package mailtest

import (
	"fmt"
	"slices"

	"mailferry/transfer/mail"
)

func folderChecks() []check {
	return []check{
		{"folder list", checkFolderList},
		{"folder names", checkFolderNames},
		{"folder status", checkFolderStatus},
		{"create twice", checkCreateTwice},
		{"roles", checkRoles},
		{"subscriptions", checkSubscriptions},
		{"name", checkName},
		{"missing folder", checkMissingFolder},
	}
}

func checkFolderList(e *env) {
	deep := e.store.Name(e.folder.Join(mail.NewPath("one", "two", "three")))
	side := e.store.Name(e.folder.Join(mail.NewPath("other")))
	e.create(deep)
	e.create(side)
	e.create(e.folder)
	list, err := e.store.Folders(e.ctx)
	e.ok("Folders", err)
	seen := make(map[mail.Path]int)
	for i, f := range list {
		if before, twice := seen[f.Path]; twice {
			e.Errorf("%q is listed at %d and %d", f.Path, before, i)
		}
		seen[f.Path] = i
	}
	for i, f := range list {
		if parent, ok := f.Path.Parent(); ok {
			if at, listed := seen[parent]; listed && at > i {
				e.Errorf("%q is listed before its parent", f.Path)
			}
		}
	}
	for _, path := range []mail.Path{e.folder, side, deep} {
		i, listed := seen[path]
		if !listed || list[i].NoSelect || list[i].Missing {
			e.Errorf("%q was created and is not listed as a folder for messages", path)
		}
	}
	if again, err := e.store.Folders(e.ctx); err != nil || len(again) != len(list) {
		e.Errorf("Folders again: %d folders and %v, before %d", len(again), err, len(list))
	}
}

// folderNames are components that were seen to go wrong.
func folderNames() []string {
	return []string{
		"plain", "two words", "Grüße", "日本語", "emoji 😀", "a&b", "&", "&AOQ-", "quote \" back \\ slash",
		"100%", "star*", "dot.dot", "slash/slash", "~home", "-dash", "'single'", "(round) [square] {5}",
		"trailing dot.", "cur", "new", "tmp", "inbox", "NIL", "x.mbox", "%41", "é precomposed", "é combined",
	}
}

func checkFolderNames(e *env) {
	created := make(map[mail.Path]string)
	for _, name := range folderNames() {
		if slices.Contains(e.limits.Names, name) {
			continue
		}
		path := e.store.Name(e.folder.Join(mail.NewPath("in", name)))
		if other, twin := created[path]; twin {
			e.Logf("%q and %q get one name", name, other)
			continue
		}
		e.create(path)
		created[path] = name
		w := e.writer(path)
		e.fill(w, len(created), len(created))
		e.close(w)
	}
	listed := e.folders()
	n := 0
	for _, name := range folderNames() {
		path := e.store.Name(e.folder.Join(mail.NewPath("in", name)))
		if created[path] != name {
			continue
		}
		n++
		if _, ok := listed[path]; !ok {
			e.Errorf("folder %q was created and is not listed", path)
			continue
		}
		e.expectLetters(e.content(path), n)
	}
}

func checkFolderStatus(e *env) {
	e.create(e.folder)
	w := e.writer(e.folder)
	a := e.appending(w)
	a.letter(1, mail.NewFlags(mail.Seen))
	a.letter(2, nil)
	a.letter(3, nil)
	a.flush()
	e.close(w)
	r := e.reader(e.folder)
	infos := e.list(r, everything())
	var octets int64
	for _, info := range infos {
		octets += info.Size
	}
	listed := e.folders()[e.folder].Status
	if listed == nil {
		e.Log("Folders tells no status")
		listed = &mail.Status{UIDValidity: r.Status().UIDValidity, Messages: 3, Unseen: -1, Bytes: -1}
	}
	for where, st := range map[string]mail.Status{"Folders": *listed, "Status": r.Status()} {
		if st.Messages != 3 {
			e.Errorf("%s: Messages is %d, want 3", where, st.Messages)
		}
		if st.Unseen != -1 && st.Unseen != 2 {
			e.Errorf("%s: Unseen is %d, want 2 or -1", where, st.Unseen)
		}
		if st.Bytes != -1 && st.Bytes != octets {
			e.Errorf("%s: Bytes is %d, want %d or -1", where, st.Bytes, octets)
		}
		if !e.traits.ModSeqs && st.HighestModSeq != 0 {
			e.Errorf("%s: HighestModSeq without Traits.ModSeqs", where)
		}
		if st.UIDValidity != r.Status().UIDValidity {
			e.Errorf("%s: UIDValidity is %d, and %d elsewhere", where, st.UIDValidity, r.Status().UIDValidity)
		}
	}
	if next := r.Status().UIDNext; next != 0 && next <= infos[2].UID {
		e.Errorf("Status: UIDNext %d is not above UID %d", next, infos[2].UID)
	}
	if next := listed.UIDNext; next != 0 && e.traits.DurableUIDs && next <= infos[2].UID {
		e.Errorf("Folders: UIDNext %d is not above UID %d", next, infos[2].UID)
	}
}

func checkCreateTwice(e *env) {
	e.filled(2)
	before := e.reader(e.folder).Status().UIDValidity
	e.create(e.folder)
	e.ok("create with another role", e.store.Create(e.ctx, mail.Folder{Path: e.folder, Role: mail.RoleJunk}))
	r := e.reader(e.folder)
	e.expectLetters(e.read(r), 1, 2)
	if after := r.Status().UIDValidity; after != before {
		e.Errorf("Create of a folder that exists changed UIDVALIDITY from %d to %d", before, after)
	}
	e.create(mail.NewPath("INBOX"))
}

func checkRoles(e *env) {
	e.ok("create", e.store.Create(e.ctx, mail.Folder{Path: e.folder, Role: mail.RoleArchive}))
	plain := e.create(e.store.Name(e.folder.Join(mail.NewPath("plain"))))
	listed := e.folders()
	want := mail.RoleArchive
	if e.limits.NoRoles {
		want = ""
	}
	if got := listed[e.folder].Role; got != want {
		e.Errorf("role is %q, want %q", got, want)
	}
	if got := listed[plain].Role; got != "" {
		e.Errorf("a folder made without a role has %q", got)
	}
}

func checkSubscriptions(e *env) {
	s, ok := e.store.(mail.Subscriber)
	if !ok {
		e.Skip("no Subscriber")
	}
	e.create(e.folder)
	other := e.create(e.store.Name(e.folder.Join(mail.NewPath("other"))))
	e.ok("unsubscribe", s.SetSubscribed(e.ctx, other, false))
	for _, want := range []bool{true, true, false, false, true} {
		e.ok(fmt.Sprintf("SetSubscribed %t", want), s.SetSubscribed(e.ctx, e.folder, want))
		listed := e.folders()
		if got := listed[e.folder].Subscribed; got != want {
			e.Errorf("Subscribed is %t, want %t", got, want)
		}
		if listed[other].Subscribed {
			e.Errorf("another folder became subscribed")
		}
	}
}

func checkName(e *env) {
	for _, name := range folderNames() {
		path := mail.NewPath("a", name)
		got := e.store.Name(path)
		if again := e.store.Name(got); again != got {
			e.Errorf("Name(%q) is %q, and the name of that %q", path, got, again)
		}
		if len(got.Components()) != 2 {
			e.Errorf("Name(%q) is %q: not two components", path, got)
		}
	}
	for _, path := range []mail.Path{mail.NewPath("INBOX"), mail.NewPath("Archive", "2024"), mail.NewPath("Grüße")} {
		if got := e.store.Name(path); got != path {
			e.Errorf("Name(%q) is %q", path, got)
		}
	}
}

func checkMissingFolder(e *env) {
	_, err := e.store.OpenReader(e.ctx, e.folder)
	e.expectNotFound("OpenReader", err)
	_, err = e.store.OpenWriter(e.ctx, e.folder)
	e.expectNotFound("OpenWriter", err)
	if _, there := e.folders()[e.folder]; there {
		e.Errorf("asking for a folder made it")
	}
	e.filled(1) // the store goes on
	e.expectLetters(e.content(e.folder), 1)
}

func (e *env) expectNotFound(doing string, err error) {
	e.Helper()
	if err == nil {
		e.Fatalf("%s of a missing folder: no error", doing)
	}
	if got := mail.ErrorOf(err); got.Kind != mail.KindNotFound || got.Scope != mail.ScopeFolder {
		e.Errorf("%s of a missing folder: kind %d, scope %d: %v", doing, got.Kind, got.Scope, err)
	}
}
