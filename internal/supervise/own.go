package supervise

import (
	"bytes"
	"log/slog"
	"time"
)

// NewLogger writes Aweigh's own messages, one slog line each, to the sink.
func newLogger(to *sink, format, service, start string) *slog.Logger {
	w := lineWriter{to}
	var h slog.Handler
	if format == "json" {
		h = slog.NewJSONHandler(w, nil)
	} else {
		h = slog.NewTextHandler(w, nil)
	}
	return slog.New(h).With("service", service, "start", start)
}

// lineWriter gives each line to the sink whole; a handler writes one a call.
type lineWriter struct{ to *sink }

func (w lineWriter) Write(b []byte) (int, error) {
	w.to.own(bytes.Clone(b))
	return len(b), nil
}

// human prints a duration as a person would say it: 4 s, 1.3 s, 120 ms, 2 m 5 s.
func human(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
