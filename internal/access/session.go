package access

import (
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

// session is a login. Sessions live in memory: a restart of the watcher asks
// everybody again.
type session struct {
	viewer      Viewer
	began, seen time.Time
}

func (s session) over(now time.Time) bool {
	return now.Sub(s.seen) > sessionIdle || now.Sub(s.began) > sessionLong
}

// sessions are kept by the hash of their key, so that a dump of memory opens
// none.
type sessions struct {
	mu  sync.Mutex
	all map[[32]byte]*session
}

func (s *sessions) begin(w http.ResponseWriter, v Viewer, secure bool, now time.Time) {
	raw := make([]byte, 32)
	rand.Read(raw)
	key := base64.RawURLEncoding.EncodeToString(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[[32]byte]*session{}
	}
	var oldest [32]byte
	var least time.Time
	for k, one := range s.all {
		if one.over(now) {
			delete(s.all, k)
		} else if least.IsZero() || one.seen.Before(least) {
			oldest, least = k, one.seen
		}
	}
	if len(s.all) >= maxSessions {
		delete(s.all, oldest)
	}
	v.Session = true
	s.all[sha256.Sum256([]byte(key))] = &session{viewer: v, began: now, seen: now}
	http.SetCookie(w, &http.Cookie{Name: cookieName(secure), Value: key, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode, MaxAge: int(sessionLong.Seconds())})
}

// of is who has the session of a request.
func (s *sessions) of(r *http.Request, now time.Time) (Viewer, bool) {
	key, ok := sessionKey(r)
	if !ok {
		return Viewer{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.all[key]
	if one == nil || one.over(now) {
		delete(s.all, key)
		return Viewer{}, false
	}
	one.seen = now
	return one.viewer, true
}

func (s *sessions) end(w http.ResponseWriter, r *http.Request) {
	if key, ok := sessionKey(r); ok {
		s.mu.Lock()
		delete(s.all, key)
		s.mu.Unlock()
	}
	for _, secure := range []bool{true, false} {
		http.SetCookie(w, &http.Cookie{Name: cookieName(secure), Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode, MaxAge: -1})
	}
}

func sessionKey(r *http.Request) (key [32]byte, ok bool) {
	for _, secure := range []bool{true, false} {
		if c, err := r.Cookie(cookieName(secure)); err == nil && c.Value != "" && len(c.Value) < 200 {
			return sha256.Sum256([]byte(c.Value)), true
		}
	}
	return key, false
}
