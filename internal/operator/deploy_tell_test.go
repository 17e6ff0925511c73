package operator

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/notify"
)

// listener counts what is told to it.
func listener(t *testing.T) (url string, told *atomic.Int32) {
	t.Helper()
	told = &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told.Add(1) }))
	t.Cleanup(s.Close)
	return "webhook+" + s.URL, told
}

func began() aweigh.Notification {
	return aweigh.Notification{ID: "01JD-1", Occasion: aweigh.OnDeploying, At: time.Now().UTC(), Title: "deploying shop"}
}

func TestNewsThatComeTwiceAreToldOnce(t *testing.T) {
	url, told := listener(t)
	said := &bytes.Buffer{}
	people := teller{t.TempDir(), []notify.Route{{Name: "ops", URL: url}}, &deploy.Progress{W: said}}
	for range 2 {
		people.tell(t.Context(), began())
	}
	if n := told.Load(); n != 1 || said.Len() > 0 {
		t.Errorf("told %d times: %s", n, said)
	}
}

func TestNewsAreToldWhereNothingCanBeKept(t *testing.T) {
	url, told := listener(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	said := &bytes.Buffer{}
	people := teller{filepath.Join(file, "state"), []notify.Route{{Name: "ops", URL: url}}, &deploy.Progress{W: said}}
	people.tell(t.Context(), began())
	if n := told.Load(); n != 1 || !strings.Contains(said.String(), "kept nowhere") {
		t.Errorf("told %d times: %s", n, said)
	}
}

func TestRoutesOfTheCommandLineAreTheDeploymentsOwn(t *testing.T) {
	names := func(urls ...string) (all []string) {
		routes, err := deploymentRoutes(config.Default(), urls)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range routes {
			all = append(all, r.Name)
		}
		return all
	}
	const ann, bob = "smtp://mail.example.com/?to=ann@example.com", "smtp://mail.example.com/?to=bob@example.com"
	got := names(ann, bob, ann)
	if len(got) != 2 || got[0] == got[1] || !strings.HasPrefix(got[0], "deploy-") {
		t.Errorf("got %q", got)
	}
	if again := names(bob); again[0] != got[1] {
		t.Errorf("the same URL is %q, and then %q", got[1], again[0])
	}
	if one, other := names("smtp://a:one@mail.example.com/?to=ann@example.com"), names("smtp://a:two@mail.example.com/?to=ann@example.com"); one[0] != other[0] {
		t.Error("the password is in the name")
	}
}

// Killed behind its last step and before anybody was told, a deployment was resumed: that it
// went on and how it ended had one id, and the end was taken for told.
func TestBeginningAndEndAreNotTheSameNews(t *testing.T) {
	d := &deploy.Deployment{Plan: deploy.Plan{ID: "01JD"}, Entries: make([]deploy.Entry, 12)}
	begun, again, ended := news(d, "begun", "deploying"), news(d, "begun", "deploying"), news(d, "ended", "deployed")
	if begun.ID == ended.ID || begun.ID != again.ID {
		t.Errorf("%s, and then %s", begun.ID, ended.ID)
	}
}
