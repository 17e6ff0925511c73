package cli

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// The log of a deployment that succeeded could not be written, or nobody read it any more:
// the exit status was 1, which says that it was rolled back.
func TestStatusOfADeedIsNotThatOfItsOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	was := os.Stdout
	defer func() { os.Stdout = was }()
	os.Stdout = full
	for want, deed := range map[int]bool{0: true, 1: false} {
		p := Program{Name: "aweigh", Commands: []Command{{Name: "do", Flags: func(*flag.FlagSet) any { return nil }, Run: func(c *Context, _ []string) int {
			c.Deed = deed
			fmt.Fprintln(c.Stdout, "done")
			return 0
		}}}}
		if got := Main(p, []string{"do"}); got != want {
			t.Errorf("a deed is %v: got %d, want %d", deed, got, want)
		}
	}
}
