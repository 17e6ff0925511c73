package dockerfile

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// Image is what a stage makes, as far as the file says: what its base has is
// not in it.
type Image struct {
	Base       string // what it is made from in the end: "scratch", "python:3-slim"; variables without a default stay as written
	BaseLine   int
	Entrypoint *Instruction
	Cmd        *Instruction
	// Healthcheck is its HEALTHCHECK; its Text is NONE where there shall be none.
	Healthcheck *Instruction
	Exposed     []int // TCP
	StopSignal  string
	Shell       []string // what the shell forms from here on are run by; nil for /bin/sh -c
	Env         []Assignment
	// Runs and Copies are RUN, and COPY and ADD, of the stages that it is made of.
	Runs, Copies []Instruction
}

// Assignment is one of ENV or ARG.
type Assignment struct {
	Name, Value string
	Arg         bool // of ARG: in the build only, and in the history of the image
	Line        int
}

// Image is what the stage of this name or number makes; "" is the last stage.
// ok is false when there is no such stage.
func (f *File) Image(target string) (image Image, ok bool) {
	at := len(f.Stages) - 1
	if target != "" {
		if at = f.stage(target, len(f.Stages)); at < 0 {
			return image, false
		}
	}
	var chain []Stage // from the base up
	for at >= 0 {
		s := f.Stages[at]
		chain = slices.Insert(chain, 0, s)
		image.Base, image.BaseLine = f.expand(s.From), s.Line
		at = f.stage(image.Base, at)
	}
	for _, s := range chain {
		inherited := image.Cmd
		for _, in := range s.Instructions {
			image.add(in)
			if in.Name == "ENTRYPOINT" && image.Cmd == inherited {
				image.Cmd = nil // it was made for another entry point
			}
		}
	}
	return image, true
}

// stage finds a stage by name or number among the first n; -1 if there is none.
func (f *File) stage(name string, n int) int {
	for i, s := range f.Stages[:n] {
		if s.Name != "" && strings.EqualFold(s.Name, name) {
			return i
		}
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < n {
		return i
	}
	return -1
}

func (i *Image) add(in Instruction) {
	in.shell = i.Shell
	switch in.Name {
	case "ENTRYPOINT":
		i.Entrypoint = &in
	case "CMD":
		i.Cmd = &in
	case "HEALTHCHECK":
		i.Healthcheck = &in
	case "SHELL":
		i.Shell = in.Words
	case "STOPSIGNAL":
		i.StopSignal = in.Text
	case "EXPOSE":
		for word := range strings.FieldsSeq(in.Text) {
			number, protocol, _ := strings.Cut(word, "/")
			if n, err := strconv.Atoi(number); err == nil && (protocol == "" || protocol == "tcp") {
				i.Exposed = append(i.Exposed, n)
			}
		}
	case "ENV", "ARG":
		i.Env = append(i.Env, assignments(in)...)
	case "RUN":
		i.Runs = append(i.Runs, in)
	case "COPY", "ADD":
		i.Copies = append(i.Copies, in)
	}
}

// Test is a HEALTHCHECK as Docker has it: ["CMD", …], ["CMD-SHELL", …], ["NONE"].
func (in *Instruction) Test() []string {
	if strings.EqualFold(in.Text, "NONE") {
		return []string{"NONE"}
	}
	_, command, _ := strings.Cut(in.Text, " ")
	if in.Words != nil {
		return append([]string{"CMD"}, in.Words...)
	}
	return []string{"CMD-SHELL", strings.TrimSpace(command)}
}

// Flag is the value of a flag: Flag("start-period").
func (in *Instruction) Flag(name string) (string, bool) {
	for _, f := range in.Flags {
		if value, ok := strings.CutPrefix(f, "--"+name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// Command is what a CMD or ENTRYPOINT runs: the words of the JSON form, or
// those of a shell's -c, as the SHELL above it says.
func (in *Instruction) Command() []string {
	if in.Words != nil {
		return in.Words
	}
	if len(in.shell) > 0 {
		return append(slices.Clone(in.shell), in.Text)
	}
	return []string{"/bin/sh", "-c", in.Text}
}

// assignments reads NAME=value NAME="some value" …, and the old form NAME value.
func assignments(in Instruction) (all []Assignment) {
	words := split(in.Text)
	if len(words) == 0 {
		return nil
	}
	if in.Name == "ENV" && !strings.Contains(words[0], "=") {
		_, value, _ := strings.Cut(in.Text, " ")
		return []Assignment{{Name: words[0], Value: unquote(value), Line: in.Line}}
	}
	for _, word := range words {
		if name, value, ok := strings.Cut(word, "="); ok {
			all = append(all, Assignment{Name: name, Value: value, Arg: in.Name == "ARG", Line: in.Line})
		}
	}
	return all
}

// split cuts at blanks that are not quoted, and takes the quotes away.
func split(text string) (words []string) {
	var b strings.Builder
	quote, begun := rune(0), false
	for _, c := range text {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, begun = c, true
		case quote == 0 && c == ' ':
			if begun {
				words = append(words, b.String())
				b.Reset()
				begun = false
			}
		default:
			b.WriteRune(c)
			begun = true
		}
	}
	if begun {
		words = append(words, b.String())
	}
	return words
}

// expand puts the values of the ARGs into a text; what has none stays.
func (f *File) expand(text string) string {
	return os.Expand(text, func(name string) string {
		name, otherwise, _ := strings.Cut(name, ":-")
		if value := f.Args[name]; value != "" {
			return value
		}
		if otherwise != "" {
			return otherwise
		}
		return "${" + name + "}"
	})
}
