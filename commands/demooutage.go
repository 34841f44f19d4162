package commands

import (
	"context"
	"fmt"
)

// playOutage backs up the old server, loses it, and puts the mail on a fresh one.
func (d *demo) playOutage(ctx context.Context) error {
	fmt.Fprint(d.out, "Now a backup. The archive is a Maildir, which mutt, Dovecot or Python open as it is:\n\n")
	if err := d.step(ctx, "backup", d.old.address, d.archive); err != nil {
		return err
	}
	if err := d.old.server.Close(); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	fmt.Fprint(d.out, "The old server is lost: it was stopped just now. Is the archive intact?\n\n")
	if err := d.step(ctx, "verify", d.archive); err != nil {
		return err
	}
	fmt.Fprint(d.out, "Put it back on a fresh server, and compare every byte:\n\n")
	if err := d.step(ctx, "restore", d.archive, d.fresh.address); err != nil {
		return err
	}
	if err := d.step(ctx, "compare", "--bodies", d.archive, d.fresh.address); err != nil {
		return err
	}
	_, err := sameMail(d.old.account, d.fresh.account)
	return err
}
