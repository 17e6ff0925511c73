package access

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	actToken  = "act-token-0123456789"
	viewToken = "view-token-0123456789"
)

// door is a guard before one page for each role.
func door(t *testing.T, r Rules) (*Guard, http.Handler) {
	t.Helper()
	g, err := New(r)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	in := func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("in")) }
	mux.Handle("GET /view", g.Need(View, in))
	mux.Handle("POST /act", g.Need(Act, in))
	mux.Handle("GET /api/v1/x", g.Need(View, in))
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if err := g.Login(w, r, r.FormValue("name"), r.FormValue("password")); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("POST /logout", g.Logout)
	return g, g.Protect(mux)
}

// knock asks once. Headers are "Name: value"; "Host: h" and "From: address" are
// where it comes by and from.
func knock(h http.Handler, request string, headers ...string) *httptest.ResponseRecorder {
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, path, nil)
	r.Host, r.RemoteAddr = "127.0.0.1:7423", "127.0.0.1:5000"
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "Host":
			r.Host = value
		case "From":
			r.RemoteAddr = value
		default:
			r.Header.Add(name, value)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestOnLoopbackNobodyNeedsACredential(t *testing.T) {
	_, h := door(t, Rules{Open: true})
	for _, request := range []string{"GET /view", "POST /act"} {
		if w := knock(h, request); w.Code != 200 {
			t.Errorf("%s: %d", request, w.Code)
		}
	}
}

func TestAnotherAddressIsRefusedWithoutACredential(t *testing.T) {
	for listen, open := range map[string]bool{"127.0.0.1:7423": true, "localhost:1": true, "[::1]:1": true, "127.8.9.1:1": true,
		":7423": false, "0.0.0.0:7423": false, "10.0.0.1:1": false, "[::]:1": false, "example.com:1": false, "nonsense": false} {
		if err := Check(listen, Rules{}); (err == nil) != open {
			t.Errorf("%s: %v", listen, err)
		}
		if err := Check(listen, Rules{Token: actToken}); err != nil {
			t.Errorf("%s with a token: %v", listen, err)
		}
		if err := Check(listen, Rules{StatusToken: actToken, PublicPage: true}); (err == nil) != open {
			t.Errorf("%s: a token for the status page is none for the rest: %v", listen, err)
		}
	}
}

// An address without a port was called one that others can reach, 127.0.0.1 too.
func TestAnAddressWithoutAPortIsCalledThat(t *testing.T) {
	for _, listen := range []string{"127.0.0.1", "localhost", "7423"} {
		err := Check(listen, Rules{})
		if err == nil || !strings.Contains(err.Error(), "--listen "+listen+": write ADDRESS:PORT") {
			t.Errorf("%s: %v", listen, err)
		}
	}
}

