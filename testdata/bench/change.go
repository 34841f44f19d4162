package main

import (
	"fmt"
	"maps"
	"slices"

	"mailferry/testdata/bench/corpus"
	"mailferry/testdata/bench/line"
)

// change adds one message in a hundred to the account at A and changes a flag of
// another one in a hundred, and returns the octets of the new ones.
func (l *lab) change(user, corpusName string, round int) (octets int64, err error) {
	c, err := line.Login(l.a.Addr, user, l.a.Password)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	counts, err := c.Counts()
	if err != nil {
		return 0, err
	}
	made, err := corpus.Named(corpusName)
	if err != nil {
		return 0, err
	}
	for i, raw := range slices.Sorted(maps.Keys(counts)) {
		share := (counts[raw] + 50) / 100
		for _, body := range made.New(uint64(round*1000+i+1), share) {
			if _, err := c.Do(fmt.Sprintf("APPEND %s {%d+}\r\n%s", line.Quote(raw), len(body), body)); err != nil {
				return 0, err
			}
			octets += int64(len(body))
		}
		if err := reflag(c, raw, counts[raw], share, round); err != nil {
			return 0, err
		}
	}
	return octets, nil
}

// reflag turns a flag of so many messages over, others in each round.
func reflag(c *line.Conn, raw string, messages, share, round int) error {
	if share == 0 {
		return nil
	}
	if _, err := c.Do("SELECT " + line.Quote(raw)); err != nil {
		return err
	}
	sign := "+-"[round%2 : round%2+1]
	for i := range share {
		number := (i*97+round/2*13)%messages + 1
		if _, err := c.Do(fmt.Sprintf(`STORE %d %sFLAGS (\Flagged \Answered)`, number, sign)); err != nil {
			return err
		}
	}
	return nil
}
