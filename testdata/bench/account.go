package main

import (
	"errors"
	"fmt"
	"maps"
	"os"

	"mailferry/testdata/bench/corpus"
	"mailferry/testdata/bench/floor"
	"mailferry/testdata/bench/line"
)

// source makes sure that A has the account and has looked at it once, and returns
// its name. A purpose gives an account of its own to work that changes it.
func (l *lab) source(corpusName, purpose string) (string, error) {
	c, err := corpus.Named(corpusName)
	if err != nil {
		return "", err
	}
	account := corpusName + purpose
	dir := l.mailAtA(account)
	if _, err := os.Stat(dir); err == nil {
		return account, nil
	}
	fmt.Fprintf(l.log, "making %s: %d messages\n", account, c.Messages())
	if err := c.WriteMaildir(dir, l.owner); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return account, l.warm(account)
}

// warm lets A write its indexes, which a server that is in use has.
func (l *lab) warm(account string) error {
	c, err := line.Login(l.a.Addr, account, l.a.Password)
	if err != nil {
		return err
	}
	defer c.Close()
	counts, err := c.Counts()
	if err != nil {
		return err
	}
	for raw, n := range counts {
		if _, err := c.Do("SELECT " + line.Quote(raw)); err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if _, err := c.Do("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)"); err != nil {
			return err
		}
	}
	_, err = c.Do("LOGOUT")
	return err
}

// complete compares how many messages each folder has at both ends.
func (l *lab) complete(account, copied string) error {
	a, err := counts(l.atA(account))
	if err != nil {
		return err
	}
	b, err := counts(l.atB(copied))
	if err != nil {
		return err
	}
	if !maps.Equal(a, b) {
		return fmt.Errorf("%s holds %v and its copy %s %v", account, a, copied, b)
	}
	return nil
}

func counts(a floor.Account) (map[string]int, error) {
	c, err := line.Login(a.Addr, a.User, a.Password)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	all, err := c.Counts()
	maps.DeleteFunc(all, func(raw string, n int) bool { return n == 0 })
	return all, err
}

func (l *lab) atA(account string) floor.Account {
	return floor.Account{Addr: l.a.Addr, User: account, Password: l.a.Password}
}

func (l *lab) atB(account string) floor.Account {
	return floor.Account{Addr: l.b.Addr, User: account, Password: l.b.Password}
}
