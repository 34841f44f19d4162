package imapstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"mailferry/transfer/mail"
)

// folder answers like a server with an INBOX of so many messages, in a way that
// is its own.
func folder(exists int, answer func(command string) string) *fake {
	return &fake{greeting: hello, answer: func(_, command string) string {
		switch {
		case strings.HasPrefix(command, "EXAMINE"):
			return fmt.Sprintf("* %d EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [UIDNEXT %d]\r\n$ OK [READ-ONLY]\r\n", exists, exists+1)
		case strings.HasPrefix(command, "UID "):
			return answer(command)
		}
		return "pass"
	}}
}

// row is a FETCH response that tells everything a listing asks for.
func row(uid int) string {
	return fmt.Sprintf("* %d FETCH (UID %d FLAGS (\\Seen) RFC822.SIZE %d INTERNALDATE \" 1-Feb-2020 10:20:30 +0000\" "+
		"BODY[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT)] {%d}\r\n%s)\r\n", uid, uid, uid*10, len(header(uid)), header(uid))
}

func header(uid int) string { return fmt.Sprintf("Message-ID: <%06d@x>\r\n\r\n", uid) }

func rows(uids ...int) string {
	var b strings.Builder
	for _, uid := range uids {
		b.WriteString(row(uid))
	}
	return b.String()
}

func listAll(t *testing.T, r mail.Reader, opts mail.ListOptions) (infos []mail.Info, err error) {
	t.Helper()
	err = r.List(t.Context(), opts, func(info mail.Info) error {
		if n := len(infos); n > 0 && info.UID <= infos[n-1].UID {
			t.Errorf("UID %d follows %d", info.UID, infos[n-1].UID)
		}
		infos = append(infos, info)
		return nil
	})
	return infos, err
}

var full = mail.ListOptions{Flags: true, Size: true, Date: true, Key: true}

