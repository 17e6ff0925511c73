package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/quantity"
)

// duration is a flag value: 90s, 2m, 1h30m, 30d.
type duration time.Duration

func (d *duration) String() string {
	text := time.Duration(*d).String()
	text = strings.TrimSuffix(text, "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	if text == "" {
		return "0"
	}
	if last := text[len(text)-1]; last >= '0' && last <= '9' {
		return time.Duration(*d).String()
	}
	return text
}

func (d *duration) Set(s string) error {
	parsed, err := quantity.Duration(s)
	if err != nil {
		return err
	}
	*d = duration(parsed)
	return nil
}

// size is a flag value in bytes: 500k, 256MiB, 1GB.
type size int64

func (b *size) String() string {
	for _, u := range []struct {
		name  string
		bytes size
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if *b >= u.bytes && *b%u.bytes == 0 {
			return fmt.Sprintf("%d%s", *b/u.bytes, u.name)
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

func (b *size) Set(s string) error {
	n, err := quantity.Bytes(s)
	if err != nil {
		return err
	}
	*b = size(n)
	return nil
}

// port is a flag value: 1 to 65535.
type port int

func (p *port) String() string { return strconv.Itoa(int(*p)) }

func (p *port) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 65535 {
		return errors.New("not a port: write a number from 1 to 65535")
	}
	*p = port(n)
	return nil
}

// choice is a flag value out of a few words.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }

func (c *choice) Set(s string) error {
	for _, word := range c.of {
		if s == word {
			c.value = s
			return nil
		}
	}
	return fmt.Errorf("write one of %s", strings.Join(c.of, ", "))
}

// StringList is a flag that may be repeated.
type StringList []string

func (l *StringList) String() string { return strings.Join(*l, " ") }

func (l *StringList) Set(s string) error {
	*l = append(*l, s)
	return nil
}

// Moment reads what --since takes: a time, a date, or a duration back from now.
func Moment(s string, now time.Time) (time.Time, error) {
	if d, err := quantity.Duration(s); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2h, 30d, 2026-11-23 or 2026-11-23T03:12:00Z", s)
}
