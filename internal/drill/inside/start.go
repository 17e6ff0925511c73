package inside

import (
	"errors"
	"os"
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

// files executes the command with so few descriptors.
func files(args, command []string) error {
	n, err := number(args, 0)
	if err != nil {
		return err
	}
	limit := syscall.Rlimit{Cur: uint64(n), Max: uint64(n)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	return become(command)
}

// fillName is the file that takes the room.
const fillName = ".aweigh-drill-full"

// fill takes all room in the directories, then executes the command.
func fill(dirs, command []string) error {
	for _, dir := range dirs {
		if err := fillDir(dir); err != nil {
			return err
		}
	}
	return become(command)
}

// maxFill is more than any of the drill's own small file systems holds. What
// holds more is somebody's disk.
const maxFill = 16 << 20

func fillDir(dir string) error {
	f, err := os.Create(filepath.Join(dir, fillName))
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 4<<10)
	for written := 0; ; {
		n, err := f.Write(block)
		if written += n; errors.Is(err, syscall.ENOSPC) {
			return nil
		}
		if err != nil {
			return err
		}
		if written > maxFill {
			os.Remove(f.Name())
			return errors.New(dir + " is no small file system of the drill's own")
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
