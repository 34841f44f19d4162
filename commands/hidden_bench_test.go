package commands_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mailferry/transfer/imapstore/imaptest/faultproxy"
	"mailferry/transfer/imapstore/servertest"
)

// BenchmarkWhatIsMissing migrates an account, and then again when nothing is to be done, with
// a round trip of 40 ms at both ends and capabilities hidden at both: what each of them is worth.
//
//	go test -run - -bench WhatIsMissing -benchtime 3x ./commands
func BenchmarkWhatIsMissing(b *testing.B) {
	src := servertest.StartDovecot(b, servertest.DovecotOptions{Memory: true})
	dst := servertest.StartDovecot(b, servertest.DovecotOptions{Memory: true})
	fillCorpus(b, src, "anna", servertest.CorpusOptions{Few: true, Small: true})
	for n, hidden := range [][]string{
		{}, {"MULTIAPPEND"}, {"LITERAL+", "LITERAL-"}, {"UIDPLUS"}, {"LIST-STATUS"}, {"CONDSTORE", "QRESYNC"}, {"SASL-IR"},
		{"MULTIAPPEND", "LITERAL+", "LITERAL-", "UIDPLUS", "LIST-STATUS", "CONDSTORE", "QRESYNC", "SASL-IR"},
	} {
		b.Run(fmt.Sprintf("without %v", hidden), func(b *testing.B) {
			m := newMigration(b, src, dst, "anna")
			for _, addr := range []*string{&m.srcAddr, &m.dstAddr} {
				proxy, err := faultproxy.New(context.Background(), *addr,
					faultproxy.Hide(hidden...), faultproxy.Delay(20*time.Millisecond, 20*time.Millisecond))
				if err != nil {
					b.Fatal(err)
				}
				defer proxy.Close()
				*addr = proxy.Addr()
			}
			var first, again time.Duration
			for i := 0; b.Loop(); i++ {
				m.dstUser = fmt.Sprintf("hidden-%d-%d-%d", n, b.N, i)
				m.loseLedger()
				first += timed(b, m)
				again += timed(b, m)
			}
			b.ReportMetric(first.Seconds()/float64(b.N), "s/first")
			b.ReportMetric(again.Seconds()/float64(b.N), "s/again")
		})
	}
}

func timed(b *testing.B, m *migration) time.Duration {
	start := time.Now()
	if code, s := m.run(b); code != 0 {
		b.Fatalf("exit %d: %+v", code, s)
	}
	return time.Since(start)
}
