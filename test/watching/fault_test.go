package watching_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/store"
)

// A machine is rebooted, an engine is upgraded, an engine is killed.
func TestEngineEndsAndBeginsAgain(t *testing.T) {
	t.Parallel()
	e := ownEngine(t)
	w := watch(t, "reboot", e)
	e.run(t, "kept", server, append(served, "--restart", "always")...)
	e.run(t, "plain", server, append(served, "--restart", "no")...)
	w.started(t, "kept", 1, "ready", isReady)
	w.started(t, "plain", 1, "ready", isReady)

	e.end(t, syscall.SIGTERM)
	e.start(t)
	w.started(t, "kept", 2, "ready", isReady)
	w.started(t, "plain", 1, "ended", func(s aweigh.Start) bool { return s.Run != nil && s.Run.End != "" })
	w.calm(t, "kept")
	w.calm(t, "plain")

	w.kill(syscall.SIGTERM) // the watcher goes down with the machine
	e.end(t, syscall.SIGTERM)
	e.start(t)
	w.start(t)
	w.started(t, "kept", 3, "ready", isReady)
	w.calm(t, "kept")

	e.end(t, syscall.SIGKILL)
	e.start(t)
	w.started(t, "kept", 4, "ready", isReady)
	for _, n := range w.incidents(t, "kept") {
		t.Errorf("an engine that was killed is not the service's fault: %s", briefly([]aweigh.Incident{n}))
	}

	// Nobody can reach the engine, but it still tells its events.
	away := e.Socket() + "2"
	if err := os.Rename(e.Socket(), away); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("docker", "--host", "unix://"+away, "kill", "--signal", "KILL", "kept").CombinedOutput(); err != nil {
		t.Errorf("docker kill: %v: %s", err, out)
	}
	w.started(t, "kept", 4, "stopped", hasEnded(aweigh.RunStopped))
	if err := os.Rename(away, e.Socket()); err != nil {
		t.Fatal(err)
	}
	e.docker(t, "start", "kept")
	w.started(t, "kept", 5, "ready", isReady)
	w.calm(t, "kept")
}

// The watcher is killed again and again while containers crash all around it:
// each crash that the engine told is in the store once, and nobody is told
// twice what was confirmed.
func TestWatcherIsKilledInAStorm(t *testing.T) {
	t.Parallel()
	kills := 20
	if os.Getenv("AWEIGH_LONG") != "" {
		kills = 200
	}
	e := ownEngine(t)
	w := watch(t, "storm", e)
	var names []string
	for n := range 3 {
		name := fmt.Sprintf("gust-%d", n)
		names = append(names, name)
		e.run(t, name, "echo gust; sleep 0.1; exit 3", "--restart", "no")
	}
	e.run(t, "gale", "echo gale; sleep 0.1; exit 4", "--restart", "always")

	// A restart policy would soon pause for a minute: these are started again at once.
	ctx, cancel := context.WithCancel(t.Context())
	var storm sync.WaitGroup
	for _, name := range names {
		storm.Go(func() {
			for ctx.Err() == nil {
				answer, err := e.http.Post("http://engine/containers/"+name+"/start", "", nil)
				if err == nil {
					answer.Body.Close()
				}
				answer, err = e.http.Do(must(http.NewRequestWithContext(ctx, "POST", "http://engine/containers/"+name+"/wait", nil)))
				if err == nil {
					answer.Body.Close()
				}
			}
		})
	}
	var killed []time.Time
	for range kills {
		select { // at a moment of no meaning
		case <-time.After(time.Duration(50+rand.IntN(600)) * time.Millisecond):
		case <-t.Context().Done():
		}
		w.kill(syscall.SIGKILL)
		killed = append(killed, time.Now())
		w.start(t)
	}
	cancel()
	storm.Wait()
	e.docker(t, "stop", "gale")
	names = append(names, "gale")
	in := e.becomes(t, "gale", "is stopped", func(in inspected) bool { return !in.State.Running && !in.State.Restarting })

	total := 0
	for _, name := range names {
		e.becomes(t, name, "has ended", func(in inspected) bool { return !in.State.Running })
		var dies, ends int
		same := within(patience, func() bool {
			dies, ends = len(e.happened(name, "die")), w.ends(t, name)
			return ends == dies
		})
		total += dies
		if !same {
			t.Errorf("%s: the engine told of %d deaths, the store has %d:%s%s", name, dies, ends, w.told(t, name), w.seen(name))
		}
	}
	if dies := len(e.happened("gale", "die")); in.RestartCount+1 < dies-1 || in.RestartCount > dies {
		t.Errorf("gale: the engine counts %d restarts and told of %d deaths", in.RestartCount, dies)
	}
	t.Logf("%d kills, %d crashes", kills, total)

	for _, name := range names {
		open := 0
		for _, n := range w.incidents(t, name) {
			if n.Open() {
				open++
			}
		}
		if open > 1 {
			t.Errorf("%d open incidents of %s: %s", open, name, briefly(w.incidents(t, name)))
		}
	}
	seen := map[string]time.Time{}
	twice := 0
	for _, l := range w.post.letters("storm", "") {
		id := l.header.Get("Message-ID")
		before, again := seen[id]
		seen[id] = l.at
		if !again {
			continue
		}
		twice++
		between := false
		for _, at := range killed {
			between = between || at.After(before) && at.Before(l.at)
		}
		if !between {
			t.Errorf("%s came at %s and again at %s, and the watcher was not killed between: %s", id, before, l.at, l)
		}
	}
	t.Logf("%d mails, %d of them again, for the watcher was killed before it could confirm them", len(seen)+twice, twice)
}

