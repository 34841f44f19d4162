package imaptest_test

import (
	"slices"
	"strings"
	"testing"

	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/mail"
)

func TestFoldersAsClientsSeeThem(t *testing.T) {
	paths := []string{"Archive/2024/Jan", "Entwürfe", "日本語/😀", "R&D", `say "hi"`, "INBOX/Sub"}
	for name, c := range map[string]struct {
		opts imaptest.Options
		want []string
	}{
		"slash": {imaptest.Options{}, []string{
			`* LIST (\HasChildren) "/" INBOX`,
			`* LIST (\HasNoChildren) "/" "INBOX/Sub"`,
			`* LIST (\Noselect \HasChildren) "/" "Archive"`,
			`* LIST (\Noselect \HasChildren) "/" "Archive/2024"`,
			`* LIST (\HasNoChildren) "/" "Archive/2024/Jan"`,
			`* LIST (\HasNoChildren \Drafts) "/" "Entw&APw-rfe"`,
			`* LIST (\HasNoChildren) "/" "R&-D"`,
			`* LIST (\HasNoChildren) "/" "say \"hi\""`,
			`* LIST (\Noselect \HasChildren) "/" "&ZeVnLIqe-"`,
			`* LIST (\HasNoChildren) "/" "&ZeVnLIqe-/&2D3eAA-"`,
		}},
		"dot with prefix": {imaptest.Options{Delimiter: '.', Prefix: "INBOX."}, []string{
			`* LIST (\HasChildren) "." INBOX`,
			`* LIST (\HasNoChildren) "." "INBOX.INBOX.Sub"`,
			`* LIST (\Noselect \HasChildren) "." "INBOX.Archive"`,
			`* LIST (\Noselect \HasChildren) "." "INBOX.Archive.2024"`,
			`* LIST (\HasNoChildren) "." "INBOX.Archive.2024.Jan"`,
			`* LIST (\HasNoChildren \Drafts) "." "INBOX.Entw&APw-rfe"`,
			`* LIST (\HasNoChildren) "." "INBOX.R&-D"`,
			`* LIST (\HasNoChildren) "." "INBOX.say \"hi\""`,
			`* LIST (\Noselect \HasChildren) "." "INBOX.&ZeVnLIqe-"`,
			`* LIST (\HasNoChildren) "." "INBOX.&ZeVnLIqe-.&2D3eAA-"`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, a, addr := start(t, c.opts)
			for _, p := range paths {
				role := mail.Role("")
				if p == "Entwürfe" {
					role = mail.RoleDrafts
				}
				if err := a.Create(mail.ParsePath(p), role, false); err != nil {
					t.Fatal(err)
				}
			}
			got := login(t, addr).ok(`LIST "" "*"`)
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("listed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// What a client makes by its names is what the account then holds, and the
// other way round.
func TestFoldersByCommand(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{Delimiter: '.', Prefix: "INBOX."})
	c := login(t, addr)
	c.ok(`CREATE "INBOX.Entw&APw-rfe" (USE (\Drafts))`)
	c.ok(`CREATE INBOX.Archive.2024.`)
	c.ok(`SUBSCRIBE INBOX.Archive.2024`)
	c.ok(`SUBSCRIBE INBOX.Archive`)
	c.ok(`SUBSCRIBE inbox`)
	c.ok(appendCommand("INBOX.Archive.2024", "", "kept"))
	c.refused(`CREATE INBOX.Archive.2024`, "NO [ALREADYEXISTS]")
	c.refused(`CREATE Outside`, "NO [CANNOT]")
	c.refused(`CREATE INBOX.INBOX`, "NO [CANNOT]")
	c.refused(`CREATE INBOX.a..b`, "NO [CANNOT]")
	c.refused(`CREATE INBOX.x (USE (\Nonsense))`, "NO [USEATTR]")
	c.refused(`SELECT INBOX.Archive`, "NO [NONEXISTENT]")
	c.refused(`DELETE INBOX.Archive`, "NO [HASCHILDREN]")
	c.refused(`DELETE INBOX`, "NO [CANNOT]")
	c.refused(`DELETE INBOX.none`, "NO [NONEXISTENT]")
	c.refused(`SUBSCRIBE INBOX.none`, "NO [NONEXISTENT]")
	c.refused(`RENAME INBOX.Archive INBOX.Archive.below`, "NO [ALREADYEXISTS]")
	c.refused(`RENAME INBOX.none INBOX.other`, "NO [NONEXISTENT]")
	before := a.Folders()
	c.ok(`RENAME INBOX.Archive INBOX.Old`)

	after := a.Folders()
	if got := folderNames(after); got != "Entwürfe INBOX Old/2024" {
		t.Errorf("folders: %s", got)
	}
	if after[2].UIDValidity != before[0].UIDValidity || after[2].Messages != 1 || !after[2].Subscribed || after[0].Role != mail.RoleDrafts {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if got := a.Subscriptions(); len(got) != 3 || got[1] != mail.ParsePath("Old") {
		t.Errorf("subscriptions: %v", got)
	}
	c.ok(`UNSUBSCRIBE INBOX.Old`)
	if got := len(a.Subscriptions()); got != 2 {
		t.Errorf("%d subscriptions", got)
	}
}

func folderNames(folders []imaptest.Folder) string {
	var out []string
	for _, f := range folders {
		out = append(out, f.Path.String())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestDeletedFolderWithChildrenStaysAsTheirParent(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	c := login(t, addr)
	c.ok("CREATE A")
	c.ok("CREATE A/B")
	c.ok("SUBSCRIBE A/B")
	c.ok("DELETE A")
	if got := find(c.ok(`LIST "" "A"`), "LIST"); got != `* LIST (\Noselect \HasChildren) "/" "A"` {
		t.Errorf("listed %q", got)
	}
	c.ok("DELETE A/B")
	if got := folderNames(a.Folders()); got != "INBOX" {
		t.Errorf("folders: %s", got)
	}
	if got := c.ok(`LIST (SUBSCRIBED) "" "*"`); len(got) != 1 || got[0] != `* LIST (\NonExistent \Subscribed) "/" "A/B"` {
		t.Errorf("subscribed: %q", got)
	}
}

func TestParentsMayBeReal(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{RealParents: true})
	login(t, addr).ok("CREATE A/B/C")
	seen := map[uint32]bool{}
	for _, f := range a.Folders() {
		if seen[f.UIDValidity] {
			t.Errorf("folder %v shares its UIDVALIDITY", f.Path)
		}
		seen[f.UIDValidity] = true
	}
	if got := folderNames(a.Folders()); got != "A A/B A/B/C INBOX" {
		t.Errorf("folders: %s", got)
	}
}

func TestRenamedInboxLeavesAnEmptyOne(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	c := login(t, addr)
	c.ok(appendCommand("INBOX", "", "one"))
	c.ok("RENAME INBOX Old")
	if in, old := a.Messages(inbox), a.Messages(mail.ParsePath("Old")); len(in) != 0 || len(old) != 1 {
		t.Errorf("%d in INBOX, %d in Old", len(in), len(old))
	}
}

func TestListPatternsAndOptions(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{UIDValidity: 100})
	for _, p := range []string{"A", "A/B", "A/B/C", "Sent"} {
		role := mail.Role("")
		if p == "Sent" {
			role = mail.RoleSent
		}
		if err := a.Create(mail.ParsePath(p), role, p == "A/B/C"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Append(mail.ParsePath("Sent"), nil, timeOf("2020-01-02"), []byte("12345")); err != nil {
		t.Fatal(err)
	}
	c := login(t, addr)
	for command, want := range map[string]string{
		`LIST "" ""`:    `* LIST (\Noselect) "/" ""`,
		`LIST "" "%"`:   `* LIST (\HasChildren) "/" "A"|* LIST (\HasNoChildren) "/" INBOX|* LIST (\HasNoChildren \Sent) "/" "Sent"`,
		`LIST "" A/%`:   `* LIST (\HasChildren) "/" "A/B"`,
		`LIST A "*"`:    `* LIST (\HasChildren) "/" "A/B"|* LIST (\HasNoChildren) "/" "A/B/C"`,
		`LIST "" iNbOx`: `* LIST (\HasNoChildren) "/" INBOX`,
		`LIST "" none`:  ``,
		`LSUB "" "*"`:   `* LSUB (\HasNoChildren) "/" "A/B/C"`,
		`LIST (SPECIAL-USE) "" "*" RETURN (SPECIAL-USE)`:    `* LIST (\HasNoChildren \Sent) "/" "Sent"`,
		`LIST (SUBSCRIBED RECURSIVEMATCH) "" "A"`:           `* LIST (\HasChildren) "/" "A" (CHILDINFO ("SUBSCRIBED"))`,
		`LIST "" (Sent INBOX) RETURN (SUBSCRIBED CHILDREN)`: `* LIST (\HasNoChildren) "/" INBOX|* LIST (\HasNoChildren \Sent) "/" "Sent"`,
		`LIST "" Sent RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE RECENT))`: `* LIST (\HasNoChildren \Sent) "/" "Sent"|` +
			`* STATUS "Sent" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 104 UNSEEN 1 SIZE 5 RECENT 0)`,
		`STATUS Sent (MESSAGES DELETED)`: `* STATUS "Sent" (MESSAGES 1 DELETED 0)`,
	} {
		if got := strings.Join(c.ok(command), "|"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", command, got, want)
		}
	}
}

func TestAccountRefusesWhatNoFolderCanBe(t *testing.T) {
	_, a, _ := start(t, imaptest.Options{Delimiter: '.'})
	for _, p := range []mail.Path{{}, mail.NewPath("a.b"), mail.NewPath("a", "")} {
		if err := a.Create(p, "", false); err == nil {
			t.Errorf("created %q", p)
		}
		if err := a.Rename(inbox, p); err == nil {
			t.Errorf("renamed to %q", p)
		}
	}
	none := mail.NewPath("none")
	if _, err := a.Append(none, nil, timeOf("2020-01-02"), nil); err == nil {
		t.Error("appended to a folder that is not there")
	}
	if a.Messages(none) != nil || a.Delete(none) == nil || a.Expunge(none, 1) == nil ||
		a.SetFlags(inbox, 1, nil) == nil || a.SetUIDValidity(none, 1) == nil || a.Rename(none, inbox) == nil {
		t.Error("did something with a folder or message that is not there")
	}
	if got := folderNames(a.Folders()); got != "INBOX" {
		t.Errorf("folders: %s", got)
	}
}
