package gather

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/diagnose"
	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/snapshot"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// subject is a service's main process while it is looked at.
type subject struct {
	pid     int
	tree    []proc.Process // the main process first
	sockets []sockdiag.Socket
	looks   []proc.Look
}

// between is the pause between two looks, which tell what has run from what
// has not.
const between = 120 * time.Millisecond

// belongs reports whether a process is of the container with this id: an engine
// in another PID namespace, or on another host, counts otherwise.
func belongs(pid int, id string) bool {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	return err == nil && strings.Contains(string(raw), id)
}

// lookAt looks at a process and all that it has started. observed is how long
// it has run.
func (f *Found) lookAt(pid int, observed time.Duration) (*subject, *diagnose.Runtime) {
	s := &subject{pid: pid}
	var sampler proc.Sampler
	for n := range 2 {
		if n > 0 {
			time.Sleep(between)
		}
		main, err := proc.Read(pid)
		if err != nil {
			return nil, &diagnose.Runtime{ObservedSeconds: seconds(observed)}
		}
		s.tree = append([]proc.Process{main}, proc.Tree(pid)...)
		if s.sockets, err = sockdiag.OfProcess(pid); err != nil {
			f.note(fmt.Sprintf("its sockets cannot be read: %v", err))
		}
		s.looks = sampler.Look(s.tree, s.sockets, time.Now())
	}
	r := &diagnose.Runtime{Running: true, ObservedSeconds: seconds(observed), Processes: table(s.tree), Main: mainProcess(s.looks[0])}
	if s.sockets != nil {
		r.Listeners, r.Owned = f.listeners(s)
	}
	f.Live.Wait = waitOf(s.looks)
	return s, r
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Millisecond)) / float64(time.Second)
}

// listeners are those of the namespace, and those that the service's own
// processes hold: nil, and not empty, where that may not be told.
func (f *Found) listeners(s *subject) (all, owned []string) {
	inodes := map[uint64]bool{}
	told, denied := false, false
	for _, p := range s.tree {
		held, err := proc.SocketInodes(p.PID)
		denied = denied || errors.Is(err, fs.ErrPermission)
		told = told || err == nil
		for inode := range held {
			inodes[inode] = true
		}
	}
	all = []string{}
	if told {
		owned = []string{}
	}
	for _, k := range s.sockets {
		if k.State != sockdiag.Listen {
			continue
		}
		all = append(all, k.Local.String())
		if inodes[k.Inode] {
			owned = append(owned, k.Local.String())
		}
	}
	if denied && !told {
		owned = f.ownNamespace(s)
	}
	slices.Sort(all)
	slices.Sort(owned)
	return slices.Compact(all), slices.Compact(owned)
}

// ownNamespace takes all listeners of a namespace for the service's own, where
// it is the container's alone: but for the engine's name server in it.
func (f *Found) ownNamespace(s *subject) (owned []string) {
	mode := ""
	if f.Evidence.Inspect != nil {
		mode = f.Evidence.Inspect.HostConfig.NetworkMode
	}
	if mode == "" || mode == "host" || strings.HasPrefix(mode, "container:") {
		f.note("which sockets its processes hold may not be read: run as root")
		return nil
	}
	f.note("which sockets its processes hold may not be read (run as root): those of its network namespace are taken for its own")
	owned = []string{}
	for _, k := range s.sockets {
		if k.State == sockdiag.Listen && k.Local.Addr() != engineResolver {
			owned = append(owned, k.Local.String())
		}
	}
	return owned
}

// engineResolver is where an engine serves names within a container.
var engineResolver = netip.AddrFrom4([4]byte{127, 0, 0, 11})

// mainProcess is how the main process stood.
func mainProcess(l proc.Look) *diagnose.MainProcess {
	m := &diagnose.MainProcess{State: stateWord(l.State), Threads: l.Threads, CPUSeconds: seconds(l.CPU)}
	if len(l.Tasks) == 0 {
		m.Err = "it has ended meanwhile"
		return m
	}
	first := l.Tasks[0]
	m.WaitsIn = first.WaitChannel
	switch {
	case first.Syscall.Known:
		m.Syscall = strconv.Itoa(first.Syscall.Number)
	case first.State == 'R':
		m.Syscall = "running"
	}
	return m
}

// stateWord is as in /proc/PID/status.
func stateWord(state byte) string {
	words := map[byte]string{'R': "running", 'S': "sleeping", 'D': "disk sleep", 'T': "stopped", 't': "tracing stop", 'Z': "zombie", 'X': "dead", 'I': "idle"}
	return fmt.Sprintf("%c (%s)", state, words[state])
}

// maxProcesses bounds the table, and maxCommand a line of it.
const (
	maxProcesses = 200
	maxCommand   = 300
)

// processHeading is the first line of the table.
const processHeading = "PID PPID STAT ELAPSED COMMAND"

// table is the process table in the form of ps, with secrets masked.
func table(tree []proc.Process) []string {
	lines := []string{processHeading}
	for _, p := range tree[:min(len(tree), maxProcesses)] {
		command := strings.Join(snapshot.MaskArgs(p.Args), " ")
		if command == "" {
			command = "[" + p.Name + "]"
		}
		if len(command) > maxCommand {
			command = command[:maxCommand] + "…"
		}
		stat := string(p.State)
		if p.Threads > 1 {
			stat += "l"
		}
		lines = append(lines, fmt.Sprintf("%d %d %s %d %s", p.PID, p.PPID, stat, int(p.Age().Seconds()), command))
	}
	return lines
}

func waitOf(looks []proc.Look) *diagnose.Wait {
	l, ok := proc.Telling(looks)
	if !ok || l.Wait.Kind == proc.Dead || l.Wait.Kind == proc.Unclear {
		return nil
	}
	w := &diagnose.Wait{Kind: string(l.Wait.Kind), Text: l.Title() + ": " + l.Wait.Sentence(time.Now())}
	if l.Wait.Peer.IsValid() {
		w.Peer = l.Wait.Peer.String()
	}
	return w
}
