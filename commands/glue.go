package commands

import (
	"mailferry/transfer"
	"mailferry/transfer/imapstore"
	"mailferry/transfer/ledger"
	"mailferry/transfer/mail"
)

// realEngine connects to servers and keeps its record in files.
func realEngine() engine {
	return engine{
		run:     transfer.Run,
		compare: transfer.Compare,
		source:  func(o storeOptions) mail.Source { return imapstore.NewSource(o.imap()) },
		store:   func(o storeOptions) mail.Store { return imapstore.New(o.imap()) },
		ledger:  openLedger,
	}
}

func (o storeOptions) imap() imapstore.Options {
	a := o.address
	return imapstore.Options{
		Host: a.host, Port: a.port, Security: a.security,
		User: a.user, Password: o.password, Auth: a.auth, Authzid: a.authzid,
		CAFile: a.ca, CertFile: a.cert, KeyFile: a.key, Fingerprint: a.fingerprint,
		Compress: a.compress, Connections: o.connections, Trace: o.trace,
	}
}

func openLedger(path, source, dest string, readOnly bool) (transfer.Ledger, error) {
	id := ledger.Identity{Source: source, Dest: dest}
	if readOnly {
		return ledger.OpenReadOnly(path, id)
	}
	return ledger.Open(path, id)
}
