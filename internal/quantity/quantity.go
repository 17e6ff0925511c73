// Package quantity reads durations and sizes as people write them, the same in
// flags, in aweigh.yaml and in labels:
//
//	d, err := quantity.Duration("1h30m") // also 90s, 30d
//	n, err := quantity.Bytes("256MiB")   // also 500k, 2GB
package quantity

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration reads 90s, 2m, 1h30m and 30d; it is never negative.
func Duration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < 36500 {
			return time.Duration(n * 24 * float64(time.Hour)), nil
		}
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil && isNumber(s):
		return 0, fmt.Errorf("a duration needs a unit: %ss, %sm", s, s)
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

// units are powers of ten, and with an i of two.
var units = map[string]float64{"": 1, "b": 1, "k": 1e3, "kb": 1e3, "ki": 1 << 10, "kib": 1 << 10,
	"m": 1e6, "mb": 1e6, "mi": 1 << 20, "mib": 1 << 20, "g": 1e9, "gb": 1e9, "gi": 1 << 30, "gib": 1 << 30,
	"t": 1e12, "tb": 1e12, "ti": 1 << 40, "tib": 1 << 40}

// Bytes reads a number of bytes: 500k, 256MiB, 2GB; an exbibyte at most.
func Bytes(s string) (int64, error) {
	digits := strings.TrimRight(s, "kKmMgGtTiIbB")
	factor, ok := units[strings.ToLower(strings.TrimSpace(s[len(digits):]))]
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || !ok || !(n >= 0) || n*factor > 1<<60 {
		return 0, errors.New("not a size: write 500k, 256MiB or 2GB")
	}
	return int64(n * factor), nil
}
