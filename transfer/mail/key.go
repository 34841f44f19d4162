package mail

import (
	"bytes"
	"crypto/sha256"
	"mime"
	"strings"
)

// Key recognises a message by its header where nothing better is known: by
// Message-ID, Date, From and Subject, with encoded words decoded, white space
// folded, and every raw 8-bit octet taken as "X", because some servers (Cyrus
// with munge8bit) put an X in its place.
//
// Keys are compared with ==. Equal keys do not prove equal messages: two
// messages of one sender may share all four fields.
type Key struct {
	Bare  [16]byte // without Message-ID, for servers that add a missing one
	Full  [16]byte // with Message-ID; equal to Bare's value when there is none
	HasID bool     // the message has a Message-ID
}

// KeyFields are the header fields a Key is made of, as a server is asked for them.
func KeyFields() []string { return []string{"Message-ID", "Date", "From", "Subject"} }

// KeyOf computes the key of a header: complete or reduced to KeyFields, with any
// line ends, up to the first empty line. Of a field that occurs several times
// the first counts.
func KeyOf(header []byte) Key {
	values := firstFields(header)
	id := strings.Join(strings.Fields(values["message-id"]), "")
	h := sha256.New()
	for _, name := range []string{"date", "from", "subject"} {
		h.Write([]byte(name + "\x00" + fold(values[name]) + "\x00"))
	}
	var k Key
	copy(k.Bare[:], h.Sum(nil))
	k.HasID = id != ""
	if k.HasID {
		h.Write([]byte(id))
	}
	copy(k.Full[:], h.Sum(nil))
	return k
}

func firstFields(header []byte) map[string]string {
	values := make(map[string]string, 4)
	name := ""
	for len(header) > 0 {
		line, rest, _ := bytes.Cut(header, []byte("\n"))
		header = rest
		line = bytes.TrimRight(line, "\r")
		switch {
		case len(line) == 0:
			return values
		case line[0] == ' ' || line[0] == '\t':
			if name != "" {
				values[name] += "\n" + asciiX(line)
			}
		default:
			name = startField(values, line)
		}
	}
	return values
}

// startField takes in the first line of a field and returns its name if the
// lines that continue it belong to the key.
func startField(values map[string]string, line []byte) string {
	before, after, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return ""
	}
	name := strings.ToLower(string(bytes.TrimSpace(before)))
	switch name {
	case "message-id", "date", "from", "subject":
		if _, seen := values[name]; !seen {
			values[name] = asciiX(after)
			return name
		}
	}
	return ""
}

func asciiX(b []byte) string {
	out := []byte(string(b))
	for i, c := range out {
		if c >= 0x80 {
			out[i] = 'X'
		}
	}
	return string(out)
}

// fold decodes encoded words and reduces white space, which servers refold.
func fold(value string) string {
	dec := mime.WordDecoder{}
	if decoded, err := dec.DecodeHeader(strings.Join(strings.Fields(value), " ")); err == nil {
		value = decoded
	}
	return strings.Join(strings.Fields(value), " ")
}
