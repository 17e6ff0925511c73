package main

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"time"
)

// ready is how late the word is: from the moment from which the server accepts
// until it is said, and what the waiting for it costs.
func (b *bench) ready() error {
	n := b.rounds(60, 10)
	ways := []struct {
		what  string
		probe []string
		late  []float64
	}{
		{what: "aweigh-init, by an accepted connection"},
		{what: "aweigh-init, by --probe /health", probe: []string{"--probe", "/health"}},
	}
	for range n {
		for i := range ways {
			w := &ways[i]
			late, err := b.readyOnce(w.probe)
			if err != nil {
				return err
			}
			w.late = append(w.late, ms(late))
		}
	}
	share, err := b.whileWaiting()
	if err != nil {
		return err
	}
	t := table{
		Title:   fmt.Sprintf("From the server's first accept to the word that it is ready (%d starts each)", n),
		Columns: []string{"median ms", "90 % ms", "slowest ms", "% of a core while waiting"},
	}
	for _, w := range ways {
		t.Rows = append(t.Rows, row{w.what, []figure{median(w.late), quantile(w.late, 0.9), quantile(w.late, 1), share}})
		b.report.atMost(10, "ms", median(w.late), "from accept to ready, "+w.what[len("aweigh-init, "):])
	}
	b.report.atMost(0.5, "% of a core", share, "while waiting")
	if missing("bash", "curl") == "" {
		late, share, err := b.loop(b.rounds(30, 5))
		if err != nil {
			return err
		}
		t.Rows = append(t.Rows, row{"until curl -sf …; do sleep 0.1; done", []figure{median(late), quantile(late, 0.9), quantile(late, 1), share}})
	}
	b.report.Tables = append(b.report.Tables, t)
	return nil
}

// delay is some time until a server listens, in no step with anybody's pace.
func delay() time.Duration { return 200*time.Millisecond + rand.N(100*time.Millisecond) }

func (b *bench) readyOnce(probe []string) (time.Duration, error) {
	address, port, err := freeAddress()
	if err != nil {
		return 0, err
	}
	args := append([]string{"--port", port}, probe...)
	s, err := b.supervise(append(args, "--", b.self, "play-server", address, delay().String())...)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	return s.wait()
}

// whileWaiting is the supervisor's share of a core, in per cent, while its
// server does not listen yet.
func (b *bench) whileWaiting() (figure, error) {
	address, port, err := freeAddress()
	if err != nil {
		return none, err
	}
	s, err := b.supervise("--port", port, "--", b.self, "play-server", address, "1m")
	if err != nil {
		return none, err
	}
	defer s.stop()
	time.Sleep(2 * time.Second) // the start itself, and tidying up old records, are paid once
	began := time.Now()
	before, err := cpuOf(s.cmd.Process.Pid)
	if err != nil {
		return none, err
	}
	time.Sleep(time.Duration(b.rounds(10, 3)) * time.Second)
	after, err := cpuOf(s.cmd.Process.Pid)
	return figure(100 * (after - before).Seconds() / time.Since(began).Seconds()), err
}

// loop is how one waits without a supervisor.
func (b *bench) loop(n int) (late []float64, share figure, err error) {
	var used, waited time.Duration
	for range n {
		address, _, err := freeAddress()
		if err != nil {
			return nil, none, err
		}
		server := exec.Command(b.self, "play-server", address, delay().String())
		said, err := server.StdoutPipe()
		if err != nil {
			return nil, none, err
		}
		if err := server.Start(); err != nil {
			return nil, none, err
		}
		began := time.Now()
		waiter := exec.Command("bash", "-c", "until curl -sf http://"+address+"/health; do sleep 0.1; done")
		err = waiter.Run()
		ended := time.Now()
		var word string
		var at int64
		fmt.Fscan(said, &word, &at)
		server.Process.Kill()
		server.Wait()
		if err != nil {
			return nil, none, err
		}
		late = append(late, ms(ended.Sub(time.Unix(0, at))))
		used += cpuTime(waiter)
		waited += ended.Sub(began)
	}
	return late, figure(100 * used.Seconds() / waited.Seconds()), nil
}
