package ledger

import (
	"encoding/binary"
	"hash/crc32"

	"mailferry/transfer"
)

// recordSum is the checksum of a record's row; flags is the text its set stands for.
func recordSum(pair int64, r transfer.Record, flags string) int64 {
	var room [128]byte
	b := binary.AppendUvarint(room[:0], uint64(pair))
	b = binary.AppendUvarint(b, uint64(r.Source))
	b = binary.AppendUvarint(b, uint64(r.Dest))
	b = append(b, byte(number(r.Appended)))
	b = append(b, flags...)
	return signed(crc32.ChecksumIEEE(b))
}

// columnSum is the checksum of a row's other columns.
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
