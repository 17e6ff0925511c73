package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Starter starts the command of an exec probe; argv[0] is its path. wait returns
// when the process has ended and is called once. A process that reaps every
// child by itself brings its own, whose wait is told by the reaper.
type Starter func(argv []string, attr *os.ProcAttr) (pid int, wait func() (syscall.WaitStatus, error), err error)

// startProcess is the Starter of a process that reaps only what it started.
func startProcess(argv []string, attr *os.ProcAttr) (int, func() (syscall.WaitStatus, error), error) {
	p, err := os.StartProcess(argv[0], argv, attr)
	if err != nil {
		return 0, nil, err
	}
	wait := func() (syscall.WaitStatus, error) {
		state, err := p.Wait()
		if err != nil {
			return 0, err
		}
		return state.Sys().(syscall.WaitStatus), nil
	}
	return p.Pid, wait, nil
}

// lookPath finds a command as a shell does: by its path when it has a slash,
// else in PATH. The error names what is wrong with it.
func lookPath(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, executable(name)
	}
	var denied error
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if dir == "" {
			dir = "."
		}
		path := filepath.Join(dir, name)
		err := executable(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && denied == nil {
			denied = err
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", fmt.Errorf("%s is not in PATH: is it in this image?", name)
}

// missing is a command that is not there.
type missing struct{ name string }

func (e missing) Error() string        { return e.name + " does not exist: is it in this image?" }
func (e missing) Is(target error) bool { return target == fs.ErrNotExist }

func executable(path string) error {
	switch about, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return missing{path}
	case err != nil:
		return err
	case about.IsDir():
		return fmt.Errorf("%s is a directory", path)
	case about.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not executable: chmod +x it", path)
	}
	return nil
}
