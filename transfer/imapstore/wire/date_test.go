package wire

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// reference is how the standard library reads a date.
func reference(text string) time.Time {
	t, err := time.Parse(dateLayout, strings.TrimSpace(text))
	if err != nil {
		return time.Time{}
	}
	return t
}

func sameDate(a, b time.Time) bool {
	_, za := a.Zone()
	_, zb := b.Zone()
	return a.Equal(b) && za == zb
}

func TestDates(t *testing.T) {
	for _, text := range []string{
		"17-Jul-1996 02:44:25 -0700", " 1-Jan-2000 00:00:00 +0000", "01-Jan-2000 00:00:00 +0000",
		"29-Feb-2024 23:59:59 +0530", "31-Dec-9999 23:59:59 -1200", " 1-Jan-0000 00:00:00 +1400",
		"29-Feb-2023 00:00:00 +0000", "31-Apr-2023 00:00:00 +0000", "00-Jan-2023 00:00:00 +0000",
		"17-jul-1996 02:44:25 -0700", "17-Jul-1996 24:00:00 +0000", "17-Jul-1996 02:60:25 +0000",
		"17-Jul-1996 02:44:60 +0000", "17-Jul-1996 02:44:25 +2500", "17-Jul-1996 02:44:25 +0060",
		"17-Jul-1996 02:44:25  0700", "17-Jul-1996  2:44:25 +0000", "17-Jul- 996 02:44:25 +0000",
		"7-Jul-1996 02:44:25 +0000", " 17-Jul-1996 02:44:25 +0000 ", "17-Jul-1996 02:44:25", "17-anF-1996 02:44:25 +0000",
		"", "  -   -       :  :   +    ", "17-Jul-1996 02:44:25 -0000",
	} {
		if got, want := parseDate([]byte(text)), reference(text); !sameDate(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestDatesThatAreWrittenAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "minutes east")*60)
		date := time.Unix(rapid.Int64Range(-62167132800, 253402214400).Draw(t, "seconds"), 0).In(zone)
		text := string(appendDate(nil, date))
		if want := date.Format(`"` + dateLayout + `"`); text != want {
			t.Fatalf("%v is written %s, want %s", date, text, want)
		}
		if got := parseDate([]byte(strings.Trim(text, `"`))); !sameDate(got, date) {
			t.Fatalf("%s is read as %v", text, got)
		}
	})
}

func TestDatesOutOfTheSyntax(t *testing.T) {
	for date, want := range map[time.Time]string{
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC):                        `" 1-Jan-1970 00:00:00 +0000"`,
		time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC):                           `" 1-Jan-1970 00:00:00 +0000"`,
		time.Date(1890, 1, 1, 12, 0, 0, 0, time.FixedZone("LMT", 53*60+28)): `" 1-Jan-1890 12:00:00 +0053"`,
	} {
		if got := string(appendDate(nil, date)); got != want {
			t.Errorf("%v: %s, want %s", date, got, want)
		}
	}
}

// FuzzParseDate holds what is read fast against the standard library.
func FuzzParseDate(f *testing.F) {
	f.Add("17-Jul-1996 02:44:25 -0700")
	f.Add(" 1-Feb-2024 02:44:25 +0000")
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := parseDate([]byte(text)), reference(text); !sameDate(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	})
}
