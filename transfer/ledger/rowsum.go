package ledger

import (
	"encoding/binary"
	"hash/crc32"
)

// columnSum is the checksum of a row's columns but for the sum itself.
func columnSum(columns []any) int64 {
	var b []byte
	for _, c := range columns {
		switch c := c.(type) {
		case int64:
			b = binary.AppendVarint(b, c)
		case []byte:
			b = append(binary.AppendUvarint(b, uint64(len(c))), c...)
		case string:
			b = append(binary.AppendUvarint(b, uint64(len(c))), c...)
		}
	}
	return signed(crc32.ChecksumIEEE(b))
}

// signed makes the sum one that SQLite stores in four bytes.
func signed(sum uint32) int64 { return int64(int32(sum)) }

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
