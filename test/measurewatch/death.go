package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh/test/figures"
)

//go:embed testdata/smtpd.py
var smtpd string

// python is Debian's, which has aiosmtpd.
const python = "/usr/bin/python3"

// death is the time from a real container's death to the mail about it,
// accepted by a real mail server.
func (b *bench) death() error {
	if what := b.lacks(); what != "" {
		b.report.Note("no time from a death to its mail: there is no %s", what)
		return nil
	}
	if exec.Command(python, "-c", "import aiosmtpd").Run() != nil {
		b.report.Note("no time from a death to its mail: there is no python3-aiosmtpd")
		return nil
	}
	mails, port, stop, err := mailServer()
	if err != nil {
		return err
	}
	defer stop()
	image, err := b.image()
	if err != nil {
		return err
	}
	// A route tells five things one by one before it makes a digest of what
	// follows: so there are several routes.
	const perRoute = 5
	routes := b.rounds(6, 2)
	config := "defaults:\n  ignore: true\n  tell_ready: false\nservices:\n  " + tag + "-death-*:\n    ignore: false\n    probe: http://:8080/health\nroutes:\n"
	for r := range routes {
		config += fmt.Sprintf("  - name: r%d\n    to: smtp://127.0.0.1:%s/?from=aweigh@example.org&to=ops@example.org&starttls=never\n    services: [%s-death-%d-*]\n    occasions: [opened]\n", r, port, tag, r)
	}
	w, err := b.watch("", filepath.Join(b.dir, "death"), config)
	if err != nil {
		return err
	}
	defer w.stop()
	var boxes []*box
	defer func() { remove(boxes, image) }()
	for n := range perRoute {
		for r := range routes {
			c, err := run(image, fmt.Sprintf("%s-death-%d-%d", tag, r, n))
			if err != nil {
				return err
			}
			boxes = append(boxes, c)
		}
	}
	time.Sleep(5 * time.Second) // each has been proven: a refused look takes 20 ms at most
	since := time.Now()
	asked, accepted := map[string]time.Time{}, map[string]time.Time{}
	for _, c := range boxes {
		asked[c.name] = time.Now()
		c.ask("/die") // which nothing answers
		select {
		case m := <-mails:
			if !strings.Contains(m.subject, c.name) {
				return fmt.Errorf("%s died, and the mail is about: %s", c.name, m.subject)
			}
			accepted[c.name] = m.at
		case <-time.After(15 * time.Second):
			return fmt.Errorf("no mail about %s within 15 s: %s", c.name, w.words())
		}
		time.Sleep(200 * time.Millisecond)
	}
	if n := strings.Count(w.words(), "KeyError"); n < len(boxes) {
		b.report.Note("only %d of %d mails had the last words of what had died", n, len(boxes))
	}
	died, err := deaths(since)
	if err != nil {
		return err
	}
	var engine, person, fold []float64
	folded, handed := w.steps()
	for name, at := range accepted {
		if died[name].IsZero() {
			return fmt.Errorf("the engine tells of no death of %s", name)
		}
		engine = append(engine, figures.MS(at.Sub(died[name])))
		person = append(person, figures.MS(at.Sub(asked[name])))
		if t := folded[name]; !t.IsZero() {
			fold = append(fold, figures.MS(t.Sub(died[name])))
		}
	}
	b.report.Add(figures.Table{Title: fmt.Sprintf("From a container's death to its mail, accepted by a mail server on this machine (%d deaths)", len(engine)), Columns: []string{"median ms", "p90", "max"},
		Rows: []figures.Row{
			{What: "from the engine's own time of the death", Figures: late(engine)},
			{What: "of it: until it is folded, with its last lines", Figures: late(fold)},
			{What: "of it: to hand it to the mail server", Figures: late(handed)},
			{What: "from the moment that its process was told to exit", Figures: late(person)}}})
	b.report.AtMost(100, "ms", figures.Median(engine), "median from a death to the accepted mail")
	return nil
}

// steps are when the watcher knew of each death, and how long the handing over
// took, as its own lines have it.
func (w *watcher) steps() (folded map[string]time.Time, handed []float64) {
	folded = map[string]time.Time{}
	for line := range strings.Lines(w.words()) {
		keys := map[string]string{}
		for _, field := range strings.Fields(line) {
			if key, value, ok := strings.Cut(field, "="); ok {
				keys[key] = value
			}
		}
		switch keys["event"] {
		case "notification":
			at, err := time.Parse(time.RFC3339Nano, keys["time"])
			if err == nil && keys["occasion"] == "opened" {
				folded[keys["service"]] = at
			}
		case "notify.sent":
			if ms, err := strconv.ParseFloat(keys["took_ms"], 64); err == nil {
				handed = append(handed, ms)
			}
		}
	}
	return folded, handed
}

func late(values []float64) []figures.Figure {
	return []figures.Figure{figures.Median(values), figures.Quantile(values, 0.9), figures.Quantile(values, 1)}
}

// deaths are the engine's own times of deaths, by the names of containers.
func deaths(since time.Time) (map[string]time.Time, error) {
	out, err := docker("events", "--since", stamp(since.Add(-time.Second)), "--until", stamp(time.Now()), "--filter", "event=die",
		"--format", "{{.TimeNano}} {{.Actor.Attributes.name}}")
	if err != nil {
		return nil, err
	}
	all := map[string]time.Time{}
	for line := range strings.Lines(out) {
		nanoseconds, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, _ := strconv.ParseInt(nanoseconds, 10, 64)
		all[name] = time.Unix(0, n)
	}
	return all, nil
}

func stamp(t time.Time) string { return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond()) }

// mail is one that the server has accepted.
type mail struct {
	at      time.Time
	subject string
}

// mailServer starts a mail server.
func mailServer() (mails chan mail, port string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", nil, err
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := exec.Command(python, "-c", smtpd, port)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", nil, err
	}
	stop = func() { cmd.Process.Kill(); cmd.Wait() }
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		stop()
		return nil, "", nil, fmt.Errorf("the mail server does not start: %s", lines.Text())
	}
	mails = make(chan mail, 1000)
	go func() {
		for lines.Scan() {
			nanoseconds, subject, _ := strings.Cut(lines.Text(), " ")
			n, _ := strconv.ParseInt(nanoseconds, 10, 64)
			mails <- mail{time.Unix(0, n), subject}
		}
	}()
	return mails, port, stop, nil
}
