package commands

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

func TestVerdicts(t *testing.T) {
	folders := func(n int, errs ...error) []transfer.FolderReport {
		out := make([]transfer.FolderReport, n)
		for i, err := range errs {
			out[i].Err = err
		}
		return out
	}
	cases := []struct {
		report transfer.Report
		err    error
		want   string
	}{
		{transfer.Report{Folders: folders(23), Total: transfer.Counts{Found: 1745, Copied: 12, Already: 1733}}, nil,
			"all 1,745 messages of 23 folders are at the destination (12 copied, 1,733 already there)"},
		{transfer.Report{Folders: folders(23), Total: transfer.Counts{Found: 1745, Copied: 12, Already: 1730, Failed: 3}}, nil,
			"3 of 1,745 messages are NOT at the destination: see below"},
		{transfer.Report{Folders: folders(1), Total: transfer.Counts{Found: 1, Failed: 1}}, nil,
			"1 of 1 message is NOT at the destination: see below"},
		{transfer.Report{Folders: folders(1), Total: transfer.Counts{Found: 1, Copied: 1}}, nil,
			"the 1 message of 1 folder is at the destination (1 copied, 0 already there)"},
		{transfer.Report{Folders: folders(2), Total: transfer.Counts{}}, nil,
			"all 0 messages of 2 folders are at the destination (0 copied, 0 already there)"},
		{transfer.Report{Folders: folders(2), Total: transfer.Counts{Found: 9, Copied: 4, LeftOut: map[transfer.Reason]int{transfer.ReasonSince: 3, transfer.ReasonDeleted: 2}}}, nil,
			"4 of 9 messages of 2 folders are at the destination, the others were left out on purpose (4 copied, 0 already there, 2 deleted at the destination and copied again only with --full, 3 older than --since)"},
		{transfer.Report{Folders: folders(2, errors.New("x"))}, nil, "1 of 2 folders could NOT be finished: see below"},
		{transfer.Report{Folders: folders(2, errors.New("x")), Total: transfer.Counts{Found: 5, Copied: 1, Pending: 4}}, nil,
			"4 of 5 messages are NOT at the destination: see below"},
		{transfer.Report{Folders: folders(2, transfer.ErrStopped), Total: transfer.Counts{Found: 5, Copied: 1, Already: 1, Pending: 3}}, transfer.ErrStopped,
			"ended early: 2 of 5 messages were looked at and are at the destination; 3 were not reached in this run"},
		{transfer.Report{DryRun: true, Folders: folders(2), Total: transfer.Counts{Found: 5, Copied: 4, Already: 1}}, nil,
			"4 of 5 messages of 2 folders would be copied (1 already there); nothing was changed"},
		{transfer.Report{}, errors.New("login"), "ended before anything was copied"},
	}
	for _, c := range cases {
		if got := verdict(&c.report, c.err); got != c.want {
			t.Errorf("verdict\n%s, want\n%s", got, c.want)
		}
	}
}

func TestReportOfARunWithEverythingInIt(t *testing.T) {
	r := &transfer.Report{
		Folders: []transfer.FolderReport{
			{Source: mail.ParsePath("INBOX"), Dest: mail.ParsePath("INBOX"), Counts: transfer.Counts{Found: 1234, Copied: 1233, Failed: 1, Bytes: 5 << 20}},
			{Source: mail.ParsePath("旅行"), Dest: mail.ParsePath("Trips/a\x1b"), Counts: transfer.Counts{Found: 2, Already: 2, Adopted: 2, FlagsDropped: 1}},
		},
		Total: transfer.Counts{Found: 1236, Copied: 1233, Already: 2, Failed: 1, Adopted: 2, FlagsDropped: 1, Bytes: 5 << 20},
		Problems: []transfer.Problem{{Kind: transfer.ProblemFailed, Folder: mail.ParsePath("INBOX"), UID: 7, Size: 2048,
			Err: errors.New("append: the server said NO virus")}},
		Skipped: 3, Retries: 1,
	}
	var b strings.Builder
	if err := writeReport(&b, r, nil); err != nil {
		t.Fatal(err)
	}
	want := `FOLDER               FOUND  COPIED  ALREADY THERE  LEFT OUT  FAILED    BYTES
INBOX                1,234   1,233              0         0       1  5.0 MiB
旅行 -> Trips/a\x1b      2       0              2         0       0      0 B
total                1,236   1,233              2         0       1  5.0 MiB

folders left out by --folder and --exclude: 3
recognised at the destination, where they were before: 2
flags and keywords that the destination cannot store: 1
times that a folder was tried again after an error: 1
1 of 1,236 messages is NOT at the destination: see below
`
	if b.String() != want {
		t.Errorf("report:\n%s\nwant:\n%s", b.String(), want)
	}
	lines := problemLines(r)
	if len(lines) != 1 || lines[0] != `failed: folder "INBOX" uid 7 (2.0 KiB): append: the server said NO virus` {
		t.Errorf("problems: %q", lines)
	}
}

