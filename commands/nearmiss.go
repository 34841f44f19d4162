package commands

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

const noMatchHint = "mailferry list SOURCE shows the folders; * stays within a level, ** goes across, and a folder does not bring along those below it"

// listing is what a run has told of the source's folders.
type listing struct{ folders []mail.Path }

// watchListing makes a run tell of each --exclude and --map that fits no folder of the source. It is no error: the
// same command may be meant for many accounts, of which not all have the folder.
func (w *world) watchListing(job *transfer.Job) *listing {
	l, others := &listing{}, job.Observe
	exclude, maps := job.Filter.Exclude, job.Map
	job.Observe = func(e transfer.Event) {
		if listed, ok := e.(transfer.EventListed); ok {
			l.folders = listed.Folders
			l.warnOfIdle(w, exclude, maps)
		}
		if others != nil {
			others(e)
		}
	}
	return l
}

func (l *listing) warnOfIdle(w *world, exclude []string, maps []transfer.Mapping) {
	for _, glob := range exclude {
		if !l.matches(glob) {
			w.warn("--exclude %q matches no folder of the source%s", glob, asQuestion("; ", l.meant(glob)))
		}
	}
	for _, m := range maps {
		if !slices.ContainsFunc(l.folders, func(p mail.Path) bool { _, ok := p.Below(m.From); return ok }) {
			w.warn("--map: the source has no folder %q%s", m.From, asQuestion("; ", l.meant(m.From.String())))
		}
	}
}

// nearMiss adds to the error of a --folder that matches nothing which folder was probably meant.
func (l *listing) nearMiss(err error, globs []string) error {
	if !errors.Is(err, transfer.ErrNoMatch) {
		return err
	}
	for _, glob := range globs {
		if meant := l.meant(glob); meant != "" && !l.matches(glob) {
			return usage(err.Error(), asQuestion("", meant)+" "+noMatchHint)
		}
	}
	return err
}

func (l *listing) matches(glob string) bool {
	return slices.ContainsFunc(l.folders, func(p mail.Path) bool { return transfer.MatchGlob(glob, p.String()) })
}

func asQuestion(before, meant string) string {
	if meant == "" {
		return ""
	}
	return fmt.Sprintf("%sdid you mean %q?", before, meant)
}

// meant returns the folder whose name differs from text only in case, in what it lies below or in little;
// "" if there is none.
func (l *listing) meant(text string) string {
	if strings.ContainsAny(text, "*?") {
		return ""
	}
	text = strings.ToLower(text)
	names := make(map[string]string) // by their lower case
	var below string
	for _, p := range l.folders {
		name := p.String()
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
