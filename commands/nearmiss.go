package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

const noMatchHint = "mailferry list SOURCE shows the folders; * stays within a level, ** goes across, and a folder does not bring along those below it"

// warnOfIdleFilters tells of each --exclude and --map that fits no folder of the source. It is no error: the
// same command may be meant for many accounts, of which not all have the folder. Where the folders cannot be
// listed, the run that follows says so.
func (w *world) warnOfIdleFilters(ctx context.Context, job transfer.Job, reached *reach) {
	if len(job.Filter.Exclude)+len(job.Map) == 0 {
		return
	}
	reached.Wait()
	folders, err := job.Source.Folders(ctx)
	if err != nil {
		return
	}
	for _, glob := range job.Filter.Exclude {
		if !anyMatches(folders, glob) {
			w.warn("--exclude %q matches no folder of the source%s", glob, asQuestion("; ", meantFolder(glob, folders)))
		}
	}
	for _, m := range job.Map {
		if !anyBelow(folders, m.From) {
			w.warn("--map: the source has no folder %q%s", m.From, asQuestion("; ", meantFolder(m.From.String(), folders)))
		}
	}
}

// nearMiss adds to the error of a --folder that matches nothing which folder was probably meant.
func nearMiss(ctx context.Context, err error, job transfer.Job) error {
	if !errors.Is(err, transfer.ErrNoMatch) {
		return err
	}
	folders, lerr := job.Source.Folders(ctx)
	if lerr != nil {
		return err
	}
	for _, glob := range job.Filter.Folders {
		if meant := meantFolder(glob, folders); meant != "" && !anyMatches(folders, glob) {
			return usage(err.Error(), asQuestion("", meant)+" "+noMatchHint)
		}
	}
	return err
}

func asQuestion(before, meant string) string {
	if meant == "" {
		return ""
	}
	return fmt.Sprintf("%sdid you mean %q?", before, meant)
}

// meantFolder returns the folder whose name differs from text only in case, in what it lies below or in little;
// "" if there is none.
func meantFolder(text string, folders []mail.Folder) string {
	if strings.ContainsAny(text, "*?") {
		return ""
	}
	text = strings.ToLower(text)
	names := make(map[string]string) // by their lower case
	var below string
	for _, f := range folders {
		name := f.Path.String()
		lower := strings.ToLower(name)
		names[lower] = name
		if lower[strings.LastIndexByte(lower, '/')+1:] == text {
			below = name
		}
	}
	if name := names[text]; name != "" || below != "" {
		return cmp.Or(name, below)
	}
	return names[closest(text, slices.Sorted(maps.Keys(names)))]
}

func anyMatches(folders []mail.Folder, glob string) bool {
	re := folderPattern(glob)
	for _, f := range folders {
		if re.MatchString(f.Path.String()) {
			return true
		}
	}
	return false
}

func anyBelow(folders []mail.Folder, top mail.Path) bool {
	for _, f := range folders {
		if _, ok := f.Path.Below(top); ok {
			return true
		}
	}
	return false
}

// folderPattern is a glob as the engine understands it.
func folderPattern(glob string) *regexp.Regexp {
	if head, _, _ := strings.Cut(glob, "/"); strings.EqualFold(head, "INBOX") {
		glob = "INBOX" + glob[len(head):]
	}
	var b strings.Builder
	for rest := glob; rest != ""; {
		stars := len(rest) - len(strings.TrimLeft(rest, "*"))
		switch {
		case stars > 1:
			b.WriteString(".*")
		case stars == 1:
			b.WriteString("[^/]*")
		case rest[0] == '?':
			b.WriteString("[^/]")
		default:
			b.WriteString(regexp.QuoteMeta(rest[:1]))
		}
		rest = rest[max(1, stars):]
	}
	return regexp.MustCompile("(?s)^" + strings.ToValidUTF8(b.String(), "\uFFFD") + "$")
}
