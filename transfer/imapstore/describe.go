package imapstore

import (
	"context"
	"crypto/tls"
	"strconv"
	"strings"

	"mailferry/transfer/imapstore/wire"
	"mailferry/transfer/mail"
)

func tlsVersion(conn *wire.Conn) string {
	state, ok := conn.TLSState()
	if !ok {
		return "none"
	}
	return tls.VersionName(state.Version)
}

// Describe implements mail.Describer.
func (s *Store) Describe(ctx context.Context) ([]mail.Fact, error) {
	// Some servers tell their delimiter in LIST only.
	if err := s.spelled(ctx, func(*wire.Conn, *names) error { return nil }); err != nil {
		return nil, err
	}
	srv := s.known()
	facts := []mail.Fact{
		{Name: "server", Value: mail.Visible(srv.name()), Means: "What the server says of itself."},
		{Name: "tls", Value: srv.tls, Means: tlsMeans(srv.tls)},
		{Name: "connections", Value: strconv.Itoa(s.opts.Connections), Means: "Sessions that will be open at once, at most."},
		{Name: "namespace", Value: strconv.Quote(mail.Visible(srv.prefix)), Means: "What the server puts in front of folder names; it is left out of them here."},
		{Name: "delimiter", Value: strconv.Quote(mail.Visible(srv.delim)), Means: delimMeans(srv.delim)},
	}
	return append(facts, srv.capabilities()...), nil
}

// name is the ID where there is one, and the greeting otherwise.
func (s *server) name() string {
	if name := s.id["name"]; name != "" {
		return strings.TrimSpace(name + " " + s.id["version"])
	}
	return s.greeting
}

func tlsMeans(version string) string {
	if version == "none" {
		return "Everything, the password included, travels in clear text."
	}
	return "The connection is encrypted and the server's certificate was checked."
}

func delimMeans(delim string) string {
	if delim == "" {
		return "Folders have no levels here; names of nested folders are joined by \"_\"."
	}
	return "Folder names cannot hold this character; it becomes \"_\"."
}

// capability is one extension and what follows from it for a transfer.
type capability struct{ name, yes, no string }

func capabilities() []capability {
	return []capability{
		{"LITERAL+", "Messages are sent without waiting for the server each time.", "Each message costs a round trip more."},
		{"MULTIAPPEND", "Many messages go in one command, which servers store faster.", "Each message is stored by itself."},
		{"UIDPLUS", "The server tells where each message went, and mirrored deletions are possible.", "Copied messages are found again by their headers; --mirror is not possible."},
		{"CONDSTORE", "Changed flags are found without reading them all.", "The flags of all messages are read in each run."},
		{"QRESYNC", "Deletions since the last run are told by the server.", "Deletions are found by listing the folder."},
		{"LIST-STATUS", "Unchanged folders are recognised in one round trip.", "Each folder's status is asked for separately."},
		{"LIST-EXTENDED", "Folders and subscriptions are listed together.", "Subscriptions are listed by LSUB."},
		{"SPECIAL-USE", "The server says which folder is Sent, Trash and so on.", "The roles of folders are unknown."},
		{"CREATE-SPECIAL-USE", "New folders can be given their role.", "New folders have no role."},
		{"NAMESPACE", "The server says where the account's own folders are.", "All folders are taken for the account's own."},
		{"STATUS=SIZE", "The size of a folder is known without listing it.", "Sizes are known only once messages are listed."},
		{"ID", "The server tells its name and version.", "The server is known by its greeting only."},
		{"COMPRESS=DEFLATE", "What goes over the line is compressed, except on this machine itself (compress=).", "The server cannot compress."},
		{"IMAP4rev2", "The server speaks the newer IMAP too; IMAP4rev1 is used.", "The server speaks IMAP4rev1."},
		{"OBJECTID", "Messages have identifiers for the whole account.", "Messages are identified by folder and UID."},
	}
}

func (s *server) capabilities() []mail.Fact {
	var facts []mail.Fact
	for _, c := range capabilities() {
		fact := mail.Fact{Name: c.name, Value: "no", Means: c.no}
		if s.caps.Has(c.name) {
			fact.Value, fact.Means = "yes", c.yes
		}
		facts = append(facts, fact)
	}
	limit := mail.Fact{Name: "APPENDLIMIT", Value: "unknown", Means: "A message that is too large is noticed when the server refuses it."}
	if n := s.caps.AppendLimit(); n > 0 {
		limit.Value, limit.Means = strconv.FormatInt(n, 10), "Larger messages are refused before a byte is sent."
	} else if s.caps.Has("APPENDLIMIT") {
		limit.Value, limit.Means = "by folder", "Larger messages are refused before a byte is sent."
	}
	return append(facts, limit)
}
