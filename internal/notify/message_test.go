package notify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

var opened = time.Date(2026, 11, 23, 3, 12, 7, 0, time.UTC)

// crashLoop is a notification as the core makes it.
func crashLoop(occasion aweigh.Occasion) *aweigh.Notification {
	n := &aweigh.Notification{
		ID: "01JDB0000000000000000000N1", Occasion: occasion, At: opened.Add(41 * time.Second), Host: "aws-1",
		Title: "webhook does not start: crashed 7 times in 41 s since 03:12:07 UTC, port 5003 is in use by nginx",
		Incident: &aweigh.Incident{
			ID: "01JDB0000000000000000000I1", Kind: aweigh.CrashLoop, Service: "webhook", Host: "aws-1", Severity: aweigh.Critical,
			Opened: opened, Last: opened.Add(41 * time.Second), Count: 7, Starts: []string{"01JDB0000000000000000000S1"},
			Summary: "crashed 7 times in 41 s: exit 98",
			Cause:   &aweigh.Cause{ID: "port-in-use", Confidence: 0.99, Line: "OSError: [Errno 98] Address already in use: ('0.0.0.0', 5003)"},
			Evidence: []string{
				"INFO:     Started server process [1]",
				"INFO:     Waiting for application startup.",
				"Traceback (most recent call last):",
				"  File \"/app/server.py\", line 41, in <module>",
				"    web.run_app(app, host=\"0.0.0.0\", port=5003)",
				"OSError: [Errno 98] Address already in use: ('0.0.0.0', 5003)",
			},
		},
		Facts:   []string{"exit status 98 after 0.8 s", "7 starts so far, none of them ready; the last good one was at 22:40 UTC", "image trade/webhook:2026-11-22, deployed 4 min before"},
		Advice:  "Stop nginx (pid 812), which holds port 5003, or give webhook another port; then docker compose up -d webhook.",
		Command: "aweigh show 01JDB0000000000000000000S1",
	}
	if occasion == aweigh.OnResolved {
		end := opened.Add(12 * time.Minute)
		n.ID, n.At = "01JDB0000000000000000000N2", end
		n.Incident.Resolved, n.Incident.Resolution = &end, "ready for 2 minutes"
		n.Title = "webhook serves again: ready since 03:22 UTC, after 12 minutes and 9 starts"
		n.Facts, n.Advice = []string{"ready for 2 minutes, probed 12 times", "HTTP 200 in 4 ms from http://127.0.0.1:5003/health"}, ""
	}
	return n
}

// hostile is crashLoop with names, lines and words of somebody who wants more
// than to be read.
func hostile() *aweigh.Notification {
	n := crashLoop(aweigh.OnOpened)
	n.Title = "web\r\nBcc: evil@example.com\r\n\r\nhook \x1b[31mred\x1b[0m <script>alert(1)</script> @everyone \u202egnp.exe"
	n.Host = "aws\n1<img src=x onerror=alert(1)>"
	n.Incident.Service = "web</style>\r\nX-Evil: 1"
	n.Incident.ID = "01JD>\r\nX-Evil: 2"
	n.Incident.Evidence = []string{"\x1b]0;title\x07<b>bold</b>\r\nsecond\x00 line", "</pre><script>x</script>", "<!channel> look", strings.Repeat("long ", 5000), "\xff\xfe broken"}
	n.Incident.Cause.Line = "javascript:alert(1)\nX-Evil: 3"
	n.Facts = []string{"<a href=http://evil>click</a>\nX: 1"}
	n.Advice, n.Command = "{{.Title}} <b>", "rm -rf /\nreboot"
	return n
}

func TestTheFirstLineSaysWhatIsBroken(t *testing.T) {
	n := crashLoop(aweigh.OnOpened)
	m := Compose(n)
	if got, _, _ := strings.Cut(m.Text, "\n"); got != n.Title {
		t.Errorf("the text's first line is %q, want the title", got)
	}
	if m.Title != n.Title || !strings.HasPrefix(m.Short, "CRITICAL: "+n.Title) {
		t.Errorf("title %q, short %q", m.Title, m.Short)
	}
	at := -1
	for _, part := range []string{"port-in-use (99 % sure)", "exit status 98", "7 starts so far", "Address already in use", "What to do: Stop nginx", "Look further: aweigh show 01JDB", "crash-loop"} {
		next := strings.LastIndex(m.Text, part)
		if next <= at {
			t.Errorf("%q is missing or comes before what should be before it", part)
		}
		at = next
	}
}

func TestTheSubjectStaysThroughAnIncident(t *testing.T) {
	first := Compose(crashLoop(aweigh.OnOpened))
	if first.ID != crashLoop(aweigh.OnOpened).Incident.ID || !strings.Contains(first.Subject, "webhook on aws-1") {
		t.Errorf("id %q, subject %q", first.ID, first.Subject)
	}
	for _, o := range []aweigh.Occasion{aweigh.OnRaised, aweigh.OnReminder, aweigh.OnEscalated, aweigh.OnResolved} {
		n := crashLoop(o)
		n.Incident.Kind, n.Incident.Severity, n.Incident.Count = aweigh.OOMKilled, aweigh.Warning, 99
		m := Compose(n)
		if m.Subject != "Re: "+first.Subject || m.Root != first.ID || m.ID == first.ID {
			t.Errorf("%s: subject %q, root %q, id %q; the first has %q, %q", o, m.Subject, m.Root, m.ID, first.Subject, first.ID)
		}
	}
}

