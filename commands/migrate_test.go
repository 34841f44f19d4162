package commands

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
	"mailferry/transfer/mail/mailtest"
)

const (
	oldAccount = "imaps://u@old"
	newAccount = "imaps://u@new"
)

func TestMigrateTellsWhatItDidAndThenThatNothingIsLeft(t *testing.T) {
	b := newBench(t)
	src, dst := b.account("old", mailtest.Options{}), b.account("new", mailtest.Options{})
	fill(src, "INBOX", 1200)
	fill(src, "Work/2024", 3)

	b.must("migrate", oldAccount, newAccount)
	if want := "all 1,203 messages of 2 folders are at the destination (1,203 copied, 0 already there)"; b.lastLine() != want {
		t.Errorf("verdict %q, want %q", b.lastLine(), want)
	}
	if !strings.Contains(b.out.String(), "Work/2024") || len(dst.Messages(mail.ParsePath("Work/2024"))) != 3 {
		t.Errorf("a folder is missing:\n%s", &b.out)
	}

	b.must("migrate", oldAccount, newAccount)
	if want := "all 1,203 messages of 2 folders are at the destination (0 copied, 1,203 already there)"; b.lastLine() != want {
		t.Errorf("verdict %q, want %q", b.lastLine(), want)
	}
}

func TestDryRunChangesNothingWhereverTheFlagStands(t *testing.T) {
	for _, args := range [][]string{
		{"migrate", "--dry-run", oldAccount, newAccount},
		{"migrate", oldAccount, "-n", newAccount},
		{"migrate", oldAccount, newAccount, "--dry-run"},
		{"--dry-run", "migrate", oldAccount, newAccount},
	} {
		b := newBench(t)
		src, dst := b.account("old", mailtest.Options{}), b.account("new", mailtest.Options{})
		fill(src, "Work", 7)
		b.must(args...)
		if want := "7 of 7 messages of 2 folders would be copied (0 already there); nothing was changed"; b.lastLine() != want {
			t.Errorf("%v: verdict %q", args, b.lastLine())
		}
		if n := len(dst.Messages(mail.ParsePath("Work"))); n != 0 || len(b.ledgers) != 0 {
			t.Errorf("%v wrote %d messages and %d ledgers", args, n, len(b.ledgers))
		}
	}
}

func TestARefusedMessageIsNamedAndTheRestArrives(t *testing.T) {
	b := newBench(t)
	refuse := func(_ mail.Path, raw []byte) (bool, error) {
		if strings.Contains(string(raw), "INBOX 1") {
			return false, errors.New("NO [CANNOT] virus \x1b[31mfound")
		}
		return false, nil
	}
	fill(b.account("old", mailtest.Options{}), "INBOX", 3)
	dst := b.account("new", mailtest.Options{Refuse: refuse})

	b.fails(exitIncomplete, []string{"migrate", oldAccount, newAccount},
		`failed: folder "INBOX" uid 2`, `virus \x1b[31mfound`, "mailferry: 1 message could not be copied")
	if want := "1 of 3 messages is NOT at the destination: see below"; b.lastLine() != want {
		t.Errorf("verdict %q, want %q", b.lastLine(), want)
	}
	if n := len(dst.Messages(mail.NewPath("INBOX"))); n != 2 {
		t.Errorf("%d messages arrived, want 2", n)
	}
	if b.mailferry("migrate", "--json", oldAccount, newAccount); b.objects()[len(b.objects())-1]["name"] != "incomplete" {
		t.Errorf("the last object is not the error:\n%s", &b.out)
	}
}

func TestQuietSaysNothingUnlessSomethingIsWrong(t *testing.T) {
	b := newBench(t)
	fill(b.account("old", mailtest.Options{}), "INBOX", 3)
	b.account("new", mailtest.Options{})
	b.must("migrate", "-q", oldAccount, newAccount)
	if b.out.String() != "" || b.err.String() != "" {
		t.Errorf("it said %q and %q", b.out.String(), b.err.String())
	}
}

