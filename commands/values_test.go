package commands

import (
	"testing"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "500": 500, "10K": 10 << 10, "10k": 10 << 10, "10M": 10 << 20, "1.5M": 3 << 19, "2G": 2 << 30,
		"10MB": 10 << 20, "10MiB": 10 << 20, " 7 ": 7,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "K", "-1", "0", "+5", "1e9", "0x10", "1T", "ten", "1 0", "NaN", "Inf", "9999999999G", "B", "iB", "1_0"} {
		if got, err := parseSize(bad); err == nil {
			t.Errorf("%q: %d and no error", bad, got)
		}
	}
}

func TestDates(t *testing.T) {
	day, err := parseDate("2024-12-31")
	if err != nil || !day.Equal(time.Date(2024, 12, 31, 0, 0, 0, 0, time.Local)) {
		t.Errorf("day: %v, %v", day, err)
	}
	moment, err := parseDate("2024-12-31T18:00:00+02:00")
	if err != nil || !moment.Equal(time.Date(2024, 12, 31, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("moment: %v, %v", moment, err)
	}
	for _, bad := range []string{"", "31.12.2024", "2024-13-01", "2024-12-31T18:00", "yesterday"} {
		if got, err := parseDate(bad); err == nil {
			t.Errorf("%q: %v and no error", bad, got)
		}
	}
}

func TestLimits(t *testing.T) {
	for text, want := range map[string]transfer.Limit{
		"50": {N: 50}, "10%": {N: 10, Percent: true}, "100%": {N: 100, Percent: true},
		"0": {Percent: true}, "0%": {Percent: true}, // the zero Limit would be the default
	} {
		if got, err := parseLimit(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "%", "101%", "-1", "1.5", "ten", "99999999999"} {
		if got, err := parseLimit(bad); err == nil {
			t.Errorf("%q: %+v and no error", bad, got)
		}
	}
}

func TestMappings(t *testing.T) {
	for text, want := range map[string]transfer.Mapping{
		"A=B":         {From: mail.NewPath("A"), To: mail.NewPath("B")},
		"a/b=c/d e":   {From: mail.NewPath("a", "b"), To: mail.NewPath("c", "d e")},
		`x\=y=z`:      {From: mail.NewPath("x=y"), To: mail.NewPath("z")},
		`x=y=z`:       {From: mail.NewPath("x"), To: mail.NewPath("y=z")},
		`a\b=inbox/c`: {From: mail.NewPath(`a\b`), To: mail.NewPath("INBOX", "c")},
	} {
		if got, err := parseMapping(text); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "A", "=B", "A=", "A=/B", "A//B=C", `A\=B`} {
		if got, err := parseMapping(bad); err == nil {
			t.Errorf("%q: %v and no error", bad, got)
		}
	}
}

func TestTextForPeople(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %q", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 1<<20 - 1: "1.0 MiB", 3 << 29: "1.5 GiB", 5 << 40: "5.0 TiB"} {
		if got := sizeText(n); got != want {
			t.Errorf("%d octets are written %q", n, got)
		}
	}
	for d, want := range map[time.Duration]string{time.Millisecond: "less than 1 s", 61 * time.Second: "61 s", 5 * time.Minute: "5 min", 150 * time.Minute: "2 h 30 min"} {
		if got := durationText(d); got != want {
			t.Errorf("%v is written %q", d, got)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"10M", "2024-12-31", "10%", `a\=b=c`, "1.5G"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := parseSize(text); err == nil && n <= 0 {
			t.Errorf("size %q is %d", text, n)
		}
		if l, err := parseLimit(text); err == nil && (l == transfer.Limit{} || l.N < 0) {
			t.Errorf("limit %q is %+v", text, l)
		}
		if m, err := parseMapping(text); err == nil && (m.From.IsZero() || m.To.IsZero()) {
			t.Errorf("mapping %q has an empty side", text)
		}
		_, _ = parseDate(text)
	})
}