func checkInfos(t *testing.T, infos []mail.Info, want ...int) {
	t.Helper()
	var got []int
	for _, info := range infos {
		uid := int(info.UID)
		got = append(got, uid)
		if info.Size != int64(uid*10) || info.Flags.String() != `\Seen` || info.InternalDate.IsZero() || info.Key != mail.KeyOf([]byte(header(uid))) {
			t.Errorf("UID %d: %+v", uid, info)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}

func TestListOddAnswers(t *testing.T) {
	plain := strings.ReplaceAll(row(2), header(2), "")
	for name, tc := range map[string]struct {
		answers []string // to one UID command after the other
		want    []int
		words   string // of the error
	}{
		"in order":            {[]string{rows(1, 2, 3) + "$ OK\r\n"}, []int{1, 2, 3}, ""},
		"the other way round": {[]string{rows(3, 2, 1) + "$ OK\r\n"}, []int{1, 2, 3}, ""},
		"twice, and flags pushed": {[]string{row(1) + row(2) + "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n" + row(2) + row(3) + "* 3 FETCH (FLAGS ())\r\n$ OK\r\n"},
			[]int{1, 2, 3}, ""},
		"in pieces": {[]string{rows(1, 3) + "* 2 FETCH (UID 2 FLAGS (\\Seen) RFC822.SIZE 20)\r\n* 2 FETCH (UID 2 INTERNALDATE \" 1-Feb-2020 10:20:30 +0000\" BODY[HEADER.FIELDS (\"MESSAGE-ID\" DATE FROM SUBJECT)] {26}\r\n" + header(2) + ")\r\n$ OK\r\n"},
			[]int{1, 2, 3}, ""},
		"one expunged meanwhile":   {[]string{rows(1, 3) + "* 2 EXPUNGE\r\n$ OK\r\n"}, []int{1, 3}, ""},
		"one vanished meanwhile":   {[]string{rows(1, 3) + "* VANISHED 2\r\n$ OK\r\n"}, []int{1, 3}, ""},
		"one more arrived":         {[]string{rows(1, 2, 3) + "* 4 EXISTS\r\n$ OK\r\n"}, []int{1, 2, 3}, ""},
		"one missing":              {[]string{rows(1, 3) + "$ OK\r\n"}, nil, "listed 2 of 3"},
		"nothing":                  {[]string{"$ OK\r\n"}, nil, "listed 0 of 3"},
		"refused":                  {[]string{rows(1, 2, 3) + "$ NO [UNAVAILABLE] later\r\n"}, nil, "later"},
		"limited":                  {[]string{rows(1, 2, 3) + "$ OK [MESSAGELIMIT 3 1] more\r\n"}, nil, "MESSAGELIMIT"},
		"cut off":                  {[]string{rows(1, 2) + hangUp}, nil, "closed the connection"},
		"a header that is lacking": {[]string{rows(1, 3) + "* 2 FETCH (UID 2 FLAGS (\\Seen) RFC822.SIZE 20)\r\n$ OK\r\n", row(2) + "$ OK\r\n"}, []int{1, 2, 3}, ""},
		"a header of NIL":          {[]string{rows(1, 3) + strings.ReplaceAll(plain, "{26}\r\n", "NIL") + "$ OK\r\n", row(2) + "$ OK\r\n"}, []int{1, 2, 3}, ""},
		"a header that stays away": {[]string{rows(1, 3) + "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n$ OK\r\n", "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n$ OK\r\n"}, nil, "uid 2"},
		"gone when asked again":    {[]string{rows(1, 3) + "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n$ OK\r\n", "$ OK\r\n"}, []int{1, 3}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			f := folder(3, func(string) string {
				n++
				if n > len(tc.answers) {
					return "$ BAD nobody expected this\r\n"
				}
				return tc.answers[n-1]
			})
			infos, err := listAll(t, f.read(t), full)
			if tc.words != "" {
				if err == nil || !strings.Contains(err.Error(), tc.words) || !strings.Contains(err.Error(), `folder "INBOX"`) {
					t.Errorf("error %v", err)
				}
				if len(infos) > 0 {
					t.Errorf("%d messages were listed nevertheless", len(infos))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkInfos(t, infos, tc.want...)
		})
	}
}

func TestListFrom(t *testing.T) {
	for name, tc := range map[string]struct {
		fetch, search string
		want          []int
		words         string
	}{
		"the rest":                 {rows(2, 3), "", []int{2, 3}, ""},
		"only the last comes":      {strings.Replace(row(1), "* 1 FETCH", "* 3 FETCH", 1), "", nil, ""},
		"nothing comes, none is":   {"", "* SEARCH\r\n", nil, ""},
		"nothing comes, some are":  {"", "* SEARCH 2 3\r\n", nil, "listed 0 of 2"},
		"one of the rest is lost":  {row(2), "* SEARCH 2 3\r\n", nil, "listed 1 of 2"},
		"one of the rest is first": {strings.Replace(row(3), "* 3 FETCH", "* 1 FETCH", 1), "* SEARCH 1 3\r\n", []int{3}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := folder(3, func(command string) string {
				if strings.HasPrefix(command, "UID SEARCH UID 2:*") {
					return tc.search + "$ OK\r\n"
				}
				return tc.fetch + "$ OK\r\n"
			})
			opts := full
			opts.From = 2
			infos, err := listAll(t, f.read(t), opts)
			if tc.words != "" {
				if err == nil || !strings.Contains(err.Error(), tc.words) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkInfos(t, infos, tc.want...)
		})
	}
}

// shuffled answers UID FETCH of ranges in any order, for a folder with the given UIDs.
func shuffled(uids mail.UIDSet, lost mail.UIDSet) func(string) string {
	return func(command string) string {
		words := strings.Fields(command)
		if words[1] == "SEARCH" {
			var b strings.Builder
			for uid := range uids.All() {
				fmt.Fprintf(&b, " %d", uid)
			}
			return "* SEARCH" + b.String() + "\r\n$ OK\r\n"
		}
		asked, err := mail.ParseUIDSet(words[2])
		if err != nil {
			return "$ BAD not a set\r\n"
		}
		var chosen []int
		for uid := range uids.All() {
			if asked.Contains(uid) && !lost.Contains(uid) {
				chosen = append(chosen, int(uid))
			}
		}
		rand.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		return rows(chosen...) + "$ OK\r\n"
	}
}

// TestListLargeFolder: windows, in order, and nothing left out.
func TestListLargeFolder(t *testing.T) {
	var uids mail.UIDSet
	for uid := 3; uids.Len() < 25_000; uid += 1 + uid%3 {
		uids.Add(mail.UID(uid))
	}
	f := folder(uids.Len(), shuffled(uids, mail.UIDSet{}))
	r := f.read(t)
	infos, err := listAll(t, r, full)
	if err != nil || len(infos) != uids.Len() {
		t.Fatalf("%d of %d messages, %v", len(infos), uids.Len(), err)
	}
	for i := 0; i < len(infos); i += 997 {
		checkInfos(t, infos[i:i+1], int(infos[i].UID))
	}
	for _, command := range f.said("UID FETCH") {
		if len(command) > 8000 {
			t.Errorf("a command of %d octets", len(command))
		}
	}
	stop := errors.New("enough")
	count := 0
	err = r.List(t.Context(), full, func(mail.Info) error {
		if count++; count == 5 {
			return stop
		}
		return nil
	})
	if err != stop {
		t.Errorf("got %v", err)
	}
	if infos, err = listAll(t, r, mail.ListOptions{From: infos[24_990].UID}); err != nil || len(infos) != 10 {
		t.Errorf("afterwards: %d messages, %v", len(infos), err)
	}
}

func TestListLargeFolderWithLosses(t *testing.T) {
	var uids mail.UIDSet
	uids.AddRange(1, 12_000)
	f := folder(uids.Len(), shuffled(uids, mail.NewUIDSet(77, 11_111)))
	infos, err := listAll(t, f.read(t), mail.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(infos) != 11_998 { // asked for twice by UID and not told of: gone
		t.Errorf("%d messages", len(infos))
	}
	if again := f.said("UID FETCH 77 "); len(again) != 1 {
		t.Errorf("asked again %q", again)
	}
}

func TestListOnly(t *testing.T) {
	var uids, only mail.UIDSet
	uids.AddRange(1, 3000)
	for uid := mail.UID(1); uid <= 6000; uid += 2 {
		only.Add(uid)
	}
	f := folder(3000, shuffled(uids, mail.UIDSet{}))
	opts := full
	opts.Only = &only
	infos, err := listAll(t, f.read(t), opts)
	if err != nil || len(infos) != 1500 {
		t.Fatalf("%d messages, %v", len(infos), err)
	}
	// Half of what is asked for is not there, which has to be asked once more.
	if commands := f.said("UID FETCH"); len(commands) > 6 {
		t.Errorf("%d commands for a dense set", len(commands))
	}
	empty := mail.UIDSet{}
	opts.Only = &empty
	if infos, err := listAll(t, f.read(t), opts); err != nil || len(infos) != 0 {
		t.Errorf("an empty set gives %d messages, %v", len(infos), err)
	}
}
