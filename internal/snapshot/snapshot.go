// Package snapshot collects what can be known of a start that hangs, or is
// about to be ended: the tree of processes and what each waits in, their
// stacks, sockets and open files, the memory of the cgroup. It also prepares
// a service, before it is started, for giving its stacks away.
//
//	env, disarm, notes := snapshot.Arm(argv, env, nil)
//	defer disarm()
//	… the service is started with env, and does not come up …
//	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
//	snap := snapshot.Take(ctx, pid, snapshot.Options{Reason: "not ready within 120s", Stacks: snapshot.Final, Output: recorder})
//	snap.WriteText(os.Stdout)
//
// Stacks are asked for by the runtime's own means. No signal is ever sent to a
// process that was not seen to have a handler for it and to be of the runtime
// whose handler writes the stack.
package snapshot

import (
	"net/netip"
	"time"

	"github.com/aweigh/aweigh/internal/proc"
)

// Snapshot is what was collected. Its JSON is snapshot.json of a record.
type Snapshot struct {
	Taken     time.Time `json:"taken"` // UTC
	TookMS    int64     `json:"took_ms"`
	Reason    string    `json:"reason,omitempty"`
	Sentence  string    `json:"sentence"`       // what the start waits in, for a person
	Wait      *Wait     `json:"wait,omitempty"` // the same: the wait that tells most
	Processes []Process `json:"processes"`      // parents before their children
	Sockets   []Socket  `json:"sockets"`        // of these processes, without the listeners
	Listeners []Socket  `json:"listeners"`
	Stacks    []Stack   `json:"stacks"`
	Memory    *Memory   `json:"memory,omitempty"` // of the cgroup
	Load      string    `json:"load,omitempty"`   // as /proc/loadavg has it
	Notes     []string  `json:"notes,omitempty"`  // what could not be collected, and why
}

// Wait is what a process waits in.
type Wait struct {
	PID      int       `json:"pid"`
	TID      int       `json:"tid"`
	Process  string    `json:"process"`
	Thread   string    `json:"thread,omitempty"`
	Kind     proc.Kind `json:"kind,omitempty"`
	Call     string    `json:"call,omitempty"`
	Object   string    `json:"object,omitempty"`
	Peer     string    `json:"peer,omitempty"`
	TCPState string    `json:"tcp_state,omitempty"`
	Attempts int       `json:"attempts,omitempty"`
	ForMS    int64     `json:"for_ms"` // at least so long
	Text     string    `json:"text"`
}

// Process is one process of the tree.
type Process struct {
	PID         int      `json:"pid"`
	PPID        int      `json:"ppid"`
	Name        string   `json:"name"`
	Args        []string `json:"args"` // with what looks like a secret masked
	Exe         string   `json:"exe,omitempty"`
	State       string   `json:"state"`
	UID         int      `json:"uid"`
	AgeMS       int64    `json:"age_ms"`
	RSSBytes    int64    `json:"rss_bytes"`
	CPUMS       int64    `json:"cpu_ms"`
	Wait        string   `json:"wait"`
	ThreadCount int      `json:"thread_count"`
	Threads     []Thread `json:"threads"` // at most 200
	FileCount   int      `json:"file_count"`
	FileLimit   int64    `json:"file_limit,omitempty"` // soft RLIMIT_NOFILE; -1: none
	Files       []File   `json:"files"`                // at most 200
	FilesNote   string   `json:"files_note,omitempty"`
}

// Thread is one thread of a process.
type Thread struct {
	TID      int    `json:"tid"`
	Name     string `json:"name"`
	State    string `json:"state"`
	Syscall  string `json:"syscall,omitempty"`
	WChan    string `json:"wchan,omitempty"`
	CPUMS    int64  `json:"cpu_ms"`
	Switches uint64 `json:"switches"`
}

// File is one open descriptor.
type File struct {
	FD     int    `json:"fd"`
	Kind   string `json:"kind"`
	Target string `json:"target"`
}

// Socket is one TCP socket of the tree.
type Socket struct {
	PID        int            `json:"pid"`
	FD         int            `json:"fd"`
	Local      netip.AddrPort `json:"local"`
	Remote     netip.AddrPort `json:"remote,omitzero"`
	State      string         `json:"state"`
	RecvQueue  uint32         `json:"recv_queue"`
	SendQueue  uint32         `json:"send_queue"`
	connecting bool
}

// Stack is what one process said of where it is.
type Stack struct {
	PID     int    `json:"pid"`
	Process string `json:"process"`
	Runtime string `json:"runtime"`        // go, jvm, python, node
	How     string `json:"how,omitempty"`  // "SIGQUIT", "diagnostic report", "inspector"
	Text    string `json:"text,omitempty"` // at most 512 KiB
	Note    string `json:"note,omitempty"` // why there is no text, or what else is to be known of it
}

// Memory is the cgroup's account. What is not known, or not limited, is absent.
type Memory struct {
	UsageBytes int64 `json:"usage_bytes"`
	LimitBytes int64 `json:"limit_bytes,omitempty"`
	OOMKills   int64 `json:"oom_kills"`
}

// stateNames are the states of proc_pid_stat(5).
func stateName(state byte) string {
	switch state {
	case 'R':
		return "running"
	case 'S':
		return "sleeping"
	case 'D':
		return "uninterruptible"
	case 'Z':
		return "zombie"
	case 'T':
		return "stopped"
	case 't':
		return "traced"
	case 'I':
		return "idle"
	case 'X':
		return "dead"
	}
	return string(rune(state))
}
