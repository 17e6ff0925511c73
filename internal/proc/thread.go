package proc

import (
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/procfs"
)

// Thread is one thread at the moment of reading.
type Thread struct {
	TID         int
	Name        string
	State       byte
	WaitChannel string // the kernel function it sleeps in; empty when there is none or it may not be read
	Syscall     Syscall
	CPU         time.Duration
	Switches    uint64 // voluntary and involuntary: unchanged means that it has not run since
}

// Syscall is the system call that a thread is blocked in.
type Syscall struct {
	Known  bool // false: denied (it takes what ptrace takes), or the thread runs
	Number int  // -1: blocked, but not in a system call (a page fault)
	Args   [6]uint64
	SP     uint64 // stack pointer: tells two equal calls apart
}

// Name returns the name of the call, "" for one that is not worth a name here.
func (s Syscall) Name() string {
	if !s.Known || s.Number < 0 {
		return ""
	}
	return syscallName(s.Number)
}

// maxThreads bounds what one look at a process costs.
const maxThreads = 1024

// Threads returns the threads of pid, the main thread (TID equal to pid)
// first. An error means that the process is gone.
func Threads(pid int) ([]Thread, error) {
	dir := "/proc/" + strconv.Itoa(pid) + "/task/"
	tids, err := procfs.Numbers(dir)
	if err != nil {
		return nil, err
	}
	threads := make([]Thread, 0, len(tids))
	for _, tid := range tids[:min(len(tids), maxThreads)] {
		if t, ok := readThread(dir, tid); ok {
			threads = append(threads, t)
		}
		if tid == pid { // tids wrap around as pids do: it need not be the lowest
			last := len(threads) - 1
			if last > 0 && threads[last].TID == pid {
				threads[0], threads[last] = threads[last], threads[0]
			}
		}
	}
	return threads, nil
}

func readThread(dir string, tid int) (Thread, bool) {
	dir += strconv.Itoa(tid)
	raw, err := procfs.Read(dir+"/stat", 4096)
	if err != nil {
		return Thread{}, false
	}
	s, ok := parseStat(raw)
	if !ok {
		return Thread{}, false
	}
	t := Thread{TID: tid, Name: s.name, State: s.state, CPU: s.cpu}
	if raw, err := procfs.Read(dir+"/syscall", 256); err == nil {
		t.Syscall = parseSyscall(string(raw))
	}
	if raw, err := procfs.Read(dir+"/wchan", 128); err == nil && string(raw) != "0" {
		t.WaitChannel = string(raw)
	}
	if raw, err := procfs.Read(dir+"/status", 8192); err == nil {
		for _, field := range []string{"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"} {
			n, _ := strconv.ParseUint(statusField(raw, field), 10, 64)
			t.Switches += n
		}
	}
	return t, true
}

// parseSyscall reads proc_pid_syscall(5): "running", or "-1 SP PC", or
// "NUMBER ARG0 … ARG5 SP PC".
func parseSyscall(s string) (c Syscall) {
	f := strings.Fields(s)
	if len(f) < 3 {
		return c
	}
	number, err := strconv.Atoi(f[0])
	if err != nil {
		return c
	}
	c.Known, c.Number = true, number
	hex := func(s string) uint64 {
		n, _ := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 64)
		return n
	}
	c.SP = hex(f[len(f)-2])
	if len(f) >= 9 {
		for i := range c.Args {
			c.Args[i] = hex(f[1+i])
		}
	}
	return c
}