func TestHostileTextIsHarmless(t *testing.T) {
	m := Compose(hostile())
	for name, text := range map[string]string{"subject": m.Subject, "title": m.Title, "text": m.Text, "short": m.Short, "html": m.HTML} {
		if strings.ContainsAny(text, "\x1b\x00\x07\r\u202e") {
			t.Errorf("%s has control characters: %q", name, text)
		}
		if strings.Contains(text, "\nX-Evil") || strings.Contains(text, "\nBcc:") {
			t.Errorf("%s: a newline came through: %q", name, text)
		}
		if len(text) > 30_000 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
	if strings.ContainsAny(m.Subject+m.Title, "\n") {
		t.Errorf("subject or title of more than one line: %q", m.Subject)
	}
	for _, bad := range []string{"<script", "<img", "<b>bold", "</pre><s", "<a href"} {
		if strings.Contains(m.HTML, bad) {
			t.Errorf("the HTML has %q", bad)
		}
	}
	for _, bad := range []string{"@everyone", "<!channel>"} {
		if strings.Contains(m.Short, bad) {
			t.Errorf("the chat text calls %s", bad)
		}
	}
	if !strings.Contains(m.Text, "  | <b>bold</b>\n  | second line\n") {
		t.Errorf("evidence should stay readable, line by line:\n%s", m.Text)
	}
}

func TestADigestSaysEachIncidentOnceWorstFirst(t *testing.T) {
	ready := &aweigh.Notification{ID: "N9", Occasion: aweigh.OnReady, At: opened, Host: "aws-1", Services: []string{"sighook"}, Title: "sighook is ready after 1.2 s"}
	other := crashLoop(aweigh.OnOpened)
	other.ID, other.Incident.ID, other.Incident.Service, other.Title = "N8", "I8", "linkage", "linkage was killed by the kernel"
	m := Digest([]*aweigh.Notification{crashLoop(aweigh.OnOpened), ready, other, crashLoop(aweigh.OnResolved)})
	if want := "1 critical, 1 resolved, 1 ready: linkage on aws-1, webhook on aws-1, sighook on aws-1"; m.Title != want {
		t.Errorf("title %q, want %q", m.Title, want)
	}
	if m.State != "critical" || m.Root != "" || len(m.Notifications) != 4 || strings.Contains(m.Text, "does not start") || strings.Count(m.Text, "serves again") != 1 {
		t.Errorf("%+v", m)
	}
	again := Digest(m.Notifications)
	if again.ID != m.ID {
		t.Error("the same digest must have the same id: it may be sent again")
	}
	one := Digest([]*aweigh.Notification{crashLoop(aweigh.OnOpened), crashLoop(aweigh.OnResolved)})
	if one.Root != crashLoop(aweigh.OnOpened).Incident.ID || one.State != "resolved" {
		t.Errorf("the story of one incident belongs to its thread: %+v", one)
	}
}

func TestNothingButANotificationsBonesIsEnough(t *testing.T) {
	for _, n := range []*aweigh.Notification{{}, {Incident: &aweigh.Incident{}}, {Occasion: aweigh.OnWatching, Host: "a"}, {Start: &aweigh.Start{Exit: &aweigh.Exit{Code: 1}}}} {
		if m := Compose(n); m.Title == "" || m.Text == "" || m.HTML == "" || m.State == "" {
			t.Errorf("%+v becomes %+v", n, m)
		}
	}
}

// With AWEIGH_PAGES=dir the pages are written there, to be looked at.
func TestPages(t *testing.T) {
	dir := os.Getenv("AWEIGH_PAGES")
	if dir == "" {
		t.Skip("AWEIGH_PAGES is not set: nobody wants to look")
	}
	ready := &aweigh.Notification{ID: "N9", Occasion: aweigh.OnReady, At: opened, Host: "aws-1", Services: []string{"sighook"}, Title: "sighook is ready after 1.2 s"}
	for name, m := range map[string]*Message{
		"opened": Compose(crashLoop(aweigh.OnOpened)), "resolved": Compose(crashLoop(aweigh.OnResolved)), "hostile": Compose(hostile()),
		"digest": Digest([]*aweigh.Notification{crashLoop(aweigh.OnOpened), ready}),
	} {
		os.WriteFile(filepath.Join(dir, name+".html"), []byte(m.HTML), 0o644)
		os.WriteFile(filepath.Join(dir, name+".txt"), []byte(m.Subject+"\n\n"+m.Text+"\n=====\n"+m.Short), 0o644)
	}
}
