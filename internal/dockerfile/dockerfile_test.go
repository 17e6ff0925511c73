package dockerfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const example = `# syntax=docker/dockerfile:1
ARG GO=1.26
ARG NONE
FROM golang:${GO} AS build
RUN <<EOF
FROM nothing, this is a here-document
EOF
CMD ["old"]

FROM build AS middle
ENV A=1 B="two words" \
    # a comment within
    C=3
EXPOSE 8080 53/udp 9000/tcp

FROM scratch as other
FROM middle
ENTRYPOINT ["/init", "--"]
CMD /server --port 8080
HEALTHCHECK --interval=5s --start-period=60s \
  CMD ["/init", "health"]
`

func TestImageOfTheLastStage(t *testing.T) {
	f, err := Parse("Dockerfile", []byte(example), nil)
	if err != nil {
		t.Fatal(err)
	}
	i, ok := f.Image("")
	if !ok || i.Base != "golang:1.26" || i.BaseLine != 4 {
		t.Errorf("base %q, line %d", i.Base, i.BaseLine)
	}
	if got := slices.Concat(i.Entrypoint.Command(), i.Cmd.Command()); fmt.Sprint(got) != "[/init -- /bin/sh -c /server --port 8080]" {
		t.Errorf("command %q", got)
	}
	if fmt.Sprint(i.Exposed) != "[8080 9000]" {
		t.Errorf("exposed %v", i.Exposed)
	}
	if fmt.Sprint(i.Env) != "[{A 1 false 11} {B two words false 11} {C 3 false 11}]" {
		t.Errorf("env %v", i.Env)
	}
	h := i.Healthcheck
	if period, _ := h.Flag("start-period"); period != "60s" || h.Line != 20 || fmt.Sprint(h.Test()) != "[CMD /init health]" {
		t.Errorf("health check %q at line %d: %v", period, h.Line, h.Test())
	}
	if i, ok := f.Image("other"); !ok || i.Base != "scratch" || i.Cmd != nil {
		t.Errorf("stage other: %+v", i)
	}
	if _, ok := f.Image("nosuch"); ok {
		t.Error("a stage that is not there was found")
	}
}

// ENTRYPOINT takes away the CMD of the stage below, for which it was not made.
func TestEntrypointResetsTheCommandOfItsBase(t *testing.T) {
	f, err := Parse("Dockerfile", []byte("FROM a AS b\nCMD [\"x\"]\nFROM b\nENTRYPOINT [\"y\"]\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if i, _ := f.Image(""); i.Cmd != nil {
		t.Errorf("it has %v", i.Cmd.Command())
	}
	f, _ = Parse("Dockerfile", []byte("FROM a\nCMD [\"x\"]\nENTRYPOINT [\"y\"]\n"), nil)
	if i, _ := f.Image(""); i.Cmd == nil {
		t.Error("its own CMD is gone")
	}
}

func TestShellFormsAreRunByTheShellOfTheirStage(t *testing.T) {
	f, err := Parse("Dockerfile", []byte("FROM a AS b\nENTRYPOINT x\nSHELL [\"/bin/bash\", \"-ec\"]\nFROM b\nCMD y z\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if i, _ := f.Image(""); fmt.Sprint(i.Entrypoint.Command(), i.Cmd.Command()) != "[/bin/sh -c x] [/bin/bash -ec y z]" {
		t.Errorf("%q %q", i.Entrypoint.Command(), i.Cmd.Command())
	}
}

// A word with << that no line ends is a shift, or a string.
func TestWhatAHereDocumentSaysIsNoInstruction(t *testing.T) {
	const text = "FROM a\nRUN cat <<'E-O.F' >/x && echo $((1<<2)) <<<x\nFROM b\nE-O.F\nONBUILD RUN <<END\nFROM c\nEND\nWORKDIR C:\\\\\nCMD [\"d\"]\n"
	f, err := Parse("Dockerfile", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if i, _ := f.Image(""); i.Base != "a" || i.Cmd == nil || i.Cmd.Line != 9 {
		t.Errorf("got %+v", i)
	}
}

// The value of an ARG may have an earlier one in it.
func TestTheBaseHasTheValuesOfItsArgs(t *testing.T) {
	const text = "\ufeffARG V=3.12 FLAVOUR=slim\r\nARG BASE=python:$V-${FLAVOUR}\r\nARG NONE\r\nARG GIVEN=1\r\nFROM %s\r\n"
	for from, want := range map[string]string{
		"$BASE": "python:3.12-slim", "a/$V": "a/3.12", "b:${NONE:-1}": "b:1", "c:${V:-1}": "c:3.12", "d:$NONE": "d:${NONE}", "e:${V}": "e:3.12", "f:$GIVEN": "f:2",
	} {
		f, err := Parse("Dockerfile", fmt.Appendf(nil, text, from), map[string]string{"GIVEN": "2", "OTHER": "3"})
		if err != nil {
			t.Fatal(err)
		}
		if i, _ := f.Image(""); i.Base != want {
			t.Errorf("%s: %s, want %s", from, i.Base, want)
		}
	}
}

func TestWhatIsNoDockerfileIsSaidSo(t *testing.T) {
	for text, want := range map[string]string{"": "no FROM", "hello world\nFROM x": `:1: "HELLO" before`, "# only\n": "no FROM"} {
		if _, err := Parse("Dockerfile", []byte(text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example)
	f.Add("FROM $A:$B\nRUN <<\"X\"\n")
	f.Add("# escape=`\nFROM x `\n AS y\nHEALTHCHECK NONE\nENV A")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("Dockerfile", []byte(text), nil)
		if err != nil {
			return
		}
		i, _ := file.Image("")
		if i.Healthcheck != nil {
			i.Healthcheck.Test()
		}
	})
}