func TestJSONAddsUp(t *testing.T) {
	b := newBench(t)
	src := b.account("old", mailtest.Options{})
	b.account("new", mailtest.Options{})
	fill(src, "INBOX", 5)
	src.PutText(mail.NewPath("bad \xff name"), "x")

	b.must("migrate", "--json", oldAccount, newAccount)
	sums := map[string]float64{}
	for _, o := range b.objects() {
		if o["type"] == "folder" || o["type"] == "summary" {
			if o["found"].(float64) != o["copied"].(float64)+o["already_there"].(float64)+o["left_out"].(float64)+o["failed"].(float64)+o["pending"].(float64) {
				t.Errorf("does not add up: %v", o)
			}
			sums[o["type"].(string)] += o["found"].(float64)
		}
		if o["type"] == "folder" && strings.HasPrefix(o["folder"].(string), "bad") && o["folder_b64"] != "YmFkIP8gbmFtZQ==" {
			t.Errorf("the name's bytes are lost: %v", o)
		}
	}
	if sums["folder"] != 6 || sums["summary"] != 6 {
		t.Errorf("folders and summary tell of different numbers: %v", sums)
	}
	if types := typesOf(b.objects()); types[0] != "start" || types[len(types)-1] != "summary" {
		t.Errorf("order of objects: %v", types)
	}
}

func typesOf(objects []map[string]any) (types []string) {
	for _, o := range objects {
		types = append(types, o["type"].(string))
	}
	return types
}

func TestReportFiles(t *testing.T) {
	b := newBench(t)
	fill(b.account("old", mailtest.Options{}), "INBOX", 2)
	b.account("new", mailtest.Options{})
	dir := t.TempDir()

	text := filepath.Join(dir, "report.txt")
	b.must("migrate", oldAccount, newAccount, "--report", text)
	if got := read(t, text); !strings.Contains(got, "all 2 messages of 1 folder are at the destination") {
		t.Errorf("report:\n%s", got)
	}
	b.must("migrate", oldAccount, newAccount, "--report", filepath.Join(dir, "report.json"))
	var whole map[string]any
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, "report.json"))), &whole); err != nil || whole["already_there"] != 2.0 {
		t.Errorf("report %v: %v", whole, err)
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, _ := e.Info(); info.Mode().Perm() != 0o600 || strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	b.fails(exitUsage, []string{"migrate", oldAccount, newAccount, "--report", filepath.Join(dir, "no", "report")}, "--report:")
}

