package signals

import "strings"

// didYouMean is ": did you mean X?" for the word that is nearest to a wrong
// one, or "" if none is near enough to be a slip of the pen.
func didYouMean(wrong string, words []string) string {
	best, at := "", len(wrong)/3+2
	for _, w := range words {
		if d := distance(strings.ToLower(wrong), strings.ToLower(w)); d < at {
			best, at = w, d
		}
	}
	if best == "" || len(wrong) > 100 {
		return ""
	}
	return ": did you mean " + best + "?"
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return 100
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}

// some lists the first of many names.
func some(names []string, most int) string {
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " …"
	}
	return strings.Join(names, ", ")
}
