package imaptest

import "github.com/emersion/go-imap/v2"

func no(code imap.ResponseCode, text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: text}
}

func bad(text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeBad, Text: text}
}

func errNoFolder() error {
	return no(imap.ResponseCodeNonExistent, "there is no such folder")
}

func errReadOnly() error {
	return no(imap.ResponseCodeCannot, "the folder was opened by EXAMINE")
}
