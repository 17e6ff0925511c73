package preflight

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
)

// risky are the files whose change has taken services down before.
var risky = []string{"compose*.y*ml", "docker-compose*.y*ml", "Dockerfile*", "*.dockerfile", "*entrypoint*", ".env*", "*.conf", "Caddyfile",
	"go.mod", "go.sum", "package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "requirements*.txt", "poetry.lock", "uv.lock", "Pipfile.lock",
	"pyproject.toml", "Gemfile.lock", "composer.lock", "Cargo.lock", "pom.xml", "build.gradle*"}

// changes says, short, what is new since what is deployed: commits, files that are
// known to break things, ports, names of environment variables.
func (f *flight) changes(ctx context.Context) []Check {
	running, err := f.Engine.Twins(ctx, f.Project.Name)
	if err != nil {
		return of(Unknown, "", "%v", err)
	}
	if len(running) == 0 {
		return of(Skipped, "", "nothing of it is deployed yet")
	}
	var found []string
	for _, name := range f.Services {
		found = append(found, f.against(name, running)...)
	}
	verdict := Passed
	if git, files := f.history(ctx, running); git != "" {
		found = append([]string{git}, found...)
		if len(files) > 0 {
			verdict = Warning
			found = append(found, "changed, and risky: "+listed(files))
		}
	}
	if len(found) == 0 {
		return of(Passed, "", "none is known of")
	}
	if len(found) > 1 {
		verdict = Warning
	}
	fix := ""
	if verdict == Warning {
		fix = "Read the changes before you go on."
	}
	return of(verdict, fix, "%s", record.Printable(strings.Join(found, "; ")))
}

// against compares a service of the file with the container that runs. Values are
// not told: they may be secret.
func (f *flight) against(name string, running []docker.Twin) (found []string) {
	n := slices.IndexFunc(running, func(t docker.Twin) bool { return t.Service == name })
	if n < 0 {
		return []string{name + " is new"}
	}
	s, was := f.Project.All()[name], running[n]
	had := map[string]bool{}
	for _, kv := range was.Config.Env {
		key, _, _ := strings.Cut(kv, "=")
		had[key] = true
	}
	var added []string
	for _, key := range slices.Sorted(maps.Keys(s.Environment)) {
		if !had[key] && s.Environment[key] != nil {
			added = append(added, key)
		}
	}
	if image := f.name(s); image != was.Image && !strings.HasPrefix(was.Image, "sha256:") {
		found = append(found, fmt.Sprintf("%s becomes %s, was %s", name, image, was.Image))
	}
	if added != nil {
		found = append(found, name+" has new variables: "+listed(added))
	}
	var before, after []string
	for port, bound := range was.Host.PortBindings {
		for _, b := range bound {
			if b.HostPort != "" {
				before = append(before, b.HostPort+":"+port.String())
			}
		}
	}
	for _, p := range s.Ports {
		if p.Published != "" {
			after = append(after, fmt.Sprintf("%s:%d/%s", p.Published, p.Target, p.Protocol))
		}
	}
	slices.Sort(before)
	slices.Sort(after)
	if !slices.Equal(before, after) {
		found = append(found, fmt.Sprintf("%s publishes %s, was %s", name, listed(after), listed(before)))
	}
	return found
}

// history asks git what was committed since what runs. It is "" where there is no
// repository.
func (f *flight) history(ctx context.Context, running []docker.Twin) (said string, files []string) {
	if _, err := f.git(ctx, "rev-parse", "--git-dir"); err != nil {
		return "", nil
	}
	since := f.Commit
	if since == "" {
		oldest := running[0].Created
		for _, t := range running {
			if slices.Contains(f.Services, t.Service) && t.Created.After(oldest) {
				oldest = t.Created
			}
		}
		out, err := f.git(ctx, "rev-list", "--max-count=1", "--before="+oldest.UTC().Format(time.RFC3339), "HEAD")
		if err != nil || strings.TrimSpace(out) == "" {
			return "", nil
		}
		since = strings.TrimSpace(out)
	}
	commits, err := f.git(ctx, "log", "--oneline", "--no-decorate", since+"..HEAD", "--", ".")
	if err != nil {
		return "", nil
	}
	lines := strings.Split(strings.TrimSpace(commits), "\n")
	if lines[0] == "" {
		lines = nil
	}
	changed, _ := f.git(ctx, "diff", "--name-only", "--no-ext-diff", "--no-textconv", "--relative", since)
	for _, file := range strings.Fields(changed) {
		if slices.ContainsFunc(risky, func(p string) bool { ok, _ := path.Match(p, path.Base(file)); return ok }) {
			files = append(files, file)
		}
	}
	if len(lines) == 0 && len(files) == 0 {
		return "", nil
	}
	said = counted(len(lines), "commit", "commits") + " since " + since[:min(len(since), 8)]
	if len(lines) > 0 {
		_, subject, _ := strings.Cut(lines[0], " ")
		said += fmt.Sprintf(" (the last: %s)", cli.Shorten(subject, 60))
	}
	return said, files
}

// git reads the history. Nothing that a repository configures is run.
func (f *flight) git(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", f.Project.WorkingDir, "-c", "core.fsmonitor=false", "-c", "core.pager="}, args...)...)
	out, err := cmd.Output()
	return string(out), err
}

func listed(all []string) string {
	const most = 6
	switch {
	case len(all) == 0:
		return "none"
	case len(all) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return strings.Join(all, ", ")
}
