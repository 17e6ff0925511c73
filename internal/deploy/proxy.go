package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/probe"
)

// handover is a service that is rolled out, and how its proxy is told. It is kept
// with the deployment: the way back needs it, and has no compose file.
type handover struct {
	Service string
	// Rollout has all that the proxy needs: no "auto", an absolute Upstream, Name
	// and Port known.
	core.Rollout
	// Was is what the proxy is told of the old instances, on the way back.
	Was core.Rollout
	// Handed says that the proxy may have been told of the new instances.
	Handed bool
	// Left says that the old instances may have been asked to leave: there is no
	// way to ask them to stay.
	Left bool
}

// Limits of what is run in the proxy's container. kamal-proxy returns when the
// requests that are under way have ended, which may take the time of Drain on top.
const (
	nginxLimit = time.Minute
	kamalLimit = 5 * time.Minute
)

// keep keeps what the proxy was told of the old instances, as far as they say that
// themselves: another release may listen elsewhere.
func (h *handover) keep(now, was core.Settings) {
	h.Was = h.Rollout
	p, err := probe.Parse(was.Probe, 0)
	switch {
	case was.Rollout.Port != 0:
		h.Was.Port = was.Rollout.Port
	case now.Rollout.Port == 0 && err == nil && p.Port != 0:
		h.Was.Port = p.Port
	}
	if was.Rollout.Proxy == h.Proxy {
		h.Was.Options = was.Rollout.Options
	}
}

// old is the handover to the old instances.
func (h *handover) old() *handover {
	if h.Was.Proxy == "" {
		return h // it was not kept
	}
	old := *h
	old.Rollout = h.Was
	return &old
}

// follows reports whether the proxy looks by itself which instances there are.
func (h *handover) follows() bool { return h.Proxy == "traefik" || h.Proxy == "caddy" }

// told says what the proxy does now.
func (h *handover) told(fresh, old string) string {
	switch {
	case !h.follows():
		return h.Proxy + " sends to " + fresh
	case h.Proxy == "traefik" && h.Leave == "":
		return "traefik finds " + fresh + " by itself; a request that it sends to " + old + " as that ends may fail, for there is no aweigh.rollout.leave"
	}
	return h.Proxy + " finds " + fresh + " by itself"
}

