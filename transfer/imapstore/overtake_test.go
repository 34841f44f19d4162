package imapstore

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"mailferry/transfer/mail"
)

// overtaking is a server that keeps each first of two commands waiting, answers
// the second one first, and mixes their data: RFC 9051 section 5.5 allows it, and
// Dovecot does it when its output is full.
func overtaking(exists int, row func(uid mail.UID) string) *fake {
	var tag, held string
	f := folder(exists, nil)
	plain := f.answer
	f.answer = func(t, command string) string {
		set, ok := strings.CutPrefix(command, "UID FETCH ")
		if !ok {
			return plain(t, command)
		}
		set, _, _ = strings.Cut(set, " ")
		if tag == "" {
			tag, held = t, set
			return ""
		}
		first, second := rowsOf(held, row), rowsOf(set, row)
		n := len(first) / 2
		answer := strings.Join(first[:n], "") + strings.Join(second, "") + "$ OK\r\n" + strings.Join(first[n:], "") + tag + " OK\r\n"
		tag = ""
		return answer
	}
	return f
}

func rowsOf(set string, row func(mail.UID) string) (out []string) {
	uids, _ := mail.ParseUIDSet(set)
	for uid := range uids.All() {
		out = append(out, row(uid))
	}
	return out
}

func TestAnswersThatOvertakeEachOther(t *testing.T) {
	t.Run("listing", func(t *testing.T) {
		var only mail.UIDSet
		for uid := mail.UID(1); uid <= 4000; uid += 8 {
			only.Add(uid)
		}
		f := overtaking(4000, func(uid mail.UID) string { return row(int(uid)) })
		opts := full
		opts.Only = &only
		infos, err := listAll(t, f.read(t), opts)
		if err != nil || len(infos) != 500 {
			t.Errorf("%d of 500 messages, %v", len(infos), err)
		}
		if n := len(f.said("UID FETCH")); n != 2 {
			t.Errorf("%d commands and not 2", n)
		}
	})
	t.Run("bodies", func(t *testing.T) {
		var uids mail.UIDSet
		uids.AddRange(1, 1500)
		f := overtaking(1500, func(uid mail.UID) string {
			body := fmt.Sprintf("body %d", uid)
			return fmt.Sprintf("* %d FETCH (UID %d FLAGS () INTERNALDATE \" 1-Feb-2020 10:20:30 +0000\" BODY[] {%d}\r\n%s)\r\n", uid, uid, len(body), body)
		})
		seen := make(map[mail.UID]bool)
		err := f.read(t).Fetch(t.Context(), uids, func(info mail.Info, body io.Reader) error {
			text, err := io.ReadAll(body)
			if string(text) != fmt.Sprintf("body %d", info.UID) || seen[info.UID] {
				t.Errorf("uid %d: %q, seen %v", info.UID, text, seen[info.UID])
			}
			seen[info.UID] = true
			return err
		})
		if err != nil || len(seen) != 1500 {
			t.Errorf("%d of 1500 messages, %v", len(seen), err)
		}
	})
}

// A message asked for by its UID that the server passes over once is asked for again.
func TestListOnlyAsksAgain(t *testing.T) {
	asked := 0
	f := folder(10, nil)
	plain := f.answer
	f.answer = func(tag, command string) string {
		switch {
		case !strings.HasPrefix(command, "UID FETCH"):
			return plain(tag, command)
		case asked == 0:
			asked++
			return rows(2, 3) + "$ OK\r\n"
		}
		asked++
		return rows(5) + "$ OK\r\n"
	}
	only := mail.NewUIDSet(2, 3, 5, 7)
	opts := full
	opts.Only = &only
	infos, err := listAll(t, f.read(t), opts)
	if err != nil || asked != 2 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	checkInfos(t, infos, 2, 3, 5)
}
