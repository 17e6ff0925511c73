package watch

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
)

// said is a line of aweigh-init's own: its message and its keys.
type said struct {
	keys map[string]string
}

// maxSaid is the longest line that is looked at.
const maxSaid = 16 << 10

// listen finds aweigh-init's own lines in the output. They are lines of
// log/slog, and the service may print the like: what they tell is never more
// than that the service itself says that it is well, or not.
func (t *tape) listen(b []byte, at time.Time) {
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			if len(t.line)+len(line) <= maxSaid {
				t.line = append(t.line, line...)
			}
			return
		}
		if len(t.line) > 0 {
			line = append(t.line, line...)
		}
		if len(line) <= maxSaid {
			if s, ok := parseSaid(line); ok {
				t.heard(s, at)
			}
		}
		t.line, b = t.line[:0], rest
	}
}

// parseSaid reads a line of log/slog's text or JSON handler that has an event.
func parseSaid(line []byte) (said, bool) {
	switch {
	case bytes.HasPrefix(line, []byte("time=")) && bytes.Contains(line, []byte(" event=")):
		return parseText(string(line))
	case bytes.HasPrefix(line, []byte(`{"time":`)) && bytes.Contains(line, []byte(`"event":`)):
		var values map[string]any
		if json.Unmarshal(line, &values) != nil {
			return said{}, false
		}
		keys := map[string]string{}
		for k, v := range values {
			switch v := v.(type) {
			case string:
				keys[k] = v
			case float64:
				keys[k] = strconv.FormatFloat(v, 'f', -1, 64)
			}
		}
		return said{keys}, keys["start"] != ""
	}
	return said{}, false
}

func parseText(line string) (said, bool) {
	keys := map[string]string{}
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimLeft(rest, " ") {
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			return said{}, false
		}
		quoted, err := strconv.QuotedPrefix(after)
		if err == nil {
			keys[key], _ = strconv.Unquote(quoted)
			rest = after[len(quoted):]
			continue
		}
		keys[key], rest, _ = strings.Cut(after, " ")
	}
	return said{keys}, keys["start"] != ""
}

// fact is what the line tells the core; false for lines that matter to people
// only.
func (s said) fact(instance string, at time.Time) (aweigh.Fact, bool) {
	k := s.keys
	switch k["event"] {
	case "start.begin", "start.ready", "start.failed", "start.slow", "run.unhealthy", "run.healthy", "run.oom":
	default:
		return aweigh.Fact{}, false
	}
	f := aweigh.Fact{Kind: aweigh.FactSaid, At: at.UTC(), Instance: instance, Reason: k["msg"],
		ID: "said/" + k["start"] + "/" + k["event"] + "/" + k["time"]}
	f.Said = &aweigh.Said{Event: k["event"], Start: k["start"], Service: k["service"], Verdict: aweigh.Verdict(k["verdict"]), Target: k["target"], Phase: k["phase"]}
	if !aweigh.ValidID(f.Said.Start) {
		return aweigh.Fact{}, false
	}
	if !record.ValidService(f.Said.Service) {
		f.Said.Service = "" // it becomes part of a path
	}
	f.Cause = s.cause()
	f.Said.TookMS, _ = strconv.ParseInt(k["took_ms"], 10, 64)
	if k["event"] == "start.begin" {
		f.Said.TookMS, _ = strconv.ParseInt(k["startup_timeout_ms"], 10, 64)
	}
	return f, true
}

// cause is what diagnosis has named in the container, where there is more to
// see; nil if it names none.
func (s said) cause() *aweigh.Cause {
	c := &aweigh.Cause{ID: s.keys["cause"], Line: record.Printable(s.keys["cause_line"]), Why: record.Printable(s.keys["why"]), Fix: record.Printable(s.keys["fix"])}
	c.Confidence, _ = strconv.ParseFloat(s.keys["confidence"], 64)
	if !c.Named() || !(c.Confidence > 0 && c.Confidence <= 1) || strings.Trim(c.ID, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return nil
	}
	return c
}

// end is what the line says of the end of a start or a run, "" if it is about
// something else.
func (s said) end() string {
	if s.keys["event"] != "start.failed" && s.keys["event"] != "run.exit" {
		return ""
	}
	text, _, _ := strings.Cut(s.keys["msg"], ". Evidence: ")
	return text
}
