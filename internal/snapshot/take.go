package snapshot

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/procfs"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// Stacks says which stacks may be asked for.
type Stacks int

const (
	NoStacks Stacks = iota // no signal is sent at all
	Harmless               // those after which the process lives on: JVM, Node
	Final                  // those too after which it is dead: Python, Go
)

// Output is the service's own output as it is recorded: Go, Java and Python
// write their stacks there.
type Output interface {
	Mark() int64             // how many bytes have come
	Since(mark int64) []byte // what came after the mark, as far as it is still there
}

// Options say how to take a snapshot. The zero value looks and touches nothing.
type Options struct {
	Reason  string
	Stacks  Stacks
	Output  Output        // nil: the stacks stay where the runtimes wrote them
	Sampler *proc.Sampler // one that has looked before knows since when; nil: two looks, a moment apart
}

const (
	maxListed   = 200 // threads and files of one process that are listed
	secondLook  = 200 * time.Millisecond
	maxReported = 400 // processes and sockets
)

// Take looks at root and all its descendants; when root is this process, at
// its descendants alone. It always returns what it could get; ctx bounds the
// waiting for stacks, the rest takes some milliseconds.
func Take(ctx context.Context, root int, o Options) Snapshot {
	began := time.Now()
	s := Snapshot{Taken: began.UTC(), Reason: o.Reason, Processes: []Process{}, Sockets: []Socket{},
		Listeners: []Socket{}, Stacks: []Stack{}}
	looks, sockets := s.look(ctx, root, o.Sampler)
	hide := newMask(looks)
	s.describe(looks, hide)
	s.addSockets(looks, sockets)
	s.Memory = cgroupMemory(root)
	if raw, err := procfs.Read("/proc/loadavg", 4096); err == nil {
		s.Load = strings.TrimSpace(string(raw))
	}
	s.sentence(looks, hide)
	s.Stacks = append(s.Stacks, takeStacks(ctx, looks, o, hide)...)
	s.TookMS = time.Since(began).Milliseconds()
	return s
}

// look reads the tree, twice when nobody has looked before: what has run
// between the looks is told from what has not.
func (s *Snapshot) look(ctx context.Context, root int, sampler *proc.Sampler) ([]proc.Look, []sockdiag.Socket) {
	table := sockdiag.Open()
	defer table.Close()
	once := func(sampler *proc.Sampler) ([]proc.Look, []sockdiag.Socket) {
		sockets, err := table.All()
		if err != nil {
			s.note("sockets: " + err.Error())
		}
		return sampler.Look(tree(root), sockets, time.Now()), sockets
	}
	if sampler == nil {
		sampler = new(proc.Sampler)
		once(sampler)
		pause(ctx, secondLook)
	}
	return once(sampler)
}

func tree(root int) []proc.Process {
	var all []proc.Process
	if root != os.Getpid() {
		if p, err := proc.Read(root); err == nil {
			all = append(all, p)
		}
	}
	all = append(all, proc.Tree(root)...)
	return all[:min(len(all), maxReported)]
}

func (s *Snapshot) note(text string) {
	if !slices.Contains(s.Notes, text) {
		s.Notes = append(s.Notes, text)
	}
}

func (s *Snapshot) describe(looks []proc.Look, hide *mask) {
	now := time.Now()
	for _, l := range looks {
		p := Process{PID: l.PID, PPID: l.PPID, Name: l.Name, Args: hide.args(l.Args), Exe: l.Exe,
			State: stateName(l.State), UID: l.UID, AgeMS: l.Age().Milliseconds(), RSSBytes: l.RSSBytes,
			CPUMS: l.CPU.Milliseconds(), Wait: hide.text(l.Wait.Sentence(now)), ThreadCount: l.Threads,
			Threads: []Thread{}, Files: []File{}}
		for _, t := range l.Tasks[:min(len(l.Tasks), maxListed)] {
			p.Threads = append(p.Threads, Thread{TID: t.TID, Name: t.Name, State: stateName(t.State),
				Syscall: t.Syscall.Name(), WChan: t.WaitChannel, CPUMS: t.CPU.Milliseconds(), Switches: t.Switches})
		}
		p.FileLimit, _, _ = proc.Limit(l.PID, "Max open files")
		files, err := proc.Files(l.PID, 0)
		if errors.Is(err, fs.ErrPermission) {
			p.FilesNote = "may not be read: the process belongs to another user"
		}
		p.FileCount = len(files)
		for _, f := range files[:min(len(files), maxListed)] {
			p.Files = append(p.Files, File{f.FD, f.Kind, hide.text(f.Target)})
		}
		s.Processes = append(s.Processes, p)
	}
}

// addSockets lists the sockets that the tree has open; one that several
// processes share, as after a fork, once.
func (s *Snapshot) addSockets(looks []proc.Look, sockets []sockdiag.Socket) {
	type end struct{ pid, fd int }
	owner := map[uint64]end{}
	for _, l := range looks {
		inodes, err := proc.SocketInodes(l.PID)
		if errors.Is(err, fs.ErrPermission) {
			s.note("sockets of " + l.Title() + " may not be read: it belongs to another user")
		}
		for inode, fd := range inodes {
			if _, ok := owner[inode]; !ok {
				owner[inode] = end{l.PID, fd}
			}
		}
	}
	for _, k := range sockets {
		who, ok := owner[k.Inode]
		if !ok || k.Inode == 0 {
			continue
		}
		out := Socket{PID: who.pid, FD: who.fd, Local: k.Local, Remote: k.Remote, State: k.State.String(),
			RecvQueue: k.RecvQ, SendQueue: k.SendQ, connecting: k.State == sockdiag.SynSent}
		if k.State == sockdiag.Listen {
			out.Remote = netip.AddrPort{}
			s.Listeners = append(s.Listeners, out)
		} else {
			s.Sockets = append(s.Sockets, out)
		}
	}
	slices.SortFunc(s.Sockets, func(a, b Socket) int {
		if a.connecting != b.connecting { // what is in the making comes first
			if a.connecting {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.FD, b.FD))
	})
	if more := len(s.Sockets) - maxReported; more > 0 {
		s.note("only the first 400 sockets are listed")
		s.Sockets = s.Sockets[:maxReported]
	}
}

// sentence says the one thing that matters.
func (s *Snapshot) sentence(looks []proc.Look, hide *mask) {
	l, ok := proc.Telling(looks)
	if !ok {
		s.Sentence = "no process of the service is left"
		return
	}
	w, now := l.Wait, time.Now()
	s.Wait = &Wait{PID: l.PID, TID: w.TID, Process: l.Name, Thread: w.Thread, Kind: w.Kind, Call: w.Call,
		Object: hide.text(w.Object), TCPState: w.TCPState, Attempts: w.Attempts,
		ForMS: w.For(now).Milliseconds(), Text: hide.text(w.String())}
	if w.Peer.IsValid() {
		s.Wait.Peer = w.Peer.String()
	}
	s.Sentence = l.Title() + ": " + hide.text(w.Sentence(now))
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
