package deploying_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// postOffice is a mail server that nobody here wrote.
type postOffice struct {
	port int
	mu   sync.Mutex
	ids  []string // Message-IDs of what it has taken
}

// open starts it; until then nobody listens at its port.
func (o *postOffice) open(t *testing.T) {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "../watching/testdata/smtpd.py", fmt.Sprint(o.port))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "SMTPD_TAKES=1") // so that two could be at it at once
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatalf("the mail server did not come up: %v", err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			var taken struct{ Text string }
			json.Unmarshal(line, &taken)
			id := taken.Text
			if m, err := mail.ReadMessage(strings.NewReader(taken.Text)); err == nil {
				id = m.Header.Get("Message-ID")
			}
			o.mu.Lock()
			o.ids = append(o.ids, id)
			o.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		cmd.Process.Kill()
		reading.Wait()
		cmd.Wait()
	})
}

// has fails unless n mails were taken, each of them once.
func (o *postOffice) has(t *testing.T, n int) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	once := map[string]bool{}
	for _, id := range o.ids {
		once[id] = true
	}
	if len(o.ids) != n || len(once) != n {
		t.Errorf("%d mails were taken, of which %d differ, want %d: %v", len(o.ids), len(once), n, o.ids)
	}
}

// told is a project whose deployments end before anything is touched, and are told
// by mail; nobody listens at the mail server's port.
func told(t *testing.T) (*project, *postOffice) {
	t.Helper()
	if _, err := os.Stat("/usr/lib/python3/dist-packages/aiosmtpd"); err != nil {
		missing(t, "without python3-aiosmtpd there is no mail server: test/setup installs it")
	}
	p, office := undeployed(t, ""), &postOffice{port: freePort(t)}
	p.write(t, broken, "")
	conf := fmt.Sprintf("routes:\n  - {name: ops, to: 'smtp://127.0.0.1:%d/?starttls=never&from=aweigh@example.com&to=ops@example.com', occasions: deploying}\n", office.port)
	p.put(t, "aweigh.yaml", conf)
	return p, office
}

// fails deploys what cannot start.
func (p *project) fails(t *testing.T, words ...string) {
	t.Helper()
	out, code := p.aweigh(t, "deploy", "--yes", "--trial", "off")
	wantExit(t, out, code, 2, append(words, "nothing was done")...)
}

// letters are how many letters are in a state.
func (p *project) letters(t *testing.T, state string) (n int) {
	t.Helper()
	cmd := p.command("notify", "--json", "letters")
	out, err := cmd.Output()
	var list []struct{ State string }
	if err == nil {
		err = json.Unmarshal(out, &list)
	}
	if err != nil {
		t.Fatalf("notify letters: %v: %s", err, out)
	}
	for _, l := range list {
		if l.State == state {
			n++
		}
	}
	return n
}

func TestLettersWaitForTheNextDeployment(t *testing.T) {
	t.Parallel()
	p, office := told(t)
	p.fails(t, "route ops was not told yet (mail server", "the letter waits")
	if n := p.letters(t, "pending"); n != 2 {
		t.Errorf("%d letters wait, want 2", n)
	}
	office.open(t)
	p.fails(t)
	if n := p.letters(t, "sent"); n != 4 {
		t.Errorf("%d letters were sent, want 4", n)
	}
	office.has(t, 4)
}

func TestWatcherDeliversLettersOnce(t *testing.T) {
	t.Parallel()
	p, office := told(t)
	p.fails(t)
	office.open(t)
	watch := p.command("watch", "--listen", "none")
	watch.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		watch.Process.Signal(syscall.SIGTERM)
		watch.Wait()
	}()
	await(t, "the watcher's delivery of what had waited", func() bool { return p.letters(t, "sent") == 2 })
	p.fails(t)
	await(t, "the watcher's delivery of what is new", func() bool { return p.letters(t, "sent") == 4 })
	office.has(t, 4)
}
