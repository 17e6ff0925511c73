package diagnose

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// scene is the evidence, prepared once: what every rule asks of it.
type scene struct {
	Evidence
	lines  []line // of the output, then of the engine
	output int    // how many of them are the output's

	exit    int  // of the main process
	ended   bool // it runs no more, with exit
	running bool // it runs now, as far as is known
	looping bool // it was restarted, or is about to be
	refused bool // the engine did not start it

	ready int // index of the last line that says that it serves; -1 without
	tail  int // where the last twenty lines that say something begin
	named int // index of the line in which a runtime names what ended it; -1 without
	chain int // where that line's chain of exceptions begins
}

func newScene(e Evidence) *scene {
	s := &scene{Evidence: e, lines: splitLines(e.Output), ready: -1, named: -1}
	s.output = len(s.lines)
	daemon := e.Daemon
	if e.Inspect != nil && e.Inspect.State.Error != "" && len(daemon) == 0 {
		daemon = []byte(e.Inspect.State.Error)
	}
	s.lines = append(s.lines, splitLines(daemon)...)
	if s.ExpectedPort == 0 {
		s.ExpectedPort = e.Inspect.onlyPort()
	}
	s.fate()
	s.landmarks()
	return s
}

// fate finds out whether it runs, and how it ended.
func (s *scene) fate() {
	if i := s.Inspect; i != nil {
		s.running = i.State.Running && !i.State.Restarting
		s.looping = i.State.Restarting || i.RestartCount > 0
		s.ended = i.State.Status == "exited" || i.State.Status == "dead" || i.State.Restarting
		s.exit = i.State.ExitCode
		s.refused = i.State.Error != "" && (i.State.Status == "created" || strings.HasPrefix(i.State.StartedAt, "0001-"))
	}
	if s.Runtime != nil {
		if s.Inspect == nil {
			s.running = s.Runtime.Running
			s.ended = !s.Runtime.Running && s.ExitCode != nil
		} else if s.Runtime.Running && !s.Inspect.State.Restarting {
			s.running = true
		}
	}
	if s.ExitCode != nil && !s.running {
		s.ended, s.exit = true, *s.ExitCode
	}
	if len(s.Daemon) > 0 && !s.running && len(s.Output) == 0 {
		s.refused = true
	}
}

// failed tells whether it ended with a status of its own that tells of a failure:
// 129 to 192 are signals.
func (s *scene) failed() bool {
	return s.ended && s.exit != 0 && (s.exit <= 128 || s.exit > 192)
}

// port is the port that must be served, as text.
func (s *scene) port() string {
	if s.ExpectedPort == 0 {
		return "PORT"
	}
	return strconv.Itoa(s.ExpectedPort)
}

// near tells whether line l or one of the lines around it has one of the
// alternatives: back lines before it, and ahead behind it.
func (s *scene) near(l, back, ahead int, alternatives string) bool {
	first, last := 0, s.output
	if l >= s.output {
		first, last = s.output, len(s.lines)
	}
	for i := max(first, l-back); i < min(last, l+ahead+1); i++ {
		if hasAny(s.lines[i].low, alternatives) {
			return true
		}
	}
	return false
}

// errnoBefore tells whether line l or one of the two before it has one of the
// errnos.
func (s *scene) errnoBefore(l int, any ...errno) bool {
	for i := max(0, l-2); i <= l; i++ {
		if slices.ContainsFunc(any, s.lines[i].errnos.has) {
			return true
		}
	}
	return false
}

// user is whom the main process runs as, "" for root or unknown.
func (s *scene) user() string {
	if s.Inspect == nil {
		return ""
	}
	name, _, _ := strings.Cut(s.Inspect.Config.User, ":")
	if name == "0" || name == "root" {
		return ""
	}
	return name
}

// privilegedPort tells whether the port needs a right that not every user has.
func (s *scene) privilegedPort() bool {
	return s.ExpectedPort > 0 && s.ExpectedPort < 1024
}

// forbidden tells whether the port needs a right that the user lacks, as far as
// is known.
func (s *scene) forbidden() bool {
	return s.privilegedPort() && (s.user() != "" || s.dropped())
}

// dropped tells whether a capability, or one of any, was taken away.
func (s *scene) dropped() bool {
	return s.Inspect != nil && len(s.Inspect.HostConfig.CapDrop) > 0
}

// readonly tells whether some of what the program sees cannot be written.
func (s *scene) readonly() bool {
	if s.Inspect == nil {
		return false
	}
	if s.Inspect.HostConfig.ReadonlyRootfs {
		return true
	}
	for _, m := range s.Inspect.Mounts {
		if !m.RW {
			return true
		}
	}
	return false
}

// smallDisk is the text of a size limit of a tmpfs, "" without.
func (s *scene) smallDisk() string {
	if s.Inspect == nil {
		return ""
	}
	for at, options := range s.Inspect.HostConfig.Tmpfs {
		if strings.Contains(options, "size=") {
			return at + " " + options
		}
	}
	return ""
}

