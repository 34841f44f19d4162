package framing

import (
	"bytes"
	"strings"
)

// Command is the beginning of a client's command.
type Command struct {
	Tag  string
	Name string // upper case, with its UID: "APPEND", "UID FETCH"
	Args string // the rest of the first line
}

// ParseCommand reads the first line of a command. It returns false for lines
// that are no command: DONE, what follows AUTHENTICATE, an empty line.
func ParseCommand(line []byte) (Command, bool) {
	tag, rest, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
	if !ok || tag == "" || rest == "" {
		return Command{}, false
	}
	name, args, _ := strings.Cut(rest, " ")
	name = strings.ToUpper(name)
	if name == "UID" {
		var sub string
		sub, args, _ = strings.Cut(args, " ")
		name += " " + strings.ToUpper(sub)
	}
	return Command{Tag: tag, Name: name, Args: args}, name != ""
}

// ParseStatus reads the beginning of a status response (RFC 9051 section 7.1),
// tagged or, with tag "*", untagged. The condition is returned in upper case.
func ParseStatus(line []byte) (tag, condition string, ok bool) {
	first, rest, found := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(" "))
	if !found || len(first) == 0 {
		return "", "", false
	}
	word, _, _ := bytes.Cut(rest, []byte(" "))
	if len(word) > len("PREAUTH") {
		return "", "", false
	}
	condition = strings.ToUpper(string(word))
	switch condition {
	case "OK", "NO", "BAD":
		return string(first), condition, true
	case "BYE", "PREAUTH":
		return string(first), condition, string(first) == "*"
	}
	return "", "", false
}
