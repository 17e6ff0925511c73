package main

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/aweigh/aweigh/test/engine"
	"github.com/aweigh/aweigh/test/figures"
)

// scale is what a watcher of many containers holds and uses.
func (b *bench) scale() error {
	window := time.Minute // one inspection of everything is in it
	if b.quick {
		window = 20 * time.Second
	}
	t := figures.Table{Title: fmt.Sprintf("aweigh watch, probing each container each 10 s (%s)", window),
		Columns: []string{"CPU %", "probes/s", "CPU µs/probe", "RSS MiB", "peak MiB"}}
	for _, host := range []struct {
		what     string
		n        int
		pause    time.Duration // between two lines of each container's output
		decisive bool
	}{
		{"no container", 0, 0, false},
		{fmt.Sprintf("%d containers", b.crowd/5), b.crowd / 5, 0, false},
		{fmt.Sprintf("%d containers", b.crowd), b.crowd, 0, true},
		{fmt.Sprintf("%d containers, each printing a line every 10 s", b.crowd), b.crowd, 10 * time.Second, false},
	} {
		row, err := b.host(host.n, host.pause, window)
		if err != nil {
			return err
		}
		t.Rows = append(t.Rows, figures.Row{What: host.what, Figures: row})
		if host.decisive {
			b.report.AtMost(2, "% of a core", row[0], fmt.Sprintf("watcher with %d containers probed each 10 s", b.crowd))
			b.report.AtMost(80, "MiB", row[3], "its resident memory")
		}
	}
	b.report.Add(t)
	return nil
}

// host measures a watcher of a host with n containers.
func (b *bench) host(n int, pause, window time.Duration) ([]figures.Figure, error) {
	name := fmt.Sprintf("h%d-%s", n, pause)
	e, err := engine.Listen(filepath.Join(b.dir, name+".sock"))
	if err != nil {
		return nil, err
	}
	defer e.Close()
	var asked atomic.Int64
	for k := range n {
		s := engine.Spec{Name: fmt.Sprintf("service-%d", k), Policy: "always", Asked: &asked}
		if k%2 == 0 { // asked over HTTP; the others over TCP, at the port that they publish
			s.Health = []string{"CMD", "curl", "-f", "http://localhost:PORT/health"}
		}
		c := e.Add(s)
		if err := c.Start(); err != nil {
			return nil, err
		}
		c.Print(false, "listening\n")
	}
	w, err := b.watch(e.Host(), filepath.Join(b.dir, name), "defaults:\n  tell_ready: false\n")
	if err != nil {
		return nil, err
	}
	defer w.stop()
	quit := make(chan struct{})
	defer close(quit)
	if pause > 0 {
		go chatter(e, pause, quit)
	}
	time.Sleep(15 * time.Second) // all have been asked, and the first inspection is done
	before, err := w.cpu()
	if err != nil {
		return nil, err
	}
	first, began := asked.Load(), time.Now()
	time.Sleep(window)
	after, err := w.cpu()
	if err != nil {
		return nil, err
	}
	took, probes := time.Since(began), asked.Load()-first
	if want := float64(n) * took.Seconds() / 10; float64(probes) < 0.9*want {
		return nil, fmt.Errorf("%d containers were asked %d times in %s: should be about %.0f", n, probes, took, want)
	}
	used := after - before
	perProbe := figures.None
	if probes > 0 {
		perProbe = figures.Figure(float64(used.Microseconds()) / float64(probes))
	}
	pid := w.cmd.Process.Pid
	return []figures.Figure{figures.Figure(100 * used.Seconds() / took.Seconds()), figures.Figure(float64(probes) / took.Seconds()), perProbe,
		figures.Memory(pid, "VmRSS"), figures.Memory(pid, "VmHWM")}, nil
}

// chatter lets each container print a line in each pause.
func chatter(e *engine.Engine, pause time.Duration, quit chan struct{}) {
	all := e.Containers()
	tick := time.NewTicker(pause / time.Duration(len(all)))
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-quit:
			return
		case <-tick.C:
			all[n%len(all)].Print(false, fmt.Sprintf("%s GET /orders/%d 200 in 12 ms, as any service logs it\n", time.Now().Format(time.RFC3339Nano), n))
		}
	}
}
