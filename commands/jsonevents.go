package commands

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"time"
	"unicode/utf8"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// object is one line of --json.
type object map[string]any

// line writes the object with its type first and the other keys sorted.
func (o object) line() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	rest := maps.Clone(o)
	delete(rest, "type")
	if err := enc.Encode(map[string]any(rest)); err != nil {
		panic(err) // every object is made of strings, numbers and maps of these
	}
	head := fmt.Sprintf(`{"type":%q`, o["type"])
	if len(rest) > 0 {
		head += ","
	}
	return append([]byte(head), b.Bytes()[1:]...)
}

// named adds a folder's name under key, and what JSON cannot hold of it under
// key_b64.
func (o object) named(key string, p mail.Path) object {
	name := p.String()
	o[key] = name
	if !utf8.ValidString(name) {
		o[key+"_b64"] = base64.StdEncoding.EncodeToString([]byte(name))
	}
	return o
}

func (o object) with(other object) object {
	maps.Copy(o, other)
	return o
}

// jsonEvents turns a run's events into objects.
type jsonEvents struct {
	lines        *jsonLines
	command      string
	source, dest string
	dryRun       bool
	told         map[mail.Path]bool // folders whose object was written
}

func (j *jsonEvents) event(event transfer.Event) {
	switch e := event.(type) {
	case transfer.EventStart:
		j.lines.write(object{"type": "start", "command": j.command, "source": j.source, "destination": j.dest,
			"dry_run": j.dryRun, "folders": e.Folders, "messages": e.Messages})
	case transfer.EventProblem:
		j.lines.write(problemObject(e.Problem))
	case transfer.EventRetry:
		kind := "retry"
		if e.Throttle {
			kind = "throttle"
		}
		j.lines.write(object{"type": kind, "attempt": e.Attempt, "wait_seconds": e.Wait.Seconds(),
			"error": shown(firstLine(e.Err))}.named("folder", e.Folder))
	case transfer.EventFolder:
		j.folder(e.Report)
	}
}

func (j *jsonEvents) folder(r transfer.FolderReport) {
	j.told[r.Source] = true
	j.lines.write(folderObject(r))
}

func (j *jsonEvents) status(m *meter, now time.Time) {
	o := object{"type": "status", "seconds": now.Sub(m.started).Seconds(), "messages": m.total, "messages_done": m.done,
		"copied": m.copied, "bytes": m.bytes, "bytes_per_second": m.rate(now)}
	if left, ok := m.remaining(now); ok {
		o["seconds_left"] = left.Seconds()
	}
	j.lines.write(o)
}

// finish writes the folders that no event told of, and the summary.
func (j *jsonEvents) finish(r *transfer.Report, runErr error, more object) {
	for _, f := range r.Folders {
		if !j.told[f.Source] {
			j.folder(f)
		}
	}
	j.lines.write(summaryObject(r, runErr).with(more))
}

func problemObject(p transfer.Problem) object {
	kinds := map[transfer.ProblemKind]string{transfer.ProblemFailed: "failed", transfer.ProblemInDoubt: "in_doubt", transfer.ProblemFlags: "flags"}
	o := object{"type": "message_error", "kind": kinds[p.Kind], "uid": p.UID, "bytes": p.Size}
	if p.Err != nil {
		o["error"] = shown(firstLine(p.Err))
	}
	return o.named("folder", p.Folder).named("destination", p.Dest)
}

func folderObject(r transfer.FolderReport) object {
	o := object{"type": "folder", "created": r.Created}.named("folder", r.Source).named("destination", r.Dest)
	if r.Err != nil {
		o["error"] = shown(firstLine(r.Err))
	}
	return o.with(countsObject(r.Counts))
}

func countsObject(c transfer.Counts) object {
	return object{"found": c.Found, "copied": c.Copied, "already_there": c.Already, "left_out": c.Out(), "failed": c.Failed,
		"pending": c.Pending, "left_out_reasons": reasonsObject(c.LeftOut), "adopted": c.Adopted, "in_doubt": c.InDoubt,
		"flags_changed": c.Reflagged, "flags_dropped": c.FlagsDropped, "deleted": c.Expunged, "bytes": c.Bytes}
}

func reasonsObject(reasons map[transfer.Reason]int) object {
	names := map[transfer.Reason]string{transfer.ReasonSize: "max_size", transfer.ReasonSince: "since", transfer.ReasonBefore: "before",
		transfer.ReasonDeleted: "deleted_at_destination", transfer.ReasonGone: "gone_meanwhile"}
	out := object{}
	for reason, n := range reasons {
		name, known := names[reason]
		if !known {
			name = string(reason)
		}
		out[name] = n
	}
	return out
}

func summaryObject(r *transfer.Report, runErr error) object {
	return object{"type": "summary", "run": r.Run, "dry_run": r.DryRun, "complete": runErr == nil && r.Complete(), "verdict": verdict(r, runErr),
		"started": r.Started.Format(time.RFC3339), "seconds": r.Finished.Sub(r.Started).Seconds(),
		"folders": len(r.Folders), "folders_failed": len(failedFolders(r)), "folders_filtered": r.Skipped,
		"retries": r.Retries}.with(countsObject(r.Total))
}

// printFailureJSON ends a --json output that did not succeed.
func (w *world) printFailureJSON(f failure) {
	o := object{"type": "error", "code": int(f.code), "name": f.code.name(), "message": shown(f.msg)}
	if f.hint != "" {
		o["hint"] = shown(f.hint)
	}
	(&jsonLines{w: w.stdout}).write(o)
}
