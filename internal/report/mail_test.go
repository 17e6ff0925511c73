package report

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/notify"
)

// kept is a mail as Python's mailbox and email read it.
type kept struct {
	Subject, From, Type, Text, HTML string
	Pictures                        map[string]struct {
		Length      int
		PNG         bool
		Disposition string
	}
	Defects []string
}

// mailStore is a mail server that nobody here wrote, and what it keeps.
func mailStore(t *testing.T) (route notify.Route, read func() []kept) {
	t.Helper()
	if _, err := os.Stat("/usr/lib/python3/dist-packages/aiosmtpd"); err != nil {
		why := "without python3-aiosmtpd there is no mail server: test/setup installs it"
		if os.Getenv("AWEIGH_TEST_ALL") != "" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	dir := filepath.Join(t.TempDir(), "mail")
	cmd := exec.Command("/usr/bin/python3", "testdata/mailstore.py", "serve", dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("the mail server did not come up")
	}
	route = notify.Route{Name: "boss", URL: "smtp://127.0.0.1:" + strings.TrimSpace(port) + "/?starttls=never&from=aweigh@example.com&to=boss@example.com", Report: "weekly"}
	return route, func() []kept {
		t.Helper()
		text, err := exec.Command("/usr/bin/python3", "testdata/mailstore.py", "read", dir).Output()
		var all []kept
		if err != nil || json.Unmarshal(text, &all) != nil {
			t.Fatalf("the mails cannot be read: %v: %s", err, text)
		}
		return all
	}
}

func TestTheMailOpensInAMailStore(t *testing.T) {
	route, read := mailStore(t)
	r := month(t, shop(t))
	sender, err := notify.Parse(route)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	n := r.Notification("weekly", route.Name, today)
	if err := sender.Send(t.Context(), notify.Compose(&n)); err != nil {
		t.Fatal(err)
	}
	all := read()
	if len(all) != 1 {
		t.Fatalf("%d mails in the store", len(all))
	}
	m := all[0]
	if len(m.Defects) > 0 || m.Type != "multipart/related" {
		t.Errorf("a %s with the defects %q", m.Type, m.Defects)
	}
	if m.Subject != "aws-1: weekly report: "+r.Headline() || m.From != `"aweigh (report)" <aweigh@example.com>` {
		t.Errorf("from %s: %s", m.From, m.Subject)
	}
	if !strings.Contains(m.Text, "NEEDS A PERSON\n") || !strings.Contains(m.HTML, "Needs a person") {
		t.Errorf("text\n%s\nHTML\n%s", m.Text, m.HTML)
	}
	shown := regexp.MustCompile(`src="([^"]*)"`).FindAllStringSubmatch(m.HTML, -1)
	if len(shown) != len(m.Pictures) || len(shown) < 5 {
		t.Errorf("%d pictures are shown, %d came along", len(shown), len(m.Pictures))
	}
	for _, s := range shown {
		p, there := m.Pictures[strings.TrimPrefix(s[1], "cid:")]
		if !there || !p.PNG || p.Length < 50 || p.Disposition != "inline" {
			t.Errorf("%s: %+v", s[1], p)
		}
	}
}

func TestNothingInAPageIsFetched(t *testing.T) {
	r := month(t, shop(t))
	var b strings.Builder
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{b.String(), r.Page().HTML} {
		if found := regexp.MustCompile(`(?i)https?:|<script|<link|<iframe|@import|url\(|#ZgotmplZ`).FindString(page); found != "" {
			t.Errorf("there is %q in it", found)
		}
	}
	if size := len(b.String()); size > 100_000 { // some mail programs cut at 102 KB
		t.Errorf("%d bytes", size)
	}
}

func TestDue(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ every, now, due, before string }{
		{"daily", "2026-11-25T07:59:00+01:00", "2026-11-24T08:00:00+01:00", "2026-11-23T08:00:00+01:00"},
		{"daily", "2026-11-25T08:00:00+01:00", "2026-11-25T08:00:00+01:00", "2026-11-24T08:00:00+01:00"},
		{"daily", "2026-03-29T12:00:00+02:00", "2026-03-29T08:00:00+02:00", "2026-03-28T08:00:00+01:00"}, // the clock went forward
		{"weekly", "2026-11-23T08:01:00+01:00", "2026-11-23T08:00:00+01:00", "2026-11-16T08:00:00+01:00"},
		{"weekly", "2026-11-23T07:00:00+01:00", "2026-11-16T08:00:00+01:00", "2026-11-09T08:00:00+01:00"},
		{"weekly", "2026-11-22T23:00:00+01:00", "2026-11-16T08:00:00+01:00", "2026-11-09T08:00:00+01:00"},
	} {
		now, _ := time.Parse(time.RFC3339, c.now)
		due, before := Due(c.every, now.In(berlin))
		if due.Format(time.RFC3339) != c.due || before.Format(time.RFC3339) != c.before {
			t.Errorf("%s at %s: %s and %s", c.every, c.now, due.Format(time.RFC3339), before.Format(time.RFC3339))
		}
	}
}
