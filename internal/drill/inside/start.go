package inside

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// delay executes the command later.
func delay(args, command []string) error {
	d, err := duration(args, 0)
	if err != nil {
		return err
	}
	say("the command begins %s late", d)
	time.Sleep(d)
	return become(command)
}

// hang never executes it.
func hang(_, _ []string) error {
	return rest()
}

// exit ends with a status, after a time.
func exit(args, _ []string) error {
	status, err := number(args, 0)
	if err != nil {
		return err
	}
	d, err := duration(args, 1)
	if err != nil {
		return err
	}
	time.Sleep(d)
	os.Exit(status)
	return nil
}

// scriptFiles is what a shell needs to run a script: dash keeps it open as
// descriptor 10. It hands the limit on to the server that it begins.
const scriptFiles = 12

// files executes the command with so few descriptors.
func files(args, command []string) error {
	n, err := number(args, 0)
	if err != nil {
		return err
	}
	if isScript(command) {
		n = max(n, scriptFiles)
	}
	limit := syscall.Rlimit{Cur: uint64(n), Max: uint64(n)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	return become(command)
}

func isScript(command []string) bool {
	if len(command) == 0 {
		return false
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var mark [2]byte
	_, err = io.ReadFull(f, mark[:])
	return err == nil && string(mark[:]) == "#!"
}

// fillName is the file that takes the room.
const fillName = ".aweigh-drill-full"

// fill takes all room in the directories, then runs the command.
func fill(dirs, command []string) error {
	for _, dir := range dirs {
		f, err := fillDir(dir)
		if err != nil {
			return err
		}
		defer f.Close()
	}
	s, err := launch(command, false)
	if err != nil {
		return err
	}
	os.Exit(s.wait())
	return nil
}

// maxFill is more than any of the drill's own small file systems holds. What
// holds more is somebody's disk.
const maxFill = 16 << 20

// fillDir takes all room in a directory, until the file is closed that it
// returns. Nobody sees that: a server may refuse a directory with a strange file.
func fillDir(dir string) (*os.File, error) {
	f, err := os.Create(filepath.Join(dir, fillName))
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	block := make([]byte, 4<<10)
	for written := 0; ; {
		n, err := f.Write(block)
		if written += n; errors.Is(err, syscall.ENOSPC) {
			return f, nil
		}
		if err == nil && written > maxFill {
			err = errors.New(dir + " is no small file system of the drill's own")
		}
		if err != nil {
			f.Close()
			return nil, err
		}
	}
}

func number(args []string, n int) (int, error) {
	if n >= len(args) {
		return 0, errors.New("a number is missing")
	}
	return strconv.Atoi(args[n])
}

func duration(args []string, n int) (time.Duration, error) {
	if n >= len(args) {
		return 0, errors.New("a duration is missing")
	}
	return time.ParseDuration(args[n])
}
