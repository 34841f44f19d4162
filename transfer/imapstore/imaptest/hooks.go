package imaptest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"mailferry/transfer/mail"
)

// Hook sees each message that a client appends, when all of it has come, and
// returns what is to be stored. Its error refuses the message: an *imap.Error is
// answered as it is, any other as a NO with the error's text. It runs without
// a lock and may block. It must not change raw.
type Hook func(path mail.Path, raw []byte) (stored []byte, err error)

// OnAppend sets the hook of an account; nil: messages are stored as they come.
func (a *Account) OnAppend(hook Hook) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.onAppend = hook
}

// Munge8bit is the hook of a server that puts an X in place of each 8-bit octet
// of the header, as Cyrus does.
func Munge8bit(_ mail.Path, raw []byte) ([]byte, error) {
	out := slices.Clone(raw)
	for i := range out[:headerEnd(raw)] {
		if out[i] >= 0x80 {
			out[i] = 'X'
		}
	}
	return out, nil
}

// AddMessageID returns the hook of a server that gives messages without a
// Message-ID one, which next makes up, as Exchange does.
func AddMessageID(next func() string) Hook {
	return func(_ mail.Path, raw []byte) ([]byte, error) {
		if len(fields(raw[:headerEnd(raw)], []string{"Message-ID"}, true)) > 0 {
			return raw, nil
		}
		return slices.Concat([]byte("Message-ID: "+next()+"\r\n"), raw), nil
	}
}

// Refuse returns the hook of a server that does not take messages which contain
// text, and says so with code (which may be empty).
func Refuse(text string, code imap.ResponseCode, words string) Hook {
	return func(_ mail.Path, raw []byte) ([]byte, error) {
		if bytes.Contains(raw, []byte(text)) {
			return nil, &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: words}
		}
		return raw, nil
	}
}

// refused is what a client hears of a hook's error, which has no line breaks.
func refused(err error) error {
	if _, ok := err.(*imap.Error); ok {
		return err
	}
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, err.Error())
	return no("", text)
}
