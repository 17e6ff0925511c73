package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata call aweigh, which is this test binary under another
// name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"aweigh": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}
