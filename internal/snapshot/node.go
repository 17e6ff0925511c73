package snapshot

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const reportWithin = 1500 * time.Millisecond

func isNode(p *suspect) bool {
	name := p.program()
	return name == "node" || name == "nodejs"
}

// askNode: a Node that was armed writes a diagnostic report on SIGUSR2, as
// soon as its event loop turns. If it does not turn, JavaScript is running, and
// the inspector can interrupt it and say where.
func askNode(ctx context.Context, a *asking, p *suspect) Stack {
	options, _ := p.env.Lookup("NODE_OPTIONS")
	dir, armed := reportDir(options)
	if !armed {
		return Stack{Note: "not asked: it was started without --report-on-signal and --report-directory in NODE_OPTIONS"}
	}
	before := reports(dir)
	if note := send(p, syscall.SIGUSR2, "SIGUSR2"); note != "" {
		return Stack{Note: note}
	}
	for deadline := time.Now().Add(reportWithin); time.Now().Before(deadline) && ctx.Err() == nil; pause(ctx, 20*time.Millisecond) {
		for path := range reports(dir) {
			if before[path] {
				continue
			}
			if r, ok := readReport(path); ok {
				os.Remove(path) // it holds the whole environment
				return Stack{How: "diagnostic report", Text: r.text(p.PID)}
			}
		}
	}
	defer func() { // one that comes late
		for path := range reports(dir) {
			if !before[path] {
				os.Remove(path)
			}
		}
	}()
	const blocked = "its event loop does not turn: no diagnostic report came"
	if a.Stacks != Final {
		return Stack{Note: blocked}
	}
	text, err := inspect(ctx, p)
	if err != nil {
		return Stack{How: "inspector", Note: blocked + ", and " + err.Error()}
	}
	return Stack{How: "inspector", Text: text, Note: blocked + "; this is the JavaScript that keeps it busy"}
}

// reportDir finds in NODE_OPTIONS where reports go, if Node was told to write
// one on SIGUSR2.
func reportDir(options string) (dir string, ok bool) {
	onSignal, signal := false, "SIGUSR2"
	words := strings.Fields(options)
	for i, w := range words {
		name, value, assigned := strings.Cut(w, "=")
		if !assigned && i+1 < len(words) {
			value = words[i+1]
		}
		switch name {
		case "--report-on-signal":
			onSignal = true
		case "--report-signal":
			signal = value
		case "--report-directory", "--report-dir":
			dir = value
		}
	}
	return dir, onSignal && signal == "SIGUSR2" && filepath.IsAbs(dir)
}

func reports(dir string) map[string]bool {
	found := map[string]bool{}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			found[filepath.Join(dir, e.Name())] = true
		}
	}
	return found
}

// report is what we keep of a diagnostic report. The rest (environment,
// command line, user limits, network interfaces, libraries) is never decoded.
type report struct {
	Header struct {
		Event         string `json:"event"`
		NodejsVersion string `json:"nodejsVersion"`
	} `json:"header"`
	JavascriptStack struct {
		Message string   `json:"message"`
		Stack   []string `json:"stack"`
	} `json:"javascriptStack"`
	JavascriptHeap struct {
		UsedMemory  int64 `json:"usedMemory"`
		MemoryLimit int64 `json:"memoryLimit"`
	} `json:"javascriptHeap"`
	Libuv  []handle `json:"libuv"`
	Thread struct {
		UserCPUSeconds   float64 `json:"userCpuSeconds"`
		KernelCPUSeconds float64 `json:"kernelCpuSeconds"`
	} `json:"uvthreadResourceUsage"`
}

// handle is a thing that Node's event loop waits for.
type handle struct {
	Type         string    `json:"type"`
	IsActive     bool      `json:"is_active"`
	IsReferenced bool      `json:"is_referenced"`
	FD           *int      `json:"fd"`
	Local        *endpoint `json:"localEndpoint"`
	Remote       *endpoint `json:"remoteEndpoint"`
	FiresIn      float64   `json:"firesInMsFromNow"`
	Repeat       float64   `json:"repeat"`
	Filename     string    `json:"filename"`
	PID          int       `json:"pid"`
	Queued       int64     `json:"writeQueueSize"`
}

// endpoint of a handle. Of a pipe it is a string.
type endpoint struct{ text string }

func (e *endpoint) UnmarshalJSON(b []byte) error {
	var ip struct {
		IP4  string `json:"ip4"`
		IP6  string `json:"ip6"`
		Host string `json:"host"`
		Port int    `json:"port"`
	}
	if json.Unmarshal(b, &e.text) == nil || json.Unmarshal(b, &ip) != nil {
		return nil
	}
	switch {
	case ip.IP4 != "":
		e.text = fmt.Sprintf("%s:%d", ip.IP4, ip.Port)
	case ip.IP6 != "":
		e.text = fmt.Sprintf("[%s]:%d", ip.IP6, ip.Port)
	default:
		e.text = fmt.Sprintf("%s:%d", ip.Host, ip.Port)
	}
	return nil
}

// readReport reads a report that is complete. The directory is writable by
// everyone, so links and pipes in it are not followed.
func readReport(path string) (r report, ok bool) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return r, false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return r, false
	}
	return r, json.NewDecoder(io.LimitReader(f, 16<<20)).Decode(&r) == nil
}

// text is the report for a person: the JavaScript that runs, and what the
// event loop waits for.
func (r report) text(pid int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Node %s, heap %d of at most %d MiB, %.1f s of CPU\n", r.Header.NodejsVersion,
		r.JavascriptHeap.UsedMemory>>20, r.JavascriptHeap.MemoryLimit>>20, r.Thread.UserCPUSeconds+r.Thread.KernelCPUSeconds)
	if len(r.JavascriptStack.Stack) > 0 {
		b.WriteString("JavaScript:\n")
		for _, line := range r.JavascriptStack.Stack {
			b.WriteString("  " + strings.TrimSpace(line) + "\n")
		}
	} else {
		b.WriteString("No JavaScript was running: the event loop waits.\n")
	}
	b.WriteString("It waits for:\n")
	n := 0
	for _, h := range r.Libuv {
		if line := h.text(pid); h.IsActive && h.IsReferenced && line != "" {
			b.WriteString("  " + line + "\n")
			n++
		}
	}
	if n == 0 {
		b.WriteString("  nothing that would keep it alive\n")
	}
	return b.String()
}

func (h handle) text(pid int) string {
	at := func(e *endpoint) string {
		if e == nil {
			return ""
		}
		return e.text
	}
	local, remote := at(h.Local), at(h.Remote)
	switch h.Type {
	case "loop", "check", "prepare", "idle", "async":
		return ""
	case "timer":
		text := fmt.Sprintf("timer in %.1f s", h.FiresIn/1000)
		if h.Repeat > 0 {
			text += fmt.Sprintf(", every %.1f s", h.Repeat/1000)
		}
		return text
	case "process":
		return fmt.Sprintf("process %d to end", h.PID)
	case "tcp", "udp", "pipe":
		text := h.Type
		switch {
		case remote != "":
			text += " to " + remote
			if local != "" {
				text += " from " + local
			}
		case local != "" && h.FD != nil && connectingTo(pid, *h.FD) != "":
			text += " being connected to " + connectingTo(pid, *h.FD)
		case local != "":
			text += " listening on " + local
		}
		if h.Queued > 0 {
			text += fmt.Sprintf(", %d bytes that its peer does not take", h.Queued)
		}
		return text
	}
	return strings.TrimSpace(h.Type + " " + h.Filename)
}
