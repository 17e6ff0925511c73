package supervise

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/child"
	"github.com/aweigh/aweigh/internal/expect"
	"github.com/aweigh/aweigh/internal/probe"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// asker asks the service by its probe and keeps the probe log.
type asker struct {
	target  probe.Target
	want    *expect.Expr
	timeout time.Duration
	prober  probe.Prober
	rec     *record.Recorder
	began   time.Time

	mu     sync.Mutex
	last   probe.Result
	lastAt time.Time
	same   int // answers like the last since it was logged
}

// probeLine is one line of probes.jsonl. Equal answers in a row are one line
// and a count.
type probeLine struct {
	Time      time.Time `json:"time"`
	ElapsedMS int64     `json:"elapsed_ms"`
	Target    string    `json:"target"`
	OK        bool      `json:"ok"`
	Kind      string    `json:"kind"`
	Reason    string    `json:"reason"`
	LatencyMS float64   `json:"latency_ms"`
	Repeated  int       `json:"repeated,omitempty"` // the answer before this one came so often more
}

// once asks at addr, which fills in what the target leaves open.
func (a *asker) once(ctx context.Context, addr netip.AddrPort, table *sockdiag.Table) (probe.Target, probe.Result) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	target := a.target.WithAddr(addr)
	var result probe.Result
	if target.Protocol == probe.TCP && table != nil && addr.IsValid() {
		result = proveAccept(ctx, target, table)
	} else {
		result = a.prober.Run(ctx, target, a.want)
	}
	if ctx.Err() == context.Canceled {
		return target, result // the service ended first
	}
	a.log(target, result)
	return target, result
}

// name is the target as it is asked at addr.
func (a *asker) name(addr string) string {
	ap, _ := netip.ParseAddrPort(addr)
	if ap.Addr().IsUnspecified() {
		ap = netip.AddrPortFrom(loopback4, ap.Port())
	}
	return a.target.WithAddr(ap).String()
}

func (a *asker) log(target probe.Target, r probe.Result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	fresh := a.lastAt.IsZero() || a.last.OK != r.OK || a.last.Reason != r.Reason
	a.last, a.lastAt = r, now
	if !fresh {
		a.same++
		return
	}
	a.rec.Probe(probeLine{Time: now.UTC(), ElapsedMS: now.Sub(a.began).Milliseconds(), Target: target.String(), OK: r.OK,
		Kind: r.Kind, Reason: r.Reason, LatencyMS: float64(r.Latency.Microseconds()) / 1000, Repeated: a.same})
	a.same = 0
}

// latest is the last answer and when it came.
func (a *asker) latest() (probe.Result, time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last, a.lastAt
}

// proveAccept connects and waits until a process has accepted the connection.
// The kernel completes connections to a listener whose process is stuck, so a
// connection alone proves nothing.
func proveAccept(ctx context.Context, t probe.Target, table *sockdiag.Table) (r probe.Result) {
	began := time.Now()
	defer func() { r.Latency = time.Since(began) }()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(t.Host, strconv.Itoa(t.Port)))
	if err != nil {
		r.Kind, r.Reason = probe.Classify(err)
		return r
	}
	defer c.Close()
	local, remote := c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort()
	r.LocalAddr, r.RemoteAddr = local, remote
	for pause := 200 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		accepted, known := table.Accepted(remote, local)
		if accepted || table.Slow() {
			r.OK, r.Kind, r.Reason = true, probe.KindOK, "connected"
			return r
		}
		if !known {
			// Accepted and closed already, or reset: our own end tells.
			c.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, err := c.Read(make([]byte, 1))
			if !os.IsTimeout(err) && !isReset(err) {
				r.OK, r.Kind, r.Reason = true, probe.KindOK, "connected"
				return r
			}
			if isReset(err) {
				r.Kind, r.Reason = probe.Classify(err)
				return r
			}
		}
		select {
		case <-ctx.Done():
			r.Kind = probe.KindTimeout
			r.Reason = "the connection is not accepted: the port is open, but the process does not come to take it"
			return r
		case <-time.After(pause):
		}
	}
}

func isReset(err error) bool {
	kind, _ := probe.Classify(err)
	return err != nil && kind == probe.KindReset
}

// starter lets package child do the waiting for the commands of exec probes.
func starter(children *child.Set) probe.Starter {
	return func(argv []string, attr *os.ProcAttr) (int, func() (syscall.WaitStatus, error), error) {
		files := make([]uintptr, len(attr.Files))
		for i, f := range attr.Files {
			files[i] = f.Fd()
		}
		file, err := lookPath(argv[0], os.Getenv("PATH"))
		if err != nil {
			return 0, nil, err
		}
		p, err := children.Start(file, argv, &syscall.ProcAttr{Dir: attr.Dir, Env: attr.Env, Files: files, Sys: attr.Sys})
		if err != nil {
			return 0, nil, err
		}
		return p.PID, func() (syscall.WaitStatus, error) { return (<-p.Exited).Status, nil }, nil
	}
}
