// Package access decides who may ask the watcher over HTTP, and for what.
//
//	guard, err := access.New(rules)
//	mux.Handle("GET /{$}", guard.Need(access.View, overview))
//	server.Handler = guard.Protect(mux)
//
// On loopback nobody needs a credential: whoever is on the machine may read the
// state directory's neighbours as well. Any other address demands one. What
// browsers are used for against such pages is refused for all: another site's
// forms (CSRF), another name for this address (DNS rebinding), frames, scripts
// that are not ours (Content-Security-Policy).
package access

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Role is what somebody may do; each includes those before it.
type Role int

const (
	Nobody Role = iota
	Status      // see the status page and the badges
	View        // see everything
	Act         // acknowledge, comment, resolve, begin maintenance
)

func (r Role) String() string { return [...]string{"nobody", "status", "view", "act"}[r] }

// Viewer is who asks.
type Viewer struct {
	Name string // "" for one of whom no name is known
	Role Role
	// Session says that there is a session to end.
	Session bool
}

// Rules are what a user has configured.
type Rules struct {
	Token       string // may act
	ViewToken   string // may view
	StatusToken string // may see the status page
	Users       []User
	// Files are those that the credentials were read from, and Again reads them
	// again; nil for credentials that are in none. Its error is about those that
	// could not be, for which it returns what they said before.
	Files      []string
	Again      func() (Rules, error)
	PublicPage bool           // the status page needs no credential
	Proxies    []netip.Prefix // whose X-Forwarded headers count
	Hosts      []string       // names of this server, besides those of loopback
	// Open says that it listens on loopback only: nobody needs a credential,
	// unless there is one.
	Open bool
	// Sessions is the file that keeps logins over a restart; "" keeps them in
	// memory.
	Sessions string
	// Warn hears that the file cannot be read or written; nil for nobody.
	Warn func(error)
}

// credentials reports whether there is anything to show.
func (r Rules) credentials() bool {
	return r.Token != "" || r.ViewToken != "" || len(r.Users) > 0
}

// Check refuses to serve on an address that others can reach without a
// credential.
func Check(listen string, r Rules) error {
	if Loopback(listen) || r.credentials() {
		return nil
	}
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return fmt.Errorf("--listen %s: write ADDRESS:PORT, such as 127.0.0.1:7423", listen)
	}
	return fmt.Errorf("--listen %s: others can reach that address, and nobody would be asked who they are: set token_file or users_file below web: in aweigh.yaml (`aweigh user NAME` makes a user), or listen on 127.0.0.1", listen)
}

// Loopback reports whether an address can be reached from this machine only.
func Loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Guard applies the rules. Its methods may be called from several goroutines.
type Guard struct {
	mu     sync.Mutex
	rules  Rules         // see present
	stamps []fs.FileInfo // of rules.Files when they were read
	// free says that nobody needs a credential. It stays: where the last one is taken
	// away nobody is let in, instead of everybody.
	free     bool
	origins  *http.CrossOriginProtection
	sessions sessions
	tries    tries
	hashing  sync.Mutex // one password at a time: each takes 19 MiB
	now      func() time.Time
}

// New makes a guard. The error says which rule cannot be.
func New(r Rules) (*Guard, error) {
	for name, token := range map[string]string{"web.token": r.Token, "web.view_token": r.ViewToken, "web.status_token": r.StatusToken} {
		if token != "" && len(token) < MinToken {
			return nil, fmt.Errorf("%s has %d characters: a token that cannot be guessed has %d or more, such as `openssl rand -hex 20` prints", name, len(token), MinToken)
		}
	}
	g := &Guard{rules: r, free: r.Open && !r.credentials(), origins: http.NewCrossOriginProtection(), now: time.Now, sessions: sessions{file: r.Sessions, warn: r.Warn}}
	g.sessions.open(time.Now())
	return g, nil
}

// MinToken is how many characters a token has at least.
const MinToken = 16

type viewerKey struct{}

// Who is who asks; the zero Viewer where nobody has shown a credential.
func Who(ctx context.Context) Viewer {
	v, _ := ctx.Value(viewerKey{}).(Viewer)
	return v
}

// Protect is what all requests go through.
func (g *Guard) Protect(next http.Handler) http.Handler {
	inner := g.origins.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), viewerKey{}, g.viewer(r))))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers(w.Header())
		if why := g.foreign(r); why != "" {
			http.Error(w, why, http.StatusMisdirectedRequest)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// headers are those of every answer.
func headers(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// Need lets those through who have a role. Others are sent to the login, or
// told so in the way that they asked.
func (g *Guard) Need(role Role, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch who := Who(r.Context()); {
		case who.Role >= role:
			next(w, r)
		case isPage(r) && who.Role == Nobody:
			http.Redirect(w, r, "/login?next="+escape(r.URL.RequestURI()), http.StatusSeeOther)
		case who.Role == Nobody:
			w.Header().Set("WWW-Authenticate", `Bearer realm="aweigh"`)
			refuse(w, r, http.StatusUnauthorized, "a token is needed: Authorization: Bearer TOKEN (the CLI takes it from AWEIGH_TOKEN)")
		default:
			refuse(w, r, http.StatusForbidden, fmt.Sprintf("the role %s is needed, and %s has %s", role, orSomebody(who.Name), who.Role))
		}
	})
}

func orSomebody(name string) string {
	if name == "" {
		return "whoever asks"
	}
	return name
}

// viewer finds out who asks.
func (g *Guard) viewer(r *http.Request) Viewer {
	rules := g.present()
	if token := bearer(r); token != "" {
		return Viewer{Name: "token", Role: rules.tokenRole(token)}
	}
	if v, ok := g.sessions.of(r, rules, g.secure(r), g.now()); ok {
		return v
	}
	switch {
	case g.free:
		return Viewer{Role: Act}
	case rules.StatusToken != "" && same(r.URL.Query().Get("token"), rules.StatusToken):
		return Viewer{Role: Status}
	}
	return Viewer{}
}

// Still reports whether who asked has a role yet, for an answer that lasts.
func (g *Guard) Still(r *http.Request, role Role) bool { return g.viewer(r).Role >= role }

// MaySeeStatus reports whether the status page and badges are for who asks.
func (g *Guard) MaySeeStatus(r *http.Request) bool {
	return g.rules.PublicPage || Who(r.Context()).Role >= Status
}
