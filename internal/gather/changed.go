package gather

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/snapshot"
)

// ShapeFile is what a watcher keeps of what a container was made of.
const ShapeFile = "container.json"

// maxBefore is how many starts are looked at to find the last good one.
const maxBefore = 200

// Changed tells what differs from the last good start of the same service
// before this one, a sentence each; none if there was no good one.
func Changed(dir *record.Dir, r *record.Record) []string {
	good := lastGood(dir, r)
	if good == nil {
		return nil
	}
	var all []string
	then, now := shapeOf(good), shapeOf(r)
	if then != nil && now != nil {
		all = differences(*then, *now)
	}
	if line := lacking(head(good), head(r)); line != "" {
		all = append(all, "the good start printed this first of what this one has not: "+line)
	}
	if len(all) > 0 {
		at, _ := aweigh.IDTime(good.ID())
		all = append([]string{fmt.Sprintf("the last good start was %s, at %s", good.ID(), at.UTC().Format("2006-01-02 15:04:05 MST"))}, all...)
	}
	return all
}

// lastGood is the newest start before r that was proven; nil if there is none.
func lastGood(dir *record.Dir, r *record.Record) *record.Record {
	records, err := dir.Records(r.Service())
	if err != nil {
		return nil
	}
	looked := 0
	for _, o := range slices.Backward(records) {
		if o.ID() >= r.ID() {
			continue
		}
		if looked++; looked > maxBefore {
			return nil
		}
		if o.Start().Verdict == aweigh.Ready {
			return o
		}
	}
	return nil
}

// shapeOf is what is known of what a start was made of: what the watcher kept
// of the container, else what aweigh-init noted of itself.
func shapeOf(r *record.Record) *docker.Shape {
	var s docker.Shape
	if data, ok := r.File(ShapeFile); ok && json.Unmarshal(data, &s) == nil {
		return &s
	}
	events, _ := r.Events()
	if len(events) == 0 || len(events[0].Command) == 0 && events[0].Image == "" {
		return nil
	}
	e := events[0]
	s = docker.Shape{Image: e.Image, Command: e.Command, Dir: e.Dir, Env: slices.Clone(e.Env)}
	slices.Sort(s.Env)
	return &s
}

func differences(then, now docker.Shape) (all []string) {
	one := func(what, a, b string) {
		if a != b && a != "" && b != "" {
			all = append(all, fmt.Sprintf("%s was %s, and is %s", what, clip80(a), clip80(b)))
		}
	}
	one("the image", then.Image, now.Image)
	if then.Image == now.Image && then.ImageID != now.ImageID && then.ImageID != "" && now.ImageID != "" {
		all = append(all, fmt.Sprintf("the image %s is another one now (%.19s, was %.19s)", now.Image, now.ImageID, then.ImageID))
	}
	one("the command", strings.Join(then.Command, " "), strings.Join(now.Command, " "))
	one("the user", word(then.User), word(now.User))
	one("the working directory", then.Dir, now.Dir)
	lists := []struct {
		what string
		a, b []string
	}{{"the environment variable", then.Env, now.Env}, {"the mount", then.Mounts, now.Mounts}, {"the published port", then.Ports, now.Ports},
		{"the network", then.Networks, now.Networks}, {"the limit", then.Limits, now.Limits}}
	for _, l := range lists {
		for _, x := range without(l.a, l.b) {
			all = append(all, fmt.Sprintf("%s %s is gone", l.what, clip80(x)))
		}
		for _, x := range without(l.b, l.a) {
			all = append(all, fmt.Sprintf("%s %s is new", l.what, clip80(x)))
		}
	}
	if len(all) == 0 && then.Hash != now.Hash && then.Hash != "" && now.Hash != "" {
		all = append(all, "something that is not listed has changed: the value of an environment variable, probably")
	}
	return all
}

func word(s string) string {
	if s == "" {
		return "root"
	}
	return s
}

func clip80(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}

// without are those of a that are not in b.
func without(a, b []string) (rest []string) {
	for _, x := range a {
		if !slices.Contains(b, x) {
			rest = append(rest, x)
		}
	}
	return rest
}

// head is the beginning of a record's output.
func head(r *record.Record) string {
	var c clip
	r.CopyOutput(&c, 0, headBytes)
	return string(c.bytes())
}

// maxLines is how many lines of each are compared.
const maxLines = 2000

// lacking is the first line of the good output that the other lacks; "" if it
// has them all. Times and numbers do not count.
func lacking(good, other string) string {
	has := map[string]bool{}
	n := 0
	for line := range strings.Lines(other) {
		has[shapeOfLine(line)] = true
		if n++; n > maxLines {
			break
		}
	}
	n = 0
	for line := range strings.Lines(good) {
		if n++; n > maxLines {
			return ""
		}
		if shape := shapeOfLine(line); shape != "" && !has[shape] {
			return record.Printable(clip80(snapshot.MaskText(strings.TrimSpace(line))))
		}
	}
	return ""
}

// shapeOfLine is a line without what differs from start to start: numbers, and
// words that have a digit in them, such as times, pids and ids.
func shapeOfLine(line string) string {
	words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;:()[]{}\"'=", r) })
	kept := words[:0]
	for _, w := range words {
		if !strings.ContainsAny(w, "0123456789") {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}
