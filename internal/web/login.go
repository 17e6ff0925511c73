package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/access"
)

type loginData struct {
	Next, Name, Wrong string
}

func (s *Site) loginPage(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, page{Name: "login", Title: "Log in", Data: loginData{Next: ours(r.URL.Query().Get("next"))}})
}

func (s *Site) login(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	f := r.PostForm
	err := s.Guard.Login(w, r, strings.TrimSpace(f.Get("name")), f.Get("password"))
	if err == nil {
		http.Redirect(w, r, ours(f.Get("next")), http.StatusSeeOther)
		return nil
	}
	code := http.StatusUnauthorized
	var many *access.TooMany
	if errors.As(err, &many) {
		code = http.StatusTooManyRequests
	}
	s.Log.Warn("a login failed", "event", "warning", "from", r.RemoteAddr)
	return s.render(w, r, page{Name: "login", Title: "Log in", Code: code, Data: loginData{Next: ours(f.Get("next")), Name: f.Get("name"), Wrong: err.Error()}})
}

func (s *Site) logout(w http.ResponseWriter, r *http.Request) error {
	s.Guard.Logout(w, r)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

// ours is a path of this site, the first page for anything else: a link to the
// login must not lead to somebody else afterwards.
func ours(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return u.RequestURI()
}

// themes are what a viewer may choose; "auto" is the system's choice.
var themes = map[string]bool{"light": true, "dark": true, "auto": true}

func themeOf(r *http.Request) string {
	if c, err := r.Cookie("theme"); err == nil && themes[c.Value] {
		return c.Value
	}
	return "auto"
}

// theme remembers the choice, and goes back to where it was made.
func (s *Site) theme(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	if choice := r.PostForm.Get("theme"); themes[choice] {
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: choice, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int((365 * 24 * time.Hour).Seconds())})
	}
	http.Redirect(w, r, ours(r.PostForm.Get("back")), http.StatusSeeOther)
	return nil
}
