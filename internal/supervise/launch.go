package supervise

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The exit statuses of Aweigh's own; the rest are the service's.
const (
	ExitPortTaken     = 98  // EADDRINUSE
	ExitTimedOut      = 124 // as timeout(1)
	ExitError         = 125 // an error of Aweigh itself
	ExitNotExecutable = 126 // as a shell
	ExitNotFound      = 127 // as a shell
)

// lookPath finds a command as a shell does: by PATH unless its name has a
// slash. It is the service's own PATH.
func lookPath(name, path string) (string, error) {
	if strings.Contains(name, "/") {
		return name, executable(name)
	}
	if path == "" {
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	var found error = syscall.ENOENT
	for dir := range strings.SplitSeq(path, ":") {
		file := filepath.Join(dir, name)
		if dir == "" || dir == "." {
			file = "./" + name
		}
		err := executable(file)
		if err == nil {
			return file, nil
		}
		if errors.Is(err, syscall.EACCES) {
			found = err
		}
	}
	return name, found
}

func executable(file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		var errno syscall.Errno
		if errors.As(err, &errno) {
			return errno
		}
		return err
	case info.IsDir():
		return syscall.EISDIR
	}
	if syscall.Access(file, 1) != nil {
		return syscall.EACCES
	}
	return nil
}

// launchError says why a command could not be started and with which status a
// shell would have ended.
type launchError struct {
	code   int
	reason string
	cause  string // as docs/causes.md names it
}

func (e *launchError) Error() string { return e.reason }

// explainLaunch turns what the kernel said of a command into what a person can
// act on. The same errno has several causes: ENOENT for an existing file means
// its interpreter or its loader.
func explainLaunch(name, file string, err error) *launchError {
	switch {
	case errors.Is(err, syscall.ENOENT):
		if _, statErr := os.Stat(file); statErr != nil {
			hint := "check its name and the PATH"
			if strings.Contains(name, "/") {
				hint = "check the path, and whether the file is in the image"
			}
			return &launchError{ExitNotFound, fmt.Sprintf("cannot start %q: there is no such command: %s", name, hint), "command-not-found"}
		}
		why, cause := missingInterpreter(file)
		return &launchError{ExitNotFound, fmt.Sprintf("cannot start %q: %s", name, why), cause}
	case errors.Is(err, syscall.EISDIR):
		return &launchError{ExitNotExecutable, fmt.Sprintf("cannot start %q: it is a directory: name the program inside it", name), "not-executable"}
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return &launchError{ExitNotExecutable, fmt.Sprintf("cannot start %q: permission denied: make it executable (chmod +x %s), or check the user and a noexec mount", name, file), "not-executable"}
	case errors.Is(err, syscall.ENOEXEC):
		return &launchError{ExitNotExecutable, fmt.Sprintf("cannot start %q: exec format error: it was built for another architecture, or it is a script without a #! line", name), "exec-format-error"}
	case errors.Is(err, syscall.E2BIG):
		return &launchError{ExitNotExecutable, fmt.Sprintf("cannot start %q: its arguments and environment are too long", name), "config-invalid"}
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM):
		return &launchError{ExitError, fmt.Sprintf("cannot start %q: %v: the limit of processes or of memory is reached", name, err), "pids-limit"}
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE): // of our own pipe, before execve
		return &launchError{ExitError, fmt.Sprintf("cannot start %q: %v: raise the limit of open files", name, err), "fd-limit"}
	}
	return &launchError{ExitNotExecutable, fmt.Sprintf("cannot start %q: %v", name, err), "not-executable"}
}

// missingInterpreter reads what an existing file wants to be run by, and names
// the cause.
func missingInterpreter(file string) (why, cause string) {
	f, err := os.Open(file)
	if err != nil {
		return "the file exists, but what it needs to run does not", "bad-interpreter"
	}
	defer f.Close()
	head := make([]byte, 256)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	if line, _, _ := bytes.Cut(head, []byte("\n")); bytes.HasPrefix(line, []byte("#!")) {
		interpreter := strings.TrimSpace(string(line[2:]))
		if strings.HasSuffix(string(line), "\r") {
			return fmt.Sprintf("its first line ends like a Windows file (%q): save it with Unix line ends", string(line)), "bad-interpreter"
		}
		return fmt.Sprintf("its interpreter %q (first line) is missing", strings.Fields(interpreter + " ?")[0]), "bad-interpreter"
	}
	if bytes.HasPrefix(head, []byte("\x7fELF")) {
		return "the file exists, but the dynamic loader that it was linked for does not (a glibc program in an Alpine or scratch image?)", "missing-dynamic-loader"
	}
	return "the file exists, but what it needs to run does not", "bad-interpreter"
}
