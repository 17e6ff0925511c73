package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/aweigh/aweigh/test/figures"
)

// probed is how many containers are asked each second.
const probed = 5

// probes is what one probe costs, beside one of Docker's HEALTHCHECK.
func (b *bench) probes() error {
	if what := b.lacks(); what != "" {
		b.report.Note("no cost of a probe beside HEALTHCHECK: there is no %s", what)
		return nil
	}
	image, err := b.image()
	if err != nil {
		return err
	}
	checked, err := b.image(`HEALTHCHECK --interval=1s CMD ["/busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/health"]`)
	if err != nil {
		return err
	}
	var plain, health []*box
	defer func() { remove(append(plain, health...), image, checked) }()
	for n := range probed {
		c, err := run(image, fmt.Sprintf("%s-plain-%d", tag, n))
		if err != nil {
			return err
		}
		plain = append(plain, c)
		h, err := run(checked, fmt.Sprintf("%s-health-%d", tag, n))
		if err != nil {
			return err
		}
		health = append(health, h)
	}
	w, err := b.watch("", filepath.Join(b.dir, "probes"), "defaults:\n  ignore: true\nservices:\n  "+tag+"-plain-*:\n    ignore: false\n    interval: 1s\n    probe: http://:8080/health\n")
	if err != nil {
		return err
	}
	defer w.stop()
	var docked, watched, idle []float64
	for range b.rounds(6, 2) {
		for _, c := range health { // paused ones are not asked
			docker("unpause", c.id)
		}
		cpu, n, err := b.window(health, engineCPU)
		if err != nil {
			return err
		}
		docked = append(docked, figures.MS(cpu)/float64(n))
		for _, c := range health {
			docker("pause", c.id)
		}
		var engine time.Duration
		cpu, n, err = b.window(plain, func(boxes []*box) (time.Duration, error) {
			var err error
			if engine, err = engineCPU(boxes); err != nil {
				return 0, err
			}
			idle = append(idle, figures.MS(engine)) // twice a window: before and after
			return w.cpu()
		})
		if err != nil {
			return err
		}
		watched = append(watched, figures.MS(cpu)/float64(n))
		last := len(idle)
		idle = append(idle[:last-2], (idle[last-1]-idle[last-2])/float64(n))
	}
	own := figures.Median(docked) - figures.Median(idle)
	ours := figures.Median(watched)
	b.report.Add(figures.Table{Title: fmt.Sprintf("One probe of %d containers each second (medians of %d windows, by turns)", probed, len(watched)), Columns: []string{"CPU ms", "HEALTHCHECK ÷ it"},
		Rows: []figures.Row{
			{What: "HEALTHCHECK, a static busybox: dockerd, containerd, shim, runc", Figures: []figures.Figure{own, 1}},
			{What: "aweigh watch, all that it does", Figures: []figures.Figure{ours, own / ours}}}})
	b.report.AtLeast(50, "× cheaper", own/ours, "a probe from the watcher than a HEALTHCHECK")
	b.report.Note("dockerd and containerd have used %s ms a probe while they did nothing for us; it is not counted", figures.Median(idle))
	return nil
}

// window is what was used while some containers were asked, and how often they
// were.
func (b *bench) window(boxes []*box, used func([]*box) (time.Duration, error)) (cpu time.Duration, asked int, err error) {
	time.Sleep(2 * time.Second)
	first, err := used(boxes)
	if err != nil {
		return 0, 0, err
	}
	for _, c := range boxes {
		asked -= c.count()
	}
	time.Sleep(12 * time.Second)
	for _, c := range boxes {
		asked += c.count()
	}
	last, err := used(boxes)
	if err != nil {
		return 0, 0, err
	}
	if asked < len(boxes)*6 {
		return 0, 0, fmt.Errorf("%d containers were asked %d times in 12 s, and should be each second", len(boxes), asked)
	}
	return last - first, asked, nil
}
