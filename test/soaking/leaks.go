package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// longLived is the supervisor that lives through all of it, and probes a
// hundred times a second.
type longLived struct{ *proven }

func (s *soak) begin() (*longLived, error) {
	p, err := s.launch("long", []string{"--interval", "10ms"})
	if err != nil {
		return nil, err
	}
	if err := p.ready(); err != nil {
		p.cmd.Process.Kill()
		return nil, err
	}
	return &longLived{p}, nil
}

// weight is what a process can have too much of.
type weight struct {
	files, threads, children, zombies int
	memory                            int // bytes
}

func (w weight) String() string {
	return fmt.Sprintf("%d open files, %d threads, %.1f MiB, %d children, %d zombies",
		w.files, w.threads, float64(w.memory)/(1<<20), w.children, w.zombies)
}

// weigh takes the least of some looks within a second or two, so that a probe
// under way does not count.
func (l *longLived) weigh() weight {
	pid := l.cmd.Process.Pid
	least := look(pid)
	for range 40 {
		time.Sleep(40 * time.Millisecond)
		w := look(pid)
		least = weight{min(least.files, w.files), min(least.threads, w.threads), min(least.children, w.children),
			min(least.zombies, w.zombies), min(least.memory, w.memory)}
	}
	return least
}

func look(pid int) weight {
	w := weight{files: openFiles(pid)}
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch key {
		case "Threads":
			w.threads = n
		case "VmRSS":
			w.memory = n << 10
		}
	}
	for _, p := range processes() {
		if p.parent == pid && p.state == 'Z' {
			w.zombies++
		} else if p.parent == pid {
			w.children++
		}
	}
	return w
}

// What may grow while the Go runtime gets used to its load.
const (
	moreThreads = 4
	moreMemory  = 8 << 20
)

// leaked compares with a later weight.
func (w weight) leaked(later weight) error {
	var grown []error
	grew := func(what string, from, to, allowed int) {
		if to > from+allowed {
			grown = append(grown, fmt.Errorf("the long-lived supervisor had %d %s, and has %d", from, what, to))
		}
	}
	grew("open files", w.files, later.files, 0)
	grew("threads", w.threads, later.threads, moreThreads)
	grew("bytes of memory", w.memory, later.memory, moreMemory)
	grew("children", w.children, later.children, 0)
	grew("zombies", w.zombies, later.zombies, 0)
	return errors.Join(grown...)
}

func openFiles(pid int) int {
	files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(files)
}

// becomeSubreaper makes whatever a supervisor leaves behind ours, so that it is
// found.
func becomeSubreaper() {
	const prSetChildSubreaper = 36
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0)
}

type process struct {
	pid, parent int
	name        string
	state       byte
}

// processes reads what runs on this machine (proc_pid_stat(5)).
func processes() map[int]process {
	all := map[int]process{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		b, err := os.ReadFile(file)
		text := string(b)
		open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
		if err != nil || open < 0 || end < 0 {
			continue
		}
		rest := strings.Fields(text[end+1:])
		p := process{name: text[open+1 : end], state: rest[0][0]}
		p.pid, _ = strconv.Atoi(strings.TrimSpace(text[:open]))
		p.parent, _ = strconv.Atoi(rest[1])
		all[p.pid] = p
	}
	return all
}

// livingBelow are the living descendants of a process.
func livingBelow(pid int) []process {
	all := processes()
	var below []process
	for _, p := range all {
		for up := p.parent; up != 0; up = all[up].parent {
			if up == pid && p.state != 'Z' {
				below = append(below, p)
			}
			if up == pid {
				break
			}
		}
	}
	return below
}
