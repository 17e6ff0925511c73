package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/config"
)

// hookLimit is how long one hook may take.
const hookLimit = 15 * time.Minute

// hookGrace is how long it may take to end once it is told to, and what it has left at
// work to close its output.
var hookGrace = 10 * time.Second

// hooks runs the commands that belong before or after a step. What they print is
// kept with the deployment.
func (r *run) hooks(ctx context.Context, s *Stage, when, step string) error {
	commands := s.Before[step]
	if when == "after" {
		commands = s.After[step]
	}
	for _, words := range commands {
		if err := r.hook(ctx, s, when+"."+step, words); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) hook(ctx context.Context, s *Stage, name string, words config.Command) error {
	r.Out.Wait("hook " + name + ": " + strings.Join(words, " "))
	log, err := os.OpenFile(filepath.Join(r.Dir, "hooks.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	out, err := command(ctx, s, words, hookLimit, "AWEIGH_DEPLOYMENT="+r.Plan.ID, "AWEIGH_STAGE="+s.Name, "AWEIGH_HOOK="+name)
	fmt.Fprintf(log, "%s %s %s: %s\n%s", time.Now().UTC().Format(time.RFC3339), s.Name, name, strings.Join(words, " "), out)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("hook %s (%s): %w: %s", name, words[0], err, lastLine(out))
	}
	return nil
}

// command runs a program of a user's, with no shell, and returns what it printed.
// It and all that it started is ended when ctx is.
func command(ctx context.Context, s *Stage, words []string, limit time.Duration, env ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), append(env, "AWEIGH_PROJECT="+s.Project)...)
	// It is told to end when we are killed: whoever resumes the deployment runs it again. The
	// signal comes when the thread ends that has started it (prctl(2)), which this keeps.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = hookGrace
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil // it has ended well, and left something at work that has its output open
	}
	return out.Bytes(), err
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return last
	}
	return "it printed nothing"
}
