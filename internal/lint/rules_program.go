package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/dockerfile"
)

var healthcheckProgram = Rule{
	ID: "healthcheck-program", Severity: aweigh.Critical, Title: "the health check needs a program that the image lacks",
	Why:   "The container never becomes healthy, although it serves; what waits for it waits for ever.",
	Fix:   "Copy aweigh-init into the image and let it ask, or install the program.",
	check: each(checkHealthcheckProgram),
}

func checkHealthcheckProgram(s *service) []Finding {
	if !s.health.there() {
		return nil
	}
	needs := programs(s.health.test)
	if len(needs) == 0 {
		return nil
	}
	if s.imageRef != "" && s.p.Lacks != nil {
		if missing, ok := s.p.Lacks(s.imageRef, needs); ok {
			if len(missing) == 0 {
				return nil
			}
			return []Finding{s.healthFound(fmt.Sprintf("the health check needs %s, which the image %s does not have", quotes(missing), quote(s.imageRef)), "test")}
		}
	}
	if s.dockerfile == nil || s.built.Base != "scratch" {
		return nil // nobody here knows what the image has
	}
	var missing []string
	for _, program := range needs {
		if !brought(s.built, program) {
			missing = append(missing, program)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []Finding{s.healthFound(fmt.Sprintf("the health check needs %s, and the image is made FROM scratch: nothing is in it but what is copied", quotes(missing)), "test")}
}

// brought reports whether the COPY and ADD of an image made from nothing may
// bring a program. A source may be a directory that holds it: then nobody knows.
func brought(i dockerfile.Image, program string) bool {
	places := []string{path.Clean(program)}
	if !strings.HasPrefix(program, "/") {
		places = nil
		for _, dir := range searched {
			places = append(places, path.Join(dir, program))
		}
	}
	for _, in := range i.Copies {
		words := in.Words
		if words == nil {
			words = strings.Fields(in.Text)
		}
		if len(words) < 2 {
			return true
		}
		to := path.Join("/", words[len(words)-1])
		for _, place := range places {
			if place == to || strings.HasPrefix(place, strings.TrimSuffix(to, "/")+"/") {
				return true
			}
		}
	}
	return false
}

// searched is the PATH of a container that does not say otherwise.
var searched = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// builtins are what a shell knows by itself.
var builtins = []string{"exit", "true", "false", ":", "echo", "test", "[", "cd", "set", "exec", "export", "read", "return", "eval", "if", "then", "else", "fi", "while", "do", "done", "for", "kill", "printf", "trap", "wait", "command", "!", "{", "}",
	"[[", "elif", "until", "case", "esac", "in", "break", "continue", "local", "unset", "shift", "let", "type", "hash", "source", ".", "ulimit", "umask", "pwd"}

// programs are those that a health check calls, the shell included.
func programs(test []string) (all []string) {
	if len(test) == 0 {
		return nil
	}
	switch test[0] {
	case "CMD-SHELL":
		all = append(all, "/bin/sh")
	case "CMD":
		if len(test) > 1 {
			all = append(all, test[1])
		}
	default:
		return nil
	}
	for n, c := range commands(test) {
		program := c[0]
		if n == 0 && test[0] == "CMD" && len(test) > 1 && test[1] == program {
			continue
		}
		if strings.Contains(program, "/") && !path.IsAbs(program) {
			continue // from a working directory that nobody here knows
		}
		// What follows a substitution goes on with its command: test $(ask) -eq 200.
		if slices.Contains(builtins, program) || strings.HasPrefix(program, "-") || strings.ContainsAny(program, "$`'\"*?=(){}<>&") || program == "" {
			continue
		}
		if !slices.ContainsFunc(all, func(have string) bool { return have == program || path.Base(have) == program }) {
			all = append(all, program)
		}
	}
	return all
}

// assigns reports whether a word sets a variable for the command behind it, and
// is no comparison.
func assigns(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && strings.Trim(strings.ToUpper(name), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// commands cuts a health check into its simple commands, roughly: words between
// pipes, lists and substitutions. The first word of each is its program. Nothing
// is evaluated.
func commands(test []string) (all [][]string) {
	if len(test) < 2 {
		return nil
	}
	words := test[1:]
	line := ""
	switch {
	case test[0] == "CMD-SHELL":
		line = strings.Join(words, " ")
	case test[0] == "CMD" && len(words) >= 3 && slices.Contains([]string{"sh", "bash", "ash", "dash"}, path.Base(words[0])) && words[1] == "-c":
		line = words[2]
	case test[0] == "CMD":
		return [][]string{words}
	default:
		return nil
	}
	line = strings.ReplaceAll(line, "\\\n", " ")
	var quoted rune
	parts := strings.FieldsFunc(line, func(c rune) bool {
		switch {
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
			return false
		case c == '\'' || c == '"':
			quoted = c
			return false
		}
		return strings.ContainsRune("|&;()\n`", c)
	})
	for _, part := range parts {
		fields := strings.Fields(part)
		for len(fields) > 0 && (assigns(fields[0]) || slices.Contains([]string{"!", "exec", "if", "then", "else", "do", "while", "command"}, fields[0])) {
			fields = fields[1:]
		}
		if len(fields) == 0 || strings.ContainsAny(fields[0], "<>") || strings.Trim(fields[0], "0123456789") == "" {
			continue
		}
		for i := range fields {
			fields[i] = strings.Trim(fields[i], `'"`)
		}
		all = append(all, fields)
	}
	return all
}
