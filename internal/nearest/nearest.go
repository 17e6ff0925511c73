// Package nearest guesses which word somebody meant who wrote another:
//
//	nearest.Word("startup-timout", flags) // "startup-timeout"
package nearest

import "strings"

// longest bounds the words that are looked at, in bytes: what comes from outside
// may be of any length, and no word of ours is longer.
const longest = 60

// Word is the known word that is nearest to a wrong one, "" if none is near
// enough to be a slip of the pen. Case, and dashes for underscores, are none.
func Word(wrong string, known []string) string {
	if len(wrong) > longest {
		return ""
	}
	wrong = plain(wrong)
	best, least := "", longest
	for _, k := range known {
		if d := distance(wrong, plain(k)); d < least {
			best, least = k, d
		}
	}
	if 3*least > len(best)+2 {
		return ""
	}
	return best
}

func plain(word string) string { return strings.ToLower(strings.ReplaceAll(word, "_", "-")) }

// distance is the number of single bytes to change, add, drop or swap with their
// neighbour to make b of a (the optimal string alignment distance).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 0
			if a[i-1] != b[j-1] {
				cost = 1
			}
			row[j] = min(last[j-1]+cost, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
