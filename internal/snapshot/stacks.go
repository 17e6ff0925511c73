package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/aweigh/aweigh/internal/proc"
)

// runtimes are asked in this order: first those that live on, since the others
// may take their parents and children with them.
var runtimes = [...]struct {
	name     string
	is       func(*suspect) bool
	ask      func(context.Context, *asking, *suspect) Stack
	survives bool
}{
	{"node", isNode, askNode, true},
	{"jvm", isJVM, askJVM, true},
	{"python", isPython, askPython, false},
	{"go", isGo, askGo, false},
}

const (
	maxAsked  = 16 // processes of one runtime
	maxText   = 512 << 10
	quietFor  = 150 * time.Millisecond
	outputFor = 3 * time.Second
)

// asking is one round of asking for stacks.
type asking struct {
	Options
	hide *mask
}

// suspect is a process that may be of a runtime that we know.
type suspect struct {
	proc.Process
	maps []byte
	env  proc.Env
	err  error // why env may not be read
}

// program is the base name of the executable.
func (p *suspect) program() string {
	return filepath.Base(strings.TrimSuffix(p.Exe, " (deleted)"))
}

// mapped reports whether the process has a file of such a name in memory.
func (p *suspect) mapped(name string) bool {
	if p.maps == nil {
		p.maps = []byte{}
		if f, err := os.Open("/proc/" + strconv.Itoa(p.PID) + "/maps"); err == nil {
			p.maps = readAtMost(f, 4<<20)
			f.Close()
		}
	}
	return bytes.Contains(p.maps, []byte(name))
}

// takeStacks asks each process that can tell its stack, children first. The
// looks have parents first.
func takeStacks(ctx context.Context, looks []proc.Look, o Options, hide *mask) []Stack {
	a := &asking{o, hide}
	var suspects []*suspect
	for _, l := range slices.Backward(looks) {
		if l.State == 'Z' {
			continue
		}
		p := &suspect{Process: l.Process}
		p.env, p.err = proc.Environ(l.PID)
		suspects = append(suspects, p)
	}
	var stacks []Stack
	known := map[int]bool{}
	for _, r := range runtimes {
		asked := 0
		for _, p := range suspects {
			if known[p.PID] || !r.is(p) {
				continue
			}
			known[p.PID] = true
			s := Stack{PID: p.PID, Process: p.Name, Runtime: r.name}
			switch asked++; {
			case o.Stacks == NoStacks, o.Stacks == Harmless && !r.survives:
				continue
			case asked > maxAsked:
				s.Note = fmt.Sprintf("not asked: %d others of this runtime were", maxAsked)
			case ctx.Err() != nil:
				s.Note = "not asked: there was no time left"
			case p.err != nil:
				s.Note = "not asked: the process belongs to another user, and may not be looked into"
			default:
				s = r.ask(ctx, a, p)
				s.PID, s.Process, s.Runtime = p.PID, p.Name, r.name
				s.Text = hide.text(s.Text[:min(len(s.Text), maxText)])
			}
			stacks = append(stacks, s)
		}
	}
	return stacks
}

// printed asks by a signal whose handler prints the stack on the service's own
// output, and takes from there what begins with one of the marks.
func (a *asking) printed(ctx context.Context, p *suspect, sig syscall.Signal, name string, marks ...string) Stack {
	s := Stack{How: name}
	mark := int64(0)
	if a.Output != nil {
		mark = a.Output.Mark()
	}
	if note := send(p, sig, name); note != "" {
		return Stack{Note: note}
	}
	if a.Output == nil {
		s.Note = "it was written to the service's own output"
		return s
	}
	text := a.quiet(ctx, p, mark)
	for _, m := range marks {
		if i := strings.Index(text, m); i >= 0 {
			s.Text = text[strings.LastIndexByte(text[:i], '\n')+1:]
			return s
		}
	}
	s.Note = "asked by " + name + ", but no stack came: it has a handler of its own for that signal, or its output goes elsewhere"
	return s
}

// quiet waits until output has come and gone quiet, or the process is gone and
// nothing comes any more.
func (a *asking) quiet(ctx context.Context, p *suspect, mark int64) string {
	ctx, cancel := context.WithTimeout(ctx, outputFor)
	defer cancel()
	last, since := mark, time.Now()
	for ctx.Err() == nil {
		now := a.Output.Mark()
		if now != last {
			last, since = now, time.Now()
		}
		if still := time.Since(since); still >= quietFor && (last != mark || !alive(p)) {
			break
		}
		pause(ctx, 10*time.Millisecond)
	}
	text := a.Output.Since(mark)
	return string(text[:min(len(text), 2*maxText)])
}

// alive reports whether the process is still there, and not a zombie or
// another one with its number.
func alive(p *suspect) bool {
	now, err := proc.Read(p.PID)
	return err == nil && now.Started == p.Started && now.State != 'Z' && now.State != 'X'
}

// send sends a signal to a process that is seen to have a handler for it, and
// says why not.
func send(p *suspect, sig syscall.Signal, name string) (note string) {
	if !alive(p) {
		return "not asked: the process has ended"
	}
	if !proc.Catches(p.PID, sig) {
		return "not asked: it has no handler for " + name + ", which would end it"
	}
	if err := syscall.Kill(p.PID, sig); err != nil {
		return "not asked: " + name + ": " + err.Error()
	}
	return ""
}

// noCore keeps a process that is about to end by a signal from writing its
// memory, secrets and all, to a core file. A limit of 1 byte, not 0, also
// stops those that are piped to a program (core(5); do_coredump in
// fs/coredump.c ignores the limit for a pipe, except for 1).
func noCore(pid int) error {
	const rlimitCore = 4
	var limit syscall.Rlimit
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), rlimitCore, 0, uintptr(unsafe.Pointer(&limit)), 0, 0); errno != 0 {
		return errno
	}
	limit.Cur = min(1, limit.Max)
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), rlimitCore, uintptr(unsafe.Pointer(&limit)), 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
