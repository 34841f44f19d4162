package wire

import (
	"bytes"
	"strings"
	"time"
)

// dateLayout is date-time of RFC 9051 section 9 without its quotes.
const dateLayout = "_2-Jan-2006 15:04:05 -0700"

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// parseDate reads INTERNALDATE; what is no date gives the zero time. A date as the syntax
// has it comes with every message and takes a tenth of what any other takes.
func parseDate(text []byte) time.Time {
	if t, ok := plainDate(text); ok {
		return t
	}
	t, err := time.Parse(dateLayout, strings.TrimSpace(string(text)))
	if err != nil {
		return time.Time{}
	}
	return t
}

// plainDate leaves to others whatever is not exactly as the syntax has it.
func plainDate(b []byte) (t time.Time, ok bool) {
	if len(b) != len(dateLayout) || b[2] != '-' || b[6] != '-' || b[11] != ' ' || b[14] != ':' || b[17] != ':' || b[20] != ' ' {
		return t, false
	}
	month := strings.Index(months, string(b[3:6]))
	day, ok1 := digits(bytes.TrimPrefix(b[:2], []byte(" ")))
	year, ok2 := digits(b[7:11])
	hour, ok3 := digits(b[12:14])
	minute, ok4 := digits(b[15:17])
	second, ok5 := digits(b[18:20])
	east, ok6 := digits(b[22:24])
	past, ok7 := digits(b[24:26])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7) || month < 0 || month%3 != 0 ||
		hour > 23 || minute > 59 || second > 59 || east > 23 || past > 59 {
		return t, false
	}
	zone := time.UTC
	switch offset := east*3600 + past*60; {
	case b[21] == '-':
		zone = time.FixedZone("", -offset)
	case b[21] != '+':
		return t, false
	case offset > 0:
		zone = time.FixedZone("", offset)
	}
	t = time.Date(year, time.Month(month/3+1), day, hour, minute, second, 0, zone)
	return t, t.Day() == day // or there is no such day
}

func digits(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// appendDate writes a date of four-digit years, which is what the syntax has.
func appendDate(b []byte, t time.Time) []byte {
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		t = time.Unix(0, 0).UTC()
		year, month, day = t.Date()
	}
	hour, minute, second := t.Clock()
	_, offset := t.Zone()
	b = append(b, '"')
	if day < 10 {
		b = append(b, ' ', byte('0'+day))
	} else {
		b = twoDigits(b, day)
	}
	b = append(append(append(b, '-'), months[3*month-3:3*month]...), '-')
	b = append(twoDigits(twoDigits(b, year/100), year%100), ' ')
	b = append(twoDigits(b, hour), ':')
	b = append(twoDigits(b, minute), ':')
	b = append(twoDigits(b, second), ' ')
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	offset /= 60 // the syntax has no seconds
	return append(twoDigits(twoDigits(append(b, sign), offset/60), offset%60), '"')
}

// twoDigits writes a number below 100.
func twoDigits(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
