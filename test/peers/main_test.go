// Package peers_test starts servers that nobody here wrote under aweigh-init,
// as processes and in containers, well and badly in the ways that are natural
// to each, and compares what the tool says with what happened.
//
// A server is one file with one peer and one line in the table peers. What it
// needs is installed by test/setup; one that is not there is skipped by name,
// unless AWEIGH_TEST_ALL is set, as it is in continuous integration.
package peers_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// program is the aweigh-init under test; goServer is a web server in Go.
// Both are static.
var program, goServer string

func TestMain(m *testing.M) {
	flag.Parse()
	// Most of these tests wait for a deadline; two at a time, which is the
	// default on two cores, would only prolong it.
	flag.Set("test.parallel", "7")
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "aweigh-peers-")
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755) // for servers that run as another user
	if program, err = build(filepath.Join(dir, "aweigh-init"), "github.com/aweigh/aweigh/cmd/aweigh-init"); err != nil {
		return complain(err)
	}
	if goServer, err = build(filepath.Join(dir, "goserver"), "./testdata/goserver"); err != nil {
		return complain(err)
	}
	// What a supervisor leaves behind becomes ours, so that it is found.
	const prSetChildSubreaper = 36
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0)
	code := m.Run()
	removeTemplates()
	removeImages()
	if left := living(os.Getpid()); len(left) > 0 {
		return complain(fmt.Errorf("left behind when all tests had ended: %s", strings.Join(left, ", ")))
	}
	return code
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func build(to, pkg string) (string, error) {
	cmd := exec.Command("go", "build", "-trimpath", "-o", to)
	if strings.HasSuffix(pkg, "/aweigh-init") { // as it is released
		cmd.Args = append(cmd.Args, "-ldflags", "-E github.com/aweigh/aweigh/internal/verdict/early.entry")
	}
	cmd.Args = append(cmd.Args, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return to, nil
}

// process is one process, told from a later one with the same pid.
type process struct {
	pid, parent int
	name        string
	state       byte
	began       string // in clock ticks since the boot
}

// processes reads what runs on this machine (proc_pid_stat(5)).
func processes() map[int]process {
	all := map[int]process{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		text := string(b)
		open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
		if open < 0 || end < 0 {
			continue
		}
		rest := strings.Fields(text[end+1:])
		p := process{name: text[open+1 : end], state: rest[0][0], began: rest[19]}
		p.pid, _ = strconv.Atoi(strings.TrimSpace(text[:open]))
		p.parent, _ = strconv.Atoi(rest[1])
		all[p.pid] = p
	}
	return all
}

// descendants are the processes below pid, zombies left out.
func descendants(pid int) []process {
	all := processes()
	var below []process
	for _, p := range all {
		for up := p.parent; up != 0; up = all[up].parent {
			if up == pid {
				if p.state != 'Z' {
					below = append(below, p)
				}
				break
			}
		}
	}
	return below
}

// living names the processes below pid.
func living(pid int) []string {
	var names []string
	for _, p := range descendants(pid) {
		names = append(names, fmt.Sprintf("%s (pid %d)", p.name, p.pid))
	}
	return names
}
