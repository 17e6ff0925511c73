package signals

import (
	"strings"

	"github.com/aweigh/aweigh/internal/nearest"
)

// didYouMean is ": did you mean X?" for the word that is nearest to a wrong
// one, or "" if none is near enough to be a slip of the pen.
func didYouMean(wrong string, words []string) string {
	if best := nearest.Word(wrong, words); best != "" {
		return ": did you mean " + best + "?"
	}
	return ""
}

// some lists the first of many names.
func some(names []string, most int) string {
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " …"
	}
	return strings.Join(names, ", ")
}