// memoryLimit is the container's, in bytes; 0 without one.
func (s *scene) memoryLimit() int64 {
	if s.Inspect == nil {
		return 0
	}
	return s.Inspect.HostConfig.Memory
}

// inherits tells whether the network is another container's, whose sockets it
// meets.
func (s *scene) inherits() bool {
	return s.Inspect != nil && strings.HasPrefix(s.Inspect.HostConfig.NetworkMode, "container:")
}

// environmentHas tells whether a value of the environment is, or ends in, the
// text: then it came from there.
func (s *scene) environmentHas(text string) bool {
	if s.Inspect == nil || len(text) < 2 {
		return false
	}
	for _, pair := range s.Inspect.Config.Env {
		if _, value, _ := strings.Cut(pair, "="); value == text || len(text) > 4 && strings.Contains(value, text) {
			return true
		}
	}
	return false
}

// commandHas tells whether the text is an argument of the command line, or what
// one of its flags is set to.
func (s *scene) commandHas(text string) bool {
	if s.Inspect == nil || text == "" {
		return false
	}
	return slices.ContainsFunc(s.Inspect.Args, func(arg string) bool {
		_, value, _ := strings.Cut(arg, "=")
		return arg == text || value == text
	})
}

// namesFlag tells whether a line names a long flag that stands on the command line.
func (s *scene) namesFlag(l int) bool {
	if s.Inspect == nil {
		return false
	}
	return slices.ContainsFunc(s.Inspect.Args, func(arg string) bool {
		flag, _, _ := strings.Cut(arg, "=")
		name := strings.TrimLeft(flag, "-")
		return strings.HasPrefix(flag, "-") && len(name) > 4 && strings.Contains(s.lines[l].low, lower(name))
	})
}

// namesUserOfCommand tells whether a line names the user that a flag of the command
// line sets.
func (s *scene) namesUserOfCommand(l int) bool {
	if s.Inspect == nil {
		return false
	}
	for i, arg := range s.Inspect.Args {
		flag, user, ok := strings.Cut(arg, "=")
		if !ok && i+1 < len(s.Inspect.Args) {
			user = s.Inspect.Args[i+1]
		}
		if (flag == "-u" || flag == "--user" || flag == "-user") && len(user) > 2 && strings.Contains(s.lines[l].text, user) {
			return true
		}
	}
	return false
}

// where says how the service's own sockets stand to the port that is expected.
type where uint8

const (
	notLooked     where = iota
	nowhere             // it listens on nothing
	elsewhere           // on other ports
	loopbackOnly        // on the port, but for its own container only
	onThePort           // as it should
	loopElsewhere       // on other ports, for its own container only
)

// listens reads the table of listeners.
func (s *scene) listens() where {
	if s.Runtime == nil || s.Runtime.Owned == nil {
		return notLooked
	}
	best := nowhere
	for _, socket := range s.Runtime.Owned {
		at, err := netip.ParseAddrPort(socket)
		if err != nil {
			continue
		}
		local := at.Addr().Unmap().IsLoopback()
		switch right := s.ExpectedPort == 0 || int(at.Port()) == s.ExpectedPort; {
		case right && !local:
			return onThePort
		case right:
			best = loopbackOnly
		case best == loopbackOnly:
		case !local:
			best = elsewhere
		case best == nowhere:
			best = loopElsewhere
		}
	}
	return best
}

// onForeignAddress tells whether the service listens on the port, but on no address
// that it was asked at: Linux allows that with IP_FREEBIND.
func (s *scene) onForeignAddress() bool {
	p := s.asked()
	if p == nil || s.listens() != onThePort || s.ExpectedPort == 0 {
		return false
	}
	asked, err := netip.ParseAddrPort(p.Target)
	if err != nil {
		return false
	}
	for _, socket := range s.Runtime.Owned {
		at, err := netip.ParseAddrPort(socket)
		if err != nil || int(at.Port()) != s.ExpectedPort || at.Addr().IsLoopback() {
			continue
		}
		if at.Addr().IsUnspecified() || at.Addr().Unmap() == asked.Addr().Unmap() {
			return false
		}
	}
	return true
}

// neighbour tells whether somebody else in the same network namespace listens
// on the port.
func (s *scene) neighbour() bool {
	if s.Runtime == nil || s.ExpectedPort == 0 {
		return false
	}
	suffix := ":" + s.port()
	for _, socket := range s.Runtime.Listeners {
		if strings.HasSuffix(socket, suffix) && !slices.Contains(s.Runtime.Owned, socket) {
			return s.listens() != notLooked
		}
	}
	return false
}

// asked is the probe that counts: of the instance itself, never of the published
// port, which the engine's proxy takes with nobody behind it.
func (s *scene) asked() *Probe {
	if s.Runtime == nil {
		return nil
	}
	if s.Runtime.ContainerProbe != nil {
		return s.Runtime.ContainerProbe
	}
	return s.Runtime.Probe
}
