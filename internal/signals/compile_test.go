package signals

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// linkage is a signal that compiles; change makes another of it.
func linkage(change func(*Signal)) Signal {
	s := Signal{Name: "linkage", Service: "webhook", Source: "sqlite:///x.db", Query: "SELECT 1 AS linkage", Rule: "linkage == 0"}
	if change != nil {
		change(&s)
	}
	return s
}

func TestCompileFillsInTheDefaults(t *testing.T) {
	c, err := Compile(linkage(nil))
	if err != nil {
		t.Fatal(err)
	}
	s := c.Signal()
	if s.Every != time.Minute || s.Window != time.Hour || s.Timeout != 10*time.Second || s.Hold != 0 || s.Missing != MissingIgnore || s.Severity != aweigh.Critical {
		t.Errorf("%+v", s)
	}
	c, err = Compile(linkage(func(s *Signal) { s.Every = 3 * time.Second }))
	if err != nil || c.Signal().Timeout != 3*time.Second {
		t.Errorf("a query may not take longer than the time to the next: %+v, %v", c, err)
	}
}

func TestCompileTellsTheKeyOfEachMistake(t *testing.T) {
	for _, c := range []struct {
		change    func(*Signal)
		key, says string
	}{
		{func(s *Signal) { s.Name = "a b" }, "name", "is no name"},
		{func(s *Signal) { s.Service = "" }, "service", "is missing"},
		{func(s *Signal) { s.Every = time.Millisecond }, "every", "1ms is too short: at least 1s"},
		{func(s *Signal) { s.Window = -time.Hour }, "window", "too short"},
		{func(s *Signal) { s.Hold = -1 }, "hold", "negative"},
		{func(s *Signal) { s.Timeout = time.Hour }, "timeout", "longer than every (1m0s)"},
		{func(s *Signal) { s.Missing = "okk" }, "missing", "did you mean ok?"},
		{func(s *Signal) { s.Severity = "critcal" }, "severity", "did you mean critical?"},
		{func(s *Signal) { s.Rule = "linkage = 0" }, "rule", "column 9"},
		{func(s *Signal) { s.Source = "" }, "source", "is missing"},
		{func(s *Signal) { s.Source = "/data/x.db" }, "source", "it begins with one of http, https, mysql"},
		{func(s *Signal) { s.Source = "postgre://h/db" }, "source", "did you mean postgres?"},
		{func(s *Signal) { s.Source = "sqlite:///x.db?mode=rwc" }, "source", "takes no options"},
		{func(s *Signal) { s.Source = "sqlite://" }, "source", "names no file"},
		{func(s *Signal) { s.Source = "mysql://h/db?multiStatements=true" }, "source", "there is no option multiStatements"},
		{func(s *Signal) { s.Source = "mysql://h/db?tls=maybe" }, "source", "none of true, false"},
		{func(s *Signal) { s.Source = "postgres://h/db?sslmode=maybe" }, "source", "sslmode"},
		{func(s *Signal) { s.Source = "prometheus+http://h/?lable=x" }, "source", "there is label"},
		{func(s *Signal) { s.Source = "http:///stats" }, "source", "has no host"},
		{func(s *Signal) { s.Source, s.Query = "http://h/", "stats.total" }, "query", "NAME = PATH"},
		{func(s *Signal) { s.Source, s.Query = "http://h/", "a = x\na = y" }, "query", "a is named twice"},
		{func(s *Signal) { s.Source, s.Query = "http://h/", "a =" }, "query", "nothing behind it"},
		{func(s *Signal) { s.Source, s.Query = "prometheus+http://h/", "" }, "query", "write the PromQL"},
		{func(s *Signal) { s.Source, s.Query = "prometheus+http://h/?label=x", "a = up" }, "query", "one of them is enough"},
		{func(s *Signal) { s.Source, s.Query, s.Headers = "http://h/", "", map[string]string{"X": "a\n"} }, "source", "line break"},
		{func(s *Signal) { s.Query = "" }, "query", "is missing"},
		{func(s *Signal) { s.Query = "SELECT :sinse" }, "query", "did you mean since?"},
		{func(s *Signal) { s.Query = "SELECT 1; DROP TABLE trades" }, "query", "more than one statement"},
		{func(s *Signal) { s.Query = "DELETE FROM trades" }, "query", "begins with DELETE: a signal only reads"},
		{func(s *Signal) { s.Query = "SELECT 'x" }, "query", "does not end"},
	} {
		_, err := Compile(linkage(c.change))
		var at *Error
		if !errors.As(err, &at) || at.Key != c.key || at.Signal == "" || !strings.Contains(at.Error(), c.says) {
			t.Errorf("%v: want %s with %q", err, c.key, c.says)
		}
	}
	_, err := Compile(linkage(func(s *Signal) { s.Rule, s.Every, s.Missing = "", 1, "x" }))
	if joined, ok := err.(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 3 {
		t.Errorf("all mistakes at once are wanted: %v", err)
	}
}

// A password with a character that ends it in a URL must not show up as a
// port, a path or anything else that an error quotes.
func TestNoErrorShowsASecret(t *testing.T) {
	const secret = "hunter2"
	for _, source := range []string{
		"postgres://u:" + secret + "@127.0.0.1:1/db",
		"postgres://u:" + secret + "@127.0.0.1:1,127.0.0.1:2/db",
		"postgres://127.0.0.1:1/db?user=u&password=" + secret,
		"postgres://u:" + secret + "/x@127.0.0.1:1/db",
		"postgres://u:" + secret + "#x@127.0.0.1:1/db",
		"postgres://u:" + secret + "%zz@127.0.0.1:1/db",
		"postgres://u:1/" + secret + "@127.0.0.1:1/db",
		"postgres://u:1?" + secret + "@127.0.0.1:1/db",
		"postgres://u:" + secret + "@127.0.0.1:1/db?sslmode=" + secret,
		"mysql://u:" + secret + "@127.0.0.1:1/db",
		"mysql://u:" + secret + "/x@127.0.0.1:1/db",
		"mysql://u:1/" + secret + "@127.0.0.1:1/db",
		"mysql://u:" + secret + "@127.0.0.1:1/db?tls=" + secret,
		"http://u:" + secret + "@127.0.0.1:1/",
		"http://" + secret + "@127.0.0.1:1/",
		"http://127.0.0.1:1/?api_key=" + secret,
		"http://u:" + secret + "/x@127.0.0.1:1/",
		"http://u:1/" + secret + "@127.0.0.1:1/",
		"prometheus+http://u:" + secret + "@127.0.0.1:1/",
		"prometheus+http://u:" + secret + "@127.0.0.1:1/?label=x&" + secret,
		"prometheus+http://127.0.0.1:1/?label=" + secret + "%zz",
		"nosuch://u:" + secret + "@h",
		secret + "://h",
	} {
		c, err := Compile(linkage(func(s *Signal) {
			s.Source = source
			s.Headers = map[string]string{"Authorization": "Bearer " + secret}
			if strings.HasPrefix(source, "http") {
				s.Query = ""
			}
		}))
		said := ""
		if err != nil {
			said = err.Error()
		} else {
			r := c.Evaluate(t.Context(), time.Now())
			if said = r.Why; r.State != Broken {
				t.Errorf("%s: %+v", source, r)
			}
		}
		if strings.Contains(said, secret) && !strings.HasPrefix(source, secret) {
			t.Errorf("%s: %s", source, said)
		}
		t.Log(said)
	}
}
