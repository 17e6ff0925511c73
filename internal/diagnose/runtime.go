package diagnose

import (
	"encoding/json"
	"fmt"
)

// Runtime is what was seen of a service while it ran, or that it ran no more.
// Its JSON is a file that people may keep and send.
type Runtime struct {
	Running         bool    `json:"running"`
	ObservedSeconds float64 `json:"observed_seconds"` // since the start, when this was taken

	// Listening sockets as "0.0.0.0:80" or "[::]:80". In a shared network
	// namespace others listen as well, so that only the owned ones are the
	// service's. Nil means not looked, empty means none.
	Listeners []string `json:"listeners_in_netns,omitzero"`
	Owned     []string `json:"listeners_owned_by_container,omitzero"`

	Main *MainProcess `json:"main_process,omitempty"`
	// Processes are lines as of `ps -o pid,ppid,stat,etimes,args`, the first is the heading.
	Processes []string `json:"processes,omitzero"`

	ContainerProbe *Probe `json:"probe_container_ip,omitempty"`   // asked at the instance's own address
	PublishedProbe *Probe `json:"probe_published_port,omitempty"` // asked at the port that the host publishes
	Probe          *Probe `json:"probe,omitempty"`                // asked on the host, for a process without a container
}

// MainProcess is how the main process stood.
type MainProcess struct {
	State      string  `json:"state"` // as in /proc/PID/status: "S (sleeping)"
	Threads    int     `json:"threads"`
	WaitsIn    string  `json:"wchan"` // the kernel function that it waits in
	CPUSeconds float64 `json:"cpu_seconds"`
	Syscall    string  `json:"syscall"` // its number, "running", or "" when unknown
	Err        string  `json:"err,omitempty"`
}

// Probe is the answer to one connection with "GET / HTTP/1.0".
type Probe struct {
	Target string `json:"target"` // host:port
	TCP    string `json:"tcp"`    // "connected", else the error
	// FirstBytes is what came, at most some 120 bytes; in parentheses why nothing
	// came: "(closed without data)", "(TimeoutError: timed out)".
	FirstBytes string `json:"first_bytes,omitempty"`
	MS         int    `json:"ms"`
}

// ParseRuntime reads a runtime.json.
func ParseRuntime(data []byte) (*Runtime, error) {
	var r Runtime
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("this is not what was seen of a running service (see docs/diagnose.md for the form): %w", err)
	}
	return &r, nil
}