func read(t *testing.T, path string) string {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestFirstSignalFinishesWhatIsInFlight(t *testing.T) {
	for _, c := range []struct {
		sig  os.Signal
		code exitCode
	}{{os.Interrupt, 130}, {syscall.SIGTERM, 143}} {
		b := newBench(t)
		fill(b.account("old", mailtest.Options{}), "INBOX", 3000)
		dst := b.account("new", mailtest.Options{})
		plan := mailtest.NewPlan(t, mailtest.Fault{At: "append", Step: 5, Do: func() {
			b.signal <- c.sig
			for !strings.Contains(b.err.String(), "finishing what is in flight") {
				runtime.Gosched()
			}
		}})
		b.wrap = func(s mail.Store) mail.Store {
			if s.String() == newAccount {
				return mailtest.Faulty(s, plan)
			}
			return s
		}
		b.fails(c.code, []string{"migrate", oldAccount, newAccount}, "finishing what is in flight", "stopped by ", "to go on, give the same command again")
		if v := b.lastLine(); !strings.HasPrefix(v, "ended early: ") || !strings.HasSuffix(v, " not reached in this run") {
			t.Errorf("verdict %q", v)
		}
		arrived := len(dst.Messages(mail.NewPath("INBOX")))
		if arrived < 5 || arrived == 3000 {
			t.Errorf("%d messages arrived before the stop", arrived)
		}
		b.wrap = nil
		b.must("migrate", oldAccount, newAccount)
		if n := len(dst.Messages(mail.NewPath("INBOX"))); n != 3000 {
			t.Errorf("%d messages after going on, want 3000", n)
		}
	}
}

func TestWrongFlagsAreRefusedBeforeAnythingIsOpened(t *testing.T) {
	cases := []struct {
		args  string
		words string
	}{
		{"migrate", "takes a source and a destination, not 0"},
		{"migrate A", "not 1"},
		{"migrate A B C", `from "C" on`},
		{"migrate A B --no-such", "unknown flag --no-such"},
		{"migrate A B --dry-rnu", "did you mean --dry-run?"},
		{"migrate A B --report", "flag --report has no value"},
		{"migrate A B --report --dry-run", "flag --report has no value"},
		{"migrate A B --since tomorrow", "--since:"},
		{"migrate A B --since 2024-02-01 --before 2024-01-01", "no message is as new"},
		{"migrate A B --max-size many", "--max-size:"},
		{"migrate A B --rate-limit 0", "--rate-limit:"},
		{"migrate A B --map AB", "--map:"},
		{"migrate A B --map A=", "a level is empty"},
		{"migrate A B --into a//b", "a level is empty"},
		{"migrate A B --connections 0", "--connections:"},
		{"migrate A B --connections x", "--connections"},
		{"migrate A B --flags all", "is not merge, source or none"},
		{"migrate A B --max-delete 5", "without --mirror"},
		{"migrate A B --mirror --max-delete 101%", "neither a number nor a percentage"},
		{"migrate A B --mirror --since 2024-01-01", "--mirror does not go together"},
		{"migrate A B --quiet --verbose", "contradict"},
		{"migrate A A", "the same account"},
		{"migrate A imap://u@old:143", "the same account"},
		{"migrate A B --folder=", "is empty"},
		{"migrate A B --config /no/such/file", "configuration /no/such/file"},
		{"mirgate A B", `did you mean "migrate"?`},
		{"migrate A B --password x", "no flag that takes a password"},
	}
	for _, c := range cases {
		b := newBench(t)
		args := strings.Fields(c.args)
		for i, a := range args {
			if name, ok := map[string]string{"A": oldAccount, "B": newAccount}[a]; ok {
				args[i] = name
			}
		}
		b.fails(exitUsage, args, c.words)
		if len(b.opened) > 0 || len(b.ledgers) > 0 || b.out.String() != "" {
			t.Errorf("%s: opened something or wrote to stdout: %q", c.args, b.out.String())
		}
	}
}

func TestFlagsFromTheEnvironment(t *testing.T) {
	b := newBench(t)
	src, dst := b.account("old", mailtest.Options{}), b.account("new", mailtest.Options{})
	fill(src, "INBOX", 1)
	fill(src, "a,b", 2)
	fill(src, "c", 4)
	b.env["MAILFERRY_FOLDER"] = "a,b\nc\n"
	b.env["MAILFERRY_INTO"] = "Old"
	b.env["MAILFERRY_MIRROR"] = "1" // has no effect, and must not
	var job transfer.Job
	run := b.world.engine.run
	b.world.engine.run = func(ctx context.Context, j transfer.Job) (*transfer.Report, error) { job = j; return run(ctx, j) }
	b.must("migrate", oldAccount, newAccount)
	if job.Mirror || len(dst.Messages(mail.ParsePath("Old/a,b"))) != 2 || len(dst.Messages(mail.ParsePath("Old/c"))) != 4 ||
		len(dst.Messages(mail.ParsePath("Old/INBOX"))) != 0 {
		t.Errorf("job %+v", job.Filter)
	}
	b.must("migrate", oldAccount, newAccount, "--folder", "INBOX")
	if len(job.Filter.Folders) != 1 {
		t.Errorf("the command line does not replace the variable: %q", job.Filter.Folders)
	}
	b.env["MAILFERRY_DRY_RUN"] = "maybe"
	b.fails(exitUsage, []string{"migrate", oldAccount, newAccount}, "MAILFERRY_DRY_RUN")
}

func TestAFilterThatMatchesNothingIsAMistake(t *testing.T) {
	b := newBench(t)
	fill(b.account("old", mailtest.Options{}), "Sent", 1)
	dst := b.account("new", mailtest.Options{})
	b.fails(exitUsage, []string{"migrate", oldAccount, newAccount, "--folder", "Snet"}, "no folder matches the filter", "mailferry list SOURCE")
	if len(dst.Messages(mail.NewPath("Sent"))) != 0 {
		t.Error("something was copied")
	}
}
