package diagnose

import (
	"slices"
	"strconv"

	"github.com/aweigh/aweigh"
)

// Weigh adds to the answer to e what a look at the living system tells: a hang gets
// the name of what it hangs in, a cause the evidence that it lasts, or is over.
func Weigh(causes []Cause, e Evidence, l Live) []Cause {
	out := slices.Clone(causes)
	for i := range out {
		out[i].Evidence = slices.Clone(out[i].Evidence)
	}
	if len(out) == 0 {
		return out
	}
	if vague(out[0].ID) {
		if c, ok := nearer(l); ok {
			out = promote(out, c.advised(e))
		}
	}
	for i := range out {
		out[i].live(l)
	}
	return out
}

// vague causes say that nothing is known but that it does not come up.
func vague(id string) bool {
	return slices.Contains([]string{"startup-hang", "slow-start", "unknown"}, id)
}

// nearer names what a start that hangs is waiting for.
func nearer(l Live) (Cause, bool) {
	if w := l.Wait; w != nil && w.Kind == "connect" {
		return (Cause{ID: "dependency-timeout", Confidence: 0.93, Why: "it waits for a connection that is not answered: " + told(w.Text),
			Evidence: []Line{{Source: "live", Text: told(w.Text)}}}), true
	}
	for _, r := range l.Reach {
		if id := r.cause(); id != "" {
			return (Cause{ID: id, Confidence: 0.8, Why: "its output complains about a dependency, and " + told(r.Text) + " from the " + r.From}), true
		}
	}
	return Cause{}, false
}

// cause is what an outcome amounts to; "" when it is well now.
func (r Reach) cause() string {
	switch r.Outcome {
	case Refuses:
		return "dependency-refused"
	case Silent:
		return "dependency-timeout"
	case Unresolved:
		return "dns-failure"
	}
	return ""
}

// promote puts a cause first. What the rules knew of it is kept.
func promote(causes []Cause, c Cause) []Cause {
	if i := slices.IndexFunc(causes, func(o Cause) bool { return o.ID == c.ID }); i >= 0 {
		c.Evidence = append(slices.Clone(causes[i].Evidence), c.Evidence...)
		causes = slices.Delete(causes, i, i+1)
	}
	causes = slices.DeleteFunc(causes, func(o Cause) bool { return o.ID == "unknown" })
	return append([]Cause{c}, causes...)
}

// Remember puts the cause first that was named when the start failed, if whoever
// named it was surer: it may have been seen alive then. nil is none.
func Remember(causes []Cause, e Evidence, c *aweigh.Cause) []Cause {
	if !c.Named() || len(causes) == 0 || c.Confidence <= causes[0].Confidence {
		return causes
	}
	then := Cause{ID: c.ID, Confidence: c.Confidence, Why: told(c.Why)}
	if c.Line != "" {
		then.Evidence = []Line{{Source: "then", Text: told(c.Line)}}
	}
	then = then.advised(e)
	if c.Fix != "" {
		then.Fix = told(c.Fix)
	}
	return promote(slices.Clone(causes), then)
}

// live adds the lines that bear on a cause.
func (c *Cause) live(l Live) {
	add := func(text string) {
		line := Line{Source: "live", Text: told(text)}
		if !slices.Contains(c.Evidence, line) {
			c.Evidence = append(c.Evidence, line)
		}
	}
	switch c.ID {
	case "port-in-use":
		for _, h := range l.Holders {
			add(h.Who)
			port := strconv.Itoa(h.Port)
			c.Fix = "Stop what holds port " + port + " of this host, or publish another one."
			c.Confirm = "ss -ltnp 'sport = :" + port + "'"
		}
	case "dependency-refused", "dependency-timeout", "dns-failure", "dependency-auth-failed", "database-missing":
		for _, r := range l.Reach {
			add("from the " + r.From + ": " + r.Text)
		}
	case "startup-hang", "slow-start":
		if l.Wait != nil {
			add(l.Wait.Text)
		}
	}
	for _, h := range l.Host {
		if h.Short && shortage(h.What, c.ID) {
			add(h.Text)
		}
	}
}

// shortage reports whether a shortage of the machine explains a cause.
func shortage(what, cause string) bool {
	switch what {
	case "disk", "inodes":
		return cause == "disk-full"
	case "memory":
		return cause == "oom-killed" || cause == "memory-alloc-failed" || cause == "heap-exhausted"
	case "descriptors":
		return cause == "fd-limit"
	case "processes":
		return cause == "pids-limit"
	}
	return false
}

// told makes what was gathered harmless, as the lines of a log are.
func told(text string) string { return mask(clean([]byte(text))) }

// advised is the cause with the catalogue's advice.
func (c Cause) advised(e Evidence) Cause {
	if entry := Find(c.ID); entry != nil {
		fill := (&scene{Evidence: e}).filler()
		if c.Why == "" {
			c.Why = fill.Replace(entry.How)
		}
		c.Fix, c.Confirm = fill.Replace(entry.Fix), fill.Replace(entry.Confirm)
	}
	if c.Evidence == nil {
		c.Evidence = []Line{}
	}
	return c
}
