// Command aweigh-init goes into container images: put it in front of the
// command of any server, and each start is proven ready or explained. See
// docs/run.md.
package main

import (
	"os"

	"github.com/aweigh/aweigh/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.Program{
		Name:    "aweigh-init",
		About:   "aweigh-init proves that a service has come up, and keeps the evidence when it has not.",
		Default: "run",
	}, os.Args[1:]))
}
