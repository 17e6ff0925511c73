package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh"
)

const (
	commandTimeout = 30 * time.Second
	// commandSays is how much of the end of its output an error shows.
	commandSays = 300
)

// commandSender runs a program for each notification: JSON on its stdin, the
// gist in its environment, exit status 0 for "taken".
//
//	command:/path/to/program?arg=first&arg=second[&timeout=10s]
//
// There is no shell, and nothing of a notification becomes an argument.
func commandSender(u *url.URL) (*Sender, error) {
	program := u.Path
	if program == "" {
		program = u.Opaque
	}
	if u.Host != "" || !filepath.IsAbs(program) {
		return nil, fmt.Errorf("command: needs the program's whole path, as in command:/usr/local/bin/tell?arg=x")
	}
	what := "command " + program
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%s: its parameters are not percent-encoded as in a URL", what)
	}
	if err := only(q, "arg", "timeout"); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if _, err := exec.LookPath(program); err != nil {
		var cause *exec.Error
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	timeout := commandTimeout
	if text := q.Get("timeout"); text != "" {
		if timeout, err = time.ParseDuration(text); err != nil || timeout <= 0 {
			return nil, fmt.Errorf("%s: timeout %q is not a duration such as 10s", what, text)
		}
	}
	args := q["arg"]
	return &Sender{
		Send: func(ctx context.Context, m *Message) error {
			for _, n := range m.Notifications {
				if err := runCommand(ctx, what, program, args, timeout, n); err != nil {
					return err
				}
			}
			return nil
		},
	}, nil
}

func runCommand(ctx context.Context, what, program string, args []string, timeout time.Duration, n *aweigh.Notification) error {
	body, err := json.Marshal(n)
	if err != nil {
		return permanent("%s: %s", what, err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = bytes.NewReader(append(body, '\n'))
	said := &tail{keep: 4 * commandSays}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Env = commandEnv(n)
	cmd.Dir = "/"
	// What it has started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	// A child that still holds its output does not make it less done.
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("not done after %s, killed", timeout)
	case errors.As(err, &exit):
		err = errors.New(exit.String()) // "exit status 3"
	}
	why := err.Error()
	// Its arguments may be secrets, and it may print them.
	if text := oneLine(last(strings.TrimSpace(redact(string(said.text), args...)), commandSays)); text != "" {
		why += ": " + text
	}
	return temporary("%s: %s", what, why)
}

// commandEnv is what a program needs to run, and the gist of n; nothing else
// of our own environment, in which there are secrets.
func commandEnv(n *aweigh.Notification) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "LANG", "TZ", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	gist := [][2]string{
		{"NOTIFICATION", n.ID}, {"OCCASION", string(n.Occasion)}, {"SEVERITY", string(n.Severity())},
		{"HOST", n.Host}, {"TITLE", n.Title}, {"COMMAND", n.Command}, {"SERVICE", strings.Join(services(n), ",")},
	}
	if i := n.Incident; i != nil {
		gist = append(gist, [2]string{"INCIDENT", i.ID}, [2]string{"KIND", string(i.Kind)})
	}
	for _, pair := range gist {
		env = append(env, "AWEIGH_"+pair[0]+"="+oneLine(pair[1]))
	}
	return env
}

// tail keeps the end of what is written to it.
type tail struct {
	text []byte
	keep int
}

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - t.keep; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}
