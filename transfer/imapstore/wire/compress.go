package wire

import (
	"bufio"
	"compress/flate"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"mailferry/transfer/mail"
)

// Compression says whether a connection is compressed (RFC 4978).
type Compression int

const (
	CompressAuto Compression = iota // where the server can, except on this machine itself
	CompressOn                      // a server that cannot is an error
	CompressOff
)

const (
	capCompress = "COMPRESS=DEFLATE"
	opCompress  = "compress"
)

// checkCompression refuses a server that lacks what was asked for.
func (c *Conn) checkCompression() error {
	if c.opts.Compress != CompressOn || c.caps.Has(capCompress) {
		return nil
	}
	return &mail.Error{Op: opCompress, Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindConnect,
		Err: errors.New("the server does not offer COMPRESS=DEFLATE"), Hint: "leave out compress=on: where a server can compress, it is asked to"}
}

// Compress has both sides compress from now on, if Options ask for it and it has
// not been done. It costs a round trip, in which nothing else may be sent, so callers
// ask for it when mail is about to move. A server that refuses is taken as it is.
func (c *Conn) Compress(ctx context.Context) error {
	if c.Reserved() || c.bw.deflate != nil || !c.caps.Has(capCompress) || !c.wantsCompression() {
		return nil
	}
	_, err := c.run(ctx, opCompress, newCommand("COMPRESS DEFLATE"), nil)
	var refused *ReplyError
	if errors.As(err, &refused) && c.broken == nil && c.opts.Compress != CompressOn {
		return nil
	}
	if err != nil {
		return widen(err)
	}
	c.deflate()
	return nil
}

func (c *Conn) wantsCompression() bool {
	switch c.opts.Compress {
	case CompressOn:
		return true
	case CompressOff:
		return false
	}
	return !c.loopback()
}

// loopback reports whether the server runs on this machine.
func (c *Conn) loopback() bool {
	if addr, ok := c.sock.RemoteAddr().(*net.TCPAddr); ok {
		return addr.IP.IsLoopback()
	}
	ip, err := netip.ParseAddr(c.opts.Host)
	return strings.EqualFold(c.opts.Host, "localhost") || err == nil && ip.IsLoopback()
}

// deflate puts the compressed stream in the place of the plain one. What was
// read beyond the server's OK is the beginning of the compressed stream.
func (c *Conn) deflate() {
	c.rd.br = bufio.NewReaderSize(flate.NewReader(c.rd.br), bufferSize)
	c.bw = newDeflating(c.turns)
}
