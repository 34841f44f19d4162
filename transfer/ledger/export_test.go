package ledger

import (
	"context"
	"errors"
)

// SetChunkSize makes chunks small, so that few records fill many. It is called before the ledger is shared.
func (l *Ledger) SetChunkSize(n int) { l.chunkSize = n }

// Upgrade converts the file at path up to the moment before the change takes effect, when it calls ready.
func Upgrade(path string, ready func() error) error {
	db, err := connect(path, 1)
	if err != nil {
		return err
	}
	return errors.Join(upgrade(context.Background(), db, false, ready), db.Close())
}
