package signals

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve answers each request with a document.
func serve(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}

func document(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func askJSON(t *testing.T, url, query, rule string) Reading {
	t.Helper()
	return reading(t, func(s *Signal) { s.Source, s.Query, s.Rule = url, query, rule })
}

func TestJSONNumbersAreFoundByTheirPaths(t *testing.T) {
	url := serve(t, document(`{"total_trades": 27, "linkage_pct": 0, "none": null, "up": true, "text": "96.30", "word": "abc",
		"stats": {"linkage-pct": 12.5, "a.b": 3, "none": null}, "queues": [{"depth": 4}, {"depth": 5}], "big": 1e999}`))
	for _, c := range []struct {
		query, rule string
		state       State
		why         string
	}{
		{"", "linkage_pct == 0 && total_trades > 5", Breached, "linkage_pct is 0, total_trades is 27 (rule: linkage_pct == 0 && total_trades > 5)"},
		{"linkage = linkage_pct\ntotal = total_trades", "linkage == 0 && total > 5", Breached, "linkage is 0, total is 27"},
		{"a = stats.linkage-pct\nb = queues.1.depth\n\n# a comment\nc=stats.a.b", "a + b + c > 100", OK, "a is 12.5, b is 5, c is 3"},
		{"", "up == 1 && text < 90", OK, "up is 1, text is 96.3"},
		{"", "none > 5", Missing, "none is null"},
		{"a = none.below.it", "a > 5", Missing, "a is null"},
		{"a = stats.none", "a > 5", Missing, "a is null"},
		{"a = queues.7.depth", "a > 5", Missing, "a is null"},
		{"", "big > 5", Missing, "big is +Inf"},
		{"", "word > 5", Broken, `word is no number but "abc"`},
		{"", "stats > 5", Broken, "stats is no number but an object"},
		{"", "total_trade > 5", Broken, "there is no field total_trade in the answer, which has big, linkage_pct, none, queues, stats, text, total_trades, up …: did you mean total_trades?"},
		{"", "stats.linkage > 5", Broken, "there is no field linkage of stats.linkage in the answer, which has a.b, linkage-pct, none"},
		{"a = queues.depth", "a > 5", Broken, "write its number, from 0"},
		{"a = total_trades.x", "a > 5", Broken, "there is nothing below"},
	} {
		r := askJSON(t, url, c.query, c.rule)
		says(t, r, c.state, c.why)
	}
}

func TestAnAnswerThatIsNoGoodIsBroken(t *testing.T) {
	for body, why := range map[string]string{
		"":                                     "is no JSON",
		"<html>oops":                           "is no JSON: <html>oops",
		`{"linkage":1`:                         "is no JSON",
		`{} {}`:                                "more than one JSON document",
		`[1]`:                                  "there is a list where linkage should be",
		`7`:                                    "nothing below",
		`"` + strings.Repeat("x", 1<<20) + `"`: "more than 1 MiB",
		strings.Repeat("[", 20_000):            "is no JSON",
	} {
		says(t, askJSON(t, serve(t, document(body))+"/stats", "", "linkage == 0"), Broken, why)
	}
	says(t, askJSON(t, serve(t, http.NotFound)+"/stats", "", "linkage == 0"), Broken, "/stats: the answer has the status 404 Not Found")
	bomb := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for range 3 {
			z.Write(make([]byte, 1<<20))
		}
		z.Close()
	})
	says(t, askJSON(t, bomb, "", "linkage == 0"), Broken, "more than 1 MiB")
}

func TestTheServerIsAskedForTheWindowWithTheHeaders(t *testing.T) {
	asked := make(chan *http.Request, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		fmt.Fprint(w, `{"linkage":1}`)
	})
	r := reading(t, func(s *Signal) {
		s.Source = strings.Replace(url, "http://", "http://me:secret@", 1) + "/stats?window={window_seconds}s&since={since}"
		s.Query, s.Window = "", 6*time.Hour
		s.Headers = map[string]string{"X-Token": "abc"}
	})
	says(t, r, OK, "linkage is 1")
	req := <-asked
	user, password, _ := req.BasicAuth()
	since, err := time.Parse(time.RFC3339, req.FormValue("since"))
	if user != "me" || password != "secret" || req.Header.Get("X-Token") != "abc" || req.FormValue("window") != "21600s" ||
		err != nil || time.Since(since).Round(time.Minute) != 6*time.Hour {
		t.Errorf("%s with %v: %v", req.URL, req.Header, err)
	}
}

func TestNoRedirectLeadsToAnotherHost(t *testing.T) {
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the other host was asked") })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other+"/stats", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/stats", http.StatusFound)
		default:
			fmt.Fprint(w, `{"linkage":0}`)
		}
	})
	says(t, askJSON(t, url+"/here", "", "linkage == 0"), Breached, "linkage is 0")
	says(t, askJSON(t, url+"/away", "", "linkage == 0"), Broken, "it redirects to another host ("+other+")")
	says(t, askJSON(t, url+"/loop", "", "linkage == 0"), Broken, "redirects more than 5 times")
}

func TestAServerThatDoesNotAnswerIsBrokenInTime(t *testing.T) {
	release := make(chan struct{})
	hang := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drip" {
			fmt.Fprint(w, `{"linkage":`)
			w.(http.Flusher).Flush()
		}
		<-release
	}
	url := serve(t, hang)
	defer close(release)
	for _, path := range []string{"/hang", "/drip"} {
		began := time.Now()
		r := reading(t, func(s *Signal) { s.Source, s.Query, s.Timeout = url+path, "", 100*time.Millisecond })
		says(t, r, Broken, "no answer within 100ms")
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("took %s", took)
		}
	}
}

// Whatever a server says, it gives finite numbers or an error of one line.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"a":{"b":[1,2,{"c":"3"}]}}`, `null`, `[[[[`, `{"a":1e999}`, `{"a":"NaN"}`, `{"a.b":true}`, "{}\x00"} {
		f.Add([]byte(seed), "a.b.2.c")
	}
	f.Fuzz(func(t *testing.T, body []byte, path string) {
		a, err := readJSON(body, []named{{"x", path}})
		if err != nil {
			return
		}
		if _, err := json.Marshal(a.numbers()); err != nil {
			t.Error(err)
		}
		if c := a["x"]; c.kind != isNumber && c.text == "" {
			t.Errorf("%q: %+v says nothing", body, c)
		}
	})
}
