package snapshot

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Starter starts a command; argv[0] is its path. wait returns when it has
// ended and is called once. A process that reaps every child by itself brings
// its own.
type Starter func(argv []string, attr *os.ProcAttr) (pid int, wait func() (syscall.WaitStatus, error), err error)

// Arm returns the environment in which argv is to be started so that its stack
// can be had when it hangs, and its last lines when it is killed. cleanup is to
// be called when it has ended. The notes say what was done, for a person.
//
//   - PYTHONFAULTHANDLER=1 lets Python print its stack on SIGABRT;
//   - PYTHONUNBUFFERED=1 lets its output come when it is printed, not with
//     the next 8 KiB;
//   - NODE_OPTIONS lets Node write a diagnostic report on SIGUSR2, if the
//     command looks as if it ran Node, and that Node is one that knows how.
//
// What the user set is left alone, even if it is set to nothing. start runs
// node --version; nil means [os.StartProcess].
func Arm(argv, env []string, start Starter) (armed []string, cleanup func(), notes []string) {
	armed, cleanup = append([]string(nil), env...), func() {}
	for _, name := range [...]string{"PYTHONFAULTHANDLER", "PYTHONUNBUFFERED"} {
		if _, set := lookup(env, name); !set {
			armed = append(armed, name+"=1")
		}
	}
	if !looksLikeNode(argv, env) {
		return armed, cleanup, nil
	}
	options, _ := lookup(env, "NODE_OPTIONS")
	if strings.Contains(options, "--report-") || strings.Contains(options, "--report_") {
		return armed, cleanup, []string{"NODE_OPTIONS has report options of its own: left alone"}
	}
	if start == nil {
		start = startProcess
	}
	if why := nodeKnowsReports(argv, env, start); why != "" {
		return armed, cleanup, []string{"Node is not prepared for a diagnostic report: " + why}
	}
	dir, err := reportSpool(env)
	if err != nil {
		return armed, cleanup, []string{"Node is not prepared for a diagnostic report: " + err.Error()}
	}
	options = strings.TrimSpace(options + " --report-on-signal --report-signal=SIGUSR2 --report-directory=" + dir)
	armed = set(armed, "NODE_OPTIONS", options)
	return armed, func() { os.RemoveAll(dir) }, []string{"Node writes a diagnostic report on SIGUSR2 (NODE_OPTIONS)"}
}

// spoolPrefix is how the directories for reports are named.
const spoolPrefix = "aweigh-node-"

// reportSpool makes a directory that a service which dropped its user can
// write to, but neither list nor, for its random name, find by chance: a report
// holds the whole environment until we have read it.
func reportSpool(env []string) (string, error) {
	tmp, _ := lookup(env, "TMPDIR")
	var last error = os.ErrNotExist
	for _, parent := range [...]string{"/dev/shm", tmp, "/tmp"} {
		// NODE_OPTIONS is split at spaces and knows quotes and backslashes.
		if !filepath.IsAbs(parent) || strings.ContainsAny(parent, " \t\n\"'\\") {
			continue
		}
		dir := filepath.Join(parent, spoolPrefix+rand.Text())
		if last = os.Mkdir(dir, 0o700); last != nil {
			continue
		}
		// Mkdir is subject to the umask, and the others must be able to write.
		if last = os.Chmod(dir, 0o733|os.ModeSticky); last == nil {
			return dir, nil
		}
		os.Remove(dir)
	}
	return "", fmt.Errorf("no directory to write it to: %w", last)
}

// lookup finds a variable; of one that is set twice the last counts, as in
// os/exec.
func lookup(env []string, name string) (value string, ok bool) {
	for _, entry := range env {
		if v, found := strings.CutPrefix(entry, name+"="); found {
			value, ok = v, true
		}
	}
	return value, ok
}

func set(env []string, name, value string) []string {
	kept := env[:0:0]
	for _, entry := range env {
		if !strings.HasPrefix(entry, name+"=") {
			kept = append(kept, entry)
		}
	}
	return append(kept, name+"="+value)
}

func startProcess(argv []string, attr *os.ProcAttr) (int, func() (syscall.WaitStatus, error), error) {
	p, err := os.StartProcess(argv[0], argv, attr)
	if err != nil {
		return 0, nil, err
	}
	return p.Pid, func() (syscall.WaitStatus, error) {
		state, err := p.Wait()
		if err != nil {
			return 0, err
		}
		return state.Sys().(syscall.WaitStatus), nil
	}, nil
}
