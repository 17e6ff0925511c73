package docker

import (
	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh/internal/diagnose"
	"github.com/aweigh/aweigh/internal/snapshot"
)

// Known is what the last inspection of a container found, as far as a diagnosis
// needs it. It is kept in memory, so that judging a death asks nobody, and beside
// the record. The values of the environment are not in it, and secrets masked.
type Known struct {
	Inspect diagnose.Inspect // its State is of then
	Shape   Shape
}

// Known is what is remembered of a container; nil if it was never inspected.
// It must not be written to.
func (e *Engine) Known(id string) *Known {
	k, _ := e.known.get(id)
	return k.facts
}

func knownOf(answer client.ContainerInspectResult) *Known {
	k := &Known{Shape: shapeOf(answer.Container)}
	if in, err := diagnose.ParseInspect(answer.Raw); err == nil {
		k.Inspect = *in
		withoutSecrets(&k.Inspect)
	}
	return k
}

// withoutSecrets takes out what may not be kept beside a record.
func withoutSecrets(in *diagnose.Inspect) {
	in.Config.Env = nil
	in.Args = snapshot.MaskTail(in.Args)
	in.Config.Cmd, in.Config.Entrypoint = snapshot.MaskTail(in.Config.Cmd), snapshot.MaskTail(in.Config.Entrypoint)
	if h := in.Config.Healthcheck; h != nil {
		for n, word := range h.Test {
			h.Test[n] = snapshot.MaskText(word)
		}
	}
}
