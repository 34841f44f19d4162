package commands

import (
	"strings"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// meter adds up a run's events: how much is done, how fast, and how long it
// will take.
type meter struct {
	started time.Time
	total   int // messages in the chosen folders
	done    int // looked at: copied, already there or left out
	left    int // planned and not copied yet
	copied  int
	bytes   int64
	folders map[mail.Path]folderMeter
	planned map[mail.Path]int64 // octets to copy, as far as they are known
}

// folderMeter is what is known of one folder. bytes are the octets of the messages that are left, 0 where
// the plan could not tell.
type folderMeter struct {
	done, left int
	bytes      int64
}

func newMeter(now time.Time) *meter {
	return &meter{started: now, folders: make(map[mail.Path]folderMeter), planned: make(map[mail.Path]int64)}
}

func (m *meter) observe(event transfer.Event) {
	switch e := event.(type) {
	case transfer.EventStart:
		m.total = e.Messages
	case transfer.EventPlan:
		m.planned[e.Source] = e.Bytes
		m.set(e.Source, folderMeter{done: e.Already + e.LeftOut, left: e.Copy, bytes: e.Bytes})
	case transfer.EventCopied:
		f := m.folders[e.Folder]
		m.set(e.Folder, folderMeter{done: f.done + e.Messages, left: max(0, f.left-e.Messages), bytes: max(0, f.bytes-e.Bytes)})
		m.copied += e.Messages
		m.bytes += e.Bytes
	case transfer.EventFolder:
		m.set(e.Report.Source, folderMeter{done: e.Report.Counts.Found - e.Report.Counts.Pending})
	}
	// Mail keeps arriving while a run lasts.
	m.total = max(m.total, m.done+m.left)
}

func (m *meter) set(folder mail.Path, now folderMeter) {
	before := m.folders[folder]
	m.folders[folder] = now
	m.done += now.done - before.done
	m.left += now.left - before.left
}

// rate is octets per second since the start.
func (m *meter) rate(now time.Time) int64 {
	seconds := now.Sub(m.started).Seconds()
	if seconds <= 0 {
		return 0
	}
	return int64(float64(m.bytes) / seconds)
}

// remaining estimates the time that is left; ok is false while nothing was copied. Octets take the time, and not
// messages: these count only where no octets are known.
func (m *meter) remaining(now time.Time) (left time.Duration, ok bool) {
	if m.copied == 0 {
		return 0, false
	}
	elapsed := float64(now.Sub(m.started))
	var sized, unsized int // messages that are left
	var bytes int64        // of the sized
	for _, f := range m.folders {
		if f.bytes > 0 {
			sized, bytes = sized+f.left, bytes+f.bytes
		} else {
			unsized += f.left
		}
	}
	unknown := float64(unsized) + m.unplanned()
	if m.bytes == 0 {
		return time.Duration(elapsed / float64(m.copied) * (float64(sized) + unknown)), true
	}
	mean := float64(m.bytes+bytes) / float64(m.copied+sized)
	return time.Duration(elapsed / float64(m.bytes) * (float64(bytes) + unknown*mean)), true
}

// unplanned is how many messages are probably to be copied of the folders whose turn has not come: what
// they need is not known before, so they are taken to be like the others.
func (m *meter) unplanned() float64 {
	seen := m.done + m.left
	if seen == 0 {
		return 0
	}
	return float64(m.total-seen) * float64(min(seen, m.copied+m.left)) / float64(seen)
}

// line is the state in one line for people.
func (m *meter) line(now time.Time) string { return strings.Join(m.fields(now), ", ") }

// narrowLine is as much of line as fits into width columns.
func (m *meter) narrowLine(now time.Time, width int) string {
	fields := m.fields(now)
	for len(fields) > 0 && len(strings.Join(fields, ", ")) > width {
		fields = fields[:len(fields)-1]
	}
	return strings.Join(fields, ", ")
}

// fields begin with what matters most.
func (m *meter) fields(now time.Time) []string {
	out := []string{thousands(m.done) + " of " + count(m.total, "message"), sizeText(m.bytes) + " copied", sizeText(m.rate(now)) + "/s"}
	if left, ok := m.remaining(now); ok && left > 0 {
		out = append(out, durationText(left)+" left")
	}
	return out
}

// fillPlanned puts into a dry run's report what would be copied, in octets.
func (m *meter) fillPlanned(r *transfer.Report) {
	for i, f := range r.Folders {
		r.Folders[i].Counts.Bytes = m.planned[f.Source]
		r.Total.Bytes += m.planned[f.Source]
	}
}
