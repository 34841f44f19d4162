package foreign

import (
	"strconv"
	"strings"
	"time"
)

// parts are the words of a date as they are found.
type parts struct {
	year, day int
	month     time.Month
	clock     time.Duration
	zone      *time.Location
	hasClock  bool
}

// dateOf reads words that are a date and nothing else, in whatever order its parts come: that of
// asctime (RFC 4155), with a zone before or behind the year, that of RFC 5322, or ISO 8601. A
// date without a zone is UTC, as RFC 4155 has it.
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
	day := time.Date(p.year, p.month, p.day, 0, 0, 0, 0, time.UTC)
	return time.Date(p.year, p.month, p.day, 0, 0, 0, 0, p.zone).Add(p.clock), day.Day() == p.day
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
	return p.hasClock && (p.half(word) || p.takeZone(word))
}

func (p *parts) number(n, digits int) bool {
	switch {
	case digits <= 2 && p.day == 0 && n >= 1 && n <= 31:
		p.day = n
	case p.year == 0 && yearOf(n, digits) != 0:
		p.year = yearOf(n, digits)
	default:
		return false
	}
	return true
}

// yearOf reads a year, also one of two digits as RFC 5322 section 4.3 has it. Time 0 is 1969 west of Greenwich.
func yearOf(n, digits int) int {
	switch {
	case digits == 4 && n >= 1900 && n < 2200:
		return n
	case digits == 2 && n < 50:
		return 2000 + n
	case digits == 2, digits == 3 && n >= 100 && n < 200:
		return 1900 + n
	}
	return 0
}

// half takes the AM or PM of a time.
func (p *parts) half(word string) bool {
	hour := p.clock / time.Hour
	switch strings.ToUpper(word) {
	case "AM":
		if hour == 12 {
			p.clock -= 12 * time.Hour
		}
	case "PM":
		if hour < 12 {
			p.clock += 12 * time.Hour
		}
	default:
		return false
	}
	return true
}

// takeZone reads +hhmm, +hh:mm, either behind GMT or UTC, or a name. Of the names only those of RFC 5322
// say a number.
func (p *parts) takeZone(word string) bool {
	word = strings.Trim(word, "()")
	number := word
	for _, base := range []string{"GMT", "UTC"} {
		if rest, ok := strings.CutPrefix(word, base); ok && rest != "" {
			number = rest
		}
	}
	for _, layout := range []string{"-0700", "-07:00", "-07"} {
		if t, err := time.Parse(layout, number); err == nil {
			p.zone = t.Location()
			return true
		}
	}
	if word == "" || len(word) > 5 || strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
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

// clockOf reads a time of day. A second may be a leap second, which is the first of the next minute.
func clockOf(word string) (time.Duration, bool) {
	leap := time.Duration(0)
	if rest, ok := strings.CutSuffix(word, ":60"); ok && strings.Contains(rest, ":") {
		word, leap = rest+":59", time.Second
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, word); err == nil && len(word) >= 4 {
			return t.Sub(t.Truncate(24*time.Hour)).Truncate(time.Second) + leap, true
		}
	}
	return 0, false
}
