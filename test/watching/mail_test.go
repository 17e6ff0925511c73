package watching_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// letter is a mail that the server has taken.
type letter struct {
	at      time.Time
	to      string
	header  mail.Header
	subject string
	plain   string
	html    string
	raw     string
}

// state is the word that the sender's name ends with: critical, resolved …
func (l letter) state() string {
	from, err := mail.ParseAddress(l.header.Get("From"))
	if err != nil {
		return ""
	}
	_, state, _ := strings.Cut(from.Name, "(")
	return strings.TrimSuffix(state, ")")
}

func (l letter) title() string {
	title, _, _ := strings.Cut(l.plain, "\n")
	return title
}

func (l letter) String() string {
	return fmt.Sprintf("%s (%s) %s", l.at.Format("15:04:05.000"), l.state(), l.title())
}

// postOffice is a mail server, which can be ended and begun again at the same
// port.
type postOffice struct {
	mu   sync.Mutex
	cmd  *exec.Cmd
	port string
	got  []letter
	read sync.WaitGroup
}

// post is the mail server of all tests but those that end one.
var post postOffice

// open starts the server, unless it runs.
func (p *postOffice) open(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/usr/lib/python3/dist-packages/aiosmtpd"); err != nil {
		missing(t, "without python3-aiosmtpd there is no mail server: test/setup installs it")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		return
	}
	args := []string{"testdata/smtpd.py"}
	if p.port != "" {
		args = append(args, p.port)
	}
	cmd := exec.Command("/usr/bin/python3", args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the mail server did not come up: %v", err)
	}
	p.cmd, p.port = cmd, strings.TrimSpace(first)
	p.read.Go(func() { p.take(lines) })
}

func (p *postOffice) take(lines *bufio.Reader) {
	for {
		line, err := lines.ReadBytes('\n')
		var told struct {
			To   []string
			At   float64
			Text string
		}
		if json.Unmarshal(line, &told) == nil {
			l := parse(told.Text)
			l.at, l.to = time.UnixMicro(int64(told.At*1e6)), strings.Join(told.To, ",")
			p.mu.Lock()
			p.got = append(p.got, l)
			p.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

func parse(text string) letter {
	l := letter{raw: text}
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return l
	}
	l.header = m.Header
	l.subject, _ = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	_, params, _ := mime.ParseMediaType(m.Header.Get("Content-Type"))
	parts := multipart.NewReader(m.Body, params["boundary"])
	var bodies []string
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			break
		}
		var r io.Reader = part
		if part.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			r = quotedprintable.NewReader(part)
		}
		b, _ := io.ReadAll(r)
		bodies = append(bodies, strings.ReplaceAll(string(b), "\r\n", "\n"))
	}
	if len(bodies) == 2 {
		l.plain, l.html = bodies[0], bodies[1]
	}
	return l
}

// close ends the server, if it runs.
func (p *postOffice) close() {
	p.mu.Lock()
	cmd := p.cmd
	p.cmd = nil
	p.mu.Unlock()
	if cmd != nil {
		cmd.Process.Kill()
		p.read.Wait()
		cmd.Wait()
	}
}

// route is the --notify of a watcher whose mails go to a person of that name.
func (p *postOffice) route(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return "smtp://127.0.0.1:" + p.port + "/?starttls=never&from=aweigh@example.com&to=" + name + "@example.com"
}

// letters are those to a person that mention a word.
func (p *postOffice) letters(name, word string) []letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []letter
	for _, l := range p.got {
		if l.to == name+"@example.com" && (strings.Contains(l.plain, word) || strings.Contains(l.subject, word)) {
			found = append(found, l)
		}
	}
	return found
}

func listed(letters []letter) string {
	if len(letters) == 0 {
		return "none"
	}
	var b strings.Builder
	for n, l := range letters {
		b.WriteString("\n  " + strconv.Itoa(n+1) + ". " + l.String())
	}
	return b.String()
}
