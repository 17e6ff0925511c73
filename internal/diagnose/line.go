package diagnose

import (
	"bytes"
	"strings"
)

// Bounds on what is read of an output, and of a line: a program may print
// anything, for ever. Causes stand at the end, seldom at the beginning, and in
// 281 of 299 real failures within the last twenty lines.
const (
	headBytes = 64 << 10
	tailBytes = 256 << 10
	lineBytes = 8 << 10
)

// level is how loud a line says it is.
type level uint8

const (
	plain level = iota // it does not say
	calm               // debug, info, notice
	warn
	loud // error and above
)

// line is one line of an output, prepared for being judged.
type line struct {
	number int    // from 1
	text   string // without control characters
	low    string // text with ASCII letters in lower case
	level  level
	errnos errnoSet
	// A frame is a line of a stack, code a line of the source that a runtime shows
	// in it, of a usage text or of an access log: they are read for their context,
	// but say no cause.
	frame, code bool
}

// splitLines prepares the lines of an output, of a long one its beginning and
// its end.
func splitLines(output []byte) []line {
	skipped, skippedLines := []byte(nil), 0
	head, tail := output, []byte(nil)
	if len(output) > headBytes+tailBytes {
		head, skipped, tail = output[:headBytes], output[headBytes:len(output)-tailBytes], output[len(output)-tailBytes:]
		skippedLines = bytes.Count(skipped, []byte{'\n'})
	}
	lines := appendLines(nil, head, 1)
	if tail != nil {
		next := 1 + bytes.Count(head, []byte{'\n'}) + skippedLines
		lines = appendLines(lines, tail, next)
	}
	markCode(lines)
	markHelp(lines)
	return lines
}

func appendLines(lines []line, part []byte, number int) []line {
	for len(part) > 0 {
		one, rest, _ := bytes.Cut(part, []byte{'\n'})
		part = rest
		if len(one) > lineBytes {
			one = one[:lineBytes]
		}
		if text := strings.TrimRight(clean(one), " "); text != "" {
			low := lower(text)
			lines = append(lines, line{number: number, text: text, low: low, level: levelOf(low), frame: isFrame(low), code: isRequest(low)})
		}
		number++
	}
	return lines
}

// lower is ASCII only, so that offsets stay and nothing is allocated twice.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// levelOf finds the first word of the beginning that names a level.
func levelOf(low string) level {
	const reach = 120
	if len(low) > reach {
		low = low[:reach]
	}
	for i := 0; i < len(low); {
		if !isLetter(low[i]) {
			i++
			continue
		}
		end := i
		for end < len(low) && isLetter(low[end]) {
			end++
		}
		switch low[i:end] {
		case "debug", "info", "notice", "note", "trace", "verbose", "information", "dbug":
			return calm
		case "warn", "warning", "wrn":
			return warn
		case "error", "err", "fatal", "crit", "critical", "emerg", "alert", "panic", "severe", "fail", "ftl", "emergency":
			return loud
		case "log": // PostgreSQL's; a log file has no colon
			if end < len(low) && low[end] == ':' && (i == 0 || low[i-1] == ' ') {
				return calm
			}
		case "level": // pino and bunyan count: 30 is info, 40 warn, 50 error
			switch rest := strings.TrimLeft(low[end:], `":= `); {
			case strings.HasPrefix(rest, "10"), strings.HasPrefix(rest, "20"), strings.HasPrefix(rest, "30"):
				return calm
			case strings.HasPrefix(rest, "40"):
				return warn
			case strings.HasPrefix(rest, "50"), strings.HasPrefix(rest, "60"):
				return loud
			}
		}
		i = end
	}
	return plain
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isFrame recognises a line of a stack: of a JVM, Node, .NET (at …), Python
// (File "…", line), Ruby (from …:in), PHP (#0 …), Tcl, Erlang and Elixir.
func isFrame(low string) bool {
	t := strings.TrimLeft(low, " ")
	indented := len(t) < len(low)
	switch {
	case indented && strings.HasPrefix(t, "at "), indented && strings.HasPrefix(t, "... "):
		return true
	case strings.HasPrefix(t, `file "`) && strings.Contains(t, ", line "):
		return true
	case strings.HasPrefix(t, "from ") && strings.Contains(t, ":in "):
		return true
	case strings.HasPrefix(t, "goroutine "), strings.HasPrefix(t, "created by "):
		return true
	case t == "while executing", t == "invoked from within", strings.HasPrefix(t, `(file "`), strings.HasPrefix(t, "(procedure \""):
		return true
	case len(t) > 2 && t[0] == '#' && isDigit(t[1]) && strings.ContainsAny(t, "({"):
		return true
	}
	return strings.Trim(t, "^~ ") == ""
}

// isRequest recognises a line of an access log, "GET /admin HTTP/1.1" 401: it tells
// of somebody else's request, and has words of theirs.
func isRequest(low string) bool {
	_, rest, ok := strings.Cut(low, " http/")
	if !ok {
		return false
	}
	version, status, ok := strings.Cut(rest, `" `)
	return ok && len(version) < 4 && status != "" && isDigit(status[0])
}

// markHelp marks the explanation of a command line that programs print when they do
// not understand theirs: what is indented below "Usage:". It names what may go
// wrong, and not what did.
func markHelp(lines []line) {
	help := false
	for i := range lines {
		switch low := lines[i].low; {
		case strings.HasPrefix(low, "usage"):
			help = true
		case strings.HasPrefix(low, " "):
			lines[i].code = lines[i].code || help
		case !strings.HasSuffix(low, ":"): // a heading, such as Options:
			help = false
		}
	}
}

// markCode marks the lines of source that Python shows below a frame, and Node
// above a caret.
func markCode(lines []line) {
	for i := range lines {
		switch t := strings.TrimLeft(lines[i].low, " "); {
		case strings.HasPrefix(t, `file "`) && lines[i].frame && i+1 < len(lines) && strings.HasPrefix(lines[i+1].low, "  "):
			lines[i+1].code = !lines[i+1].frame
		case strings.Trim(t, "^~ ") == "" && strings.Contains(t, "^") && i > 0 && !lines[i-1].frame:
			lines[i-1].code = true
		}
	}
}
