package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// launch is what a supervisor adds to the start of a command.
func (b *bench) launch() error {
	bare := &contender{what: "true", argv: []string{"true"}}
	ours := &contender{what: "aweigh-init run -- true", argv: []string{b.init, "run", "--record", filepath.Join(b.dir, "records"), "--", "true"}}
	all := []*contender{bare, ours}
	var tini *contender
	if missing("tini") == "" {
		tini = &contender{what: "tini -s -- true", argv: []string{"tini", "-s", "--", "true"}}
		all = []*contender{bare, tini, ours}
	} else {
		b.report.note("there is no tini to compare with")
	}
	n := b.rounds(200, 30)
	if err := contest(n, all...); err != nil {
		return err
	}
	t := table{
		Title:   fmt.Sprintf("Launching a command that is true (medians of %d, by turns)", n),
		Columns: []string{"wall ms", "CPU ms", "CPU ÷ tini", "wall ÷ tini"},
		Rows:    rows(all, tini),
	}
	for i, c := range all {
		ratio := none
		if tini != nil {
			ratio = median(c.wall) / median(tini.wall)
		}
		t.Rows[i].Figures = append(t.Rows[i].Figures, ratio)
	}
	b.report.Tables = append(b.report.Tables, t)
	if tini != nil {
		b.report.atMost(2, "× tini", median(ours.wall)/median(tini.wall), "wall of run -- true")
	}
	return nil
}

// memory is what a supervisor holds while its service serves.
func (b *bench) memory() error {
	t := table{Title: "Resident while supervising a server", Columns: []string{"RSS MiB", "PSS MiB"}}
	for _, talked := range []int64{0, b.bytes} {
		address, port, err := freeAddress()
		if err != nil {
			return err
		}
		s, err := b.supervise("--port", port, "--probe", "/health", "--interval", "100ms", "--",
			b.self, "play-talker", strconv.FormatInt(talked, 10), address)
		if err != nil {
			return err
		}
		if _, err := s.wait(); err != nil {
			return err
		}
		time.Sleep(time.Second) // and ten probes
		rss, pss := memoryOf(s.cmd.Process.Pid)
		s.stop()
		what := "aweigh-init, after ten probes"
		if talked > 0 {
			what = fmt.Sprintf("aweigh-init, after %d MiB of output and ten probes", talked>>20)
		}
		t.Rows = append(t.Rows, row{what, []figure{rss, pss}})
		b.report.atMost(10, "MiB", rss, "resident memory: "+what[len("aweigh-init, "):])
	}
	if missing("tini") == "" {
		cmd := exec.Command("tini", "-s", "--", "sleep", "60")
		if err := cmd.Start(); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
		rss, pss := memoryOf(cmd.Process.Pid)
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		t.Rows = append(t.Rows, row{"tini", []figure{rss, pss}})
	}
	b.report.Tables = append(b.report.Tables, t)
	return nil
}

// size is what goes into the image.
func (b *bench) size() error {
	info, err := os.Stat(b.init)
	if err != nil {
		return err
	}
	t := table{Title: "Size", Columns: []string{"MB"}, Rows: []row{{"aweigh-init", []figure{figure(info.Size()) / 1e6}}}}
	if path, err := exec.LookPath("tini"); err == nil {
		if info, err := os.Stat(path); err == nil {
			t.Rows = append(t.Rows, row{"tini", []figure{figure(info.Size()) / 1e6}})
		}
	}
	b.report.Tables = append(b.report.Tables, t)
	b.report.atMost(6, "MB", figure(info.Size())/1e6, "size of aweigh-init")
	return nil
}
