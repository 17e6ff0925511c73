package probe

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/expect"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestPost(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || string(body) != "hello" || r.Header.Get("Content-Type") != "text/plain" || r.Header.Get("X-A") != "b" || r.URL.Path != "/secret" {
			t.Errorf("%s %s %v %q", r.Method, r.URL, r.Header, body)
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	status, err := Post(t.Context(), server.URL+"/secret", "text/plain", []byte("hello"), expect.Header{Name: "X-A", Value: "b"})
	if status != 202 || err != nil {
		t.Errorf("%d, %v", status, err)
	}
}

func TestPostErrorsTellNoSecret(t *testing.T) {
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = quiet()
	untrusted.StartTLS()
	defer untrusted.Close()
	for url, want := range map[string]string{
		"http://u:hunter2@" + freePort(t).String() + "/hunter2?a=hunter2": ": connection refused",
		untrusted.URL + "/hunter2":                                        "certificate",
		"http://" + answers(t, "").String() + "/hunter2":                  "closed the connection",
		"http://" + answers(t, "SSH-2.0").String() + "/hunter2":           "not HTTP",
		"hunter2":             "not of the form",
		"http://a:hunter2:x/": "not of the form",
		"tcp://hunter2:80":    "not of the form",
		"http:///hunter2":     "not of the form",
		"http://[hunter2":     "not of the form",
	} {
		status, err := Post(t.Context(), url, "text/plain", nil)
		if err == nil || status != 0 || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %d, %v; want %s", url, status, err, want)
		}
	}
	if _, err := Post(t.Context(), "http://a/", "a\r\nb: c", nil); err == nil {
		t.Error("a header with a line end went out")
	}
}
