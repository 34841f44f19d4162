package imapstore_test

import (
	"errors"
	"reflect"
	"testing"

	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
)

// makeMany makes folders twice, once as none of them and once as all of them exist, and
// checks what is listed then. It reports whether what exists already was listed with its creation.
func makeMany(t *testing.T, opts imapstore.Options) (listedAtOnce bool) {
	t.Helper()
	st := imapstore.New(opts)
	defer st.Close()
	folders := []mail.Folder{
		{Path: mail.NewPath("INBOX")},
		{Path: mail.NewPath("deep", "down", "below")}, // before its parents
		{Path: mail.NewPath("deep")},
		{Path: mail.NewPath("Papierkorb"), Role: mail.RoleTrash},
		{Path: mail.NewPath("Grüße & Küsse")},
	}
	for range 60 {
		folders = append(folders, mail.Folder{Path: mail.NewPath("many", mail.Visible(string(rune(0x61+len(folders)%26))+string(rune(0x61+len(folders)/26))))})
	}
	var paths []mail.Path
	for range 2 {
		for i, f := range folders {
			folders[i].Path = st.Name(f.Path)
		}
		errs, now, err := st.CreateAll(t.Context(), folders)
		if err != nil || errors.Join(errs...) != nil || len(errs) != len(folders) {
			t.Fatalf("CreateAll: %v, %v", errs, err)
		}
		then, err := st.Folders(t.Context())
		if err != nil || now != nil && len(now) != len(then) {
			t.Errorf("listed with the creation: %d, listed then: %d, %v", len(now), len(then), err)
		}
		for i := range now {
			if st := now[i].Status; st != nil && then[i].Status != nil {
				st.UIDValidity = then[i].Status.UIDValidity // which Courier makes up anew until a folder is opened
			}
			if !reflect.DeepEqual(now[i], then[i]) {
				t.Errorf("listed with the creation: %+v %+v, listed then: %+v %+v", now[i], now[i].Status, then[i], then[i].Status)
			}
		}
		listedAtOnce = now != nil
		paths = nil
		for _, f := range folders[1:] {
			paths = append(paths, f.Path)
		}
		errs, err = st.SetSubscribedAll(t.Context(), paths, true)
		if err != nil || errors.Join(errs...) != nil || len(errs) != len(paths) {
			t.Fatalf("SetSubscribedAll: %v, %v", errs, err)
		}
	}
	if errs, err := st.SetSubscribedAll(t.Context(), paths[:1], false); err != nil || errs[0] != nil {
		t.Fatal(errs, err)
	}
	listed, err := st.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byPath := make(map[mail.Path]mail.Folder)
	for _, f := range listed {
		byPath[f.Path] = f
	}
	for i, path := range paths {
		if f, ok := byPath[path]; !ok || f.NoSelect || f.Missing || f.Subscribed != (i > 0) {
			t.Errorf("folder %q: %+v", path, f)
		}
	}
	return listedAtOnce
}

func TestManyFoldersAreMade(t *testing.T) {
	t.Run("in-process", func(t *testing.T) {
		server, _, opts := startInProcess(t, imaptest.Options{Prefix: "INBOX.", Delimiter: '.'})
		if !makeMany(t, opts) {
			t.Error("not listed with the creation")
		}
		if n := server.Count("CREATE"); n > 3*67 {
			t.Errorf("%d CREATEs", n)
		}
	})
	t.Run("Dovecot", func(t *testing.T) {
		dovecot := servertest.StartDovecot(t, servertest.DovecotOptions{})
		if !makeMany(t, account(t, dovecot.Addr, userOf(t), dovecot.Password)) {
			t.Error("not listed with the creation")
		}
	})
	t.Run("Cyrus", func(t *testing.T) {
		cyrus := servertest.StartCyrus(t, servertest.CyrusOptions{})
		makeMany(t, account(t, cyrus.Addr, userOf(t), cyrus.Password))
	})
	t.Run("Courier", func(t *testing.T) {
		courier := servertest.StartCourier(t, servertest.CourierOptions{})
		makeMany(t, account(t, courier.Addr, userOf(t), courier.Password))
	})
}
