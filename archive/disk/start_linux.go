package disk

import (
	"os"
	"syscall"
)

// startWriting lets the disk work while the next files are being made, and lets
// one write of the journal serve the fsyncs of many files.
func startWriting(f *os.File) {
	const syncFileRangeWrite = 2
	// A hint: the fsync that follows reports what goes wrong.
	_ = syscall.SyncFileRange(int(f.Fd()), 0, 0, syncFileRangeWrite)
}
