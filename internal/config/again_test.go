package config

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/access"
)

// gate is a guard by an aweigh.yaml with a users_file and a token_file.
type gate struct {
	t      *testing.T
	dir    string
	warned []string
	http.Handler
}

func newGate(t *testing.T, users ...access.User) *gate {
	t.Helper()
	g := &gate{t: t, dir: t.TempDir()}
	g.write("aweigh.yaml", "web:\n  users_file: users\n  token_file: token\n")
	g.write("token", "a-token-of-before-0123\n")
	g.users(users...)
	c, err := Load(filepath.Join(g.dir, "aweigh.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rules := c.Web.Rules(true)
	rules.Warn = func(err error) { g.warned = append(g.warned, err.Error()) }
	guard, err := access.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /view", guard.Need(access.View, func(http.ResponseWriter, *http.Request) {}))
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if guard.Login(w, r, r.FormValue("name"), r.FormValue("password")) != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	g.Handler = guard.Protect(mux)
	return g
}

func (g *gate) write(name, text string) {
	g.t.Helper()
	// As editors and configuration management do it.
	if err := os.WriteFile(filepath.Join(g.dir, name+".new"), []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(g.dir, name+".new"), filepath.Join(g.dir, name)); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gate) users(users ...access.User) {
	g.t.Helper()
	lines := "# who may\n"
	for _, u := range users {
		lines += u.String() + "\n"
	}
	g.write("users", lines)
}

// login is the session that a login begins, "" for none.
func (g *gate) login(name, password string) string {
	r := httptest.NewRequest("POST", "http://localhost/login", strings.NewReader("name="+name+"&password="+password))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		return c.Name + "=" + c.Value
	}
	return ""
}

// view asks for a page with a session or a token.
func (g *gate) view(header, value string) int {
	r := httptest.NewRequest("GET", "http://localhost/view", nil)
	r.Header.Set(header, value)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Code
}

func userOf(t *testing.T, name, password string) access.User {
	t.Helper()
	u, err := access.NewUser(name, access.Act, password)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// The files were read when the watcher started: who was removed after a theft went on
// with the stolen session until somebody thought of restarting it.
func TestAChangedCredentialFileCountsAtOnce(t *testing.T) {
	ann, bob := userOf(t, "ann", "correct-horse"), userOf(t, "bob", "battery-staple")
	g := newGate(t, ann, bob)
	anns, bobs := g.login("ann", "correct-horse"), g.login("bob", "battery-staple")
	if g.view("Cookie", anns) != 200 || g.view("Cookie", bobs) != 200 || g.view("Authorization", "Bearer a-token-of-before-0123") != 200 {
		t.Fatal("who may is not let in")
	}
	g.users(userOf(t, "ann", "another-horse"), userOf(t, "eve", "brand-new-here"))
	if g.view("Cookie", anns) != 401 || g.view("Cookie", bobs) != 401 || g.login("ann", "correct-horse") != "" || g.login("bob", "battery-staple") != "" {
		t.Error("a changed password and a user who is gone count on")
	}
	if g.login("ann", "another-horse") == "" || g.login("eve", "brand-new-here") == "" {
		t.Error("a new password and a new user do not count")
	}
	g.write("token", "a-token-of-after-01234\n")
	if g.view("Authorization", "Bearer a-token-of-before-0123") != 401 || g.view("Authorization", "Bearer a-token-of-after-01234") != 200 {
		t.Error("the token of before counts on, or the new one does not")
	}
	if len(g.warned) > 0 {
		t.Errorf("%q", g.warned)
	}
}

// On loopback nobody needs a credential where there is none: to remove the last one
// must not let everybody in.
func TestWithTheLastUserRemovedNobodyIsLetIn(t *testing.T) {
	g := newGate(t, userOf(t, "ann", "correct-horse"))
	session := g.login("ann", "correct-horse")
	g.users()
	if g.view("Cookie", session) != 401 || g.view("Accept", "*/*") != 401 {
		t.Error("somebody is let in")
	}
}

// A slip in the file must not lock everybody out, and is told once.
func TestAUsersFileThatCannotBeReadLeavesThoseOfBefore(t *testing.T) {
	g := newGate(t, userOf(t, "ann", "correct-horse"))
	session := g.login("ann", "correct-horse")
	g.write("users", "ann:act:S3CRET\n")
	for range 3 {
		if g.view("Cookie", session) != 200 {
			t.Fatal("ann is locked out")
		}
	}
	if len(g.warned) != 1 || !strings.Contains(g.warned[0], "users") || strings.Contains(g.warned[0], "S3CRET") {
		t.Errorf("%q", g.warned)
	}
	os.Remove(filepath.Join(g.dir, "users"))
	if g.view("Cookie", session) != 200 || len(g.warned) != 2 {
		t.Errorf("%q", g.warned)
	}
}

// A token's file that is gone kept a removed user in, and the next change of another
// file must not bring back a token of long before.
func TestACredentialFileThatCannotBeReadKeepsNoOtherFromCounting(t *testing.T) {
	g := newGate(t, userOf(t, "ann", "correct-horse"), userOf(t, "bob", "battery-staple"))
	g.write("token", "a-token-of-after-01234\n")
	bobs := g.login("bob", "battery-staple")
	os.Remove(filepath.Join(g.dir, "token"))
	g.users(userOf(t, "ann", "correct-horse"))
	if g.view("Cookie", bobs) != 401 {
		t.Error("bob, who was removed, is let in")
	}
	if g.view("Authorization", "Bearer a-token-of-before-0123") != 401 || g.view("Authorization", "Bearer a-token-of-after-01234") != 200 {
		t.Error("the token is not the one of before its file was gone")
	}
	if len(g.warned) != 1 || !strings.Contains(g.warned[0], "token") {
		t.Errorf("%q", g.warned)
	}
}
