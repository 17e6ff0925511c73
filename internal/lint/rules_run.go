package lint

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/compose"
)

var sharedVolume = Rule{
	ID: "shared-volume", Severity: aweigh.Warning, Title: "several services write to one volume",
	Why:   "They overwrite each other's files, and hold each other's locks: a start hangs until another service ends.",
	Fix:   "Give each its own volume, or mount it :ro where it is only read.",
	check: checkSharedVolume,
}

// harmless are sources that many containers may mount: sockets and what is the
// same on the whole host.
var harmless = []string{"/var/run/", "/run/", "/etc/", "/dev/", "/sys", "/proc", "/tmp/.X11-unix"}

func checkSharedVolume(p *project) (all []Finding) {
	writers := map[string][]*service{}
	for _, s := range p.services {
		for _, v := range s.Volumes {
			if v.ReadOnly || v.Source == "" || v.Type != "volume" && v.Type != "bind" {
				continue
			}
			// Records are made for it: each start has a directory of its own.
			if v.Target == "/var/lib/aweigh" || v.Type == "bind" && slices.ContainsFunc(harmless, func(h string) bool { return strings.HasPrefix(v.Source, h) }) {
				continue
			}
			what := v.Source
			if v.Type == "bind" {
				what = compose.Shorten(v.Source)
			}
			if scale := s.GetScale(); scale > 1 && len(writers[v.Source]) == 0 {
				all = append(all, s.found(fmt.Sprintf("%d containers of it write to %s", scale, quote(what)), s.item("volumes", v.Target)...))
			}
			for _, other := range writers[v.Source] {
				if other != s && !apart(s, other) && !after(s, other) && !after(other, s) {
					f := s.found(fmt.Sprintf("%s is written to by %s as well", quote(what), quote(other.name)), s.item("volumes", v.Target)...)
					if v.Type == "bind" && s.isSource(v.Source) {
						f.Severity = aweigh.Info // of a program, seldom written to
					}
					all = append(all, f)
					break
				}
			}
			if !slices.Contains(writers[v.Source], s) {
				writers[v.Source] = append(writers[v.Source], s)
			}
		}
	}
	return all
}

