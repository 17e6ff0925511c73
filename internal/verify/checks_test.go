package verify

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/signals"
)

// good is an observation in which all is well; each case changes it.
func good() *observation {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	took := int64(4200)
	i := instance{Instance: docker.Instance{Container: aweigh.Container{ID: "4f1c4f1c4f1c", Name: "shop_web_1", Status: "running", Started: now.Add(-time.Minute),
		ImageID: "sha256:0123456789abcdef", Image: "example/web:2", HealthCheck: true, Health: "healthy", Published: []int{80}}}}
	i.start = &aweigh.Start{ID: "01M8", Verdict: aweigh.Ready, TookMS: &took}
	i.inside = answer{asked: "http://172.17.0.2:80/health", wants: "a 2xx", ok: true, found: "200 OK", slowest: 3 * time.Millisecond, times: 3}
	i.outside = []answer{{asked: "http://127.0.0.1:8080/health", wants: "a 2xx", ok: true, found: "200 OK"}}
	i.ports = []portOwner{{Binding: docker.Binding{HostPort: 8080, Port: 80}, holder: "docker-proxy (pid 7)", seen: true, listens: []string{"0.0.0.0"}}}
	return &observation{Target: &Target{Service: "web", Scale: 1, Settings: core.Defaults()}, at: now, instances: []instance{i},
		intended: "example/web:2", imageID: "sha256:0123456789abcdef", watched: true, readings: []signals.Reading{{Name: "linkage", State: signals.OK, Why: "linkage is 97"}}}
}