func must(r *http.Request, err error) *http.Request {
	if err != nil {
		panic(err)
	}
	return r
}

// told are the facts of a service that the store has, in the order in which
// they were folded.
func (w *watcher) told(t *testing.T, service string) string {
	st, err := store.OpenToRead(t.Context(), w.state)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	facts, err := st.Facts(t.Context(), time.Time{}, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	ours := map[string]bool{}
	for _, f := range facts {
		if f.Container != nil && f.Container.Service == service {
			ours[f.Instance] = true
		}
		if f.Kind == aweigh.FactWatching || ours[f.Instance] {
			fmt.Fprintf(&b, "\n  %s %s", f.At.Format("15:04:05.000"), f.Kind)
			if c := f.Container; c != nil {
				fmt.Fprintf(&b, " (%s, began %s, ended %s, %d restarts)", c.Status, c.Started.Format("15:04:05.000"), c.Finished.Format("15:04:05.000"), c.RestartCount)
			}
		}
	}
	all, _ := st.Starts(t.Context(), store.StartQuery{Service: service})
	for _, s := range slices.Backward(all) {
		fmt.Fprintf(&b, "\n  start %s at %s: %s %+v", s.ID, s.Began.Format("15:04:05.000"), s.Verdict, s.Exit)
	}
	return b.String()
}

// ends counts the starts of a service in the store of which the end was seen.
func (w *watcher) ends(t *testing.T, service string) (n int) {
	t.Helper()
	st, err := store.OpenToRead(t.Context(), w.state)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	all, err := st.Starts(t.Context(), store.StartQuery{Service: service, Limit: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Exit != nil {
			n++
		}
	}
	return n
}

// crashes has a service crash on this host, without a container.
func (w *watcher) crashes(t *testing.T, records, service string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "aweigh"), "run", "--service", service, "--record", records, "--", "/bin/sh", "-c", "echo going down; exit 5")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Run()
}

// The mail server is down while things crash. When it is up again all mails
// come, each once, those of an incident in their order.
func TestMailServerIsDown(t *testing.T) {
	t.Parallel()
	p := &postOffice{}
	p.open(t)
	t.Cleanup(p.close)
	w := watchWith(t, "mute", nil, p, tempDir(t))
	p.close()
	for range 3 {
		w.crashes(t, w.state, "batch")
	}
	w.incident(t, "batch", "is a loop", func(n aweigh.Incident) bool { return n.Kind == aweigh.CrashLoop })
	w.crashes(t, w.state, "other")
	w.incident(t, "other", "is a failed start", func(n aweigh.Incident) bool { return n.Kind == aweigh.StartupFailed })
	eventually(t, "the watcher says that it could not deliver", func() bool { return strings.Contains(w.said.String(), "event=notify.failed") })

	p.open(t)
	w.mail(t, "other", "startup-failed")
	w.mail(t, "batch", "crash-loop")
	mails := w.letters("batch")
	if len(mails) != 2 || !strings.Contains(mails[0].title(), "startup-failed") || !strings.Contains(mails[1].title(), "crash-loop") {
		t.Errorf("mails: %s", listed(mails))
	}
	if out, _, _ := w.aweigh("status"); strings.Contains(out, "Letters:") {
		t.Errorf("status: %s", out)
	}
}

// The disk is full: the watcher lives and says so, and loses nothing that it can
// keep in memory.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		missing(t, "only root can mount a small disk")
	}
	dir := tempDir(t)
	state, records := filepath.Join(dir, "full"), filepath.Join(dir, "records")
	for _, d := range []string{state, records} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mount("tmpfs", state, "tmpfs", 0, "size=2m"); err != nil {
		missing(t, fmt.Sprintf("no small disk can be mounted: %v", err))
	}
	t.Cleanup(func() { syscall.Unmount(state, syscall.MNT_DETACH) })
	conf := filepath.Join(dir, "aweigh.yaml")
	if err := os.WriteFile(conf, []byte("watch:\n  records: "+records+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := watchWith(t, "full", nil, &post, state, "--config", conf)
	w.crashes(t, records, "before")
	w.mail(t, "before", "startup-failed")

	filler := filepath.Join(state, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	eventually(t, "the watcher says that the disk is full", func() bool {
		w.crashes(t, records, "during") // some room was taken before, and is used first
		return strings.Contains(w.said.String(), "disk is full")
	})
	w.crashes(t, records, "during-too")

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	w.mail(t, "during", "startup-failed", "going down")
	w.mail(t, "during-too", "startup-failed")
	eventually(t, "the watcher says that it keeps facts again", func() bool { return strings.Contains(w.said.String(), "store.again") })
	if w.cmd.ProcessState != nil {
		t.Error("the watcher has ended")
	}
}
