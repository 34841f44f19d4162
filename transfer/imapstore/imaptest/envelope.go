package imaptest

import (
	"bytes"
	"mime"
	netmail "net/mail"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// envelope reads what mail programs show in a list. Headers that net/mail cannot
// read give an empty one.
func envelope(raw []byte) *imap.Envelope {
	header := withBlankLine(fields(raw[:headerEnd(raw)], envelopeFields(), true))
	msg, err := netmail.ReadMessage(bytes.NewReader(header))
	if err != nil {
		return &imap.Envelope{}
	}
	h := msg.Header
	date, _ := h.Date()
	e := &imap.Envelope{
		Date:      date,
		Subject:   decoded(h.Get("Subject")),
		From:      addresses(h, "From"),
		Sender:    addresses(h, "Sender"),
		ReplyTo:   addresses(h, "Reply-To"),
		To:        addresses(h, "To"),
		Cc:        addresses(h, "Cc"),
		Bcc:       addresses(h, "Bcc"),
		MessageID: strings.Trim(h.Get("Message-ID"), "<> "),
	}
	for _, id := range strings.Fields(h.Get("In-Reply-To")) {
		e.InReplyTo = append(e.InReplyTo, strings.Trim(id, "<>"))
	}
	// RFC 9051 section 7.5.2: without these the sender is who it is from.
	if e.Sender == nil {
		e.Sender = e.From
	}
	if e.ReplyTo == nil {
		e.ReplyTo = e.From
	}
	return e
}

func envelopeFields() []string {
	return []string{"Date", "Subject", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "In-Reply-To", "Message-ID"}
}

func decoded(value string) string {
	dec := mime.WordDecoder{}
	if text, err := dec.DecodeHeader(value); err == nil {
		return text
	}
	return value
}

func addresses(h netmail.Header, field string) []imap.Address {
	list, err := h.AddressList(field)
	if err != nil {
		return nil
	}
	var out []imap.Address
	for _, a := range list {
		at := strings.LastIndexByte(a.Address, '@')
		if at < 0 {
			continue
		}
		out = append(out, imap.Address{Name: a.Name, Mailbox: a.Address[:at], Host: a.Address[at+1:]})
	}
	return out
}
