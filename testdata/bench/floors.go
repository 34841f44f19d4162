package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// variant is one way in which a floor is tried.
type variant struct {
	kind string // of floor.Main
	n    int
}

func (v variant) String() string { return fmt.Sprintf("%s %d", v.kind, v.n) }

func variants(floor string) []variant {
	switch floor {
	case "read":
		return []variant{{"read", 1}, {"read", 4}, {"read", 8}}
	case "write":
		return []variant{{"append", 1}, {"append", 4}, {"append", 8},
			{"multiappend", 1}, {"multiappend", 4}, {"multiappend", 8}}
	case "disk":
		return []variant{{"fsync", 8}, {"fsync", 32}, {"syncfs", 500}, {"syncfs", 0}}
	}
	return nil
}

// floors are the contestants that do nothing but the inevitable.
func (l *lab) floors(kind string, r row, user string) (out []contestant) {
	for _, v := range variants(kind) {
		once := func() (sample, error) { return l.diskFloor(v, user) }
		switch kind {
		case "read":
			once = func() (sample, error) {
				addr := l.a.Addr
				if r.trip > 0 {
					addr = l.aLine.Addr()
				}
				return l.lineFloor(v, user, addr, user, l.a.Password)
			}
		case "write":
			once = func() (sample, error) { return l.writeFloor(v, r, user) }
		}
		out = append(out, contestant{v.String(), kind, once})
	}
	return out
}

func (l *lab) lineFloor(v variant, user, addr, account, password string) (sample, error) {
	return l.runFloor("-kind", v.kind, "-n", strconv.Itoa(v.n), "-maildir", l.mailAtA(user),
		"-addr", addr, "-user", account, "-password", password)
}

func (l *lab) writeFloor(v variant, r row, user string) (sample, error) {
	addr, account := l.b.Addr, l.fresh("floor")
	if r.trip > 0 {
		addr = l.bLine.Addr()
	}
	s, err := l.lineFloor(v, user, addr, account, l.b.Password)
	if err == nil {
		err = l.complete(user, account)
	}
	if err != nil {
		return s, err
	}
	return s, os.RemoveAll(l.mailAtB(account))
}

func (l *lab) diskFloor(v variant, user string) (sample, error) {
	dir := filepath.Join(l.disk, l.fresh("floor"))
	s, err := l.runFloor("-kind", v.kind, "-n", strconv.Itoa(v.n), "-maildir", l.mailAtA(user), "-dir", dir)
	if err != nil {
		return s, err
	}
	return s, os.RemoveAll(dir)
}
