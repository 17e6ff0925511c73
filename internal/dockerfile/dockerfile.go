// Package dockerfile reads of a Dockerfile what says how an image starts: its
// stages, and what the last of them runs, exposes and checks.
//
//	f, err := dockerfile.Parse("Dockerfile", text, nil)
//	image := f.Image("") // of the last stage, with what it takes over from the stages before
//	fmt.Println(image.Base, image.Healthcheck, image.Healthcheck.Line)
//
// BuildKit has a parser, and with it would come BuildKit: gRPC, containerd's
// types, some hundred packages. What is needed here is lines, continuations,
// here-documents and the JSON form.
//
// https://docs.docker.com/reference/dockerfile/
package dockerfile

import (
	"encoding/json"
	"fmt"
	"strings"
)

// File is a Dockerfile.
type File struct {
	Path   string
	Args   map[string]string // ARGs before the first FROM, with their values
	Stages []Stage
	Lines  []string // its text
}

// Stage is a FROM and what follows it.
type Stage struct {
	Name         string // AS NAME; may be empty
	From         string // as written
	Line         int
	Instructions []Instruction
}

// Instruction is one of a stage. Its Name is in capitals.
type Instruction struct {
	Name  string
	Flags []string // --from=build
	Text  string   // what follows name and flags, continuations joined by a space
	Words []string // of the JSON form; nil for the shell form
	Line  int      // of its first line, from 1

	shell []string // of SHELL, of one that an Image has
}

// Bounds on a Dockerfile, and on the value of an ARG, which may double an earlier
// one.
const (
	maxLines = 20000
	maxArg   = 4096
)

// Parse reads a Dockerfile; path names it in errors. args are the values that the
// build gives to its ARGs; nil is none.
func Parse(path string, text []byte, args map[string]string) (*File, error) {
	f := &File{Path: path, Args: map[string]string{}}
	lines := strings.Split(strings.ReplaceAll(strings.TrimPrefix(string(text), "\ufeff"), "\r\n", "\n"), "\n")
	if len(lines) > maxLines {
		return nil, fmt.Errorf("%s has more than %d lines", path, maxLines)
	}
	f.Lines = lines
	escape := directive(lines, "escape", `\`)
	for n := 0; n < len(lines); {
		at := n + 1
		var logical string
		logical, n = join(lines, n, escape)
		if logical == "" {
			continue
		}
		in := instruction(logical, at)
		n = skipHeredocs(lines, n, in)
		switch {
		case in.Name == "FROM":
			f.Stages = append(f.Stages, stage(in))
		case len(f.Stages) > 0:
			last := &f.Stages[len(f.Stages)-1]
			last.Instructions = append(last.Instructions, in)
		case in.Name == "ARG":
			for _, word := range split(in.Text) {
				name, value, _ := strings.Cut(word, "=")
				if given, ok := args[name]; ok {
					value = given
				} else {
					value = f.expand(value)
				}
				f.Args[name] = value[:min(len(value), maxArg)]
			}
		default:
			return nil, fmt.Errorf("%s:%d: %s before the first FROM: is it a Dockerfile?", path, at, cut(in.Name))
		}
	}
	if len(f.Stages) == 0 {
		return nil, fmt.Errorf("%s has no FROM: is it a Dockerfile?", path)
	}
	return f, nil
}

// join reads one instruction over all its lines, and returns the number of the
// line after it. Comment lines within it, and empty ones, do not count.
func join(lines []string, n int, escape string) (string, int) {
	var parts []string
	for ; n < len(lines); n++ {
		line := strings.TrimSpace(lines[n])
		if strings.HasPrefix(line, "#") || line == "" {
			if len(parts) == 0 {
				return "", n + 1
			}
			continue
		}
		rest, more := strings.CutSuffix(line, escape)
		if more && strings.HasSuffix(rest, escape) {
			rest, more = line, false // one that is escaped itself
		}
		parts = append(parts, strings.TrimSpace(rest))
		if !more {
			return strings.Join(parts, " "), n + 1
		}
	}
	return strings.Join(parts, " "), n
}

func instruction(text string, line int) Instruction {
	name, rest, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	in := Instruction{Name: strings.ToUpper(name), Line: line}
	rest = strings.TrimSpace(rest)
	for strings.HasPrefix(rest, "--") {
		flag, after, _ := strings.Cut(rest, " ")
		in.Flags, rest = append(in.Flags, flag), strings.TrimSpace(after)
	}
	in.Text = rest
	body := rest
	if in.Name == "HEALTHCHECK" {
		if verb, command, ok := strings.Cut(rest, " "); ok && strings.EqualFold(verb, "CMD") {
			body = strings.TrimSpace(command)
		}
	}
	if strings.HasPrefix(body, "[") {
		var words []string
		if json.Unmarshal([]byte(body), &words) == nil {
			in.Words = words
		}
	}
	return in
}

func stage(in Instruction) Stage {
	words := strings.Fields(in.Text)
	s := Stage{Line: in.Line}
	if len(words) > 0 {
		s.From = words[0]
	}
	if len(words) == 3 && strings.EqualFold(words[1], "as") {
		s.Name = words[2]
	}
	return s
}

// skipHeredocs steps over the here-documents that an instruction begins.
func skipHeredocs(lines []string, n int, in Instruction) int {
	if in.Name == "ONBUILD" {
		in = instruction(in.Text, in.Line)
	}
	if in.Name != "RUN" && in.Name != "COPY" && in.Name != "ADD" {
		return n
	}
	for word := range strings.FieldsSeq(in.Text) {
		_, mark, ok := strings.Cut(word, "<<")
		mark = strings.Trim(strings.TrimPrefix(mark, "-"), `"'`)
		if !ok || mark == "" || strings.Contains(mark, "<") {
			continue
		}
		for end := n; end < len(lines); end++ {
			if strings.TrimLeft(lines[end], "\t") == mark {
				n = end + 1
				break
			}
		}
	}
	return n
}

// directive is a parser directive of the first lines: # escape=`.
func directive(lines []string, name, otherwise string) string {
	for _, line := range lines {
		comment, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		key, value, has := strings.Cut(comment, "=")
		if !ok || !has {
			break
		}
		if value = strings.TrimSpace(value); strings.EqualFold(strings.TrimSpace(key), name) && value != "" {
			return value
		}
	}
	return otherwise
}

func unquote(s string) string { return strings.Trim(strings.TrimSpace(s), `"'`) }

func cut(s string) string {
	if len(s) > 30 {
		s = s[:30] + "…"
	}
	return fmt.Sprintf("%q", s)
}
