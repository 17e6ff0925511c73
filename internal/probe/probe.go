// Package probe asks a service whether it serves, in one way for every
// protocol:
//
//	target, err := probe.Parse("http://:8080/health", 0)
//	want, err := expect.Compile(`status == 200 && body.status == "ok"`)
//	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
//	result := probe.Run(ctx, target, want)
//	fmt.Println(result.OK, result.Reason) // false connection refused
//
// A Target says where and how to ask, an expect.Expr what a healthy answer
// looks like, a Result what came, in words for a person. Each protocol is one
// Func in one file, found by its name in a table.
//
// The wire protocols are written by hand over package net: what asks sits in
// every container, and net/http would double its size and its start-up.
package probe

import (
	"context"
	"net/netip"
	"time"

	"github.com/aweigh/aweigh/internal/expect"
)

// DefaultTimeout is how long a probe may take when its context has no deadline.
const DefaultTimeout = 3 * time.Second

// What a Result's Kind may be: a stable class to count and to decide by.
const (
	KindOK       = "ok"
	KindRefused  = "refused"  // nothing listens
	KindTimeout  = "timeout"  // nothing, or not all of it, came in time
	KindReset    = "reset"    // the connection was reset
	KindClosed   = "closed"   // the connection ended before the answer did
	KindNoRoute  = "no-route" // no way to the address
	KindDNS      = "dns"      // the name has no address
	KindTLS      = "tls"      // no TLS session came about, or TLS where none was asked
	KindProtocol = "protocol" // another protocol than the one asked for: not HTTP, not gRPC
	KindStatus   = "status"   // answered, with a status that is not healthy
	KindBody     = "body"     // answered well, but the body itself says that it is not healthy
	KindExpect   = "expect"   // answered, and not as --expect wants it
	KindExec     = "exec"     // the command could not be started
	KindTarget   = "target"   // the target is not complete: its port is not known
	KindCanceled = "canceled" // who asked did not want to know any more
	KindError    = "error"    // anything else
)

// Result is what came of asking once.
type Result struct {
	OK bool
	// Reason is one line for a person, bounded, without control characters and
	// secrets: "200 OK", "connection refused".
	Reason string
	Kind   string // one of the Kind constants
	// Status is the status that came, if one did: "200", "SERVING", the exit
	// code of a command.
	Status string
	// Latency is the time from the begin of connecting until the answer was
	// complete, or until it was clear that it would not come.
	Latency time.Duration
	// LocalAddr and RemoteAddr are the ends of the connection, zero when there
	// was none. The local one tells a supervisor which connection was its own.
	LocalAddr, RemoteAddr netip.AddrPort
}

// Func asks once. It returns when ctx ends, whatever the other side does. A nil
// want is the protocol's own idea of health.
type Func func(ctx context.Context, t Target, want *expect.Expr) Result

// Prober asks. The zero value is ready for use, by any number of goroutines.
type Prober struct {
	// Start starts the command of an exec probe; nil is os.StartProcess. A
	// process that owns all wait calls, as PID 1 does, brings its own.
	Start Starter
}

// Run asks once with the zero Prober.
func Run(ctx context.Context, t Target, want *expect.Expr) Result {
	return Prober{}.Run(ctx, t, want)
}

// Run asks once. The deadline of ctx is the probe's timeout and is kept
// whatever the other side does; without one DefaultTimeout holds. A nil want
// accepts any 2xx of HTTP whose body does not itself say otherwise, SERVING of
// gRPC, exit 0 of a command, and a connection of TCP.
func (p Prober) Run(ctx context.Context, t Target, want *expect.Expr) Result {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	began := time.Now()
	result := p.lookup(t)(ctx, t, want)
	result.Latency = time.Since(began)
	result.Reason = oneLine(result.Reason, maxReason)
	return result
}

// lookup is the table of protocols.
func (p Prober) lookup(t Target) Func {
	if t.Protocol != Exec && t.Port == 0 {
		return probeNowhere
	}
	switch t.Protocol {
	case HTTP, HTTPS:
		return probeHTTP
	case TCP:
		return probeTCP
	case GRPC:
		return probeGRPC
	case Exec:
		return p.probeExec
	}
	return probeNowhere
}

func probeNowhere(context.Context, Target, *expect.Expr) Result {
	return Result{Kind: KindTarget, Reason: "the port to probe is not known yet"}
}

// failed is a result for an error of the network; instead describes a time-out
// in words of the moment in which it came.
func failed(r Result, err error, instead string) Result {
	r.Kind, r.Reason = Classify(err)
	if r.Kind == KindTimeout {
		r.Reason = instead
	}
	return r
}

// judged is the result of an answer by the user's own expectation.
func judged(r Result, want *expect.Expr, a expect.Answer) Result {
	ok, why := want.Holds(a)
	r.OK, r.Kind = ok, KindOK
	if !ok {
		r.Kind, r.Reason = KindExpect, why
	}
	return r
}
