package proc

import (
	"bytes"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"syscall"

	"github.com/aweigh/aweigh/internal/procfs"
)

// Signals is a set of signals.
type Signals uint64

// Has reports whether the set holds sig.
func (s Signals) Has(sig syscall.Signal) bool {
	return sig > 0 && sig <= 64 && s&(1<<(sig-1)) != 0
}

// CaughtSignals returns the signals for which pid has installed a handler
// (SigCgt). A signal that is neither caught nor ignored has its default
// action, which for most is death.
func CaughtSignals(pid int) (Signals, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/status"
	raw, err := procfs.Read(path, 8192)
	if err != nil {
		return 0, err
	}
	mask, err := strconv.ParseUint(statusField(raw, "SigCgt"), 16, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: SigCgt: %w", path, err)
	}
	return Signals(mask), nil
}

// Catches reports whether pid is known to have a handler for sig.
func Catches(pid int, sig syscall.Signal) bool {
	caught, err := CaughtSignals(pid)
	return err == nil && caught.Has(sig)
}

// Env is the environment that a process was started with. It holds secrets:
// look up in it what you need, and never print it.
type Env struct{ raw []byte }

// Environ returns the environment that pid was started with. An error that is
// fs.ErrPermission means that it may not be told.
func Environ(pid int) (Env, error) {
	raw, err := procfs.Read("/proc/"+strconv.Itoa(pid)+"/environ", 4<<20)
	return Env{raw}, err
}

// Lookup returns the value of a variable and whether it is set.
func (e Env) Lookup(name string) (string, bool) {
	for rest := e.raw; len(rest) > 0; {
		var entry []byte
		entry, rest, _ = bytes.Cut(rest, []byte{0})
		if value, ok := strings.CutPrefix(string(entry), name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// String keeps an environment out of messages.
func (e Env) String() string { return fmt.Sprintf("%d bytes of environment", len(e.raw)) }

// All yields the variables by name and value.
func (e Env) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for entry := range bytes.SplitSeq(e.raw, []byte{0}) {
			if name, value, ok := strings.Cut(string(entry), "="); ok && !yield(name, value) {
				return
			}
		}
	}
}

// Limit returns a soft and a hard limit of /proc/PID/limits by its name there,
// such as "Max open files"; "unlimited" is -1.
func Limit(pid int, name string) (soft, hard int64, ok bool) {
	raw, err := procfs.Read("/proc/"+strconv.Itoa(pid)+"/limits", 8192)
	if err != nil {
		return 0, 0, false
	}
	for line := range strings.Lines(string(raw)) {
		rest, found := strings.CutPrefix(line, name)
		f := strings.Fields(rest)
		if !found || len(f) < 2 {
			continue
		}
		return limit(f[0]), limit(f[1]), true
	}
	return 0, 0, false
}

func limit(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
