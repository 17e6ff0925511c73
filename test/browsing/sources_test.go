package browsing_test

import (
	"testing"

	"github.com/aweigh/aweigh/test/sources"
)

func TestProgramsAreThoseOfNow(t *testing.T) { sources.Read(t) }
