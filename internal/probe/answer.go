package probe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/expect"
)

// Bounds of an answer.
const (
	maxHead    = 64 << 10 // bytes of status line and header, those of 1xx included
	maxBody    = 1 << 20  // bytes of the body; it is cut there
	maxInterim = 10       // 1xx answers before the real one
)

// answer is what came over HTTP/1. After an error it holds what had come.
type answer struct {
	code    int    // 0: no status line came
	phrase  string // "Service Unavailable"
	version string // "HTTP/1.1"
	headers expect.Headers
	hasHead bool // the header is complete
	body    []byte
	cut     bool // the body was longer than maxBody

	left int // bytes that the head may still take
}

// notHTTP is an answer in another protocol, or one that breaks the rules.
type notHTTP struct{ what string }

func (e *notHTTP) Error() string { return e.what }

var errHeadTooBig = errors.New("the header of the answer is bigger than 64 KiB")

// readAnswer reads one answer.
func readAnswer(r *bufio.Reader) (answer, error) {
	a, err := readHead(r)
	if err == nil {
		err = a.readBody(r)
	}
	return a, err
}

// readHead reads the status line and the header, past any 1xx answers.
func readHead(r *bufio.Reader) (answer, error) {
	a := answer{left: maxHead}
	for range maxInterim + 1 {
		a.code, a.headers, a.hasHead = 0, nil, false
		if err := a.readHead(r); err != nil {
			return a, err
		}
		if a.code >= 200 || a.code == 101 {
			return a, nil
		}
	}
	return a, &notHTTP{"more than 10 interim answers (1xx) and no real one"}
}

func (a *answer) readHead(r *bufio.Reader) error {
	if err := smellsOfHTTP(r); err != nil {
		return err
	}
	line, err := a.line(r)
	if err != nil {
		return err
	}
	if err := a.statusLine(line); err != nil {
		return err
	}
	for {
		line, err := a.line(r)
		switch {
		case err != nil:
			return err
		case line == "":
			a.hasHead = true
			return nil
		case line[0] == ' ' || line[0] == '\t': // folded, as RFC 9112, 5.2 knows it of old servers
			if n := len(a.headers); n > 0 {
				a.headers[n-1].Value += " " + strings.Trim(line, " \t")
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" {
			return &notHTTP{fmt.Sprintf("not HTTP: a header line is %q", oneLine(line, maxQuote))}
		}
		a.headers = append(a.headers, expect.Header{Name: name, Value: strings.Trim(value, " \t")})
	}
}

// statusLine reads "HTTP/1.1 503 Service Unavailable"; the phrase may be absent.
func (a *answer) statusLine(line string) error {
	version, rest, _ := strings.Cut(line, " ")
	digits, phrase, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	code, err := strconv.Atoi(digits)
	if err != nil || len(digits) != 3 || code < 100 || !strings.HasPrefix(version, "HTTP/1.") {
		return &notHTTP{fmt.Sprintf("not HTTP: got %q", oneLine(line, maxQuote))}
	}
	a.version, a.code, a.phrase = version, code, oneLine(phrase, 60)
	if a.phrase == "" {
		a.phrase = phraseOf(code)
	}
	return nil
}

// line reads one line of the head, without its end.
func (a *answer) line(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if a.left -= len(part); a.left < 0 {
			return "", errHeadTooBig
		}
		line = append(line, part...)
		if err == nil {
			return string(bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))), nil
		}
		if err != bufio.ErrBufferFull {
			return "", err
		}
	}
}

// smellsOfHTTP looks at the first bytes as they come: a server that speaks
// something else may wait for us after its greeting, without a line's end.
func smellsOfHTTP(r *bufio.Reader) error {
	const want = "HTTP/"
	for n := 1; n <= len(want); n++ {
		first, err := r.Peek(n)
		if err != nil {
			if len(first) > 0 && errors.Is(err, io.EOF) {
				return &notHTTP{"not HTTP: " + greeting(r)}
			}
			return err
		}
		if string(first) != want[:n] {
			return &notHTTP{"not HTTP: " + greeting(r)}
		}
	}
	return nil
}

// greeting names what has come already. The bytes that follow the first one are
// mostly there with it.
func greeting(r *bufio.Reader) string {
	got, _ := r.Peek(r.Buffered())
	switch {
	case len(got) >= 3 && got[0] == 0x15 && got[1] == 3: // a TLS alert (RFC 8446, 5.1)
		return "the server speaks TLS: use https://"
	case len(got) >= 4 && got[0] == 0 && got[3] == 4: // a SETTINGS frame (RFC 9113, 6.5)
		return "the server speaks HTTP/2 only; if it is gRPC, use grpc://"
	}
	line, _, _ := bytes.Cut(got, []byte("\n"))
	return "got " + strconv.Quote(strings.ToValidUTF8(string(bytes.TrimRight(line[:min(len(line), 40)], "\r")), "\uFFFD"))
}

// phraseOf is for servers that leave the phrase out.
func phraseOf(code int) string {
	switch code {
	case 200:
		return "OK"
	case 204:
		return "No Content"
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 500:
		return "Internal Server Error"
	case 502:
		return "Bad Gateway"
	case 503:
		return "Service Unavailable"
	case 504:
		return "Gateway Timeout"
	}
	return ""
}
