package imaptest

import "crypto/tls"

// Security says what a listener does about TLS.
type Security int

const (
	Plain           Security = iota // no TLS
	OfferStartTLS                   // STARTTLS may be used
	RequireStartTLS                 // no login before STARTTLS
	ImplicitTLS                     // TLS from the first octet
)

// Options are the traits of a Server. The zero value offers all it can on "/"
// without a prefix.
type Options struct {
	Delimiter rune   // between the components of a folder's name; 0: "/"
	Prefix    string // of the personal namespace: "" or "INBOX" and the delimiter

	// Hide names capabilities that are neither offered nor obeyed, whole
	// ("UIDPLUS", "AUTH=PLAIN") or by what stands before the "=" ("APPENDLIMIT").
	Hide []string

	MaxSize  int64 // greatest message taken, in octets; 0: 4 GiB - 1, and no APPENDLIMIT is told
	MaxLine  int   // longest command line taken, in octets; 0: 8192
	Security Security

	RealParents  bool // CREATE makes missing parents real folders (as Cyrus does), instead of \Noselect
	NoKeywords   bool // PERMANENTFLAGS has no \*, and keywords are dropped silently
	NoUIDs       bool // APPENDUID and COPYUID are left out though UIDPLUS is offered
	AllowWriting bool // APPEND is taken in a session that has EXAMINEd a folder (RFC 9051 allows it)

	UIDValidity uint32           // of the first folder made; 0: chosen by chance, so that two servers differ
	Certificate *tls.Certificate // 0: a fresh one for 127.0.0.1, ::1 and localhost

	// Logf gets what imapserver logs; nil: nobody does.
	Logf func(format string, args ...any)
}

func (o *Options) fill() {
	if o.Delimiter == 0 {
		o.Delimiter = '/'
	}
	if o.MaxLine == 0 {
		o.MaxLine = 8192
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
}
