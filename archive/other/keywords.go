package other

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"mailferry/transfer/mail"
)

// keywords are those of a folder, as Dovecot and Courier keep them.
type keywords struct {
	letters [26]string          // dovecot-keywords: a is the first
	byBase  map[string][]string // Courier's, by base name
}

func readKeywords(dir string) (k keywords, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "dovecot-keywords"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	for line := range strings.Lines(string(text)) {
		number, word, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		if n, err := strconv.Atoi(number); ok && err == nil && n >= 0 && n < len(k.letters) {
			k.letters[n] = word
		}
	}
	k.byBase, err = courierKeywords(filepath.Join(dir, "courierimapkeywords"))
	return k, err
}

// courierKeywords reads Courier's directory of keywords: :list holds the keywords, an empty line,
// and of each message the numbers of its own; a file of a message's name, later than that, holds
// its keywords by name.
func courierKeywords(dir string) (map[string][]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := make(map[string][]string)
	if text, err := os.ReadFile(filepath.Join(dir, ":list")); err == nil {
		courierList(string(text), out)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ":") {
			continue
		}
		name := e.Name()
		if strings.HasPrefix(name, ".") { // .<time>.<name>: a change not merged yet
			if _, rest, ok := strings.Cut(name[1:], "."); ok {
				name = rest
			}
		}
		if text, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
			out[base(name)] = strings.Fields(string(text))
		}
	}
	return out, nil
}

func courierList(text string, out map[string][]string) {
	var words []string
	head := true
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case head && line == "":
			head = false
		case head:
			words = append(words, line)
		default:
			name, numbers, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			var has []string
			for number := range strings.FieldsSeq(numbers) {
				if n, err := strconv.Atoi(number); err == nil && n >= 0 && n < len(words) {
					has = append(has, words[n])
				}
			}
			out[base(name)] = has
		}
	}
}

// flags are those that a message's name and the folder's lists tell.
func (k keywords) flags(e entry) mail.Flags {
	var out []string
	if i := infoAt(e.name); i >= 0 && !e.new {
		for _, c := range e.name[i+len(":2,"):] {
			if c == ',' {
				break // what other programs add
			}
			if flag := k.flag(c); flag != "" {
				out = append(out, flag)
			}
		}
	}
	return mail.NewFlags(append(out, k.byBase[base(e.name)]...)...)
}

func (k keywords) flag(letter rune) string {
	switch letter {
	case 'D':
		return mail.Draft
	case 'F':
		return mail.Flagged
	case 'P':
		return "$Forwarded"
	case 'R':
		return mail.Answered
	case 'S':
		return mail.Seen
	case 'T':
		return mail.Deleted
	}
	if letter >= 'a' && letter <= 'z' {
		return k.letters[letter-'a']
	}
	return ""
}
