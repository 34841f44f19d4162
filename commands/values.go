package commands

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"mailferry/transfer"
	"mailferry/transfer/mail"
)

// parseSize reads a number of octets: 500, 10K, 1.5M, 2G (powers of 1024).
func parseSize(text string) (int64, error) {
	number := strings.ToUpper(strings.TrimSpace(text))
	number = strings.TrimSuffix(strings.TrimSuffix(number, "B"), "I")
	factor := 1.0
	if number != "" {
		if i := strings.IndexByte("KMG", number[len(number)-1]); i >= 0 {
			factor = math.Pow(1024, float64(i+1))
			number = number[:len(number)-1]
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || strings.ContainsAny(number, "EXPN_+-") || n*factor < 1 || n*factor > 1<<60 {
		return 0, fmt.Errorf("%q is no size: write 500K, 10M or 2G", text)
	}
	return int64(n * factor), nil
}

// parseDate reads a day, which begins at midnight local time, or a moment (RFC 3339).
func parseDate(text string) (time.Time, error) {
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%q is no date: write 2024-12-31 or 2024-12-31T18:00:00Z", text)
	}
	return t, nil
}

// parseLimit reads a number of messages or a share of a folder: 50, 10%.
func parseLimit(text string) (transfer.Limit, error) {
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil || percent && n > 100 {
		return transfer.Limit{}, fmt.Errorf("%q is neither a number nor a percentage: write 50 or 10%%", text)
	}
	// A Limit of zero messages would mean the default.
	return transfer.Limit{N: int(n), Percent: percent || n == 0}, nil
}

// parseMapping reads A=B. A "=" that belongs to a name is written "\=".
func parseMapping(text string) (transfer.Mapping, error) {
	cut := -1
	for i := 0; i < len(text) && cut < 0; i++ {
		switch text[i] {
		case '\\':
			if i+1 < len(text) && text[i+1] == '=' {
				i++
			}
		case '=':
			cut = i
		}
	}
	if cut < 0 {
		return transfer.Mapping{}, fmt.Errorf("%q is no mapping: write 'FOLDER=FOLDER'", text)
	}
	from, err := parseFolder(text[:cut])
	if err != nil {
		return transfer.Mapping{}, err
	}
	to, err := parseFolder(text[cut+1:])
	return transfer.Mapping{From: from, To: to}, err
}

// parseFolder reads a folder's name, whose levels "/" separates.
func parseFolder(text string) (mail.Path, error) {
	text = strings.ReplaceAll(text, `\=`, "=")
	for level := range strings.SplitSeq(text, "/") {
		if level == "" {
			return mail.Path{}, fmt.Errorf("%q is no folder: a level is empty", text)
		}
	}
	return mail.ParsePath(text), nil
}

func parseFlagMode(text string) (transfer.FlagMode, error) {
	switch mode := transfer.FlagMode(text); mode {
	case transfer.FlagsMerge, transfer.FlagsSource, transfer.FlagsNone:
		return mode, nil
	}
	return "", fmt.Errorf("%q is not merge, source or none", text)
}
