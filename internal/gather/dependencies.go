package gather

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/diagnose"
)

const (
	// maxTargets bounds whom a log can make us connect to, and how often.
	maxTargets = 4
	// reachWithin is what a dependency gets to answer, its name included.
	reachWithin = 1500 * time.Millisecond
	// looked is how much of the end of the output is looked through for them.
	looked = 64 << 10
	// maxLine is the longest line that is looked at.
	maxLine = 4 << 10
)

// target is a dependency that the output names. Without a port only its name
// is looked up.
type target struct {
	host string
	port int
}

func (t target) String() string {
	if t.port == 0 {
		return t.host
	}
	return net.JoinHostPort(t.host, strconv.Itoa(t.port))
}

// complaints are words of lines that tell of a peer which could not be reached.
var complaints = []string{"refused", "timeout", "timed out", "unreachable", "no route", "no such host", "resolve", "resolution",
	"not known", "enotfound", "eai_again", "etimedout", "econnrefused", "ehostunreach", "unknown host", "unknownhost", "translate host",
	"connect", "dial", "lookup", "getaddrinfo", "waiting for", "cannot reach", "unavailable"}

// targets finds the dependencies that the last lines complain about.
func targets(output []byte) []target {
	text := string(output[max(0, len(output)-looked):])
	var found []target
	for line := range strings.Lines(text) {
		line = line[:min(len(line), maxLine)]
		low := strings.ToLower(line)
		if !slices.ContainsFunc(complaints, func(word string) bool { return strings.Contains(low, word) }) {
			continue
		}
		for _, t := range append(addresses(line), names(line)...) {
			if !slices.Contains(found, t) {
				found = append(found, t)
			}
		}
	}
	// A name with a port says more than the name alone; the newest count most.
	named := func(t target) bool {
		return t.port == 0 && slices.ContainsFunc(found, func(o target) bool { return o.host == t.host && o.port != 0 })
	}
	kept := slices.DeleteFunc(slices.Clone(found), named)
	return kept[max(0, len(kept)-maxTargets):]
}

// addresses finds host:port in a line, also within a URL or behind a `@`.
func addresses(line string) (found []target) {
	for _, word := range strings.FieldsFunc(line, apart) {
		if _, rest, ok := strings.Cut(word, "://"); ok {
			word = rest
		}
		word = word[strings.LastIndexByte(word, '@')+1:]
		word, _, _ = strings.Cut(word, "/")
		host, port, err := net.SplitHostPort(strings.TrimRight(word, ".:;"))
		if err != nil {
			continue
		}
		n, err := strconv.Atoi(port)
		if err == nil && n > 0 && n < 65536 && n != 53 && isHost(host) && !counted(line, host, port, n) {
			found = append(found, target{host, n})
		}
	}
	return found
}

// counted tells a number behind a word, "worker:1", from a port, and Node's name of
// itself, "(node:31)", from a host.
func counted(line, host, port string, n int) bool {
	const least = 20 // that anybody depends on
	return n < least && !strings.Contains(host, ".") || strings.Contains(line, "(node:"+port+")")
}

// apart are the characters that part the words of a line.
func apart(r rune) bool {
	return strings.ContainsRune(" \t\r\n\"'`(){}<>,;=|", r)
}

// before are words that stand before a name which could not be resolved.
var before = []string{"lookup ", "ENOTFOUND ", "EAI_AGAIN ", "host name \"", "resolve host ", "resolve host: ", "resolve hostname ",
	"resolve '", "UnknownHostException: ", "unknown host ", "Unknown MySQL server host '", "host not found in upstream \"", "getaddrinfo for "}

func names(line string) (found []target) {
	for _, b := range before {
		_, rest, ok := strings.Cut(line, b)
		if !ok {
			continue
		}
		word := strings.TrimLeft(rest, "\"'")
		if i := strings.IndexFunc(word, apart); i >= 0 {
			word = word[:i]
		}
		if word, _, _ = strings.Cut(word, ":"); isHost(word) {
			found = append(found, target{host: word})
		}
	}
	return found
}

// sources are the endings of names that are places in a program, such as
// "server.js:12".
var sources = []string{".py", ".js", ".mjs", ".cjs", ".ts", ".go", ".rb", ".java", ".php", ".rs", ".c", ".cc", ".cpp", ".h", ".ex", ".exs", ".erl",
	".cs", ".kt", ".pl", ".pm", ".scala", ".lua", ".sh", ".conf", ".yml", ".yaml", ".xml", ".json", ".log"}

// isHost reports whether a word can be a host to connect to: an address that
// is no wildcard, or a name.
func isHost(word string) bool {
	if a, err := netip.ParseAddr(word); err == nil {
		return !a.IsUnspecified() && !a.IsMulticast()
	}
	if word == "" || len(word) > 253 || strings.Trim(word, "0123456789.-") == "" {
		return false
	}
	for i := range len(word) {
		c := word[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return !slices.ContainsFunc(sources, func(end string) bool { return strings.HasSuffix(word, end) })
}

// place is where dependencies are tried from.
type place struct {
	name    string // "container" or "host"
	dial    dialer
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

// reach tries all targets at once.
func (p place) reach(ctx context.Context, all []target) []diagnose.Reach {
	out := make([]diagnose.Reach, len(all))
	var trying sync.WaitGroup
	for n, t := range all {
		trying.Go(func() { out[n] = p.try(ctx, t) })
	}
	trying.Wait()
	return out
}

func (p place) try(ctx context.Context, t target) diagnose.Reach {
	ctx, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	r := diagnose.Reach{Target: t.String(), From: p.name}
	addr, err := netip.ParseAddr(t.host)
	who := t.String()
	if err != nil {
		addrs, err := p.resolve(ctx, t.host)
		if err != nil || len(addrs) == 0 {
			r.Outcome, r.Text = diagnose.Unresolved, fmt.Sprintf("the name %s has no address", t.host)
			if err != nil && errors.Is(err, context.DeadlineExceeded) {
				r.Text = fmt.Sprintf("no name server answers for %s", t.host)
			}
			return r
		}
		addr = addrs[0]
		who += " (" + addr.String() + ")"
	}
	if t.port == 0 {
		r.Outcome, r.Text = diagnose.Accepts, who+": the name has an address now"
		return r
	}
	conn, err := p.dial(ctx, "tcp", netip.AddrPortFrom(addr, uint16(t.port)).String())
	switch {
	case err == nil:
		conn.Close()
		r.Outcome, r.Text = diagnose.Accepts, who+" accepts connections now"
	case errors.Is(err, syscall.ECONNREFUSED):
		r.Outcome, r.Text = diagnose.Refuses, who+" refuses connections"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		r.Outcome, r.Text = diagnose.Silent, who+" cannot be reached: no route"
	default:
		r.Outcome, r.Text = diagnose.Silent, fmt.Sprintf("%s does not answer within %s", who, reachWithin)
	}
	return r
}