func TestAllIsWell(t *testing.T) {
	for _, c := range checks {
		if got := c.judge(good()); got.Result != Passed || got.Expected == "" || got.Found == "" {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestWhatIsWrongIsFound(t *testing.T) {
	first := func(o *observation) *instance { return &o.instances[0] }
	for name, c := range map[string]struct {
		check  string
		change func(*observation)
		result Result
		found  string
		final  bool
	}{
		"no engine":    {"running", func(o *observation) { o.failure, o.instances = "it does not answer", nil }, Unknown, "it does not answer", false},
		"no container": {"running", func(o *observation) { o.instances = nil }, Failed, "there is no container of it", false},
		"just begun":   {"running", func(o *observation) { first(o).Started = o.at.Add(-3 * time.Second) }, Failed, "running for 3s", false},
		// A migration of a minute counted as proven after 10 s, and what waits for its
		// end was started in the middle of it.
		"job at work":     {"running", func(o *observation) { o.Job = true }, Failed, "it has not ended yet, after 1m0s", false},
		"too few":         {"running", func(o *observation) { o.Scale = 2 }, Failed, "1 running", false},
		"loop":            {"running", func(o *observation) { first(o).Status, first(o).Exit = "restarting", &aweigh.Exit{Code: 1} }, Failed, "it is restarted again and again (exit status 1)", true},
		"ended":           {"running", func(o *observation) { first(o).Status, first(o).Exit = "exited", &aweigh.Exit{Code: 137, OOM: true} }, Failed, "it has ended (killed for want of memory)", true},
		"never started":   {"running", func(o *observation) { first(o).Status, first(o).Error = "created", "port is already allocated" }, Failed, "it was never started: port is already allocated", true},
		"another image":   {"image", func(o *observation) { first(o).ImageID, first(o).Image = "sha256:fedcba9876543210", "example/web:1" }, Failed, "example/web:1 (sha256:fedcba987654): recreate the container", true},
		"image not here":  {"image", func(o *observation) { o.imageID = "" }, Unknown, "the engine does not have it under this name", true},
		"no compose file": {"image", func(o *observation) { o.intended = "" }, Skipped, "no compose file says which", false},
		"restarted":       {"restarts", func(o *observation) { first(o).RestartCount = 2; first(o).Created = o.at.Local() }, Failed, "2 restarts since " + good().at.Local().Format("15:04:05"), true},
		"unhealthy": {"healthy", func(o *observation) {
			first(o).Health, first(o).HealthSays = "unhealthy", "curl: --token=hunter2 \x1b[2J"
		}, Failed, `unhealthy: curl: --token=*** \x1b[2J`, false},
		"starting":        {"healthy", func(o *observation) { first(o).Health = "starting" }, Failed, "starting", false},
		"no health check": {"healthy", func(o *observation) { first(o).HealthCheck, first(o).Health = false, "" }, Skipped, "it has no health check", false},
		"start crashed":   {"start-proven", func(o *observation) { first(o).start = &aweigh.Start{Verdict: aweigh.Crashed, Reason: "exited with 1"} }, Failed, "crashed: exited with 1", true},
		"coming up":       {"start-proven", func(o *observation) { first(o).start = &aweigh.Start{} }, Failed, "it is coming up", false},
		"no watcher":      {"start-proven", func(o *observation) { first(o).start, o.watched = nil, false }, Passed, "its health check says so; no watcher recorded the start", false},
		"nothing to ask":  {"start-proven", unproven, Unknown, "no watcher recorded the start, and there is nothing to ask: give it a probe, a health check, or --log-line", true},
		"just ended":      {"start-proven", func(o *observation) { unproven(o); o.watched, first(o).start = true, &aweigh.Start{} }, Unknown, "the watcher has no proof of it, and there is nothing to ask: give it a probe, a health check, or --log-line", false},
		"nothing proves it": {"start-proven", func(o *observation) {
			unproven(o)
			o.watched, first(o).start, first(o).PID = true, &aweigh.Start{}, 4711
		}, Unknown, "the watcher has no proof of it, and there is nothing to ask: give it a probe, a health check, or --log-line", true},
		"no line":           {"start-proven", func(o *observation) { o.logLine = "ready" }, Failed, "it is not there", false},
		"log driver none":   {"start-proven", func(o *observation) { o.logLine, first(o).output.why = "ready", "none" }, Unknown, "its output cannot be read: none", true},
		"over the budget":   {"time-to-ready", func(o *observation) { o.Budget = 4 * time.Second }, Failed, "4.2s", true},
		"budget, no record": {"time-to-ready", func(o *observation) { o.Budget = time.Second; unproven(o) }, Unknown, "no watcher measured the start", true},
		"no budget":         {"time-to-ready", unproven, Skipped, "nobody measured it, and no budget is set", false},
		"answers 500":       {"endpoint-inside", func(o *observation) { first(o).inside.ok, first(o).inside.found = false, "500" }, Failed, "500", false},
		"no way to it":      {"endpoint-inside", func(o *observation) { first(o).inside = answer{why: "its own address is not reached"}; bound(o) }, Unknown, "its own address is not reached", true},
		"declared in vain":  {"endpoint-inside", func(o *observation) { first(o).inside = answer{asked: "tcp://x:1", guess: true, found: "refused"} }, Skipped, "tcp://x:1, which its image declares, gives: refused", false},
		"nobody behind":     {"endpoint-published", func(o *observation) { first(o).outside[0].ok, first(o).outside[0].found = false, "closed" }, Failed, "http://127.0.0.1:8080/health gives: closed", false},
		"nginx has it":      {"port-owner", func(o *observation) { first(o).ports[0].foreign, first(o).ports[0].holder = true, "nginx (pid 812)" }, Failed, "port 8080 is held by nginx (pid 812)", false},
		"listens nowhere":   {"port-owner", func(o *observation) { first(o).ports[0].listens = nil }, Failed, "nothing in the container listens on port 80, to which 8080 leads", false},
		"loopback only":     {"port-owner", func(o *observation) { first(o).ports[0].listens = []string{"127.0.0.1", "::1"} }, Failed, "in the container it listens on 127.0.0.1, ::1 only, which port 8080 does not reach", false},
		"not root":          {"port-owner", func(o *observation) { first(o).ports[0].seen = false }, Unknown, "port 8080: the container's sockets cannot be seen from here", true},
		"slow":              {"response-time", func(o *observation) { first(o).inside.slowest = 4 * time.Second }, Failed, "the slowest of 3 answers took 4s", false},
		"new error":         {"new-errors", printed("boot", "ERROR old 17", "ERROR new"), Failed, "1 error line that start 01GOOD did not have: ERROR new", true},
		"old error":         {"new-errors", printed("ERROR old 4711"), Passed, "1 error line, as in start 01GOOD", false},
		"no baseline":       {"new-errors", func(o *observation) { first(o).output.errors = []string{"ERROR x"} }, Unknown, "1 error line, and no earlier start to compare with: ERROR x", true},
		"breached":          {"signals", func(o *observation) { o.readings[0].State, o.readings[0].Why = signals.Breached, "linkage is 0" }, Failed, "linkage: linkage is 0", false},
		"no number":         {"signals", func(o *observation) { o.readings[0].State, o.readings[0].Why = signals.Missing, "no row" }, Unknown, "linkage: missing: no row", false},
	} {
		o := good()
		c.change(o)
		for _, check := range checks {
			if check.name != c.check {
				continue
			}
			if got := check.judge(o); got.Result != c.result || got.Found != c.found || got.final != c.final {
				t.Errorf("%s: got %s, %q, final %v; want %s, %q, %v", name, got.Result, got.Found, got.final, c.result, c.found, c.final)
			}
		}
	}
}

// unproven takes away all that could prove the start.
func unproven(o *observation) {
	i := &o.instances[0]
	i.start, i.HealthCheck, i.Health, i.inside, o.watched = nil, false, "", answer{}, false
}

func bound(o *observation) { o.instances[0].Bindings = []docker.Binding{{HostPort: 8080, Port: 80}} }

func printed(lines ...string) func(*observation) {
	return func(o *observation) {
		for _, line := range lines {
			if isError(line) {
				o.instances[0].output.errors = append(o.instances[0].output.errors, line)
			}
		}
		o.baseline = &baseline{start: "01GOOD", lines: map[string]bool{likeness("ERROR old 3"): true}}
	}
}

// A job that is done has nothing that answers.
func TestJobThatIsDonePasses(t *testing.T) {
	o := good()
	i := &o.instances[0]
	*i = instance{Instance: docker.Instance{Container: aweigh.Container{Status: "exited", Exit: &aweigh.Exit{}, ImageID: o.imageID}}}
	o.readings = nil
	for _, c := range checks {
		if got := c.judge(o); got.Result != Passed && got.Result != "" {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	i.Exit.Code = 2
	if got := running(o); got.Result != Failed {
		t.Errorf("one that failed: %+v", got)
	}
}

// What ended a moment ago has failed for good, but its reason is worth a moment more.
func TestWatcherIsGivenTheTimeToSayWhyAStartEnded(t *testing.T) {
	ended := func(ago time.Duration, verdict aweigh.Verdict, watched bool) Check {
		o := good()
		i := &o.instances[0]
		i.Status, i.Started, i.Finished, i.PID = "exited", o.at.Add(-ago-time.Second), o.at.Add(-ago), 0
		i.start, o.watched = &aweigh.Start{Verdict: verdict}, watched
		return startProven(o)
	}
	if !ended(time.Second, "", true).soon {
		t.Error("it has just ended, and nobody waits")
	}
	if ended(time.Second, aweigh.Crashed, true).soon || ended(time.Minute, "", true).soon || ended(time.Second, "", false).soon {
		t.Error("there is nothing to wait for, and it is waited for")
	}
}

func TestTheWorstInstanceCounts(t *testing.T) {
	o := good()
	o.instances = append(o.instances, o.instances[0])
	o.instances[1].Name, o.instances[1].Health = "shop_web_2", "unhealthy"
	if got := healthy(o); got.Result != Failed || got.Found != "shop_web_2: unhealthy" {
		t.Errorf("got %+v", got)
	}
}

func TestErrorLines(t *testing.T) {
	for line, want := range map[string]bool{
		"2026-11-25 12:00:01 ERROR could not connect": true, `{"level":"error","msg":"x"}`: true, "time=1 level=ERROR msg=x": true, "[error] 7#7: open() failed": true,
		"Traceback (most recent call last):": true, "KeyError: 'X'": true, "panic: nil map": true, "java.net.BindException: Address already in use": true,
		"0 errors found": false, "GET /errors 200": false, "loaded error_log module": false, "INFO ERRORS_TOTAL=0": false, "listening": false,
	} {
		if got := isError(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
	for one, other := range map[string]string{
		"12:00:01 pid 7 at 0x7ffe12ab":                               "13:11:22 pid 812 at 0x55aa0012",
		"ERROR job f47ac10b-58cc-4372-a567-0e02b2c3d479 was dropped": "ERROR job 0a7cbeef-1c2d-4abc-bcde-feedfacecafe was dropped", // the same error of each start was a new one
		"ERROR peer a1b2c3d4e5f6 left":                               "ERROR peer 4f1c4f1c4f1c left",
	} {
		if likeness(one) != likeness(other) {
			t.Errorf("two starts are never alike: %q, %q", likeness(one), likeness(other))
		}
	}
	if likeness("ERROR cache is full") == likeness("ERROR cafe is full") {
		t.Error("words are taken for ids")
	}
}
