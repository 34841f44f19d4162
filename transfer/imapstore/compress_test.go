package imapstore_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// compressing is a Dovecot that can compress, and an account on it that wants to.
func compressing(t *testing.T, user string) imapstore.Options {
	t.Helper()
	dovecot := servertest.StartDovecot(t, servertest.DovecotOptions{Extra: "protocol imap {\n  mail_plugins = imap_zlib\n}"})
	opts := account(t, dovecot.Addr, user, dovecot.Password)
	opts.Compress = imapstore.CompressOn
	return opts
}

// TestCompressedConnectionsKeepTheContracts: everything works as without, and nothing
// waits for octets that the compressor keeps back.
func TestCompressedConnectionsKeepTheContracts(t *testing.T) {
	opts := compressing(t, "")
	mailtest.Run(t, func(t *testing.T) mail.Store {
		own := opts
		own.User = userOf(t)
		return imapstore.New(own)
	}, dovecotLimits())
}

// TestCompressionSaves: a large message that repeats itself arrives whole, and the line
// carries less than it.
func TestCompressionSaves(t *testing.T) {
	opts := compressing(t, userOf(t))
	var trace bytes.Buffer
	opts.Trace = &trace
	body := []byte("Subject: again\r\n\r\n" + strings.Repeat("and again, and again\r\n", 100_000))
	st := imapstore.New(opts)
	w, err := st.OpenWriter(t.Context(), mail.NewPath("INBOX"))
	if err != nil {
		t.Fatal(err)
	}
	var uid mail.UID
	err = w.Append(t.Context(), &mail.Message{Body: mail.BytesBody(body)}, func(u mail.UID, err error) {
		if uid = u; err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		err = w.Flush(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	err = w.Fetch(t.Context(), mail.NewUIDSet(uid), func(_ mail.Info, r io.Reader) error {
		got, err := io.ReadAll(r)
		if !bytes.Equal(got, body) {
			t.Errorf("%d octets came back as %d", len(body), len(got))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	_, closing, found := strings.Cut(trace.String(), "closed after ")
	words := strings.Fields(closing)
	if !found || len(words[3]) > 6 || len(words[6]) > 6 { // 2.2 MB have 7 digits
		t.Errorf("closed after %s", closing)
	}
	if n := strings.Count(trace.String(), "COMPRESS DEFLATE"); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestCompressionThatIsNotThere: what the user asked for is not left out silently; what
// nobody asked for is.
func TestCompressionThatIsNotThere(t *testing.T) {
	dovecot := servertest.StartDovecot(t, servertest.DovecotOptions{})
	opts := account(t, dovecot.Addr, userOf(t), dovecot.Password)
	for mode, works := range map[imapstore.Compression]bool{imapstore.CompressOn: false, imapstore.CompressOff: true, imapstore.CompressAuto: true} {
		opts.Compress = mode
		src := imapstore.NewSource(opts)
		_, err := src.Folders(t.Context())
		if e := mail.ErrorOf(err); (err == nil) != works || err != nil && (e.Kind != mail.KindConnect || e.Retry != mail.RetryNever || !strings.Contains(err.Error(), "COMPRESS=DEFLATE")) {
			t.Errorf("mode %d: %v", mode, err)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
}
