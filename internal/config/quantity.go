package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads a duration as the flags of the command line do: 90s, 2m,
// 1h30m, 30d.
func ParseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < 36500 {
			return time.Duration(n * 24 * float64(time.Hour)), nil
		}
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil && isNumber(s):
		return 0, errors.New("a duration needs a unit, such as 90s or 2m")
	case err != nil:
		return 0, errors.New("not a duration: write 90s, 2m, 1h30m or 30d")
	case d < 0:
		return 0, errors.New("a duration cannot be negative")
	}
	return d, nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// ParseSize reads a number of bytes as the flags do: 500k, 256MiB, 2GB.
func ParseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "kKmMgGtTiIbB")
	unit := strings.ToLower(strings.TrimSpace(s[len(digits):]))
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	factor, ok := map[string]float64{"": 1, "b": 1, "k": 1e3, "kb": 1e3, "ki": 1 << 10, "kib": 1 << 10,
		"m": 1e6, "mb": 1e6, "mi": 1 << 20, "mib": 1 << 20, "g": 1e9, "gb": 1e9, "gi": 1 << 30, "gib": 1 << 30,
		"t": 1e12, "tb": 1e12, "ti": 1 << 40, "tib": 1 << 40}[unit]
	if err != nil || !ok || !(n >= 0) || n*factor > 1<<60 {
		return 0, errors.New("not a size: write 500k, 256MiB or 2GB")
	}
	return int64(n * factor), nil
}

// parseBool takes YAML 1.1's words as well: labels and people write them.
func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, errors.New("write true or false")
}

func parseInt(s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("write a number from %d to %d", least, most)
	}
	return n, nil
}
