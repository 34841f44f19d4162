package main

import (
	"context"
	"fmt"
)

// serve keeps the servers running for somebody who wants to look closer, and
// tells where they are.
func (l *lab) serve(ctx context.Context, o options) (string, error) {
	for _, c := range o.corpora {
		if _, err := l.source(c, ""); err != nil {
			return "", err
		}
	}
	l.distance(row{trip: slow})
	fmt.Fprintf(l.log, "A %s, B %s; the same %v away: A %s, B %s\n", l.a.Addr, l.b.Addr, slow, l.aLine.Addr(), l.bLine.Addr())
	fmt.Fprintf(l.log, "accounts at A: %v; any at B; password %s; mailferry: %s\n", o.corpora, l.a.Password, l.binary)
	<-ctx.Done()
	return "", nil
}
