package imaptest_test

import (
	"io"
	"slices"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/mail"
)

// TestWithGoImapsClient goes through what a mail program does.
func TestWithGoImapsClient(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{Delimiter: '.', Prefix: "INBOX.", Security: imaptest.OfferStartTLS})
	c, err := imapclient.DialInsecure(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.Login("ann", "secret").Wait())
	ns, err := c.Namespace().Wait()
	must(err)
	if len(ns.Personal) != 1 || ns.Personal[0].Prefix != "INBOX." || ns.Personal[0].Delim != '.' {
		t.Errorf("namespace %+v", ns)
	}
	must(c.Create("INBOX.Gesendet ü", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.MailboxAttrSent}}).Wait())
	must(c.Subscribe("INBOX.Gesendet ü").Wait())

	const raw = "no header \xff\x00\r\n\r\nbody"
	w := c.Append("INBOX.Gesendet ü", int64(len(raw)), &imap.AppendOptions{Flags: []imap.Flag{"WorkTodo"}, Time: timeOf("2001-02-03")})
	_, err = io.WriteString(w, raw)
	must(err)
	must(w.Close())
	appended, err := w.Wait()
	must(err)

	folders, err := c.List("", "*", &imap.ListOptions{
		ReturnSubscribed: true, ReturnStatus: &imap.StatusOptions{NumMessages: true, UIDValidity: true},
	}).Collect()
	must(err)
	sent := folders[slices.IndexFunc(folders, func(f *imap.ListData) bool { return f.Mailbox == "INBOX.Gesendet ü" })]
	if !slices.Contains(sent.Attrs, imap.MailboxAttrSent) || !slices.Contains(sent.Attrs, imap.MailboxAttrSubscribed) ||
		*sent.Status.NumMessages != 1 || sent.Status.UIDValidity != appended.UIDValidity {
		t.Errorf("listed %+v", sent)
	}
	_, err = c.Select(sent.Mailbox, nil).Wait()
	must(err)
	body := &imap.FetchItemBodySection{Peek: true}
	got, err := c.Fetch(imap.UIDSetNum(appended.UID), &imap.FetchOptions{
		UID: true, Flags: true, InternalDate: true, RFC822Size: true, Envelope: true, BodySection: []*imap.FetchItemBodySection{body},
	}).Collect()
	must(err)
	if len(got) != 1 || string(got[0].FindBodySection(body)) != raw || got[0].RFC822Size != int64(len(raw)) ||
		!slices.Contains(got[0].Flags, "WorkTodo") || !got[0].InternalDate.Equal(timeOf("2001-02-03")) {
		t.Errorf("fetched %+v", got)
	}
	must(c.Store(imap.UIDSetNum(appended.UID), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
	must(c.UIDExpunge(imap.UIDSetNum(appended.UID)).Close())
	must(c.Logout().Wait())
	if left := a.Messages(mail.NewPath("Gesendet ü")); len(left) != 0 {
		t.Errorf("left %+v", left)
	}
}

func TestEnvelope(t *testing.T) {
	_, a, addr := start(t, imaptest.Options{})
	const raw = "Date: Thu, 2 Jan 2020 03:04:05 +0100\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: Ann <ann@example.org>\r\n" +
		"To: bob@example.org, \"C, D\" <cd@example.org>\r\nMessage-ID: <1@example.org>\r\nIn-Reply-To: <0@example.org>\r\n\r\nbody\r\n"
	if _, err := a.Append(inbox, nil, timeOf("2020-01-02"), []byte(raw)); err != nil {
		t.Fatal(err)
	}
	c, err := imapclient.DialInsecure(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login("ann", "secret").Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		t.Fatal(err)
	}
	got, err := c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{Envelope: true}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	e := got[0].Envelope
	if e.Subject != "Grüße" || e.From[0].Addr() != "ann@example.org" || e.Sender[0].Name != "Ann" || len(e.To) != 2 ||
		e.To[1].Name != "C, D" || e.MessageID != "1@example.org" || e.InReplyTo[0] != "0@example.org" || e.Date.Unix() != 1577930645 {
		t.Errorf("envelope %+v", e)
	}
}
