package foreign

import (
	"strconv"
	"strings"

	"mailferry/transfer/mail"
)

// isStatus reports whether a field is a program's own record of a message and not the message's.
func isStatus(name string) bool {
	switch name {
	case "status", "x-status", "x-keywords", "x-uid", "x-imap", "x-imapbase", "content-length",
		"x-mozilla-status", "x-mozilla-status2", "x-mozilla-keys", "x-gmail-labels":
		return true
	}
	return false
}

// flagsOf reads flags and keywords from the fields in which programs keep them, and the labels of Gmail.
func flagsOf(header []field) (mail.Flags, []string) {
	var flags, labels []string
	for _, f := range header {
		switch f.name {
		case "status", "x-status":
			flags = append(flags, statusFlags(f.value)...)
		case "x-keywords", "x-mozilla-keys":
			flags = append(flags, keywords(f.value)...)
		case "x-mozilla-status":
			flags = append(flags, mozillaFlags(f.value)...)
		case "x-mozilla-status2":
			if bits, err := strconv.ParseUint(f.value, 16, 64); err == nil && bits&0x00200000 != 0 {
				flags = append(flags, mail.Deleted)
			}
		case "x-gmail-labels":
			labels = gmailLabels(f.value)
			flags = append(flags, gmailFlags(labels)...)
		}
	}
	return mail.NewFlags(flags...), labels
}

func statusFlags(value string) (flags []string) {
	for _, c := range value {
		switch c {
		case 'R':
			flags = append(flags, mail.Seen)
		case 'A', 'r':
			flags = append(flags, mail.Answered)
		case 'F':
			flags = append(flags, mail.Flagged)
		case 'D':
			flags = append(flags, mail.Deleted)
		case 'T':
			flags = append(flags, mail.Draft)
		}
	}
	return flags
}

// mozillaFlags reads the bits of nsMsgMessageFlags. What Thunderbird has deleted stays
// in the file until the folder is compacted.
func mozillaFlags(value string) (flags []string) {
	bits, err := strconv.ParseUint(value, 16, 32)
	if err != nil {
		return nil
	}
	for _, b := range []struct {
		bit  uint64
		flag string
	}{{0x0001, mail.Seen}, {0x0002, mail.Answered}, {0x0004, mail.Flagged}, {0x0008, mail.Deleted}, {0x1000, "$Forwarded"}} {
		if bits&b.bit != 0 {
			flags = append(flags, b.flag)
		}
	}
	return flags
}

func keywords(value string) (out []string) {
	for _, k := range strings.Fields(value) {
		out = append(out, atom(k))
	}
	return out
}

// atom spells a name so that it may be a keyword (RFC 9051 section 9, flag-keyword).
func atom(name string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`(){%*"\]`, r) {
			return '_'
		}
		return r
	}, asciiOnly(name))
}
