package commands

import (
	"context"
	"io"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// engine is what does the work: the transfer package, and the stores and ledgers
// handed to it.
type engine struct {
	run     func(ctx context.Context, job transfer.Job) (*transfer.Report, error)
	compare func(ctx context.Context, job transfer.Job, bodies bool) (*transfer.Comparison, error)
	// source opens a store for reading only: it has no method that changes anything.
	source func(storeOptions) mail.Source
	store  func(storeOptions) mail.Store
	// ledger opens the record at path. With readOnly it creates and changes nothing.
	ledger func(path, source, dest string, readOnly bool) (transfer.Ledger, error)
}

// storeOptions is how to reach a store.
type storeOptions struct {
	address     address
	password    secret
	connections int
	trace       io.Writer // nil: none
}
