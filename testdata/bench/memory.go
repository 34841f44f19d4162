package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// measureMemory lets mailferry alone work on accounts that would not fit into
// memory. It returns what was measured before it failed.
func (l *lab) measureMemory(ctx context.Context, _ options) (string, error) {
	var b strings.Builder
	b.WriteString("| work | corpus | seconds | CPU s | peak MB |\n|---|---|---|---|---|\n")
	for _, name := range []string{"huge", "large", "million"} {
		user, err := l.source(name, "")
		if err != nil {
			return b.String(), err
		}
		for _, work := range []struct {
			name    string
			command func(*lab, job) (*exec.Cmd, error)
		}{{"migrate", mailferryMigrate}, {"backup", mailferryBackup}} {
			if err := ctx.Err(); err != nil {
				return b.String(), err
			}
			if err := l.twice(&b, work.name, name, user, work.command); err != nil {
				return b.String(), fmt.Errorf("%s %s: %w", work.name, name, err)
			}
		}
	}
	return b.String(), nil
}

// twice measures a first run and one that finds nothing changed.
func (l *lab) twice(b *strings.Builder, work, corpus, user string, command func(*lab, job) (*exec.Cmd, error)) error {
	j, err := l.newJob(tools()[0], user)
	if err != nil {
		return err
	}
	j.archive = filepath.Join(l.memory, j.account+"-archive") // a disk would cost minutes and no memory
	for _, which := range []string{work, work + ", unchanged"} {
		cmd, err := command(l, j)
		if err != nil {
			return err
		}
		s, err := l.run(cmd)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("| %s | %s | %s | %s | %d |\n", which, corpus, seconds(s.Wall), seconds(s.CPU), s.Resident>>20)
		fmt.Fprint(l.log, text)
		b.WriteString(text)
	}
	if err := os.RemoveAll(j.archive); err != nil {
		return err
	}
	return l.drop(j)
}
