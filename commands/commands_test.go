package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

func TestCompareListsDifferencesAndEndsWithAVerdict(t *testing.T) {
	b := newBench(t)
	src, dst := b.account("old", mailtest.Options{}), b.account("new", mailtest.Options{})
	fill(src, "INBOX", 3)
	fill(dst, "INBOX", 2)

	b.fails(exitDifferences, []string{"compare", oldAccount, newAccount, "--bodies"}, "mailferry: the two are not the same")
	if !strings.Contains(b.out.String(), `missing: folder "INBOX" uid 3`) || !strings.HasPrefix(b.lastLine(), "1 difference: A has 3 messages, B has 2 messages, 2 are the same") {
		t.Errorf("stdout:\n%s", &b.out)
	}
	b.mailferry("compare", oldAccount, newAccount, "--json")
	if got := strings.Join(typesOf(b.objects()), " "); got != "difference summary error" {
		t.Errorf("objects: %s", got)
	}
	if n := len(dst.Messages(mail.NewPath("INBOX"))); n != 2 {
		t.Errorf("compare changed B: %d messages", n)
	}
	b.must("migrate", oldAccount, newAccount)
	b.must("compare", oldAccount, newAccount, "--bodies")
	if want := "no differences: 3 messages of 1 folder compared to the last byte"; b.lastLine() != want {
		t.Errorf("verdict %q, want %q", b.lastLine(), want)
	}
}

func TestList(t *testing.T) {
	b := newBench(t)
	src := b.account("old", mailtest.Options{})
	src.PutText(mail.NewPath("INBOX"), "a", mail.Seen)
	fill(src, "INBOX", 1)
	src.AddFolder(mail.Folder{Path: mail.NewPath("Gesendet"), Role: mail.RoleSent})
	src.AddFolder(mail.Folder{Path: mail.NewPath("Parent"), NoSelect: true})
	b.must("list", oldAccount)
	for _, want := range []string{"Gesendet  Sent", "holds folders only", "INBOX                  2       1    8 B"} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("no %q in\n%s", want, &b.out)
		}
	}
	if want := "2 messages in 2 folders"; b.lastLine() != want {
		t.Errorf("last line %q, want %q", b.lastLine(), want)
	}
	b.must("list", "--json", oldAccount)
	if o := b.objects(); o[0]["name"] != "INBOX" || o[0]["type"] != "mailbox" || o[0]["messages"] != 2.0 || o[0]["unread"] != 1.0 || o[len(o)-1]["messages"] != 2.0 {
		t.Errorf("objects %v", o)
	}
}

func TestListOfAServerThatTellsNoTotals(t *testing.T) {
	b := newBench(t)
	fill(b.account("old", mailtest.Options{NoTotals: true}), "INBOX", 3)
	b.must("list", oldAccount)
	if !strings.Contains(b.out.String(), "total                3       ?      ?") {
		t.Errorf("stdout:\n%s", &b.out)
	}
	b.must("list", "--json", oldAccount)
	for _, o := range b.objects() {
		if _, told := o["bytes"]; told {
			t.Errorf("an unknown number is told: %v", o)
		}
	}
}

func TestCheckGoesOnToTheNextAccount(t *testing.T) {
	b := newBench(t)
	b.account("old", mailtest.Options{})
	b.account("new", mailtest.Options{})
	b.world.engine.source = func(o storeOptions) mail.Source {
		if o.address.host == "old" {
			return broken{kept{b.accounts["old"]}}
		}
		return b.open(o)
	}
	b.fails(exitSourceLogin, []string{"check", oldAccount, newAccount}, "source imaps://u@old: login: NO", "hint: check user name")
	if !strings.Contains(b.out.String(), "imaps://u@new: login accepted") || !strings.Contains(b.out.String(), "New messages are told apart.") {
		t.Errorf("stdout:\n%s", &b.out)
	}
}

// broken refuses every login.
type broken struct{ kept }

func (broken) Describe(context.Context) ([]mail.Fact, error) {
	return nil, &mail.Error{Op: "login", Scope: mail.ScopeStore, Retry: mail.RetryNever, Kind: mail.KindAuth, Err: errors.New("NO")}
}

