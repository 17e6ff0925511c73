package propose

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/config/schema"
)

const head = `# yaml-language-server: $schema=` + schema.ID + `
#
# What "aweigh watch" should know of these services, as "aweigh init" found it:
# change what is wrong. Services that are not here are watched as well.
# All keys: docs/aweigh.yaml.md. Check it with: aweigh config check

# defaults:                 # for every service
#   startup_timeout: 120s   # deadline of a start
#   silence: 5m             # the longest gap in a log; off where quiet is good

`

const tail = `
# Without a route nobody is told. Prove it with: aweigh notify test
# routes:
#   - name: ops
#     to: smtp://user:${SMTP_PASSWORD}@mail.example.com:587/?from=aweigh@example.com&to=ops@example.com
`

// Text is an aweigh.yaml for these services. All that it takes over from
// outside is quoted as a value or made harmless in a comment.
func Text(services []Service) []byte {
	var b strings.Builder
	b.WriteString(head)
	if len(services) == 0 {
		b.WriteString("# No service was found here.\n# services:\n#   web:\n#     probe: http://:8080/health\n")
	} else {
		b.WriteString("services:\n")
	}
	written := map[string]bool{}
	for _, s := range services {
		if s.Service == "" || written[s.Service] {
			continue
		}
		written[s.Service] = true
		fmt.Fprintf(&b, "  %s:%s\n", key(s.Service), image(s.Image))
		for _, line := range proposal(s) {
			b.WriteString("    " + line + "\n")
		}
	}
	b.WriteString(tail)
	return []byte(b.String())
}

// proposal are the lines below one service.
func proposal(s Service) (lines []string) {
	port, published := port(s)
	byLabel := labels(s)
	checked, program := healthcheck(s)
	switch probe, ok := config.ProbeFromHealthcheck(s.HealthTest); {
	case slices.Contains(byLabel, "aweigh.probe"):
	case ok:
		lines = append(lines, "# What its health check asks.", "probe: "+text(probe))
	case checked && (program == "aweigh-init" || program == "aweigh"):
		lines = append(lines, "# aweigh-init in the container proves its starts: nothing to add.")
	case checked:
		lines = append(lines, "# Its health check ("+comment(program)+") cannot be asked from here; the engine's verdict of it counts.")
		if port != 0 {
			lines = append(lines, fmt.Sprintf("# probe: tcp://:%d", port))
		}
	case port != 0 && !published:
		// Images declare ports in vain: a probe that never succeeds would raise an
		// alarm at each start.
		lines = append(lines,
			fmt.Sprintf("# It has no health check, and publishes no port. If it serves on %d, which it exposes:", port),
			fmt.Sprintf("# probe: tcp://:%d", port))
	case port != 0:
		lines = append(lines,
			fmt.Sprintf("# It has no health check. That something accepts on its port is little proof; better: http://:%d/health", port),
			fmt.Sprintf("probe: tcp://:%d", port))
	default:
		lines = append(lines, "# Neither a health check nor a port is known. If it serves, say how to ask it:", "# probe: http://:PORT/health")
		if s.Restart == "" || s.Restart == "no" {
			lines = append(lines, "# If it does its work and ends:", "# ignore: true")
		}
	}
	if len(byLabel) > 0 {
		lines = append(lines, "# Its labels say more, and count more: "+comment(strings.Join(byLabel, ", ")))
	}
	return lines
}

// port is the one to ask: the first that is published, else the first at all.
func port(s Service) (first int, published bool) {
	for _, p := range s.Ports {
		if p.Protocol != "" && p.Protocol != "tcp" || p.Container < 1 || p.Container > 65535 {
			continue
		}
		if p.Published {
			return p.Container, true
		}
		if first == 0 {
			first = p.Container
		}
	}
	return first, false
}

func labels(s Service) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		if strings.HasPrefix(name, "aweigh.") && !strings.HasPrefix(name, "aweigh.internal.") {
			names = append(names, name)
		}
	}
	return names
}

// healthcheck names the program of a health check: its arguments may be secret.
func healthcheck(s Service) (has bool, program string) {
	if len(s.HealthTest) < 2 || s.HealthTest[0] == "NONE" {
		return false, ""
	}
	words := strings.Fields(s.HealthTest[1])
	if len(words) == 0 {
		return false, ""
	}
	return true, path.Base(words[0])
}

// key writes a service's name, which is meant as a name and not as a pattern.
func key(name string) string {
	plain := name[0] >= 'a' && name[0] <= 'z'
	for _, c := range name {
		plain = plain && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-')
	}
	if plain && !slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}, name) {
		return name
	}
	return text(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name))
}

// text writes a value: plain where it is a usual URL, else as JSON, which is
// YAML too. A $ must not begin a variable.
func text(s string) string {
	s = strings.ReplaceAll(s, "$", "$$")
	usual := strings.HasPrefix(s, "http") || strings.HasPrefix(s, "tcp:") || strings.HasPrefix(s, "grpc:")
	for _, c := range s {
		usual = usual && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/_.-:?=&%$", c))
	}
	if usual && !strings.HasSuffix(s, ":") {
		return s
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(quoted)
}

func image(name string) string {
	if name == "" {
		return ""
	}
	return "  # " + comment(name)
}

// comment makes a text from outside one short line.
func comment(s string) string {
	runes := []rune(strings.ToValidUTF8(s, "?"))
	if len(runes) > 200 {
		runes = append(runes[:200:200], '…')
	}
	for i, c := range runes {
		if !unicode.IsPrint(c) {
			runes[i] = '?'
		}
	}
	return string(runes)
}
