package compose

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/client"
)

// Tool is the Compose program of this host, called with lists of arguments:
// `docker compose`, else `docker-compose`.
type Tool struct {
	command []string
	Version string // "1.29.2", "2.24.0"
	// Host is the engine that it speaks to; "" is what DOCKER_HOST names, else the local
	// socket, as for docker.Open.
	Host string
}

// ErrNoTool says that there is no Compose.
var ErrNoTool = errors.New("neither `docker compose` nor docker-compose is here: install docker-compose-plugin, or docker-compose")

// findLimit is how long Compose may take to tell its version: the old one is
// written in Python, and takes its time on a busy host.
const findLimit = 2 * time.Minute

// FindTool looks for Compose: the plugin first, since it is the one that goes on.
func FindTool(ctx context.Context, host string) (*Tool, error) {
	missing := ErrNoTool
	for _, command := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if _, err := exec.LookPath(command[0]); err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, findLimit)
		out, err := exec.CommandContext(ctx, command[0], append(command[1:len(command):len(command)], "version", "--short")...).Output()
		cancel()
		if version := strings.TrimPrefix(strings.TrimSpace(string(out)), "v"); err == nil && version != "" {
			return &Tool{command: command, Version: version, Host: host}, nil
		}
		if command[0] != "docker" { // which is there without the plugin as well
			missing = fmt.Errorf("%s does not tell its version: %w", strings.Join(command, " "), err)
		}
	}
	return nil, missing
}

func (t *Tool) String() string { return strings.Join(t.command, " ") + " " + t.Version }

// Old reports whether it is Compose 1, which is no longer maintained.
func (t *Tool) Old() bool { return strings.HasPrefix(t.Version, "1.") }

// ToolError is what Compose said of its failure.
type ToolError struct {
	Command string
	Said    string // the last lines
	Err     error
}

func (e *ToolError) Error() string {
	if e.Said == "" {
		return fmt.Sprintf("%s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Command, e.Said)
}

func (e *ToolError) Unwrap() error { return e.Err }

// maxSaid bounds what is repeated of Compose's output, in bytes.
const maxSaid = 600

// Run calls Compose for a project. All that it prints goes to log as well, which
// may be nil; an error has its last lines. The call ends, politely at first, when
// ctx does.
func (t *Tool) Run(ctx context.Context, c Choice, log io.Writer, args ...string) error {
	base := ""
	if t.Old() {
		files, dir, clean, err := forOld(c.Files)
		defer clean()
		if err != nil {
			return err
		}
		c.Files, base = files, dir
	}
	words := t.words(c, base, args)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = os.Environ()
	// Said in any case, for it counts more than a Docker context, which only Docker's own
	// programs heed.
	cmd.Env = append(cmd.Env, "DOCKER_HOST="+cmp.Or(t.Host, os.Getenv(client.EnvOverrideHost), client.DefaultDockerHost))
	// A Ctrl-C at the terminal is for us: we say when Compose is to end. As there, all of
	// it is told: docker does not pass it on to its plugin, nor the loader of the
	// single-file docker-compose to what it has unpacked.
	//
	// It ends with us however we end: a deployment that was killed is resumed, or undone,
	// as its journal and the engine have it, and nobody else may be at that. The signal
	// comes when the thread ends that has started it (prctl(2)), which this keeps.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 20 * time.Second
	var out bytes.Buffer
	cmd.Stdout = &out
	if log != nil {
		cmd.Stdout = io.MultiWriter(&out, bestEffort{log})
	}
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what did not end in time
	}
	if err != nil {
		return &ToolError{Command: strings.Join(append(t.command[:len(t.command):len(t.command)], args[0]), " "), Said: lastWords(out.String()), Err: err}
	}
	return nil
}

// bestEffort loses what cannot be written: the disk of a log that is full must not
// end Compose in the middle.
type bestEffort struct{ io.Writer }

func (w bestEffort) Write(p []byte) (int, error) {
	w.Writer.Write(p)
	return len(p), nil
}

func (t *Tool) words(c Choice, base string, args []string) []string {
	words := append([]string{}, t.command...)
	for _, f := range c.Files {
		words = append(words, "--file", f)
	}
	for _, f := range c.EnvFiles {
		words = append(words, "--env-file", f)
	}
	if c.Name != "" {
		words = append(words, "--project-name", c.Name)
	}
	if base != "" {
		words = append(words, "--project-directory", base)
	}
	if t.Old() {
		words = append(words, "--no-ansi")
	} else {
		words = append(words, "--ansi", "never")
	}
	return append(words, args...)
}

// lastWords are the lines of a failure that say why.
func lastWords(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxSaid {
		text = "… " + strings.ToValidUTF8(text[len(text)-maxSaid:], "")
	}
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
