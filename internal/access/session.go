package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"
)

// How long a session lasts without a request, and at most; how many there are.
const (
	sessionIdle = 24 * time.Hour
	sessionLong = 7 * 24 * time.Hour
	maxSessions = 1000
)

// cookieName has the prefix that browsers take only over TLS, from this very
// host, for all of it; without TLS they would refuse it.
func cookieName(secure bool) string {
	if secure {
		return "__Host-aweigh"
	}
	return "aweigh"
}

// identity is with what somebody has logged in: as a user, or with a token of a
// role.
type identity struct {
	User  string `json:"user,omitempty"`
	Token Role   `json:"token,omitempty"`
}

// viewer is who that is by the present rules, and the credential that they ask
// for; Nobody, if they know it no more.
func (r Rules) viewer(who identity) (v Viewer, credential string) {
	switch {
	case who.User != "":
		for _, u := range r.Users {
			if u.Name == who.User {
				return Viewer{Name: u.Name, Role: u.Role}, u.hash
			}
		}
	case who.Token == Act && r.Token != "":
		return Viewer{Name: "token", Role: Act}, r.Token
	case who.Token == View && r.ViewToken != "":
		return Viewer{Name: "token", Role: View}, r.ViewToken
	}
	return Viewer{}, ""
}

// session is a login. It outlives the watcher, and ends when the credential that
// it began with is another or is gone.
type session struct {
	identity
	// Proof binds the session to the credential. It takes the cookie to tell it, so
	// that nobody can try passwords or tokens on the file.
	Proof []byte    `json:"proof"`
	Began time.Time `json:"began"`
	Seen  time.Time `json:"seen"`
}

func (s session) over(now time.Time) bool {
	return now.Sub(s.Seen) > sessionIdle || now.Sub(s.Began) > sessionLong
}

// proofOf is the proof of a credential by the value of a cookie.
func proofOf(cookie, credential string) []byte {
	h := hmac.New(sha256.New, []byte(cookie))
	h.Write([]byte(credential))
	return h.Sum(nil)
}

// keyOf is by what a session is kept: a dump of memory, or the file, opens none.
func keyOf(cookie string) [32]byte { return sha256.Sum256([]byte(cookie)) }

// sessions are the logins by keyOf.
type sessions struct {
	file string      // see Rules.Sessions
	warn func(error) // see Rules.Warn
	mu   sync.Mutex
	all  map[[32]byte]*session
	kept time.Time // when they were last written
}

func (s *sessions) begin(w http.ResponseWriter, rules Rules, who identity, secure bool, now time.Time) {
	raw := make([]byte, 32)
	rand.Read(raw)
	cookie := base64.RawURLEncoding.EncodeToString(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	var oldest [32]byte
	var least time.Time
	for k, one := range s.all {
		if one.over(now) {
			delete(s.all, k)
		} else if least.IsZero() || one.Seen.Before(least) {
			oldest, least = k, one.Seen
		}
	}
	if len(s.all) >= maxSessions {
		delete(s.all, oldest)
	}
	_, credential := rules.viewer(who)
	s.all[keyOf(cookie)] = &session{identity: who, Proof: proofOf(cookie, credential), Began: now, Seen: now}
	s.keep(now)
	http.SetCookie(w, &http.Cookie{Name: cookieName(secure), Value: cookie, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode, MaxAge: int(sessionLong.Seconds())})
}

// of is who has the session of a request.
func (s *sessions) of(r *http.Request, rules Rules, secure bool, now time.Time) (Viewer, bool) {
	cookie, ok := sessionCookie(r, secure)
	if !ok {
		return Viewer{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := keyOf(cookie)
	one := s.all[key]
	if one == nil {
		return Viewer{}, false
	}
	v, credential := rules.viewer(one.identity)
	if one.over(now) || v.Role == Nobody || !hmac.Equal(one.Proof, proofOf(cookie, credential)) {
		delete(s.all, key)
		s.keep(now)
		return Viewer{}, false
	}
	one.Seen = now
	if now.Sub(s.kept) > keepEvery {
		s.keep(now)
	}
	v.Session = true
	return v, true
}

func (s *sessions) end(w http.ResponseWriter, r *http.Request, secure bool, now time.Time) {
	if cookie, ok := sessionCookie(r, secure); ok {
		s.mu.Lock()
		if key := keyOf(cookie); s.all[key] != nil {
			delete(s.all, key)
			s.keep(now)
		}
		s.mu.Unlock()
	}
	for _, secure := range []bool{true, false} {
		http.SetCookie(w, &http.Cookie{Name: cookieName(secure), Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode, MaxAge: -1})
	}
}

// sessionCookie is the value of the cookie. Over TLS the one without the prefix does
// not count: a neighbouring host may have set it, with a session of its own.
func sessionCookie(r *http.Request, secure bool) (string, bool) {
	c, err := r.Cookie(cookieName(secure))
	if err != nil || c.Value == "" || len(c.Value) >= 200 {
		return "", false
	}
	return c.Value, true
}
