package commands

import (
	"errors"
	"fmt"
	"testing"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

func TestOneAnswerForThousandsIsNotNamedForEach(t *testing.T) {
	r := &transfer.Report{}
	add := func(folder string, n int, answer string) {
		for range n {
			r.Problems = append(r.Problems, transfer.Problem{Kind: transfer.ProblemFailed, Folder: mail.ParsePath(folder),
				UID: mail.UID(len(r.Problems) + 1), Err: errors.New(answer)})
		}
	}
	add("A", 1500, "over quota")
	add("A", 1, "virus")
	add("A", 100, "over quota")
	add("B", 20, "over quota")
	lines := briefProblems(r)
	if want := 20 + 1 + 1 + 20; len(lines) != want {
		t.Fatalf("%d lines, want %d", len(lines), want)
	}
	for i, want := range map[int]string{
		19: `failed: folder "A" uid 20: over quota`,
		20: `failed: folder "A" uid 1501: virus`,
		21: "... and 1,580 more of this folder with the same answer (--report FILE names all)",
		41: fmt.Sprintf(`failed: folder "B" uid %d: over quota`, 1621),
	} {
		if lines[i] != want {
			t.Errorf("line %d: %q, want %q", i, lines[i], want)
		}
	}
	if all := problemLines(r); len(all) != len(r.Problems) {
		t.Errorf("the report names %d of %d", len(all), len(r.Problems))
	}
}

func TestOfJoinedErrorsTheFirstIsTold(t *testing.T) {
	full := errors.Join(errors.New("write x: no space left on device"), errors.New("close x: no space left on device"))
	r := &transfer.Report{Folders: []transfer.FolderReport{{Source: mail.ParsePath("A"), Err: full}},
		Problems: []transfer.Problem{{Kind: transfer.ProblemFailed, Folder: mail.ParsePath("A"), UID: 1, Err: full}}}
	f := explain(&runError{err: full, report: r}, nil)
	if f.msg != "write x: no space left on device" {
		t.Errorf("message %q", f.msg)
	}
	if len(f.detail) != 2 || f.detail[0] != `folder "A": write x: no space left on device` ||
		f.detail[1] != `failed: folder "A" uid 1: write x: no space left on device` {
		t.Errorf("detail %q", f.detail)
	}
}
