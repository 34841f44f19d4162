package foreign

import (
	"encoding/base64"
	"mime"
	"strings"
	"unicode/utf16"

	"mailferry/transfer/mail"
)

// gmailLabels reads the list of labels as Google Takeout writes it: encoded words (RFC
// 2047) around a list with commas, in which a label that has one is quoted.
func gmailLabels(value string) (labels []string) {
	if text, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
		value = text
	}
	var b strings.Builder
	quoted := false
	add := func() {
		if label := strings.TrimSpace(b.String()); label != "" {
			labels = append(labels, label)
		}
		b.Reset()
	}
	for _, r := range value {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ',' && !quoted:
			add()
		default:
			b.WriteRune(r)
		}
	}
	add()
	return labels
}

// gmailFlags says what labels mean as flags. The labels of Gmail's own folders and
// categories are none; those that the user has made are keywords.
func gmailFlags(labels []string) []string {
	flags := []string{mail.Seen}
	for _, label := range labels {
		switch strings.ToLower(label) {
		case "unread":
			flags[0] = ""
		case "starred":
			flags = append(flags, mail.Flagged)
		case "draft", "drafts":
			flags = append(flags, mail.Draft)
		case "important":
			flags = append(flags, "$Important")
		case "inbox", "sent", "trash", "bin", "spam", "archived", "opened", "chat", "muted":
		default:
			if !strings.HasPrefix(label, "Category ") {
				flags = append(flags, atom(label))
			}
		}
	}
	return flags
}

// asciiOnly spells other characters as mailbox names do (RFC 3501 section 5.1.3), so that different labels
// stay different keywords.
func asciiOnly(name string) string {
	var b strings.Builder
	var wide []uint16
	flush := func() {
		if len(wide) == 0 {
			return
		}
		octets := make([]byte, 0, 2*len(wide))
		for _, u := range wide {
			octets = append(octets, byte(u>>8), byte(u))
		}
		text := base64.RawStdEncoding.EncodeToString(octets)
		b.WriteString("&" + strings.ReplaceAll(text, "/", ",") + "-")
		wide = wide[:0]
	}
	for _, r := range name {
		if r >= 0x80 {
			wide = utf16.AppendRune(wide, r)
			continue
		}
		flush()
		b.WriteRune(r)
	}
	flush()
	return b.String()
}
