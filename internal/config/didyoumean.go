package config

import (
	"fmt"

	"github.com/aweigh/aweigh/internal/nearest"
)

// didYouMean leads a message with the nearest known word, if there is one.
func didYouMean(word string, known []string) string {
	if best := nearest.Word(word, known); best != "" {
		return fmt.Sprintf("did you mean %q? ", best)
	}
	return ""
}
