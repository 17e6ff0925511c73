// Package proc reads /proc: who runs beneath a process, what each thread is
// blocked in, which sockets and files it holds. Its use is to say, of a start
// that hangs, what it hangs in:
//
//	var sampler proc.Sampler
//	for range ticks { // once a second or so
//		looks = sampler.Look(proc.Tree(child), sockets, time.Now())
//	}
//	if l, ok := proc.Telling(looks); ok {
//		fmt.Println(l.Wait.Sentence(time.Now())) // 58 s in connect() to 10.0.0.5:5432
//	}
//
// Processes vanish while they are read and others belong to other users: what
// cannot be read is left out, and the rest is answered all the same.
package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aweigh/aweigh/internal/procfs"
)

// Process is one process at the moment of reading.
type Process struct {
	PID, PPID int
	Name      string   // comm: at most 15 bytes of the program's choosing
	Args      []string // the first 4 KiB of the command line; none of a kernel thread or a zombie
	Exe       string   // empty when it may not be read
	State     byte     // 'R' running, 'S' sleeping, 'D' in the kernel's hands, 'Z' dead, 'T' stopped …
	UID       int      // effective; -1 when it could not be read
	Started   uint64   // in ticks since boot: with PID, an identity that reuse of pids does not break
	RSSBytes  int64
	CPU       time.Duration // user and system, in steps of 10 ms
	Threads   int
}

// tick is 1/USER_HZ, 100 a second on amd64 and arm64 whatever the kernel's HZ.
const tick = 10 * time.Millisecond

const maxArgs = 4 << 10

// Read returns what can be read of pid; an error means that there is no such
// process (any more).
func Read(pid int) (Process, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	raw, err := procfs.Read(dir+"/stat", 4096)
	if err != nil {
		return Process{}, err
	}
	s, ok := parseStat(raw)
	if !ok {
		return Process{}, fmt.Errorf("%s/stat: not in the form of proc(5)", dir)
	}
	p := Process{PID: pid, PPID: s.ppid, Name: s.name, State: s.state, Started: s.started,
		RSSBytes: s.rssPages * int64(os.Getpagesize()), CPU: s.cpu, Threads: s.threads}
	if cmdline, err := procfs.Read(dir+"/cmdline", maxArgs); err == nil {
		p.Args = splitArgs(cmdline)
	}
	p.Exe, _ = os.Readlink(dir + "/exe")
	p.UID = UID(pid)
	return p, nil
}

// Alive reports whether there is such a process, and it has not ended. Unlike
// [Read], it never waits for one that hangs: who reads a command line waits for
// the process's memory map, and it may hold that while it waits for a file
// system (NFS and FUSE in mmap(2)).
func Alive(pid int) bool {
	raw, err := procfs.Read("/proc/"+strconv.Itoa(pid)+"/stat", 4096)
	s, ok := parseStat(raw)
	return err == nil && ok && s.state != 'Z' && s.state != 'X'
}

// UID is the effective user of pid, -1 when it cannot be read. It waits as
// little as [Alive] does.
func UID(pid int) int {
	status, err := procfs.Read("/proc/"+strconv.Itoa(pid)+"/status", 8192)
	if err != nil {
		return -1
	}
	if f := strings.Fields(statusField(status, "Uid")); len(f) > 1 {
		if uid, err := strconv.ParseUint(f[1], 10, 32); err == nil {
			return int(uid)
		}
	}
	return -1
}

// Title names the process for a person: "python3 (pid 812)".
func (p Process) Title() string {
	return fmt.Sprintf("%s (pid %d)", Clean(p.Name), p.PID)
}

// Age is how long the process has lived, or 0 when that cannot be told.
func (p Process) Age() time.Duration {
	raw, err := procfs.Read("/proc/uptime", 64)
	if err != nil {
		return 0
	}
	up, _, _ := strings.Cut(string(raw), " ")
	seconds, err := strconv.ParseFloat(up, 64)
	if err != nil {
		return 0
	}
	return max(0, time.Duration(seconds*float64(time.Second))-time.Duration(p.Started)*tick)
}

// Clean makes a name that a process chose fit for a terminal: what is not
// printable becomes a question mark.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// stat is what we use of /proc/PID/stat, and of /proc/PID/task/TID/stat.
type stat struct {
	name     string
	state    byte
	ppid     int
	cpu      time.Duration
	threads  int
	started  uint64
	rssPages int64
}

// parseStat reads proc_pid_stat(5). The name stands in parentheses and may
// hold anything, closing parentheses and newlines too; only the last one ends it.
func parseStat(b []byte) (s stat, ok bool) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return s, false
	}
	f := bytes.Fields(b[end+1:])
	if len(f) < 22 || len(f[0]) != 1 {
		return s, false
	}
	number := func(i int) int64 {
		n, err := strconv.ParseInt(string(f[i]), 10, 64)
		ok = ok && err == nil
		return n
	}
	ok = true
	s = stat{name: string(b[open+1 : end]), state: f[0][0], ppid: int(number(1)),
		cpu:     time.Duration(number(11)+number(12)) * tick,
		threads: int(number(17)), started: uint64(number(19)), rssPages: number(21)}
	return s, ok
}

// splitArgs takes a command line apart; a program that overwrote it by a title
// (nginx, postgres, sshd) leaves one argument.
func splitArgs(b []byte) []string {
	b = bytes.TrimRight(b, "\x00")
	if len(b) == 0 {
		return nil
	}
	return strings.Split(string(b), "\x00")
}

// statusField returns the value of a line "Name:\tvalue" of /proc/PID/status.
// The name of the process stands there too, but with its newlines escaped.
func statusField(status []byte, name string) string {
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
