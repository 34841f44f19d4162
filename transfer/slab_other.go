//go:build !linux

package transfer

func newSlab(octets int) []byte { return make([]byte, octets) }
