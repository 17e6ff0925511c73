package diagnose

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/causes.md")

const pageFile = "../../docs/causes.md"

var families = []struct{ name, title string }{
	{"bind", "Listening"},
	{"config", "Configuration"},
	{"code", "Code and artefacts"},
	{"dependency", "Dependencies"},
	{"tls", "TLS"},
	{"filesystem", "Files and data"},
	{"resource", "Resources"},
	{"runtime", "Image and engine"},
	{"liveness", "Liveness"},
	{"none", "No answer"},
}

// page is docs/causes.md.
func page() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# The causes

What `+"`aweigh diagnose`"+` can answer ([diagnose.md](diagnose.md)): %d answers, by family.
Written by `+"`go test ./internal/diagnose -update`"+` from the table by which it judges.

`, len(Catalogue))
	for _, family := range families {
		fmt.Fprintf(&b, "- %s:", family.title)
		sep := " "
		for _, c := range Catalogue {
			if c.Family == family.name {
				fmt.Fprintf(&b, "%s[`%s`](#%s)", sep, c.ID, c.ID)
				sep = ", "
			}
		}
		b.WriteByte('\n')
	}
	example := strings.NewReplacer("{port}", "PORT", "{container}", "CONTAINER", "{image}", "IMAGE", "{network}", "NETWORK")
	for _, family := range families {
		fmt.Fprintf(&b, "\n## %s\n", family.title)
		for _, c := range Catalogue {
			if c.Family == family.name {
				fmt.Fprintf(&b, "\n### %s\n\n%s\n\n- Recognised: %s\n- Confirm: `%s`\n- Fix: %s\n", c.ID, example.Replace(c.What), example.Replace(c.How), example.Replace(c.Confirm), example.Replace(c.Fix))
			}
		}
	}
	return b.String()
}

func TestThePageOfCausesIsFresh(t *testing.T) {
	want := page()
	if *update {
		if err := os.WriteFile(pageFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(pageFile); err != nil || string(got) != want {
		t.Errorf("docs/causes.md is stale: go test ./internal/diagnose -update (%v)", err)
	}
}

func TestEachCauseIsWholeAndHasAFamilyOfThePage(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Catalogue {
		known := false
		for _, family := range families {
			known = known || c.Family == family.name
		}
		if !known || seen[c.ID] || c.What == "" || c.How == "" || c.Confirm == "" || c.Fix == "" {
			t.Errorf("%q: not whole, twice, or of an unknown family %q", c.ID, c.Family)
		}
		seen[c.ID] = true
		if c.signs == nil && c.judge == nil && c != &unknown {
			t.Errorf("%q can never be found", c.ID)
		}
	}
}

// A phrase shorter than the index' prefix, or with a capital, would never be
// found, and an empty one always.
func TestPhrasesCanBeFound(t *testing.T) {
	check := func(of, alternatives string, least int) {
		for _, text := range strings.Split(alternatives, "|") {
			if len(text) < least || lower(text) != text {
				t.Errorf("%s: %q", of, text)
			}
		}
	}
	for _, e := range errnoWords {
		check("errno", e.words, prefix)
	}
	for _, c := range Catalogue {
		for _, g := range c.signs {
			if g.has != "" {
				check(c.ID, g.has, prefix)
			} else if g.errno == noErrno {
				t.Errorf("%s: a sign without a text or an errno", c.ID)
			}
			if g.and != "" {
				check(c.ID, g.and, 1)
			}
			if g.not != "" {
				check(c.ID, g.not, 1)
			}
			if g.score <= 0 || g.score > .99 {
				t.Errorf("%s: score %v", c.ID, g.score)
			}
		}
	}
}