func TestHelp(t *testing.T) {
	b := newBench(t)
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}, {"help", "migrate"}, {"migrate", "--help"}, {"migrate", "A", "B", "-h"},
		{"help", "exit-codes"}, {"help", "environment"}, {"help", "addresses"}, {"help", "json"}, {"--version"}, {"help", "help"}} {
		b.must(args...)
		if b.out.String() == "" || b.err.String() != "" {
			t.Errorf("%v: %q and %q", args, b.out.String(), b.err.String())
		}
		for line := range strings.Lines(b.out.String()) {
			if len(line) > 175 || strings.Contains(line, "mailferry mailferry") {
				t.Errorf("%v: line %q", args, line)
			}
		}
	}
	b.fails(exitUsage, nil, "COMMANDS:", "no command given")
	b.fails(exitUsage, []string{"help", "exit"}, "no help on")
}

func TestEveryFlagHasItsVariableButTheTwoThatDelete(t *testing.T) {
	w := newBench(t).world
	app := w.newApp(&halt{})
	topic := environmentTopic(app)
	for name := range flagArities(app) {
		if len(name) == 1 || name == "help" {
			continue
		}
		want := "MAILFERRY_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if deletes := name == "mirror" || name == "max-delete"; strings.Contains(topic, want+" ") == deletes {
			t.Errorf("--%s: variable is documented: %v", name, !deletes)
		}
	}
}

func TestEveryObjectAndFieldIsDocumented(t *testing.T) {
	b := newBench(t)
	fill(b.account("old", mailtest.Options{}), "INBOX", 2)
	b.account("new", mailtest.Options{})
	var all []map[string]any
	for _, args := range [][]string{{"list", oldAccount}, {"check", oldAccount}, {"migrate", oldAccount, newAccount},
		{"compare", oldAccount, newAccount}, {"migrate", oldAccount, "nothing"}} {
		b.mailferry(append(args, "--json")...)
		all = append(all, b.objects()...)
	}
	for _, o := range all {
		for field, value := range o {
			name := field
			if field == "type" {
				name = value.(string)
			}
			if !strings.Contains(jsonTopic, name) {
				t.Errorf("%v: %q is not in the help topic", o, name)
			}
		}
	}
}

func TestProgressOnAPipeIsALineNowAndThen(t *testing.T) {
	for _, c := range []struct {
		flag string
		want func(out, err string) bool
	}{
		{"--verbose", func(out, err string) bool {
			return strings.Contains(err, "mailferry: 7 of 10 messages, 1.0 KiB copied")
		}},
		{"--quiet", func(out, err string) bool { return out == "" && err == "" }},
		{"--json", func(out, err string) bool {
			return strings.Contains(out, `"type":"status"`) && strings.Contains(out, `"messages_done":7`) && err == ""
		}},
	} {
		b := newBench(t)
		b.account("old", mailtest.Options{})
		b.account("new", mailtest.Options{})
		inbox := mail.NewPath("INBOX")
		b.world.engine.run = func(ctx context.Context, job transfer.Job) (*transfer.Report, error) {
			job.Observe(transfer.EventStart{Folders: 1, Messages: 10})
			job.Observe(transfer.EventPlan{Source: inbox, Copy: 4, Already: 6})
			job.Observe(transfer.EventCopied{Folder: inbox, Messages: 1, Bytes: 1024})
			b.ticks <- time.Time{}
			b.ticks <- time.Time{} // the first one has been dealt with
			return &transfer.Report{Folders: []transfer.FolderReport{{Source: inbox, Dest: inbox}}}, nil
		}
		b.must("migrate", oldAccount, newAccount, c.flag)
		if !c.want(b.out.String(), b.err.String()) {
			t.Errorf("%s: stdout %q, stderr %q", c.flag, b.out.String(), b.err.String())
		}
	}
}

func TestRetriesAreTold(t *testing.T) {
	b := newBench(t)
	fill(b.account("old", mailtest.Options{}), "INBOX", 3)
	b.account("new", mailtest.Options{})
	lose := func() {
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "append", Step: 2})
		b.wrap = func(s mail.Store) mail.Store {
			if s.String() == newAccount {
				return mailtest.Faulty(s, plan)
			}
			return s
		}
	}
	lose()
	b.must("migrate", oldAccount, newAccount)
	if !strings.Contains(b.err.String(), "trying again") || !strings.Contains(b.err.String(), "INBOX") {
		t.Errorf("stderr: %s", &b.err)
	}
	lose()
	fill(b.accounts["old"], "More", 3)
	b.must("migrate", oldAccount, newAccount, "--json")
	if got := fmt.Sprint(typesOf(b.objects())); !strings.Contains(got, "retry") {
		t.Errorf("objects: %s", got)
	}
}