// give has the proxy send to these containers, and to no others.
func (h *handover) give(ctx context.Context, engine *docker.Engine, project string, names []string) error {
	var addrs []string
	for _, name := range names {
		addrs = append(addrs, fmt.Sprintf("%s:%d", name, h.Port))
	}
	switch h.Proxy {
	case "nginx":
		text, err := os.ReadFile(h.Upstream)
		if err != nil {
			return fmt.Errorf("nginx's upstream: %w", err)
		}
		next, ok := withServers(string(text), h.Name, addrs)
		if !ok {
			return fmt.Errorf("%s has no upstream %s with a server", h.Upstream, h.Name)
		}
		return h.giveFile(ctx, engine, project, string(text), next)
	case "kamal-proxy":
		words := []string{"kamal-proxy", "deploy", h.Name, "--drain-timeout", h.Drain.String()}
		for _, addr := range addrs {
			words = append(words, "--target", addr)
		}
		if h.Options != "" {
			options, err := config.ParseCommand("deploy " + h.Options)
			if err != nil {
				return err
			}
			words = append(words, options[1:]...)
		}
		err := h.exec(ctx, engine, project, kamalLimit+h.Drain, words)
		// One that was ended, or that we lost sight of, may have changed it.
		if said := (*exitError)(nil); errors.As(err, &said) && said.code < killed {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		return err
	}
	return nil
}

// errRefused says that the proxy was not changed.
var errRefused = errors.New("the proxy keeps to what it had")

// giveFile writes the upstream file, has nginx test it, and read it. What nginx
// does not take is taken back.
func (h *handover) giveFile(ctx context.Context, engine *docker.Engine, project, was, next string) error {
	test, err := config.ParseCommand(h.Test)
	if err != nil {
		return err
	}
	reload, err := config.ParseCommand(h.Reload)
	if err != nil {
		return err
	}
	if err := replace(h.Upstream, next); err != nil {
		return fmt.Errorf("nginx's upstream: %w", err)
	}
	if err := h.exec(ctx, engine, project, nginxLimit, test); err != nil {
		if undo := replace(h.Upstream, was); undo != nil {
			return errors.Join(err, undo)
		}
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return h.exec(ctx, engine, project, nginxLimit, reload)
}

// exec runs a program in each container of the proxy.
func (h *handover) exec(ctx context.Context, engine *docker.Engine, project string, limit time.Duration, words []string) error {
	ids, err := h.containers(ctx, engine, project)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return fmt.Errorf("the proxy %s does not run", h.Container)
	}
	for _, id := range ids {
		if err := runIn(ctx, engine, id, limit, words); err != nil {
			return fmt.Errorf("in %s: %w", h.Container, err)
		}
	}
	return nil
}

func runIn(ctx context.Context, engine *docker.Engine, id string, limit time.Duration, words []string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	code, out, err := engine.Exec(ctx, id, words)
	if err != nil {
		return fmt.Errorf("%s: %w", words[0], err)
	}
	if code != 0 {
		said := cli.Shorten(strings.Join(strings.Fields(out), " "), 300) // nginx says why in its first line, others in the last
		return &exitError{strings.Join(words[:min(len(words), 2)], " "), code, said}
	}
	return nil
}

// exitError is what a program said that has failed.
type exitError struct {
	program string
	code    int
	said    string
}

// killed is where the exit statuses of programs begin that a signal has ended.
const killed = 128

func (e *exitError) Error() string {
	return fmt.Sprintf("%s: exit status %d: %s", e.program, e.code, e.said)
}

// containers are the ids of the proxy's running containers.
func (h *handover) containers(ctx context.Context, engine *docker.Engine, project string) (ids []string, err error) {
	all, err := engine.Instances(ctx, project, h.Container)
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		if i.Status == "running" {
			ids = append(ids, i.ID)
		}
	}
	if len(all) > 0 {
		return ids, nil
	}
	if in, err := engine.Inspect(ctx, h.Container); err == nil && in.Container.Status == "running" {
		ids = append(ids, in.Container.ID)
	}
	return ids, nil
}

// server is one server of an upstream: what is before it, and its parameters. What is
// commented out is one match, and none of a server.
var server = regexp.MustCompile(`#[^\n]*|([ \t]*)\bserver[ \t]+[^\s;{}#]+([^;{}\n#]*);`)

// withServers is nginx's configuration with other servers in an upstream; false if
// there is none. All else stays, as do the parameters of the first server.
func withServers(text, name string, addrs []string) (string, bool) {
	block := regexp.MustCompile(`(?m)^[ \t]*upstream[ \t]+` + regexp.QuoteMeta(name) + `[ \t\n]*\{[^{}]*\}`)
	at := block.FindStringIndex(text)
	if at == nil {
		return "", false
	}
	first := true
	servers := server.ReplaceAllStringFunc(text[at[0]:at[1]], func(one string) string {
		m := server.FindStringSubmatch(one)
		switch {
		case one[0] == '#':
			return one
		case !first:
			return ""
		}
		first = false
		var all []string
		for _, addr := range addrs {
			all = append(all, m[1]+"server "+addr+m[2]+";")
		}
		return strings.Join(all, "\n")
	})
	return text[:at[0]] + servers + text[at[1]:], !first
}

// replace puts a file in the place of another at once: whoever reads finds all of
// the one or all of the other. Its name until then begins with a dot, so that no
// include takes it.
func replace(path, text string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	was, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".aweigh-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // which is gone if all went well
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(was.Mode().Perm()), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
