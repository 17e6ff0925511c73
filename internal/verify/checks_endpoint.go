package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aweigh/aweigh/internal/cli"
)

func endpointInside(o *observation) Check {
	if o.ended() {
		return Check{}
	}
	c := o.each("", func(i *instance) (Result, string, bool) {
		a := &i.inside
		switch {
		case i.Status != "running" && len(i.Published) > 0:
			return Failed, "it does not run", false
		case i.Status != "running":
			return Skipped, "it does not run", false
		case a.asked == "" && len(i.Bindings) == 0:
			return Skipped, a.why, false
		case a.asked == "":
			return Unknown, a.why, true
		case a.ok:
			return Passed, a.found, false
		case a.guess:
			return Skipped, fmt.Sprintf("%s, which its image declares, gives: %s", a.asked, a.found), false
		}
		return Failed, a.found, false
	})
	c.Expected = "an answer at the container's own address"
	for _, i := range o.instances {
		if i.inside.asked != "" {
			c.Expected = fmt.Sprintf("%s of %s", i.inside.wants, i.inside.asked)
			break
		}
	}
	return c
}

func endpointPublished(o *observation) Check {
	if o.ended() {
		return Check{}
	}
	c := o.each("an answer at each published port, from this host", func(i *instance) (Result, string, bool) {
		if len(i.outside) == 0 {
			if len(i.Published) > 0 && i.Status != "running" {
				return Failed, "it does not run", false
			}
			return notAsked(i)
		}
		var found []string
		for _, a := range i.outside {
			if !a.ok {
				return Failed, fmt.Sprintf("%s gives: %s", a.asked, a.found), false
			}
			found = append(found, a.asked+": "+a.found)
		}
		return Passed, strings.Join(found, ", "), false
	})
	return c
}

func portOwned(o *observation) Check {
	if o.ended() {
		return Check{}
	}
	return o.each("each published port is the container's, and leads to a listener", func(i *instance) (Result, string, bool) {
		if len(i.ports) == 0 {
			return notAsked(i)
		}
		unknown := ""
		var found []string
		for _, p := range i.ports {
			switch {
			case p.foreign:
				return Failed, fmt.Sprintf("port %d is held by %s", p.HostPort, p.holder), false
			case p.seen && len(p.listens) == 0:
				return Failed, fmt.Sprintf("nothing in the container listens on port %d, to which %d leads", p.Port, p.HostPort), false
			case p.seen && onlyLoopback(p.listens):
				return Failed, fmt.Sprintf("in the container it listens on %s only, which port %d does not reach", strings.Join(p.listens, ", "), p.HostPort), false
			case p.hidden != "":
				unknown = fmt.Sprintf("port %d: %s", p.HostPort, p.hidden)
			case !p.seen:
				unknown = fmt.Sprintf("port %d: the container's sockets cannot be seen from here", p.HostPort)
			case p.holder == "":
				found = append(found, fmt.Sprintf("%d is forwarded by the kernel", p.HostPort))
			default:
				if text := fmt.Sprintf("%d by %s", p.HostPort, p.holder); !slices.Contains(found, text) {
					found = append(found, text)
				}
			}
		}
		if unknown != "" {
			return Unknown, unknown, true
		}
		return Passed, strings.Join(found, ", "), false
	})
}

func onlyLoopback(addrs []string) bool {
	for _, a := range addrs {
		if !strings.HasPrefix(a, "127.") && a != "::1" {
			return false
		}
	}
	return true
}

func responseTime(o *observation) Check {
	if o.ended() {
		return Check{}
	}
	limit := o.Settings.Timeout
	return o.each("within "+cli.Human(limit), func(i *instance) (Result, string, bool) {
		a := &i.inside
		switch {
		case a.asked == "" || a.guess && !a.ok:
			return Skipped, "there is nothing to ask", false
		case !a.ok:
			return Skipped, "there is no good answer to be timed", false
		case a.slowest > limit:
			return Failed, fmt.Sprintf("the slowest of %d answers took %s", a.times, cli.Human(a.slowest)), false
		}
		return Passed, fmt.Sprintf("the slowest of %d answers took %s", a.times, cli.Human(a.slowest)), false
	})
}

// notAsked is of a container of which no published port was looked at.
func notAsked(i *instance) (Result, string, bool) {
	if i.Status == "running" && len(i.Bindings) > 0 {
		return Unknown, "the engine is on another host", true
	}
	return Skipped, "no port is published", false
}
