package diagnose

import (
	"fmt"
	"strconv"
	"strings"
)

// quoteBytes is how much of a line is shown as evidence.
const quoteBytes = 400

// quote is line l as evidence.
func (s *scene) quote(l int) Line {
	source := "output.log"
	if l >= s.output {
		source = "daemon.log"
		if len(s.Daemon) == 0 {
			return Line{Source: "inspect.json", Text: "State.Error: " + shown(s.lines[l].text)}
		}
	}
	return Line{Source: source, Line: s.lines[l].number, Text: shown(s.lines[l].text)}
}

// quotes are the lines, each once, those that do not exist left out.
func (s *scene) quotes(ls ...int) (quoted []Line) {
	last := -1
	for _, l := range ls {
		if l >= 0 && l != last {
			quoted = append(quoted, s.quote(l))
			last = l
		}
	}
	return quoted
}

// shown is a text as it may be shown: masked and cut.
func shown(text string) string {
	text = strings.TrimSpace(mask(text))
	if len(text) <= quoteBytes {
		return text
	}
	return strings.ToValidUTF8(text[:quoteBytes], "") + "…"
}

func (s *scene) exitLine() Line {
	text := strconv.Itoa(s.exit)
	if s.exit > 128 && s.exit < 128+65 {
		text += fmt.Sprintf(" (signal %d)", s.exit-128)
	}
	return Line{Source: "exit-code", Text: text}
}

func (s *scene) stateLine() Line {
	state := s.Inspect.State
	text := fmt.Sprintf("State: %s, ExitCode %d, OOMKilled %t, HostConfig.Memory %d", shown(state.Status), state.ExitCode, state.OOMKilled, s.Inspect.HostConfig.Memory)
	if state.Health != nil {
		text += ", health " + shown(state.Health.Status)
	}
	return Line{Source: "inspect.json", Text: text}
}

func (s *scene) networkLine() Line {
	return Line{Source: "inspect.json", Text: "HostConfig.NetworkMode: " + shown(s.Inspect.HostConfig.NetworkMode)}
}

func (s *scene) listenerLines() []Line {
	list := func(sockets []string) string {
		if len(sockets) == 0 {
			return "none"
		}
		return shown(clean([]byte(strings.Join(sockets[:min(len(sockets), 20)], " "))))
	}
	lines := []Line{{Source: "runtime.json", Text: "its own listening sockets: " + list(s.Runtime.Owned)}}
	if len(s.Runtime.Listeners) > len(s.Runtime.Owned) {
		lines = append(lines, Line{Source: "runtime.json", Text: "all in its network namespace: " + list(s.Runtime.Listeners)})
	}
	if s.asked() != nil {
		lines = append(lines, s.probeLine())
	}
	return lines
}

func (s *scene) probeLine() Line {
	p := s.asked()
	text := fmt.Sprintf("asked %s: %s", p.Target, p.TCP)
	if p.FirstBytes != "" {
		text += fmt.Sprintf(", %q in %d ms", p.FirstBytes, p.MS)
	}
	return Line{Source: "runtime.json", Text: shown(clean([]byte(text)))}
}

func (s *scene) healthLines() []Line {
	h := s.health()
	if h == nil {
		return nil
	}
	var lines []Line
	if hc := s.Inspect.Config.Healthcheck; hc != nil {
		lines = append(lines, Line{Source: "inspect.json", Text: "HEALTHCHECK: " + shown(clean([]byte(strings.Join(hc.Test, " "))))})
	}
	if n := len(h.Log); n > 0 {
		lines = append(lines, Line{Source: "inspect.json", Text: fmt.Sprintf("it said (%d): %s", h.Log[n-1].ExitCode, shown(clean([]byte(h.Log[n-1].Output))))})
	}
	return lines
}

// waitLines say how the main process stands, and what was said last.
func (s *scene) waitLines() []Line {
	var lines []Line
	if s.Runtime != nil && s.Runtime.Owned != nil {
		lines = s.listenerLines()
	} else if s.asked() != nil {
		lines = []Line{s.probeLine()}
	}
	if s.Runtime != nil && s.Runtime.Main != nil {
		m := s.Runtime.Main
		text := fmt.Sprintf("main process: %s, waits in %s, %.2f s of CPU in %.0f s", m.State, m.WaitsIn, m.CPUSeconds, s.Runtime.ObservedSeconds)
		lines = append(lines, Line{Source: "runtime.json", Text: shown(clean([]byte(text)))})
	}
	if s.output > 0 {
		lines = append(lines, s.quote(s.output-1))
	}
	return lines
}

// told tells whether the end of the output has one of the alternatives.
func (s *scene) told(alternatives string) bool {
	for l := s.tail; l < s.output; l++ {
		if hasAny(s.lines[l].low, alternatives) {
			return true
		}
	}
	return false
}
