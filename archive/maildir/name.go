package maildir

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"mailferry/transfer/mail"
)

// Name is what the base name of a file of ours says.
type Name struct {
	Stamp    int64 // microseconds since 1970, unique in the folder
	PID      int
	Validity uint32 // UIDVALIDITY of the folder the message was first read from
	UID      mail.UID
	Folder   uint32 // FolderHash of that folder
	Exact    bool   // the file holds the message's exact octets
	Host     string
}

// FolderHash is what a name keeps of the folder a message was read from.
func FolderHash(path mail.Path) uint32 {
	sum := sha256.Sum256([]byte(path.Key()))
	return binary.BigEndian.Uint32(sum[:])
}

// String is the base name: the part of a file name that no program changes.
func (n Name) String() string {
	b := make([]byte, 0, 80+len(n.Host))
	b = append(strconv.AppendInt(b, n.Stamp/1e6, 10), ".M"...)
	b = append(strconv.AppendInt(b, n.Stamp%1e6, 10), 'P')
	b = append(strconv.AppendInt(b, int64(n.PID), 10), 'V')
	b = append(strconv.AppendUint(b, uint64(n.Validity), 10), 'U')
	b = append(strconv.AppendUint(b, uint64(n.UID), 10), 'F')
	b = hex.AppendEncode(b, binary.BigEndian.AppendUint32(nil, n.Folder))
	if n.Exact {
		b = append(b, 'E')
	}
	return string(append(append(b, '.'), n.Host...))
}

// Compare orders names as servers number their files.
func (n Name) Compare(m Name) int {
	return cmp.Or(cmp.Compare(n.Stamp, m.Stamp), strings.Compare(n.String(), m.String()))
}

// ParseName reads a base name; ok is false for one that this package did not make.
func ParseName(base string) (n Name, ok bool) {
	seconds, rest, ok := strings.Cut(base, ".M")
	if !ok {
		return n, false
	}
	middle, host, ok := strings.Cut(rest, ".")
	if !ok || host == "" {
		return n, false
	}
	p := parser{rest: middle}
	usec := p.number('P', 1e6-1)
	n.PID = int(p.number('V', 1<<31-1))
	n.Validity = uint32(p.number('U', 1<<32-1))
	n.UID = mail.UID(p.number('F', 1<<32-1))
	n.Folder, n.Exact = p.hash()
	p.rest = seconds
	s := p.number(0, 1<<40)
	n.Stamp, n.Host = int64(s)*1e6+int64(usec), host
	// Only the one way of writing it counts: two names must not mean the same.
	return n, !p.bad && n.String() == base
}

// exactForm is ParseName for who only wants to know Exact, and asks about names of ours: of others it may take one for ours.
func exactForm(file string) (exact, ours bool) {
	_, rest, _ := strings.Cut(file, ".M")
	middle, _, ours := strings.Cut(rest, ".")
	return strings.HasSuffix(middle, "E"), ours
}

type parser struct {
	rest string
	bad  bool
}

// number reads a decimal number up to most and the letter after it (0: the end).
func (p *parser) number(end byte, most uint64) uint64 {
	text, rest := p.rest, ""
	if end != 0 {
		var ok bool
		if text, rest, ok = strings.Cut(p.rest, string(end)); !ok {
			p.bad = true
		}
	}
	p.rest = rest
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil || v > most {
		p.bad = true
	}
	return v
}

func (p *parser) hash() (uint32, bool) {
	text, exact := strings.CutSuffix(p.rest, "E")
	v, err := strconv.ParseUint(text, 16, 32)
	if err != nil {
		p.bad = true
	}
	return uint32(v), exact
}

// Base returns the part of a file name before what other programs may add to or
// change: sizes and flags.
func Base(file string) string {
	if i := strings.IndexAny(file, ",:;"); i >= 0 {
		return file[:i]
	}
	return file
}

// fileName is the name of a new file.
func fileName(base string, size, wire int64, flags string) string {
	return fmt.Sprintf("%s,S=%d,W=%d:2,%s", base, size, wire, flags)
}

// withFlags returns a file name with other flags. Letters in it that keep accepts stay.
func withFlags(file, flags string, keep func(letter byte) bool) string {
	unique, info, found := strings.Cut(file, ":2,")
	letters := []byte(flags)
	if found {
		for i := range len(info) {
			if keep(info[i]) {
				letters = append(letters, info[i])
			}
		}
	}
	return unique + ":2," + sortedLetters(letters)
}

// SizeIn returns the size on disk that a file name states (S=).
func SizeIn(file string) (int64, bool) {
	unique, _, _ := strings.Cut(file, ":")
	for field := range strings.SplitSeq(unique, ",") {
		if text, ok := strings.CutPrefix(field, "S="); ok {
			n, err := strconv.ParseInt(text, 10, 64)
			return n, err == nil && n >= 0
		}
	}
	return 0, false
}

// hostName makes of a machine's name one that can stand in a file name.
func hostName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && !strings.ContainsRune("/:,;", r) {
			return r
		}
		return '_'
	}, name)
	if len(clean) > 60 {
		clean = clean[:60]
	}
	return cmp.Or(strings.Trim(clean, "."), "localhost")
}
