package config

import (
	"fmt"
	"strings"
)

// nearest is the known word that was probably meant, "" when none is near.
func nearest(word string, known []string) string {
	if len(word) > 60 {
		return ""
	}
	word = strings.ToLower(strings.ReplaceAll(word, "-", "_"))
	best, least := "", 1000
	for _, k := range known {
		if d := distance(word, strings.ReplaceAll(k, "-", "_")); d < least {
			best, least = k, d
		}
	}
	if least > 2 && 3*least > len(best)+2 || 2*least > len(best)+1 {
		return ""
	}
	return best
}

// didYouMean leads a message with the nearest known word, if there is one.
func didYouMean(word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %q? ", best)
	}
	return ""
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