func TestATokenGivesItsRoleAndNoMore(t *testing.T) {
	_, h := door(t, Rules{Token: actToken, ViewToken: viewToken, StatusToken: "status-token-0123456789", Open: true})
	for _, c := range []struct {
		token string
		view  int
		act   int
	}{{actToken, 200, 200}, {viewToken, 200, 403}, {"status-token-0123456789", 403, 403}, {"wrong", 401, 401}, {"", 401, 401}} {
		var headers []string
		if c.token != "" {
			headers = []string{"Authorization: Bearer " + c.token}
		}
		if w := knock(h, "GET /view", headers...); w.Code != c.view {
			t.Errorf("%q views: %d, want %d", c.token, w.Code, c.view)
		}
		if w := knock(h, "POST /act", headers...); w.Code != c.act {
			t.Errorf("%q acts: %d, want %d", c.token, w.Code, c.act)
		}
	}
	if w := knock(h, "GET /view", "Accept: text/html"); w.Code != 303 || w.Header().Get("Location") != "/login?next=%2Fview" {
		t.Errorf("a browser is sent to %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := knock(h, "GET /api/v1/x"); w.Code != 401 || !strings.HasPrefix(w.Body.String(), `{"error":`) {
		t.Errorf("a program is told %d %s", w.Code, w.Body)
	}
}

func TestAShortTokenIsRefused(t *testing.T) {
	if _, err := New(Rules{Token: "secret"}); err == nil || strings.Contains(err.Error(), `"secret"`) {
		t.Error(err)
	}
}

// A page of somebody else can have its name point here.
func TestAnotherNameForLoopbackIsRefused(t *testing.T) {
	_, h := door(t, Rules{Open: true, Hosts: []string{"aweigh.example.com"}})
	for host, code := range map[string]int{"127.0.0.1:7423": 200, "localhost:7423": 200, "[::1]:7423": 200, "LOCALHOST": 200, "aweigh.example.com": 200,
		"evil.example:7423": 421, "127.0.0.1.evil.example": 421, "": 421, "10.0.0.1": 421} {
		if w := knock(h, "GET /view", "Host: "+host); w.Code != code {
			t.Errorf("%q: %d, want %d", host, w.Code, code)
		}
	}
}

func TestAnotherSitesFormsAreRefused(t *testing.T) {
	_, h := door(t, Rules{Open: true})
	for _, c := range []struct {
		header string
		code   int
	}{{"Sec-Fetch-Site: cross-site", 403}, {"Sec-Fetch-Site: same-site", 403}, {"Origin: https://evil.example", 403}, {"Origin: null", 403},
		{"Sec-Fetch-Site: same-origin", 200}, {"Origin: http://127.0.0.1:7423", 200}, {"X-Nothing: a program", 200}} {
		if w := knock(h, "POST /act", c.header); w.Code != c.code {
			t.Errorf("%s: %d, want %d", c.header, w.Code, c.code)
		}
	}
}

// A proxy on this machine makes the world come from loopback.
func TestAProxyDoesNotOpenLoopbackToTheWorld(t *testing.T) {
	_, h := door(t, Rules{Open: true})
	for _, header := range []string{"X-Forwarded-For: 1.2.3.4", "Forwarded: for=1.2.3.4", "Via: 1.1 proxy"} {
		if w := knock(h, "GET /view", header); w.Code != 421 {
			t.Errorf("%s: %d", header, w.Code)
		}
	}
	_, h = door(t, Rules{Open: true, Token: actToken})
	if w := knock(h, "GET /view", "X-Forwarded-For: 1.2.3.4", "Authorization: Bearer "+actToken); w.Code != 200 {
		t.Errorf("with a token: %d", w.Code)
	}
}

func TestNothingOfOursRunsWhatIsNotOurs(t *testing.T) {
	_, h := door(t, Rules{Open: true})
	header := knock(h, "GET /view").Header()
	policy := header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Error(policy)
	}
	if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" {
		t.Error(header)
	}
}

func userOf(t *testing.T, name string, role Role, password string) User {
	t.Helper()
	made, err := NewUser(name, role, password)
	if err != nil {
		t.Fatal(err)
	}
	u, err := ParseUser(made.String())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAPersonLogsInAndOut(t *testing.T) {
	_, h := door(t, Rules{Users: []User{userOf(t, "ann", View, "correct horse")}})
	w := knock(h, "POST /login?name=ann&password=correct+horse")
	cookie := w.Result().Cookies()[0]
	if w.Code != 200 || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure || cookie.Name != "aweigh" {
		t.Fatalf("%d %+v", w.Code, cookie)
	}
	session := "Cookie: " + cookie.Name + "=" + cookie.Value
	if w := knock(h, "GET /view", session); w.Code != 200 {
		t.Errorf("with the session: %d", w.Code)
	}
	if w := knock(h, "POST /act", session); w.Code != 403 {
		t.Errorf("a viewer acts: %d", w.Code)
	}
	knock(h, "POST /logout", session)
	if w := knock(h, "GET /view", session); w.Code != 401 {
		t.Errorf("after the logout: %d", w.Code)
	}
	for _, wrong := range []string{"name=ann&password=wrong", "name=bob&password=correct+horse", "password=", "name=ann&password="} {
		if w := knock(h, "POST /login?"+wrong); w.Code != 401 || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %d", wrong, w.Code)
		}
	}
}

func TestASessionEnds(t *testing.T) {
	g, h := door(t, Rules{Token: actToken})
	now := time.Now()
	g.now = func() time.Time { return now }
	cookie := knock(h, "POST /login?password="+actToken).Result().Cookies()[0]
	session := "Cookie: " + cookie.Name + "=" + cookie.Value
	now = now.Add(sessionIdle + time.Minute)
	if w := knock(h, "GET /view", session); w.Code != 401 {
		t.Errorf("after a day without a request: %d", w.Code)
	}
}