// isSource reports whether what is mounted is the source of the service, as for
// development, or a file, which is mostly a configuration.
func (s *service) isSource(path string) bool {
	if s.Build != nil && filepath.Clean(s.Build.Context) == filepath.Clean(path) {
		return true
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// after reports whether a service waits for the end of another one: they never
// write at the same time.
func after(s, other *service) bool {
	return s.DependsOn[other.name].Condition == types.ServiceConditionCompletedSuccessfully
}

var memoryLimit = Rule{
	ID: "memory-limit", Severity: aweigh.Critical, Title: "the memory limit is below what it takes",
	Why:   "The kernel kills it, or a child of it, in the middle of its work.",
	Fix:   "Raise the limit to half as much again as the measured peak.",
	check: each(checkMemoryLimit),
}

func checkMemoryLimit(s *service) []Finding {
	limit, at := int64(s.MemLimit), []string{"mem_limit"}
	if d := s.Deploy; d != nil && d.Resources.Limits != nil && d.Resources.Limits.MemoryBytes > 0 {
		limit, at = int64(d.Resources.Limits.MemoryBytes), []string{"deploy", "resources", "limits", "memory"}
	}
	m := &s.measured
	switch {
	case limit <= 0:
		return nil
	case m.OOM > 0:
		return []Finding{s.found(fmt.Sprintf("the limit is %s, and it was killed for want of memory %s", size(limit), times(m.OOM)), at...)}
	case m.Peak >= limit*95/100:
		f := s.found(fmt.Sprintf("the limit is %s, and it was seen to take %s", size(limit), size(m.Peak)), at...)
		f.Fix = fmt.Sprintf("Raise the limit to %s.", size(m.Peak*3/2))
		return []Finding{f}
	}
	return nil
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

var logRotation = Rule{
	ID: "log-rotation", Severity: aweigh.Warning, Title: "its log grows without end", Fixable: true,
	Why:   "Docker's json-file keeps everything until the disk is full, and then nothing starts.",
	Fix:   "Add logging with max-size and max-file, or the driver local, which has bounds of its own.",
	check: each(checkLogRotation),
}

func checkLogRotation(s *service) []Finding {
	l := s.Logging
	if l == nil || l.Driver == "" && len(l.Options) == 0 {
		if s.p.Rotated {
			return nil
		}
		f := s.found("its log grows without end: no max-size, unless the engine's daemon.json has one")
		f.edit = s.add("logging: {driver: json-file, options: {max-size: 10m, max-file: \"3\"}}")
		return []Finding{f}
	}
	if (l.Driver == "" && !s.p.Rotated || l.Driver == "json-file") && l.Options["max-size"] == "" {
		return []Finding{s.found("its log grows without end: json-file without max-size", "logging")}
	}
	return nil
}

var restartUnwatched = Rule{
	ID: "restart-unwatched", Severity: aweigh.Info, Title: "it is restarted, and nobody watches",
	Why:   "A restart policy turns a service that cannot start into a loop that looks like \"Up\".",
	Fix:   "Run aweigh watch on the host.",
	check: each(checkRestartUnwatched),
}

func checkRestartUnwatched(s *service) []Finding {
	policy := s.Restart
	if d := s.Deploy; policy == "" && d != nil && d.RestartPolicy != nil && d.RestartPolicy.Condition != "none" {
		policy = "deploy.restart_policy"
	}
	w := s.p.Watcher
	away := s.p.Now.Sub(w.Last)
	if policy == "" || policy == "no" || !w.Last.IsZero() && away < 10*time.Minute {
		return nil
	}
	if w.Last.IsZero() {
		where := ""
		if w.Dir != "" {
			where = fmt.Sprintf(" (nothing in %s)", quote(w.Dir))
		}
		return []Finding{s.found(fmt.Sprintf("restart: %s, and no watcher has been on this host%s", quote(policy), where), "restart")}
	}
	f := s.found(fmt.Sprintf("restart: %s, and no watcher has been here for %s", quote(policy), human(away.Round(time.Minute))), "restart")
	f.Severity = aweigh.Warning
	return []Finding{f}
}

var stopGrace = Rule{
	ID: "stop-grace", Severity: aweigh.Info, Title: "no stop_grace_period", Fixable: true,
	Why:   "It is killed 10 s after SIGTERM, whatever it was writing; what was half written is found at the next start.",
	Fix:   "Say how long it may take to end: stop_grace_period: 30s.",
	check: each(checkStopGrace),
}

func checkStopGrace(s *service) []Finding {
	g := s.StopGracePeriod
	switch {
	case g == nil && !s.job():
		f := s.found("no stop_grace_period: it is killed 10s after SIGTERM")
		f.Fix = "stop_grace_period: 30s, or as long as it needs to end"
		f.edit = s.add("stop_grace_period: 30s")
		return []Finding{f}
	case g != nil && time.Duration(*g) < time.Second:
		f := s.found("stop_grace_period is "+human(time.Duration(*g))+": it is killed at once", "stop_grace_period")
		f.Severity = aweigh.Warning
		return []Finding{f}
	}
	return nil
}

var signalsLost = Rule{
	ID: "signals-lost", Severity: aweigh.Warning, Title: "a shell is its first process and passes no signal on",
	Why:   "SIGTERM ends at the shell: each stop waits for its whole grace, then kills.",
	Fix:   "Write CMD and ENTRYPOINT as JSON, or begin the script's last command with exec.",
	check: each(checkSignalsLost),
}

func checkSignalsLost(s *service) []Finding {
	words := s.command()
	if s.initTrue() || len(words) != 3 || words[1] != "-c" {
		return nil
	}
	// bash (5.2) and BusyBox become the last command that they have to run; dash
	// (0.5.12), which is the sh of Debian and Ubuntu, stays and waits, even for a
	// single one.
	program := path.Base(words[0])
	if program != "dash" && (program != "sh" || strings.Contains(s.built.Base+s.Image, "alpine") || strings.Contains(s.built.Base+s.Image, "busybox")) {
		return nil
	}
	if fields := strings.Fields(words[2]); slices.Contains(fields, "exec") || slices.Contains(fields, "trap") {
		return nil
	}
	return []Finding{s.commandFound("its first process is a shell; dash, which is the sh of Debian, passes no signal on")}
}

func shell(program string) bool {
	return slices.Contains([]string{"sh", "bash", "ash", "dash"}, path.Base(program))
}

var initMissing = Rule{
	ID: "init-missing", Severity: aweigh.Info, Title: "no init where zombies would gather", Fixable: true,
	Why:   "Its first process starts others and does not reap what they leave; each zombie holds a process number until none is left.",
	Fix:   "Add init: true, or let aweigh-init be the first process.",
	check: each(checkInitMissing),
}

// parents are programs that start others and reap only their own children.
var parents = []string{"npm", "npx", "yarn", "pnpm", "node", "python", "python3", "java", "ruby", "php", "perl", "cron", "crond", "chromium", "google-chrome"}

func checkInitMissing(s *service) []Finding {
	words := s.command()
	if s.initTrue() || len(words) == 0 {
		return nil
	}
	why := ""
	first := path.Base(words[0])
	switch {
	case shell(first) && len(words) == 3 && words[1] == "-c" && strings.Contains(strings.ReplaceAll(words[2], "&&", ""), "&"):
		why = "its first process is a shell that starts others in the background"
	case slices.Contains(parents, first):
		why = first + " is its first process, and reaps only what it started itself"
	}
	if why == "" {
		return nil
	}
	f := s.found(why)
	if shell(first) {
		f.Severity = aweigh.Warning
	}
	f.edit = s.add("init: true")
	return []Finding{f}
}

func (s *service) initTrue() bool { return s.Init != nil && *s.Init }
