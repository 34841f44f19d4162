package wire

import (
	"context"
	"net"
	"testing"

	"mailferry/transfer/mail"
)

// faraway is a connection to this machine that says it leads elsewhere.
type faraway struct{ net.Conn }

func (faraway) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 993} }

func TestWhetherToCompress(t *testing.T) {
	const ask = "C: A1 COMPRESS DEFLATE\nS: A1 NO [COMPRESSIONACTIVE] TLS does that\nC: A2 NOOP\nS: A2 OK\nwait"
	const not = "C: A1 NOOP\nS: A1 OK\nwait"
	for name, tc := range map[string]struct {
		mode          Compression
		far           bool
		offer, script string
		refused       bool
	}{
		"as it comes, far away":  {CompressAuto, true, capCompress, ask, false},
		"as it comes, here":      {CompressAuto, false, capCompress, not, false},
		"as it comes, not there": {CompressAuto, true, "", not, false},
		"on, and refused":        {CompressOn, false, capCompress, ask, true},
		"off":                    {CompressOff, true, capCompress, not, false},
	} {
		t.Run(name, func(t *testing.T) {
			opts := scripted(t, offering(tc.offer)+tc.script)
			opts.Compress = tc.mode
			if tc.far {
				opts.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := new(net.Dialer).DialContext(ctx, network, address)
					return faraway{conn}, err
				}
			}
			c, err := Dial(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			defer c.cutOff()
			if err := c.Compress(t.Context()); (err != nil) != tc.refused {
				t.Errorf("Compress: %v", err)
			}
			if err := c.Noop(t.Context()); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestCompressionIsInsistedOn(t *testing.T) {
	opts := scripted(t, offering("IDLE")+"wait")
	opts.Compress = CompressOn
	_, err := Dial(t.Context(), opts)
	wantError(t, err, mail.ScopeStore, mail.RetryNever, mail.KindConnect, "does not offer COMPRESS=DEFLATE", "leave out compress=on")
}
