package transfer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/imaptest"
	"mailferry/transfer/mail"
)

// TestAccountsOfManyShapes migrates accounts with few and many folders, with and without gaps between UIDs,
// over few and many connections, three times each while mail comes and goes. Whatever order folders,
// connections and answers come in, no run waits for itself and everything arrives once.
func TestAccountsOfManyShapes(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			playShape(t, seed)
		})
	}
}

func playShape(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 11))
	var hide []string
	for _, name := range []string{"LITERAL+", "MULTIAPPEND", "UIDPLUS", "LIST-STATUS", "UNSELECT", "STATUS=SIZE"} {
		if rnd.IntN(8) == 0 {
			hide = append(hide, name)
		}
	}
	servers := []*imaptest.Server{imaptest.New(imaptest.Options{Hide: hide}), imaptest.New(imaptest.Options{Hide: hide})}
	var accounts []*imaptest.Account
	var stores []imapstore.Options
	connections := 1 + rnd.IntN(5)
	for _, s := range servers {
		accounts = append(accounts, s.AddUser("user", "secret"))
		addr, err := s.Start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		opts := order{User: "user"}.options(addr)
		opts.Connections = connections
		stores = append(stores, opts)
	}
	src, dst := accounts[0], accounts[1]
	folders := []string{"INBOX"}
	for i := range []int{0, 1, 3, 12, 40}[rnd.IntN(5)] {
		folders = append(folders, fmt.Sprintf("f%d", i))
	}
	next := 0
	live := func(most int) {
		for _, f := range folders {
			if err := src.Create(path(f), "", rnd.IntN(2) == 0); err != nil && next == 0 {
				t.Fatal(err)
			}
			for range rnd.IntN(most) {
				next++
				raw := strings.ReplaceAll(text(fmt.Sprint(seed, "-", next), "hello", strings.Repeat("x", rnd.IntN(3000))), "\n", "\r\n")
				if _, err := src.Append(path(f), mail.NewFlags(mail.Seen), time.Unix(1_600_000_000, 0), []byte(raw)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	ledger := newLedger()
	run := func() *transfer.Report {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		from, to := imapstore.NewSource(stores[0]), imapstore.New(stores[1])
		defer from.Close()
		defer to.Close()
		r, err := transfer.Run(ctx, transfer.Job{Source: from, Dest: to, Ledger: ledger, Connections: connections,
			Timing: transfer.Timing{Settle: time.Millisecond, Backoff: time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		checkSums(t, r)
		if r.Total.Failed+r.Total.Pending > 0 || !r.Complete() {
			t.Fatalf("%+v", r.Total)
		}
		return r
	}
	gone := map[string]bool{} // expunged at the source after they had been copied
	for week := range 3 {
		live([]int{12, 4, 3}[week])
		for _, f := range folders {
			if all := src.Messages(path(f)); len(all) > 1 && rnd.IntN(2) == 0 {
				m := all[rnd.IntN(len(all)-1)]
				if err := src.Expunge(path(f), m.UID); err != nil {
					t.Fatal(err)
				}
				gone[string(m.Raw)] = true
			}
		}
		run()
		if r := run(); r.Total.Copied > 0 {
			t.Errorf("week %d: a second run copies %d messages", week, r.Total.Copied)
		}
		for _, f := range folders {
			want, got := map[string]int{}, map[string]int{}
			for _, m := range src.Messages(path(f)) {
				want[string(m.Raw)]++
			}
			for _, m := range dst.Messages(path(f)) {
				if got[string(m.Raw)]++; want[string(m.Raw)] == 0 && !gone[string(m.Raw)] || got[string(m.Raw)] > 1 {
					t.Errorf("week %d: %q holds what it should not, or twice: %.60q", week, f, m.Raw)
				}
			}
			for raw := range want {
				if got[raw] != 1 {
					t.Errorf("week %d: %q lacks %.60q", week, f, raw)
				}
			}
		}
	}
}
