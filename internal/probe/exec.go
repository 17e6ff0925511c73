package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/expect"
)

const (
	maxOutput = 4 << 10               // bytes that are kept of a command's output, the last ones
	lingering = 20 * time.Millisecond // for output that is still on its way when a command ends
)

// probeExec runs a command, with our environment, in a process group of its own
// that is killed when ctx ends. Exit 0 is healthy. For an expectation the status
// is the exit code, 128+N for signal N, and the body what the command wrote.
func (p Prober) probeExec(ctx context.Context, t Target, want *expect.Expr) Result {
	r := Result{Kind: KindExec}
	if len(t.Argv) == 0 {
		r.Kind, r.Reason = KindTarget, "there is no command to run"
		return r
	}
	began := time.Now()
	ended, out, err := p.runCommand(ctx, t.Argv)
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		r.Kind, r.Reason = Classify(err)
		return r
	case errors.Is(err, context.DeadlineExceeded):
		r.Kind, r.Reason = KindTimeout, "the command had not ended after "+about(time.Since(began))+out.lastLine()
		return r
	default:
		r.Reason = commandFault(err)
		return r
	}
	code := ended.ExitStatus()
	r.Reason = "exit " + strconv.Itoa(code) + out.lastLine()
	if ended.Signaled() {
		code = 128 + int(ended.Signal())
		r.Reason = fmt.Sprintf("killed by signal %d (%s)%s", ended.Signal(), ended.Signal(), out.lastLine())
	}
	r.Status = strconv.Itoa(code)
	if want != nil {
		return judged(r, want, expect.Answer{Status: expect.Code(code), Latency: time.Since(began), Body: out.kept, BodyCut: out.cut})
	}
	r.OK, r.Kind = code == 0, KindStatus
	if r.OK {
		r.Kind = KindOK
	}
	return r
}

// runCommand runs argv to its end, or until ctx ends: then it is killed and the
// error is ctx's.
func (p Prober) runCommand(ctx context.Context, argv []string) (syscall.WaitStatus, output, error) {
	path, err := lookPath(argv[0])
	if err != nil {
		return 0, output{}, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, output{}, err
	}
	defer null.Close()
	from, to, err := os.Pipe()
	if err != nil {
		return 0, output{}, err
	}
	defer from.Close()

	start := p.Start
	if start == nil {
		start = startProcess
	}
	pid, wait, err := start(append([]string{path}, argv[1:]...), &os.ProcAttr{
		Files: []*os.File{null, to, to},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	to.Close()
	if err != nil {
		return 0, output{}, err
	}

	var status syscall.WaitStatus
	var waitErr error
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		status, waitErr = wait()
	}()
	var out output
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(&out, from)
	}()
	// collect ends the reader: a child of the command that lives on, detached,
	// may hold the pipe open for ever.
	collect := func() output {
		from.SetReadDeadline(time.Now().Add(lingering))
		<-read
		return out
	}

	select {
	case <-exited:
		select {
		case <-read:
		case <-time.After(lingering):
			syscall.Kill(-pid, syscall.SIGKILL) // what it left behind still writes
		}
		return status, collect(), waitErr
	case <-ctx.Done():
	}
	syscall.Kill(-pid, syscall.SIGKILL)
	// A killed process that sleeps in the kernel, as on a dead NFS server, ends
	// when the kernel lets it: its goroutine waits for that, the probe does not.
	select {
	case <-exited:
	case <-time.After(lingering):
	}
	return 0, collect(), ctx.Err()
}

func commandFault(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		switch {
		case errors.Is(err, syscall.ENOEXEC):
			return path.Path + " is not a program for this machine, or a script without #!"
		case errors.Is(err, fs.ErrNotExist): // it does exist, we looked
			return path.Path + " cannot run: its interpreter or its dynamic loader is missing"
		}
		return path.Path + ": " + path.Err.Error()
	}
	return err.Error()
}

// output keeps the last of what is written to it.
type output struct {
	kept []byte
	cut  bool
}

func (o *output) Write(p []byte) (int, error) {
	o.kept = append(o.kept, p...)
	if over := len(o.kept) - maxOutput; over > 0 {
		o.kept = o.kept[:copy(o.kept, o.kept[over:])]
		o.cut = true
	}
	return len(p), nil
}

// lastLine is the last line that says something, to append to a reason.
func (o *output) lastLine() string {
	lines := strings.Split(strings.TrimSpace(string(o.kept)), "\n")
	if last := oneLine(lines[len(lines)-1], 2*maxQuote); last != "" {
		return ": " + last
	}
	return ""
}
