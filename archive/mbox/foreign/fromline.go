package foreign

import (
	"strconv"
	"strings"
	"time"
)

// maxFrom bounds what is looked at of a line that may be a From_ line.
const maxFrom = 1 << 10

// fromDate reads the date at the end of a From_ line, in whatever order its parts come: that of
// asctime (RFC 4155), with a zone before or behind the year, that of RFC 5322, or ISO 8601. A
// date without a zone is UTC, as RFC 4155 has it.
func fromDate(line string) (time.Time, bool) {
	rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "From ")
	if !ok || len(rest) > maxFrom {
		return time.Time{}, false
	}
	words := strings.Fields(rest)
	if n := len(words); n > 3 && words[n-3] == "remote" && words[n-2] == "from" {
		words = words[:n-3] // UUCP
	}
	for i := range words {
		if t, ok := dateOf(words[i:]); ok {
			return t, plausibleSender(words[:i])
		}
	}
	return time.Time{}, false
}

// plausibleSender tells an address from a sentence that begins with "From" and ends in a date.
func plausibleSender(words []string) bool {
	return len(words) < 2 || strings.ContainsAny(strings.Join(words, ""), `@"`)
}

// parts are the words of a date as they are found.
type parts struct {
	year, day int
	month     time.Month
	clock     time.Duration
	zone      *time.Location
	hasClock  bool
}

// dateOf reads words that are a date and nothing else.
func dateOf(words []string) (time.Time, bool) {
	if len(words) > 8 {
		return time.Time{}, false
	}
	p := parts{}
	for i, w := range words {
		if !p.take(strings.TrimSuffix(w, ","), i == 0) {
			return time.Time{}, false
		}
	}
	if p.year == 0 || p.month == 0 || p.day == 0 || !p.hasClock {
		return time.Time{}, false
	}
	if p.zone == nil {
		p.zone = time.UTC
	}
	t := time.Date(p.year, p.month, p.day, 0, 0, 0, 0, p.zone).Add(p.clock)
	return t, t.Day() == p.day || p.clock >= 24*time.Hour
}

func (p *parts) take(word string, first bool) bool {
	if t, err := time.Parse(time.RFC3339, word); err == nil && first {
		p.year, p.month, p.day = t.Date()
		p.clock = time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
		p.zone, p.hasClock = t.Location(), true
		return true
	}
	if t, err := time.Parse("2006-01-02", word); err == nil && p.year == 0 {
		p.year, p.month, p.day = t.Date()
		return true
	}
	if m := monthOf(word); m != 0 && p.month == 0 {
		p.month = m
		return true
	}
	if d, ok := clockOf(word); ok && !p.hasClock {
		p.clock, p.hasClock = d, true
		return true
	}
	if n, err := strconv.ParseUint(word, 10, 16); err == nil {
		return p.number(int(n), len(word))
	}
	if isWeekday(word) {
		return first
	}
	return p.hasClock && p.takeZone(word)
}

func (p *parts) number(n, digits int) bool {
	switch {
	case digits <= 2 && p.day == 0 && n >= 1 && n <= 31:
		p.day = n
	case digits == 4 && p.year == 0 && n >= 1970 && n < 2200:
		p.year = n
	default:
		return false
	}
	return true
}

// takeZone reads +hhmm or a name. Of the names only those of RFC 5322 say a number.
func (p *parts) takeZone(word string) bool {
	if t, err := time.Parse("-0700", word); err == nil {
		p.zone = t.Location()
		return true
	}
	if len(word) > 5 || strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return false
	}
	if p.zone == nil {
		p.zone = namedZone(word)
	}
	return true
}

func namedZone(name string) *time.Location {
	hours := map[string]int{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
	if h, ok := hours[name]; ok {
		return time.FixedZone("", h*3600)
	}
	return time.UTC
}

func monthOf(word string) time.Month {
	for m := time.January; m <= time.December; m++ {
		if strings.EqualFold(word, m.String()[:3]) || strings.EqualFold(word, m.String()) {
			return m
		}
	}
	return 0
}

func isWeekday(word string) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(word, d.String()[:3]) || strings.EqualFold(word, d.String()) {
			return true
		}
	}
	return false
}

func clockOf(word string) (time.Duration, bool) {
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, word); err == nil && len(word) >= 4 {
			return t.Sub(t.Truncate(24 * time.Hour)), true
		}
	}
	return 0, false
}
