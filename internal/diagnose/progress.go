package diagnose

import (
	"strconv"
	"strings"
	"time"
)

// lateAfter is how long a start may take that nobody calls slow.
const lateAfter = 10 * time.Second

// becameReady is how long after its start it said that it serves; 0 when nobody
// knows. Only times of day are compared, so that a date's form does not matter.
func (s *scene) becameReady() time.Duration {
	for l := s.output - 1; l >= s.tail && l >= 0; l-- {
		if took := statedDuration(s.lines[l].low); took > 0 && hasAny(s.lines[l].low, "start|ready") {
			return took
		}
	}
	if s.Inspect == nil || s.ready < 0 {
		return 0
	}
	began, err := time.Parse(time.RFC3339Nano, s.Inspect.State.StartedAt)
	if err != nil {
		return 0
	}
	at, ok := timeOfDay(s.lines[s.ready].text)
	if !ok {
		return 0
	}
	of := time.Duration(began.UTC().Hour())*time.Hour + time.Duration(began.Minute())*time.Minute + time.Duration(began.Second())*time.Second
	took := (at - of + 24*time.Hour) % (24 * time.Hour)
	if s.Runtime != nil && s.Runtime.ObservedSeconds > 0 && took > time.Duration((s.Runtime.ObservedSeconds+2)*float64(time.Second)) {
		return 0 // another time zone, or an earlier life
	}
	if took > 6*time.Hour {
		return 0
	}
	return took
}

// statedDuration reads "in 18.2 seconds", "in [4664] milliseconds" and "in 812ms"
// from a line that says that the server is ready; 0 without.
func statedDuration(low string) time.Duration {
	for rest := low; ; {
		_, after, ok := strings.Cut(rest, " in ")
		if !ok {
			return 0
		}
		rest = after
		number := strings.TrimLeft(rest, "[(~")
		end := 0
		for end < len(number) && (isDigit(number[end]) || number[end] == '.') {
			end++
		}
		n, err := strconv.ParseFloat(number[:end], 64)
		if err != nil || n > 1e6 {
			continue
		}
		switch unit := strings.TrimLeft(number[end:], " ])"); {
		case strings.HasPrefix(unit, "ms"), strings.HasPrefix(unit, "milli"):
			return time.Duration(n * float64(time.Millisecond))
		case strings.HasPrefix(unit, "s"):
			return time.Duration(n * float64(time.Second))
		}
	}
}

// timeOfDay reads the first 12:34:56 of the beginning of a line.
func timeOfDay(text string) (time.Duration, bool) {
	const reach = 60
	if len(text) > reach {
		text = text[:reach]
	}
	for i := 0; i+8 <= len(text); i++ {
		part := text[i : i+8]
		if part[2] != ':' || part[5] != ':' || i > 0 && isDigit(text[i-1]) {
			continue
		}
		hour, err1 := strconv.Atoi(part[:2])
		minute, err2 := strconv.Atoi(part[3:5])
		second, err3 := strconv.Atoi(part[6:])
		if err1 == nil && err2 == nil && err3 == nil {
			return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second, true
		}
	}
	return 0, false
}

// progress is the last line that shows work going on; -1 without one.
func (s *scene) progress() int {
	const words = "migrat|applying|loading|loaded|indexing|warming|warm|compil|download|import|restor|replay|rebuild|seed|install|" +
		"initializ|prepar|processing|fetch|building|%|recover|convert|extract|unpack|copying|bootstrap|scanning|training|" +
		"generating|step |batch"
	found, seen := -1, 0
	for l := s.output - 1; l >= 0 && seen < 8; l-- {
		line := &s.lines[l]
		if line.frame || line.code {
			continue
		}
		seen++
		if line.level >= warn || line.errnos != 0 || hasAny(line.low, "error|failed|waiting for|retry|refused|timeout") {
			return -1
		}
		if found < 0 && hasAny(line.low, words) {
			found = l
		}
	}
	if found < 0 {
		return -1
	}
	counts := counter(s.lines[found].low)
	flows := false
	if at, ok := timeOfDay(s.lines[s.output-1].text); ok && s.Inspect != nil && s.Runtime != nil {
		if began, err := time.Parse(time.RFC3339Nano, s.Inspect.State.StartedAt); err == nil {
			of := time.Duration(began.UTC().Hour())*time.Hour + time.Duration(began.Minute())*time.Minute + time.Duration(began.Second())*time.Second
			last := (at - of + 24*time.Hour) % (24 * time.Hour)
			flows = last.Seconds() >= s.Runtime.ObservedSeconds*.6-1 && last.Seconds() <= s.Runtime.ObservedSeconds+2
		}
	}
	busy := s.Runtime != nil && s.Runtime.Main != nil && s.Runtime.ObservedSeconds > 0 && s.Runtime.Main.CPUSeconds/s.Runtime.ObservedSeconds > .3
	if counts && seen > 1 || flows && seen > 2 || busy {
		return found
	}
	return -1
}

// counter recognises 3/10, 40% and "of 12".
func counter(low string) bool {
	for i := 1; i+1 < len(low); i++ {
		if isDigit(low[i-1]) && (low[i] == '%' || low[i] == '/' && isDigit(low[i+1]) && !strings.Contains(low[max(0, i-6):i], "/") && (i+5 > len(low) || !strings.Contains(low[i+1:min(len(low), i+5)], "/"))) {
			return true
		}
	}
	return false
}

// lived is how long the main process ran; 0 when nobody knows.
func (s *scene) lived() time.Duration {
	if s.Inspect == nil {
		return 0
	}
	began, err1 := time.Parse(time.RFC3339Nano, s.Inspect.State.StartedAt)
	ended, err2 := time.Parse(time.RFC3339Nano, s.Inspect.State.FinishedAt)
	if err1 != nil || err2 != nil {
		return 0
	}
	return ended.Sub(began)
}

// foreground tells whether the command line says that a server stays in front.
func (s *scene) foreground() bool {
	return s.Inspect != nil && hasAny(lower(s.Inspect.Path+" "+strings.Join(s.Inspect.Args, " ")+" "), "daemon off|foreground|nodaemon|no-daemon|daemonize no| -f |serve|server")
}
