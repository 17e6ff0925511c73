package schema

import (
	"fmt"
	"strings"

	"github.com/aweigh/aweigh/internal/config"
)

// Page puts the tables of keys into the user's page: between the lines
// "<!-- keys of NAME -->" and "<!-- end -->". All else stays as it was written.
func Page(page string) string {
	for _, s := range config.Reference() {
		begin := "<!-- keys of " + s.Name + " -->\n"
		before, rest, ok := strings.Cut(page, begin)
		if !ok {
			continue
		}
		_, after, ok := strings.Cut(rest, "<!-- end -->")
		if !ok {
			continue
		}
		page = before + begin + table(s) + "<!-- end -->" + after
	}
	return page
}

func table(s config.Section) string {
	var b strings.Builder
	b.WriteString("\n| key | default | meaning |\n|---|---|---|\n")
	for _, k := range s.Keys {
		name := "`" + k.Name + "`"
		if k.Secret {
			name += " or `" + k.Name + "_file`"
		}
		value := "–"
		switch {
		case k.Required:
			value = "required"
		case k.Default != "" && strings.Contains(k.Default, "'"), k.Default == "all":
			value = k.Default
		case k.Default != "":
			value = "`" + k.Default + "`"
		}
		doc := k.Doc
		if k.Many {
			doc += " A list, or one value."
		}
		switch {
		case k.Kind == config.Choice:
			doc += " One of `" + strings.Join(k.Words, "`, `") + "`."
		case len(k.Words) > 0 && k.Words[0] == "off" && !strings.Contains(doc, "`off`"):
			doc += " `off` for never."
		}
		if k.Example != "" && k.Kind != config.Choice {
			doc += fmt.Sprintf(" Such as `%s`.", k.Example)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, value, strings.ReplaceAll(doc, "|", `\|`))
	}
	return b.String() + "\n"
}
