package transfer

import (
	"syscall"
	"unsafe"
)

const hugePage = 2 << 20

// newSlab asks the system for large pages: to get memory four kilobytes at a time takes longer than to read mail
// into it. The slab begins where a large page can.
func newSlab(octets int) []byte {
	if octets%hugePage != 0 {
		return make([]byte, octets)
	}
	b := make([]byte, octets+hugePage) // what lies before the first border and behind the last is never touched
	at := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) % hugePage)
	b = b[at : at+octets : at+octets]
	_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) // without it, it is memory all the same
	return b
}
