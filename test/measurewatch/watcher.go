package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/test/figures"
)

// watcher is an `aweigh watch` that runs.
type watcher struct {
	cmd      *exec.Cmd
	took     time.Duration // from its fork to its line "watching"
	mu       sync.Mutex
	said     bytes.Buffer
	watching chan time.Time
	done     chan struct{}
}

// watch starts a watcher of the engine at host, with a configuration and a
// state directory and more flags, and waits until it watches.
func (b *bench) watch(host, state, config string, more ...string) (*watcher, error) {
	args := append([]string{"watch", "--state", state, "--listen", "none"}, more...)
	if host != "" { // else the real one
		args = append(args, "--docker", host)
	}
	if config != "" {
		file := filepath.Join(b.dir, "aweigh.yaml")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			return nil, err
		}
		args = append(args, "--config", file)
	}
	w := &watcher{watching: make(chan time.Time, 1), done: make(chan struct{}), cmd: exec.Command(b.aweigh, args...)}
	w.cmd.Dir = b.dir // no aweigh.yaml of this directory
	stderr, err := w.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	go w.listen(stderr)
	select {
	case at := <-w.watching:
		w.took = at.Sub(began)
		return w, nil
	case <-w.done:
		w.cmd.Wait()
		return nil, fmt.Errorf("aweigh watch ended at once: %s", w.words())
	case <-time.After(time.Minute):
		w.stop()
		return nil, fmt.Errorf("aweigh watch does not watch after a minute: %s", w.words())
	}
}

func (w *watcher) listen(from io.Reader) {
	defer close(w.done)
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "event=watch.begin") {
			w.watching <- time.Now()
		}
		w.mu.Lock()
		if w.said.Len() < 1<<20 {
			w.said.WriteString(lines.Text() + "\n")
		}
		w.mu.Unlock()
	}
}

func (w *watcher) words() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.String()
}

func (w *watcher) cpu() (time.Duration, error) { return figures.CPU(w.cmd.Process.Pid) }

// stop ends it.
func (w *watcher) stop() {
	w.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-w.done:
	case <-time.After(15 * time.Second):
		w.cmd.Process.Kill()
		<-w.done
	}
	w.cmd.Wait()
}