func TestMeterFollowsARun(t *testing.T) {
	start := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	m := newMeter(start)
	inbox := mail.NewPath("INBOX")
	for _, e := range []transfer.Event{
		transfer.EventStart{Folders: 2, Messages: 2000},
		transfer.EventPlan{Source: inbox, Copy: 1000, Already: 500},
		transfer.EventCopied{Folder: inbox, Messages: 100, Bytes: 10 << 20},
	} {
		m.observe(e)
	}
	now := start.Add(10 * time.Second)
	if got, want := m.line(now), "600 of 2,000 messages, 10.0 MiB copied, 1.0 MiB/s, 2 min left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for width, want := range map[int]string{
		68: "600 of 2,000 messages, 10.0 MiB copied, 1.0 MiB/s, 2 min left",
		60: "600 of 2,000 messages, 10.0 MiB copied, 1.0 MiB/s",
		38: "600 of 2,000 messages, 10.0 MiB copied",
		37: "600 of 2,000 messages",
		10: "",
	} {
		if got := m.narrowLine(now, width); got != want {
			t.Errorf("in %d columns %q, want %q", width, got, want)
		}
	}
	m.observe(transfer.EventPlan{Source: inbox, Copy: 900, Already: 600}) // after a retry
	if m.done != 600 || m.left != 900 {
		t.Errorf("after a second plan: %d done, %d left", m.done, m.left)
	}
	m.observe(transfer.EventFolder{Report: transfer.FolderReport{Source: inbox, Counts: transfer.Counts{Found: 1600, Pending: 100}}})
	m.observe(transfer.EventPlan{Source: mail.NewPath("b"), Copy: 1000})
	if m.done != 1500 || m.left != 1000 || m.total != 2500 {
		t.Errorf("%d done, %d left, total %d", m.done, m.left, m.total)
	}
}

func TestMeterCountsWhatNoFolderHasPlannedYet(t *testing.T) {
	start := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	inbox, big := mail.NewPath("INBOX"), mail.NewPath("big")
	run := func(events ...transfer.Event) *meter {
		m := newMeter(start)
		for _, e := range events {
			m.observe(e)
		}
		return m
	}
	cases := []struct {
		name string
		m    *meter
		want time.Duration
	}{
		{"folders whose turn has not come", run(transfer.EventStart{Messages: 2000}, transfer.EventPlan{Source: inbox, Copy: 1000, Bytes: 1000 << 10},
			transfer.EventCopied{Folder: inbox, Messages: 1000, Bytes: 1000 << 10}), 10 * time.Second},
		{"large messages come last", run(transfer.EventStart{Messages: 110}, transfer.EventPlan{Source: inbox, Copy: 100, Bytes: 100 << 10},
			transfer.EventPlan{Source: big, Copy: 10, Bytes: 900 << 10}, transfer.EventCopied{Folder: inbox, Messages: 100, Bytes: 100 << 10}), 90 * time.Second},
		{"no octets are known", run(transfer.EventStart{Messages: 30}, transfer.EventPlan{Source: inbox, Copy: 20},
			transfer.EventCopied{Folder: inbox, Messages: 10}), 20 * time.Second},
		{"little is to be copied", run(transfer.EventStart{Messages: 2000}, transfer.EventPlan{Source: inbox, Copy: 10, Already: 990, Bytes: 10 << 10},
			transfer.EventCopied{Folder: inbox, Messages: 10, Bytes: 10 << 10}), 10 * time.Second},
	}
	for _, c := range cases {
		if got, ok := c.m.remaining(start.Add(10 * time.Second)); !ok || got.Round(time.Millisecond) != c.want {
			t.Errorf("%s: %v left, want %v", c.name, got, c.want)
		}
	}
}
