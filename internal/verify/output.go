package verify

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
)

// maxOutput bounds what is read of the output of one start, in bytes.
const maxOutput = 4 << 20

// output is what a start has printed so far, as far as it matters.
type output struct {
	why     string // why it could not be read
	errors  []string
	hasLine bool // the user's line is there
	ready   bool // aweigh-init inside says that it is ready
}

// printed reads what a container has printed since it was started; if it was
// restarted, since it was created: why it was is said before.
func (v *verifier) printed(ctx context.Context, i docker.Instance) (o output) {
	if i.Unreadable != "" {
		return output{why: i.Unreadable}
	}
	if i.Started.IsZero() {
		return output{}
	}
	since := docker.OutputFrom(&i.Container, i.Started)
	if i.RestartCount > 0 {
		since = i.Created
	}
	span := docker.Span{Since: since, Until: time.Now()}
	text, lines, err := v.readOutput(ctx, i.ID, span)
	if err != nil {
		return output{why: err.Error()}
	}
	o.take(text, v.LogLine, i.Supervised)
	sought := v.LogLine != "" && !o.hasLine || i.Supervised && !o.ready
	if !sought || lines < docker.MostLines || since.IsZero() {
		return o
	}
	span.Tail = docker.AllLines // what proves a start may be before these
	switch text, _, err = v.readOutput(ctx, i.ID, span); {
	case err == nil:
		o = output{}
		o.take(text, v.LogLine, i.Supervised)
	case v.LogLine != "":
		return output{why: err.Error()}
	}
	return o
}

// logsWithin bounds the reading of an engine's log.
const logsWithin = 20 * time.Second

// readOutput reads the first of a part of a container's output, and counts its lines: all
// of them where the engine gives no more than MostLines.
func (v *verifier) readOutput(ctx context.Context, id string, span docker.Span) (text string, lines int, err error) {
	ctx, cancel := context.WithTimeout(ctx, logsWithin)
	defer cancel()
	stream, err := v.Engine.Logs(ctx, id, span)
	if err != nil {
		return "", 0, err
	}
	defer stream.Close()
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	defer stop()
	var from io.Reader = stream
	if span.Since.IsZero() || span.Tail == docker.AllLines {
		from = io.LimitReader(stream, maxOutput)
	}
	var first bytes.Buffer
	err = docker.Frames(from, !v.Engine.HasTerminal(id), func(_ bool, b []byte) {
		lines += bytes.Count(b, []byte("\n"))
		first.Write(b[:min(len(b), maxOutput-first.Len())])
	})
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return first.String(), lines, err
}

func (o *output) take(text, want string, supervised bool) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if want != "" && strings.Contains(line, want) {
			o.hasLine = true
		}
		if supervised && (strings.Contains(line, " event=start.ready ") || strings.Contains(line, `"event":"start.ready"`)) {
			o.ready = true
		}
		if isError(line) {
			o.errors = append(o.errors, line)
		}
	}
}

// baseline is what the last good start printed: its error lines, without what
// differs from start to start.
type baseline struct {
	start string // its id
	lines map[string]bool
}

// baseline reads the record of the last good start before those that run. It is
// nil where there is none.
func (v *verifier) baseline(service string, starts []aweigh.Start, now []instance) *baseline {
	if b, ok := v.base[service]; ok {
		return b
	}
	running := map[string]bool{}
	for _, i := range now {
		if i.start != nil {
			running[i.start.ID] = true
		}
	}
	var found *baseline
	for _, s := range starts {
		if s.Verdict != aweigh.Ready || s.OneOff || running[s.ID] || record.FailedSoon(s) {
			continue
		}
		if found = v.recorded(s); found != nil {
			break
		}
	}
	if found != nil {
		v.base[service] = found
	}
	return found
}

func (v *verifier) recorded(s aweigh.Start) *baseline {
	if v.Records == "" {
		return nil
	}
	dir, err := record.OpenToRead(v.Records)
	if err != nil {
		return nil
	}
	defer dir.Close()
	r, err := dir.Find(s.ID)
	if err != nil {
		return nil
	}
	b := &baseline{start: s.ID, lines: map[string]bool{}}
	for _, segment := range r.Segments() {
		text, ok := r.File(segment.Name)
		if !ok {
			continue
		}
		for line := range bytes.Lines(text[:min(len(text), maxOutput)]) {
			if l := strings.TrimRight(string(line), "\r\n"); isError(l) {
				b.lines[likeness(l)] = true
			}
		}
	}
	return b
}

// news are the error lines that the last good start did not have.
func (b *baseline) news(lines []string) (fresh []string) {
	for _, line := range lines {
		if !b.lines[likeness(line)] {
			fresh = append(fresh, line)
		}
	}
	return fresh
}

// ids are UUIDs, and hashes and ids in hexadecimal: they may begin with a letter.
var ids = regexp.MustCompile(`(?i)\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8,}\b`)

// likeness is a line without numbers and ids, so that two starts can be compared.
func likeness(line string) string {
	line = ids.ReplaceAllLiteralString(line, "0")
	var b strings.Builder
	digits := false
	for _, c := range line {
		hex := c >= '0' && c <= '9'
		if hex && !digits {
			b.WriteByte('#')
		}
		if digits && (c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			continue // the rest of a hexadecimal number
		}
		if digits = hex; !hex {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// isError reports whether a line says by itself that something went wrong. The
// word alone is not enough: healthy services speak of errors all day long.
func isError(line string) bool {
	for _, mark := range []string{"level=error", "level=fatal", "level=panic", "level=ERROR", `"level":"error"`, `"level":"fatal"`, `"level":"ERROR"`, `"level":"FATAL"`,
		`"severity":"ERROR"`, "[error]", "[crit]", "[alert]", "[emerg]", "[ERROR]", "[FATAL]", "[CRITICAL]", "Traceback (most recent call last)", "UnhandledPromiseRejection"} {
		if strings.Contains(line, mark) {
			return true
		}
	}
	for _, start := range []string{"panic: ", "fatal error: ", "Error: ", "ERROR", "FATAL", "CRITICAL", "Exception in thread ", "thread 'main' panicked"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	for _, level := range []string{" ERROR ", " FATAL ", " CRITICAL ", " SEVERE ", " ERROR:", " FATAL:", " PANIC:", " CRITICAL:"} {
		if strings.Contains(line, level) {
			return true
		}
	}
	name, _, ok := strings.Cut(line, ": ")
	return ok && (strings.HasSuffix(name, "Error") || strings.HasSuffix(name, "Exception")) && !strings.ContainsAny(name, " \t")
}
