package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// keep is the retention of the records, far below the number of starts.
const keep = 50

// patience bounds each wait.
const patience = 60 * time.Second

// soak is one run of the command.
type soak struct {
	program string // aweigh-init
	dir     string // for all that it writes
	starts  int
	stop    <-chan os.Signal
	say     func(format string, args ...any)

	next, done atomic.Int64
	busy       time.Duration // with starting
	halted     atomic.Bool
	mu         sync.Mutex
	wrong      []string
}

// run starts them all, and reports whatever leaked as one error.
func (s *soak) run() error {
	becomeSubreaper()
	for _, dir := range []string{s.records(), s.tmp()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	long, err := s.begin()
	if err != nil {
		return err
	}
	ours := openFiles(os.Getpid())
	s.startAll(s.starts / 10) // the Go runtime takes some memory at first
	before := long.weigh()
	s.say("after a tenth the long-lived supervisor has %s", before)
	s.startAll(s.starts)
	after := long.weigh()
	s.say("at the end it has                           %s", after)
	s.say("%d starts, %.1f a second, %d at a time", s.done.Load(), float64(s.done.Load())/s.busy.Seconds(), workers())

	s.check(before.leaked(after))
	s.check(long.end())
	if now := openFiles(os.Getpid()); now > ours {
		s.fail("this command has %d files open, before it had %d: a supervisor's output is held", now, ours)
	}
	s.checkRecords()
	var left []string
	for _, p := range livingBelow(os.Getpid()) {
		left = append(left, fmt.Sprintf("%s (pid %d)", p.name, p.pid))
		syscall.Kill(p.pid, syscall.SIGKILL)
	}
	if len(left) > 0 {
		s.fail("left behind: %s", strings.Join(left, ", "))
	}
	if left, _ := os.ReadDir(s.tmp()); len(left) > 0 {
		s.fail("%d files are left in TMPDIR, such as %s", len(left), left[0].Name())
	}
	if len(s.wrong) > 0 {
		return errors.New(strings.Join(s.wrong, "\n"))
	}
	s.say("nothing leaked")
	return nil
}

func (s *soak) records() string { return filepath.Join(s.dir, "records") }
func (s *soak) tmp() string     { return filepath.Join(s.dir, "tmp") }

func (s *soak) check(err error) {
	if err != nil {
		s.fail("%v", err)
	}
}

func (s *soak) fail(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.wrong) < 10 {
		s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
	}
}

func (s *soak) failing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.halted.Load() || len(s.wrong) >= 10
}

func workers() int { return 2 * runtime.NumCPU() }

// startAll starts them up to a number, a few at a time.
func (s *soak) startAll(upTo int) {
	defer func(began time.Time) { s.busy += time.Since(began) }(time.Now())
	var running sync.WaitGroup
	s.next.Store(s.done.Load())
	for range workers() {
		running.Go(func() {
			for !s.failing() {
				n := int(s.next.Add(1)) - 1
				if n >= upTo {
					return
				}
				if err := s.start(n); err != nil {
					s.fail("start %d: %v", n, err)
				}
				s.done.Add(1)
			}
		})
	}
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			s.say("%d of %d starts", s.done.Load(), s.starts)
		case sig := <-s.stop:
			s.fail("stopped on %s", sig)
			s.halted.Store(true)
		}
	}
}

// start is the n-th start: one out of ten ways to live shortly.
func (s *soak) start(n int) error {
	switch n % 10 {
	case 5, 6:
		// A process that waits for nobody to end it, in a session of its own and
		// with the output open, and one whose parent is gone when it ends.
		return s.ends(3, "sh", "-c", "(setsid sleep 3600 &); (true &); exit 3")
	case 7, 8:
		return s.serves()
	case 9:
		if n%20 == 9 {
			return s.ends(137, "sh", "-c", "kill -9 $$")
		}
		return s.ends(127, "/there/is/nothing")
	}
	code := n % 256
	return s.ends(code, "sh", "-c", "echo "+strconv.Itoa(n)+"; exit "+strconv.Itoa(code))
}

// ends starts a command that ends by itself.
func (s *soak) ends(want int, command ...string) error {
	var said bytes.Buffer
	cmd := s.command("soak", nil, command...)
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != want {
		return fmt.Errorf("%q ended with %d, want %d (%v):\n%s", command, code, want, err, said.String())
	}
	if !strings.Contains(said.String(), "event=start.failed") {
		return fmt.Errorf("%q ended without a verdict:\n%s", command, said.String())
	}
	return nil
}

// serves starts a server, and stops it when it is proven.
func (s *soak) serves() error {
	p, err := s.launch("soak", nil)
	if err != nil {
		return err
	}
	if err := p.ready(); err != nil {
		p.cmd.Process.Kill()
		return err
	}
	return p.end()
}

// command is a command under aweigh-init.
func (s *soak) command(service string, flags []string, command ...string) *exec.Cmd {
	args := append([]string{"run", "--service", service, "--record", s.records(), "--keep", strconv.Itoa(keep)}, flags...)
	cmd := exec.Command(s.program, append(append(args, "--"), command...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + s.tmp()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a ^C is for us to pass on
	return cmd
}

// checkRecords looks whether the retention held. A start that ends at once
// leaves the tidying to others while there are not many more records than there
// should be, so one that lives long enough comes last.
func (s *soak) checkRecords() {
	dir := filepath.Join(s.records(), "soak")
	count := func() int { entries, _ := os.ReadDir(dir); return len(entries) }
	if n, most := count(), keep+keep/5+workers(); n > most {
		s.fail("%d records of short starts with --keep %d, %d at most were expected", n, keep, most)
	}
	last, err := s.launch("soak", nil)
	if err == nil {
		err = last.ready()
	}
	if err != nil {
		s.fail("the last start: %v", err)
		return
	}
	n := count()
	for end := time.Now().Add(patience); n > keep && time.Now().Before(end); n = count() {
		time.Sleep(50 * time.Millisecond)
	}
	s.say("%d records are left, with --keep %d", n, keep)
	if n > keep || n < min(keep, s.starts) {
		s.fail("%d records are left of %d starts with --keep %d", n, s.starts, keep)
	}
	s.check(last.end())
}
