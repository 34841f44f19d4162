package transfer

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"mailferry/transfer/mail"
)

// watcher passes events on, one at a time, and keeps the problems.
type watcher struct {
	mu       sync.Mutex
	observe  func(Event)
	problems map[problemID]Problem
	retries  int
}

// problemID makes a message that fails in several attempts one problem.
type problemID struct {
	folder mail.Path
	uid    mail.UID
	kind   ProblemKind
}

func (w *watcher) send(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.observe != nil {
		w.observe(e)
	}
}

func (w *watcher) listed(folders []mail.Folder) {
	e := EventListed{Folders: make([]mail.Path, 0, len(folders))}
	for _, f := range folders {
		e.Folders = append(e.Folders, f.Path)
	}
	w.send(e)
}

func (w *watcher) problem(p Problem) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := problemID{p.Folder, p.UID, p.Kind}
	_, known := w.problems[id]
	if w.problems == nil {
		w.problems = make(map[problemID]Problem)
	}
	w.problems[id] = p
	if w.observe != nil && !known {
		w.observe(EventProblem{p})
	}
}

func (w *watcher) retry(folder mail.Path, attempt int, wait time.Duration, throttle bool, err error) {
	w.mu.Lock()
	w.retries++
	w.mu.Unlock()
	w.send(EventRetry{Folder: folder, Attempt: attempt, Wait: wait, Throttle: throttle, Err: err})
}

func (w *watcher) sorted() []Problem {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]Problem, 0, len(w.problems))
	for _, p := range w.problems {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Problem) int {
		return cmp.Or(a.Folder.Compare(b.Folder), cmp.Compare(a.UID, b.UID), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}
