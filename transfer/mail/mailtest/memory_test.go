package mailtest

import (
	"bytes"
	"testing"

	"mailferry/transfer/mail"
)

// variants are the weaknesses a Memory can play, one by one and together.
func variants() map[string]Options {
	return map[string]Options{
		"perfect":        {},
		"no uidplus":     {NoUIDPlus: true},
		"no uidvalidity": {NoUIDValidity: true},
		"shifting uids":  {NoUIDValidity: true, ShiftUIDs: true},
		"no modseqs":     {NoModSeqs: true},
		"no status":      {NoListStatus: true, NoUIDNext: true, NoTotals: true},
		"auto expunge":   {AutoExpunge: true},
		"flat parents":   {FlatParents: true},
		"scrambled":      {Scramble: true, Contents: true},
		"few flags":      {Permanent: mail.NewFlags(mail.Seen, mail.Answered, mail.Flagged), NoKeywords: true},
		"small":          {MaxSize: 2 << 20},
		"connections":    {Connections: 3},
		"separator":      {Separator: "."},
		"window":         {Window: 16},
		"eager window":   {Window: 16, Eager: true},
		"rewriting": {Rewrite: func(raw []byte) []byte {
			return append([]byte("X-Received: here\r\n"), bytes.ToUpper(raw)...)
		}},
		"all at once": {NoUIDPlus: true, NoUIDValidity: true, ShiftUIDs: true, NoModSeqs: true, NoListStatus: true,
			NoUIDNext: true, NoTotals: true, AutoExpunge: true, FlatParents: true, Scramble: true, Window: 7,
			Separator: "/", Rewrite: bytes.ToLower},
	}
}

func TestMemoryPassesTheSuite(t *testing.T) {
	for name, opts := range variants() {
		t.Run(name, func(t *testing.T) {
			Run(t, func(t *testing.T) mail.Store {
				opts.Reporter = t
				return New(opts)
			})
		})
	}
}

func TestAFaultyStoreWithoutFaultsPassesTheSuite(t *testing.T) {
	for _, name := range []string{"perfect", "window", "all at once"} {
		t.Run(name, func(t *testing.T) {
			Run(t, func(t *testing.T) mail.Store {
				opts := variants()[name]
				opts.Reporter = t
				return Faulty(New(opts), NewPlan(t))
			})
		})
	}
}
