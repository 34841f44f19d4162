package imapstore_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/imaptest/faultproxy"
	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

// notebook is a trace that several connections write.
type notebook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notebook) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

// lines returns what the client said.
func (n *notebook) lines() (out []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for line := range strings.SplitSeq(n.text.String(), "\n") {
		if strings.Contains(line, " C: ") {
			out = append(out, line)
		}
	}
	return out
}

// TestWhateverIsMissing: every promise holds on a server that lacks one of the extensions
// speed comes from, or all of them, and what is not offered is not used.
func TestWhateverIsMissing(t *testing.T) {
	dovecot := servertest.StartDovecot(t, servertest.DovecotOptions{})
	for _, c := range []struct {
		name      string
		hide      []string
		forbidden []string // in what the client says
	}{
		{"LITERAL+", []string{"LITERAL+", "LITERAL-"}, nil},
		{"UIDPLUS", []string{"UIDPLUS"}, []string{"UID EXPUNGE"}},
		{"MULTIAPPEND", []string{"MULTIAPPEND"}, nil},
		{"QRESYNC", []string{"QRESYNC"}, []string{"VANISHED", "ENABLE"}},
		{"CONDSTORE", []string{"CONDSTORE", "QRESYNC"}, []string{"CONDSTORE", "MODSEQ", "CHANGEDSINCE", "ENABLE"}},
		{"LIST-STATUS", []string{"LIST-STATUS"}, []string{"RETURN (SPECIAL-USE STATUS", "RETURN (STATUS"}},
		{"SASL-IR", []string{"SASL-IR"}, []string{"AUTHENTICATE PLAIN ..."}},
		{"all", []string{"LITERAL+", "LITERAL-", "UIDPLUS", "MULTIAPPEND", "CONDSTORE", "QRESYNC", "LIST-STATUS", "LIST-EXTENDED", "ESEARCH", "ENABLE", "ID", "SASL-IR", "NAMESPACE", "SPECIAL-USE"},
			[]string{"UID EXPUNGE", "MODSEQ", "RETURN", "ENABLE", " ID ", "NAMESPACE"}},
	} {
		if testing.Short() && c.name != "all" {
			continue
		}
		t.Run("without "+c.name, func(t *testing.T) {
			t.Parallel()
			proxy := faultproxy.Start(t, dovecot.Addr, faultproxy.Hide(append(c.hide, "COMPRESS")...))
			var said notebook
			mailtest.Run(t, func(t *testing.T) mail.Store {
				opts := account(t, proxy.Addr(), userOf(t), dovecot.Password)
				opts.Trace = &said
				return imapstore.New(opts)
			}, dovecotLimits())
			for _, line := range said.lines() {
				for _, word := range c.forbidden {
					if strings.Contains(line, word) {
						t.Fatalf("%q, though it was not offered: %s", word, line)
					}
				}
			}
		})
	}
}