// login is the header with the session that a login begins.
func login(t *testing.T, h http.Handler, form string) string {
	t.Helper()
	w := knock(h, "POST /login?"+form)
	if w.Code != 200 || len(w.Result().Cookies()) == 0 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	cookie := w.Result().Cookies()[0]
	return "Cookie: " + cookie.Name + "=" + cookie.Value
}

func TestASessionOutlivesTheWatcherWhileItsCredentialStands(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.json")
	ann, bob := userOf(t, "ann", Act, "correct horse"), userOf(t, "bob", View, "battery staple")
	rules := Rules{Users: []User{ann, bob}, Token: actToken, ViewToken: viewToken, Sessions: file}
	_, h := door(t, rules)
	sessions := map[string]string{"ann": login(t, h, "name=ann&password=correct+horse"), "bob": login(t, h, "name=bob&password=battery+staple"),
		"token": login(t, h, "password="+actToken), "view token": login(t, h, "password="+viewToken)}
	out := login(t, h, "name=ann&password=correct+horse")
	knock(h, "POST /logout", out)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", err, info.Mode())
	}
	text, _ := os.ReadFile(file)
	for _, secret := range []string{actToken, ann.hash, strings.TrimPrefix(sessions["ann"], "Cookie: aweigh=")} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the file has %.12s… in it", secret)
		}
	}

	changed := userOf(t, "ann", Act, "correct horse") // the same password, set anew
	lesser := bob
	lesser.Role, bob.Role = View, Act
	for _, c := range []struct {
		what  string
		rules Rules
		in    map[string]int // POST /act
	}{
		{"nothing has changed", rules, map[string]int{"ann": 200, "bob": 403, "token": 200, "view token": 403}},
		{"bob may act now", Rules{Users: []User{ann, bob}, Token: actToken, ViewToken: viewToken}, map[string]int{"ann": 200, "bob": 200, "token": 200, "view token": 403}},
		{"ann's password has changed, and bob is gone", Rules{Users: []User{changed}, Token: actToken}, map[string]int{"ann": 401, "bob": 401, "token": 200, "view token": 401}},
		{"the token has changed", Rules{Users: []User{ann, lesser}, Token: "another-" + actToken, ViewToken: actToken}, map[string]int{"ann": 200, "bob": 403, "token": 401, "view token": 401}},
		{"nobody has a credential but by token", Rules{Token: actToken, Open: true}, map[string]int{"ann": 401, "token": 200}},
	} {
		copied := filepath.Join(t.TempDir(), "sessions.json")
		if err := os.WriteFile(copied, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c.rules.Sessions = copied
		_, h := door(t, c.rules)
		for who, code := range c.in {
			if w := knock(h, "POST /act", sessions[who]); w.Code != code {
				t.Errorf("%s: %s gets %d, want %d", c.what, who, w.Code, code)
			}
		}
		if w := knock(h, "GET /view", out); w.Code != 401 {
			t.Errorf("%s: who has logged out gets %d", c.what, w.Code)
		}
	}
}

func TestASessionThatIsOverIsNotReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.json")
	g, h := door(t, Rules{Token: actToken, Sessions: file})
	g.now = func() time.Time { return time.Now().Add(-sessionIdle - time.Minute) }
	session := login(t, h, "password="+actToken)
	if _, h = door(t, Rules{Token: actToken, Sessions: file}); knock(h, "GET /view", session).Code != 401 {
		t.Error("it is")
	}
}

func TestSessionsThatCannotBeReadOrKeptAreWarnedOf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.json")
	os.WriteFile(file, []byte(`{"00": null, "broken`), 0o600)
	var warned []string
	rules := Rules{Token: actToken, Sessions: file, Warn: func(err error) { warned = append(warned, err.Error()) }}
	door(t, rules)
	rules.Sessions = filepath.Join(t.TempDir(), "nowhere", "sessions.json")
	_, h := door(t, rules)
	session := login(t, h, "password="+actToken)
	if w := knock(h, "GET /view", session); w.Code != 200 {
		t.Errorf("it does not count: %d", w.Code)
	}
	if len(warned) != 2 || !strings.Contains(warned[0], "log in again") || !strings.Contains(warned[1], "end with the watcher") {
		t.Errorf("%q", warned)
	}
}

