package diagnose

// Live is what only a look at the living system tells: what a process waits
// in, who holds a port, whether a dependency can be reached now. No file has it,
// so that [Diagnose] does not need it; [Weigh] adds it to an answer.
type Live struct {
	Wait *Wait `json:"wait,omitempty"`
	// Holders are those who have the ports that the service wants to publish.
	Holders []Holder `json:"port_holders,omitempty"`
	// Reach are the dependencies that the output names, and what came of
	// connecting to them now.
	Reach []Reach `json:"dependencies,omitempty"`
	// Host are facts of the machine, each with whether it is a shortage.
	Host []HostFact `json:"host,omitempty"`
	// Changed is what differs from the last good start, a sentence each.
	Changed []string `json:"changed,omitempty"`
}

// Wait is what the service's processes wait in, by the one that tells most.
type Wait struct {
	Kind string `json:"kind"` // connect, answer, open, lock, sleep … (proc.Kind)
	Text string `json:"text"` // "python3 (pid 812): 58 s in connect() to 10.0.0.5:5432"
	Peer string `json:"peer,omitempty"`
}

// Holder is who holds a port of the host.
type Holder struct {
	Port int    `json:"port"`
	Who  string `json:"who"`
}

// Reach is one attempt to reach a dependency.
type Reach struct {
	Target string `json:"target"` // host:port, or a name alone
	// From is where it was tried: "container" (its network namespace) or "host".
	From    string  `json:"from"`
	Outcome Outcome `json:"outcome"`
	Text    string  `json:"text"` // "db:5432 (172.18.0.2) refuses connections"
}

// Outcome is what came of it.
type Outcome string

const (
	Accepts    Outcome = "accepts"
	Refuses    Outcome = "refuses"
	Silent     Outcome = "silent"     // no answer in time, or no route
	Unresolved Outcome = "unresolved" // its name has no address
)

// HostFact is one fact of the machine.
type HostFact struct {
	What  string `json:"what"` // disk, inodes, memory, descriptors, processes
	Text  string `json:"text"`
	Short bool   `json:"short"` // there is too little of it
}
