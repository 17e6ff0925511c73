package lint

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh"
)

var portClash = Rule{
	ID: "port-clash", Severity: aweigh.Critical, Title: "two containers of the project publish the same port",
	Why:   "The second one is created and never started, and no restart policy tries it again.",
	Fix:   "Give each its own published port.",
	check: checkPortClash,
}

// binding is one published port of one service.
type binding struct {
	s        *service
	ip       string
	from, to int
	protocol string
}

func (s *service) bindings() (all []binding) {
	if s.NetworkMode == "host" {
		return nil // Docker discards what it publishes
	}
	for _, p := range s.Ports {
		first, last, ranged := strings.Cut(p.Published, "-")
		from, err := strconv.Atoi(first)
		if err != nil || from == 0 {
			continue // any free one
		}
		to := from
		if ranged {
			if to, err = strconv.Atoi(last); err != nil || to < from {
				continue
			}
		}
		protocol := p.Protocol
		if protocol == "" {
			protocol = "tcp"
		}
		all = append(all, binding{s, p.HostIP, from, to, protocol})
	}
	return all
}

func (b binding) String() string {
	text := strconv.Itoa(b.from)
	if b.to != b.from {
		text += "-" + strconv.Itoa(b.to)
	}
	if b.ip != "" {
		text = net.JoinHostPort(b.ip, text)
	}
	if b.protocol != "tcp" {
		text += "/" + b.protocol
	}
	return text
}

// found is a finding where the binding is said.
func (b binding) found(message string) Finding {
	return b.s.found(message, b.s.item("ports", strconv.Itoa(b.from))...)
}

func checkPortClash(p *project) (all []Finding) {
	var seen []binding
	for _, s := range p.services {
		for _, b := range s.bindings() {
			if n := s.GetScale(); n > 1 && b.to-b.from+1 < n {
				all = append(all, b.found(fmt.Sprintf("%d containers of %s publish port %s: only one of them can", n, quote(s.name), b)))
			}
			for _, other := range seen {
				// A range is a choice: docker takes one of it.
				if b.from != b.to || other.from != other.to || b.from != other.from || b.protocol != other.protocol || !overlap(b.ip, other.ip) {
					continue
				}
				if b.s == other.s && b.ip == other.ip || b.s != other.s && apart(b.s, other.s) {
					continue
				}
				all = append(all, b.found(fmt.Sprintf("port %s is published by %s as well", b, quote(other.s.name))))
				break
			}
			seen = append(seen, b)
		}
	}
	return all
}

// overlap reports whether two addresses to bind cannot both be had. Docker binds
// 0.0.0.0 and [::] each for itself; "" is both.
func overlap(a, b string) bool {
	if a == b || a == "" || b == "" {
		return true
	}
	x, err1 := netip.ParseAddr(a)
	y, err2 := netip.ParseAddr(b)
	return err1 == nil && err2 == nil && x.Is4() == y.Is4() && (x == y || x.IsUnspecified() || y.IsUnspecified())
}

// apart reports whether two services are alternatives: their profiles have
// nothing in common.
func apart(a, b *service) bool {
	if len(a.Profiles) == 0 || len(b.Profiles) == 0 {
		return false
	}
	return !slices.ContainsFunc(a.Profiles, func(p string) bool { return slices.Contains(b.Profiles, p) })
}

var portTaken = Rule{
	ID: "port-taken", Severity: aweigh.Warning, Title: "a published port is taken on this host",
	Why:   "If it is to run here, its container is created and never started.",
	Fix:   "Stop what has the port, or publish another one.",
	check: each(checkPortTaken),
}

func checkPortTaken(s *service) (all []Finding) {
	for _, b := range s.bindings() {
		if b.protocol != "tcp" || b.from != b.to {
			continue
		}
		for _, l := range s.p.Listeners {
			addr := l.Addr
			if addr == "::" {
				addr = "" // it may have IPv4 as well
			}
			if l.Port != b.from || !overlap(b.ip, addr) {
				continue
			}
			if l.Project == s.p.Project.Name && l.Service == s.name {
				break // it runs
			}
			by := l.By
			if by == "" {
				by = "a process that cannot be seen from here"
			}
			all = append(all, b.found(fmt.Sprintf("port %s is taken on this host by %s", b, quote(by))))
			break
		}
	}
	return all
}
