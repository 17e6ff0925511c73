package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// serve is the service under test, this program under another name. It answers
// on a port of its own and leaves an orphan behind every twentieth time.
func serve() {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var asked atomic.Int64
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%20 == 0 {
			exec.Command("sh", "-c", "(true &)").Run()
		}
		io.WriteString(w, "ok\n")
	}))
	<-term
	os.Exit(0)
}

// proven is a server under aweigh-init.
type proven struct {
	cmd   *exec.Cmd
	lines chan string // of its standard error
	said  []string
}

func (s *soak) launch(service string, flags []string) (*proven, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &proven{cmd: s.command(service, append([]string{"--probe", "/"}, flags...), self, "serve"), lines: make(chan string, 100)}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.lines)
		for in := bufio.NewScanner(stderr); in.Scan(); {
			p.lines <- in.Text()
		}
	}()
	return p, nil
}

// ready waits for the proof.
func (p *proven) ready() error { return p.await("event=start.ready") }

func (p *proven) await(text string) error {
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			p.said = append(p.said, line)
			if strings.Contains(line, text) {
				return nil
			}
			if !ok {
				return fmt.Errorf("a server ended without %s:\n%s", text, strings.Join(p.said, "\n"))
			}
		case <-deadline:
			return fmt.Errorf("a server has no %s after %s:\n%s", text, patience, strings.Join(p.said, "\n"))
		}
	}
}

// end stops it, as a deployment does.
func (p *proven) end() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	err := p.await("event=run.exit end=stopped exit=0")
	if err != nil {
		p.cmd.Process.Kill()
	}
	for range p.lines { // until its end
	}
	if werr := p.cmd.Wait(); err == nil && werr != nil {
		err = fmt.Errorf("a server that was stopped: %w", werr)
	}
	return err
}
