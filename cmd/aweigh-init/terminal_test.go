package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// A command that could not be started after all left the user's terminal in raw
// mode: no echo, and each line a step further to the right.
func TestTheTerminalIsPutBackWhenTheCommandCannotBeStarted(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("not a program\x00"), 0o755); err != nil {
		t.Fatal(err)
	}
	master, slave := terminal(t)
	go io.Copy(io.Discard, master)
	before := settings(t, slave)
	cmd := exec.Command("/proc/self/exe", "--record", filepath.Join(dir, "records"), "--", bad)
	cmd.Args[0] = "aweigh-init"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != 126 {
		t.Fatal(err)
	}
	if after := settings(t, slave); after != before {
		t.Errorf("before %+v\n after %+v", before, after)
	}
}

// Ctrl-C under "docker run -it" goes to the service by its terminal, and not through
// us: whoever stopped a service so was told that it had crashed.
func TestCtrlCIsAStop(t *testing.T) {
	for _, command := range []string{"echo up; exec sleep 30", "trap 'exit 0' INT; echo up; read x"} {
		master, slave := terminal(t)
		cmd := exec.Command("/proc/self/exe", "--record", t.TempDir(), "--", "sh", "-c", command)
		cmd.Args[0] = "aweigh-init"
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		slave.Close()
		said, pressed := "", false
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			said += string(buf[:n])
			if !pressed && strings.Contains(said, "\nup") {
				pressed = true
				master.Write([]byte{3})
			}
			if err != nil { // nobody has the other end any more
				break
			}
		}
		cmd.Wait()
		if !strings.Contains(said, "stopped on SIGINT before it was ready") {
			t.Errorf("%s: %s", command, said)
		}
	}
}

func terminal(t *testing.T) (master, slave *os.File) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { master.Close() })
	var number, unlock int32
	ioctl(t, master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	ioctl(t, master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	if slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func settings(t *testing.T, f *os.File) (s syscall.Termios) {
	ioctl(t, f, syscall.TCGETS, unsafe.Pointer(&s))
	return s
}

func ioctl(t *testing.T, f *os.File, request uintptr, arg unsafe.Pointer) {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(arg)); errno != 0 {
		t.Fatal(errno)
	}
}
