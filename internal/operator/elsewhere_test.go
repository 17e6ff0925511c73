package operator

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/cli"
)

// asks runs a command with arguments as the command line has them.
func asks(t *testing.T, name string, args ...string) (code int, out string) {
	t.Helper()
	for _, cmd := range Commands() {
		if cmd.Name != name {
			continue
		}
		fs := flag.NewFlagSet(name, flag.ContinueOnError)
		values := cmd.Flags(fs)
		var rest []string
		for len(args) > 0 {
			if err := fs.Parse(args); err != nil {
				t.Fatal(err)
			}
			if args = fs.Args(); len(args) > 0 {
				rest, args = append(rest, args[0]), args[1:]
			}
		}
		var b strings.Builder
		code = cmd.Run(&cli.Context{Program: cli.Program{Name: "aweigh"}, Command: &cmd, Values: values, Stdout: &b, Stderr: &b}, rest)
		return code, b.String()
	}
	t.Fatalf("there is no command %q", name)
	return 0, ""
}

// A mistyped name had no starts elsewhere, and exit status 0; here it is an error.
func TestStartsOfNoServiceElsewhereAreAnError(t *testing.T) {
	url := watcherThere(t, access.Rules{Open: true})
	if code, out := asks(t, "starts", "--server", url, "webhok"); code != 1 || !strings.Contains(out, `no service "webhok"`) {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out := asks(t, "starts", "--server", url, "--json"); code != 0 || out != "" {
		t.Errorf("exit %d, %s", code, out)
	}
}

// As a table it was an error, as JSON an empty list and exit status 0.
func TestIncidentsOfNoServiceAreAnErrorInJSONToo(t *testing.T) {
	url := watcherThere(t, access.Rules{Open: true})
	for _, form := range []string{"--json=false", "--json"} {
		if code, out := asks(t, "incidents", "--server", url, form, "webhok"); code != 1 || !strings.Contains(out, `no service "webhok"`) {
			t.Errorf("%s: exit %d, %s", form, code, out)
		}
	}
	if code, out := asks(t, "incidents", "--server", url, "--json"); code != 0 || out != "[]\n" {
		t.Errorf("exit %d, %s", code, out)
	}
}

func TestTheEndOfAMaintenanceIsJSONOnRequest(t *testing.T) {
	url := watcherThere(t, access.Rules{Open: true})
	_, out := asks(t, "maintenance", "--server", url, "start", "web", "--json")
	_, id, _ := strings.Cut(out, `"id": "`)
	if code, out := asks(t, "maintenance", "--server", url, "stop", id[:26], "--json"); code != 0 || !strings.HasPrefix(out, "{") || !strings.Contains(out, id[:26]) {
		t.Errorf("exit %d, %s", code, out)
	}
}

// The help of --follow promises the next starts of a service; elsewhere it ended with
// the start that was under way, at the very restart that one waits for.
func TestFollowingAServiceElsewhereGoesOnWithItsNextStart(t *testing.T) {
	const first, second = "01M8JQYAGPE836A58XT1KHPFG0", "01M8JVC64P3CBDB3XZKXRSEP0E"
	served := ""
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/starts/web", "/api/v1/starts/" + first:
			fmt.Fprintf(w, `{"id":%q,"service":"web"}`, first)
		case "/api/v1/starts/" + first + "/output":
			served = first
			fmt.Fprintln(w, "one")
		case "/api/v1/starts":
			if served == second {
				http.Error(w, `{"error":"that is all"}`, http.StatusInternalServerError)
				return
			}
			fmt.Fprintf(w, `{"starts":[{"id":%q,"service":"web"},{"id":%q,"service":"web"}]}`, second, first)
		case "/api/v1/starts/" + second + "/output":
			served = second
			fmt.Fprintln(w, "two")
		}
	}))
	defer there.Close()
	code, out := asks(t, "logs", "--server", there.URL, "web", "--follow")
	if code != 1 || !strings.HasPrefix(out, "one\n--- start "+second+" ---\ntwo\n") || !strings.Contains(out, "that is all") {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out := asks(t, "logs", "--server", there.URL, first, "--follow"); code != 0 || out != "one\n" {
		t.Errorf("of a start: exit %d, %s", code, out)
	}
}

// A window of a week ended "until 05:35:20", as if it were today's.
func TestAMaintenanceUntilAnotherDayHasItsDate(t *testing.T) {
	url := watcherThere(t, access.Rules{Open: true})
	until := time.Now().Add(7 * 24 * time.Hour).Format("2006-01-02 ")
	if code, out := asks(t, "maintenance", "--server", url, "start", "web", "--for", "7d"); code != 0 || !strings.Contains(out, "of web until "+until) {
		t.Errorf("exit %d, %s", code, out)
	}
}

// Who may begin a maintenance must not write on the terminal of who lists them.
func TestMaintenanceWindowsObeyNoControlCharacter(t *testing.T) {
	url := watcherThere(t, access.Rules{Open: true})
	t.Setenv("SUDO_USER", "a\x1b[31mnn")
	if code, out := asks(t, "maintenance", "--server", url, "start", "web\x1b]0;*"); code != 0 || strings.Contains(out, "\x1b") {
		t.Errorf("exit %d, %q", code, out)
	}
	code, out := asks(t, "maintenance", "--server", url)
	if code != 0 || strings.Contains(out, "\x1b") || !strings.Contains(out, `web\x1b]0;*`) || !strings.Contains(out, `a\x1b[31mnn`) {
		t.Errorf("exit %d, %q", code, out)
	}
	if code, out := asks(t, "maintenance", "--server", url, "stop", strings.Fields(out[strings.Index(out, "\n"):])[0]); code != 0 || strings.Contains(out, "\x1b") {
		t.Errorf("exit %d, %q", code, out)
	}
}
