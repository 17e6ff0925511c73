// Command aweigh is the operator's tool: all commands of aweigh-init, and
// those that watch a host. See docs/.
package main

import (
	"os"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/drill/inside"
	"github.com/aweigh/aweigh/internal/gather"
	"github.com/aweigh/aweigh/internal/operator"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == inside.Command { // in a container that `aweigh drill` made
		os.Exit(inside.Main(os.Args[2:]))
	}
	os.Exit(cli.Main(cli.Program{
		Name:     "aweigh",
		Commands: operator.Commands(), Stored: operator.Stored, Find: operator.Find,
		Diagnose: gather.Supervised, Explain: gather.CauseOf,
		About: "aweigh proves that services have come up, and keeps the evidence when they have not.",
	}, os.Args[1:]))
}
