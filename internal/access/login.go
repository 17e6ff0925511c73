package access

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Login begins a session for who knows a user's password or, with no name, a
// token. The error is for the one who tried, and tells nothing of which was wrong.
func (g *Guard) Login(w http.ResponseWriter, r *http.Request, name, secret string) error {
	client := g.client(r)
	if wait := g.tries.begin(client, g.now()); wait > 0 {
		return &TooMany{wait}
	}
	rules := g.present()
	who, ok := g.known(rules, name, secret)
	if !ok {
		return fmt.Errorf("this name and password are not known here")
	}
	g.tries.forget(client)
	g.sessions.begin(w, rules, who, g.secure(r), g.now())
	return nil
}

// Logout ends the session.
func (g *Guard) Logout(w http.ResponseWriter, r *http.Request) {
	g.sessions.end(w, r, g.secure(r), g.now())
}

// stranger has nobody's password: it costs as much to be wrong about a name as
// about a password.
var stranger = sync.OnceValue(func() User {
	u, err := NewUser("nobody", View, "nobody has this password")
	if err != nil {
		panic(err) // both are ours
	}
	return u
})

func (g *Guard) known(rules Rules, name, secret string) (who identity, ok bool) {
	if name == "" {
		role := rules.tokenRole(secret)
		return identity{Token: role}, role >= View
	}
	g.hashing.Lock()
	defer g.hashing.Unlock()
	for _, u := range rules.Users {
		if u.Name == name {
			return identity{User: name}, u.knows(secret)
		}
	}
	stranger().knows(secret)
	return identity{}, false
}

// TooMany says that somebody has tried too often.
type TooMany struct{ Wait time.Duration }

func (t *TooMany) Error() string {
	return fmt.Sprintf("too many failed logins: try again in %s", t.Wait.Round(time.Second))
}

// After so many failures an address waits, each time twice as long. All
// addresses together have a bound as well, since one person may have a million.
const (
	freeTries    = 5
	freeTogether = 100
	firstWait    = 10 * time.Second
	longestWait  = 15 * time.Minute
	forgetAfter  = 30 * time.Minute
	maxClients   = 10_000
)

// tries counts failed logins by client.
type tries struct {
	mu  sync.Mutex
	all map[string]*failures
	sum failures
}

type failures struct {
	n    int
	last time.Time
}

func (f *failures) wait(free int, now time.Time) time.Duration {
	if f == nil || f.n < free || now.Sub(f.last) > forgetAfter {
		return 0
	}
	pause := min(firstWait<<min(f.n-free, 10), longestWait)
	return max(0, f.last.Add(pause).Sub(now))
}

func (f *failures) add(now time.Time) {
	if now.Sub(f.last) > forgetAfter {
		f.n = 0
	}
	f.n, f.last = f.n+1, now
}

// begin says how long the client has to wait; if it has not, the try counts as
// failed until it succeeds, so that a thousand at once are not one.
func (t *tries) begin(client string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait := max(t.all[client].wait(freeTries, now), min(t.sum.wait(freeTogether, now), firstWait)); wait > 0 {
		return wait
	}
	if t.all == nil || len(t.all) >= maxClients {
		t.all = map[string]*failures{}
	}
	if t.all[client] == nil {
		t.all[client] = &failures{}
	}
	t.all[client].add(now)
	t.sum.add(now)
	return 0
}

func (t *tries) forget(client string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, client)
	t.sum.n--
}