// A users file that was put in its place with the wrong mode is warned of; once it
// has the right one its time and size are as they were, and the users of before
// stayed, one who was removed among them.
func TestAFileWhoseModeIsMendedIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	mended := false
	rules := Rules{Token: viewToken, Files: []string{file}}
	rules.Again = func() (Rules, error) {
		if !mended {
			return Rules{Token: viewToken}, errors.New("permission denied")
		}
		return Rules{Token: actToken}, nil
	}
	_, h := door(t, rules)
	if w := knock(h, "GET /view", "Authorization: Bearer "+actToken); w.Code != 401 {
		t.Fatalf("the new token counts already: %d", w.Code)
	}
	mended = true
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) { // until the file system's clock has moved on
		if err := os.Chmod(file, 0o640); err != nil {
			t.Fatal(err)
		}
		if knock(h, "GET /view", "Authorization: Bearer "+actToken).Code == 200 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the new token does not count")
		}
	}
}

func TestAfterFailedLoginsOneWaits(t *testing.T) {
	g, h := door(t, Rules{Token: actToken, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}})
	now := time.Now()
	g.now = func() time.Time { return now }
	for range freeTries {
		knock(h, "POST /login?password=wrong", "From: 10.0.0.1:1", "X-Forwarded-For: 6.6.6.6, 1.2.3.4")
	}
	right := "POST /login?password=" + actToken
	if w := knock(h, right, "From: 10.0.0.1:1", "X-Forwarded-For: 7.7.7.7, 1.2.3.4"); w.Code != 401 || !strings.Contains(w.Body.String(), "try again in 10s") {
		t.Errorf("the right one is not tried either: %d %s", w.Code, w.Body)
	}
	if w := knock(h, right, "From: 10.0.0.1:1", "X-Forwarded-For: 5.6.7.8"); w.Code != 200 {
		t.Errorf("somebody else: %d %s", w.Code, w.Body)
	}
	if w := knock(h, right, "From: 1.2.3.4:1", "X-Forwarded-For: 5.6.7.8"); w.Code != 401 {
		t.Errorf("who is no proxy says who they are: %d", w.Code)
	}
	now = now.Add(firstWait)
	if w := knock(h, right, "From: 1.2.3.4:1"); w.Code != 200 {
		t.Errorf("after the wait: %d %s", w.Code, w.Body)
	}
}

func TestACookieIsSecureWhereTheBrowserHasTLS(t *testing.T) {
	_, h := door(t, Rules{Token: actToken, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	login := "POST /login?password=" + actToken
	if c := knock(h, login, "From: 10.0.0.1:1", "X-Forwarded-Proto: https").Result().Cookies()[0]; !c.Secure || c.Name != "__Host-aweigh" {
		t.Errorf("behind a proxy with TLS: %+v", c)
	}
	if c := knock(h, login, "From: 11.0.0.1:1", "X-Forwarded-Proto: https").Result().Cookies()[0]; c.Secure {
		t.Errorf("who is no proxy says it has TLS: %+v", c)
	}
}

// A page of a neighbouring host can set a cookie for all of the domain, but for one
// with the prefix: with a session of its own in it, the viewer would act as somebody
// else.
func TestOverTLSACookieWithoutThePrefixIsNoSession(t *testing.T) {
	_, h := door(t, Rules{Token: actToken, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	session := login(t, h, "password="+actToken)
	if w := knock(h, "GET /view", session); w.Code != 200 {
		t.Errorf("without TLS: %d", w.Code)
	}
	if w := knock(h, "GET /view", session, "From: 10.0.0.1:1", "X-Forwarded-Proto: https"); w.Code != 401 {
		t.Errorf("over TLS: %d", w.Code)
	}
}

func TestAUserLineThatCannotBeIsExplained(t *testing.T) {
	good := userOf(t, "ann", Act, "correct horse").String()
	for _, line := range []string{"", "ann", "ann:act", "ann:root:" + good[8:], "a b:act:" + good[8:], "ann:act:$2y$05$bcrypt",
		strings.Replace(good, "m=19456", "m=99999999", 1), strings.Replace(good, "t=2", "t=0", 1)} {
		if _, err := ParseUser(line); err == nil {
			t.Errorf("%q is taken", line)
		} else if len(line) > 30 && strings.Contains(err.Error(), line[len(line)-20:]) {
			t.Errorf("the error repeats the hash: %v", err)
		}
	}
	if _, err := NewUser("ann", Act, "short"); err == nil {
		t.Error("a short password is taken")
	}
}

func FuzzParseUser(f *testing.F) {
	f.Add("ann:act:$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Fuzz(func(t *testing.T, line string) { ParseUser(line) })
}
