package preflight

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/record"
)

// interpreter is a program that can check what it is to run without running it.
type interpreter struct {
	names []string // how its name begins: python3.12 is one of python
	ends  []string // of the file that is checked; none: it checks its own configuration
	check func(program, file string) []string
}

// pyCompile is py_compile without what that writes beside the file: a user that is not
// root may not, and what a trial has of the host is read-only.
const pyCompile = "import sys; compile(open(sys.argv[1], 'rb').read(), sys.argv[1], 'exec')"

// interpreters is the table of those that are known.
var interpreters = []interpreter{
	{[]string{"python"}, []string{".py"}, func(p, file string) []string { return []string{p, "-c", pyCompile, file} }},
	{[]string{"node", "nodejs"}, []string{".js", ".mjs", ".cjs"}, func(p, file string) []string { return []string{p, "--check", file} }},
	{[]string{"php-fpm"}, nil, func(p, _ string) []string { return []string{p, "-t"} }},
	{[]string{"php"}, []string{".php"}, func(p, file string) []string { return []string{p, "-l", file} }},
	{[]string{"ruby"}, []string{".rb"}, func(p, file string) []string { return []string{p, "-c", file} }},
	{[]string{"bash", "dash", "sh", "ash"}, []string{".sh"}, func(p, file string) []string { return []string{p, "-n", file} }},
	{[]string{"nginx"}, nil, func(p, _ string) []string { return []string{p, "-t"} }},
	{[]string{"httpd", "apache2"}, nil, func(p, _ string) []string { return []string{p, "-t"} }},
	{[]string{"caddy"}, nil, func(p, _ string) []string {
		return []string{p, "validate", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"}
	}},
}

// checker is the command that checks what argv would run; nil for what is not
// known.
func checker(argv []string) []string {
	for n, word := range argv {
		name := path.Base(word)
		for _, i := range interpreters {
			if !begins(name, i.names) {
				continue
			}
			if i.ends == nil {
				return i.check(word, "")
			}
			for _, arg := range argv[n+1:] {
				for _, end := range i.ends {
					if strings.HasSuffix(arg, end) && !strings.HasPrefix(arg, "-") {
						return i.check(word, arg)
					}
				}
			}
		}
	}
	return nil
}

// begins reports whether a name is one of these, or one with a version behind it.
func begins(name string, names []string) bool {
	for _, n := range names {
		if rest, ok := strings.CutPrefix(name, n); ok && strings.Trim(rest, "0123456789.") == "" {
			return true
		}
	}
	return false
}

// syntaxLimit is how long such a check may take.
const syntaxLimit = time.Minute

// syntax has the interpreter of a service check what it is to run, in a container
// like that of the trial. Nothing is told of services without one.
func (b *booth) syntax(ctx context.Context, name string) []Check {
	argv, _, err := b.argv(ctx, b.Project.All()[name])
	if err != nil {
		return nil
	}
	words := checker(argv)
	if words == nil {
		return nil
	}
	began := time.Now()
	t := b.throwaway(b.models[name])
	t.Name += "-syntax"
	t.Networks = nil
	t.Host.NetworkMode = "none"
	t.Config.Entrypoint, t.Config.Cmd, t.Config.Healthcheck = words, nil, nil
	t.Config.Labels["com.docker.compose.oneoff"] = "True" // it is no instance of the service
	ctx, cancel := context.WithTimeout(ctx, syntaxLimit)
	defer cancel()
	code, out, err := b.Engine.Once(ctx, t)
	c := Check{Name: "syntax", Service: name, Verdict: Passed, Found: strings.ReplaceAll(strings.Join(words, " "), pyCompile, "…"), TookMS: max(time.Since(began).Milliseconds(), 1)}
	said := cli.Shorten(record.Printable(strings.Join(strings.Fields(out), " ")), 300)
	switch {
	case err != nil:
		c.Verdict, c.Found = Unknown, fmt.Sprintf("%s: %v", c.Found, err)
	case code != 0 && (strings.Contains(out, "host not found") || code == 126 || code == 127):
		// Without a network no name is found, which is no fault of the file.
		c.Verdict, c.Found = Unknown, fmt.Sprintf("%s: %s", c.Found, said)
	case code != 0:
		c.Verdict, c.Found, c.Fix = Failed, fmt.Sprintf("%s: exit status %d: %s", c.Found, code, said), "Correct the file that is named."
	}
	return []Check{c}
}
