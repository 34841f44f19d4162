package commands

import (
	"errors"
	"io"
	"unicode/utf8"
)

// errNothingTyped: Ctrl-D at a prompt.
var errNothingTyped = errors.New("nothing was typed")

// What keys send in a terminal's raw mode.
const (
	keyCtrlC     = 0x03
	keyCtrlD     = 0x04
	keyBackspace = 0x08
	keyCtrlU     = 0x15
	keyDelete    = 0x7f
)

// readHidden reads a line from a terminal in raw mode. In its usual mode the end of the input looks like nothing
// at all to who reads there, and a prompt could not be left by Ctrl-D.
func readHidden(tty io.Reader, interrupt func()) (string, error) {
	var line []byte
	key := make([]byte, 1)
	for {
		if _, err := io.ReadFull(tty, key); err != nil {
			return "", errNothingTyped
		}
		switch key[0] {
		case '\r', '\n':
			return string(line), nil
		case keyCtrlD:
			return "", errNothingTyped
		case keyCtrlC:
			interrupt()
		case keyCtrlU:
			line = nil
		case keyBackspace, keyDelete:
			_, size := utf8.DecodeLastRune(line)
			line = line[:len(line)-size]
		default:
			line = append(line, key[0])
		}
	}
}
