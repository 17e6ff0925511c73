package operator

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/gather"
	"github.com/aweigh/aweigh/internal/record"
)

// gathered are the flags of a diagnosis that gathers its evidence by itself.
type gathered struct {
	state, record, engine, save string
}

func (g *gathered) flags(fs *flag.FlagSet) {
	fs.StringVar(&g.state, "state", "", "`DIR` of what the watcher keeps (default: /var/lib/aweigh, else the user's state directory)")
	fs.StringVar(&g.record, "record", "", "`DIR` of the records, if it is another one")
	fs.StringVar(&g.engine, "docker", "", "`URL` of the container engine, none for no engine (default: DOCKER_HOST, else the local socket)")
	fs.StringVar(&g.save, "save", "", "`DIR` to write the evidence to, new, without secrets: for a colleague, or a ticket")
}

// gatherWithin bounds a diagnosis that looks for itself.
const gatherWithin = 30 * time.Second

// diagnoseGathered diagnoses what args name.
func diagnoseGathered(c *cli.Context, f *diagnoseFlags, args []string) int {
	if len(args) != 1 {
		return c.Fail(2, fmt.Errorf("one SERVICE, CONTAINER or START is needed, got %d arguments (%s)", len(args), strings.Join(args, " ")))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, gatherWithin)
	defer cancel()
	where, done, err := f.where()
	if err != nil {
		return c.Fail(2, err)
	}
	defer done()
	found, err := gather.Find(ctx, where, args[0], gather.Options{Port: f.port})
	if err != nil {
		return c.Fail(exitNothing, err)
	}
	if f.save != "" {
		if err := found.Save(f.save); err != nil {
			return c.Fail(exitNothing, err)
		}
	}
	causes := found.Causes()
	if f.json {
		err = printJSON(c, answerOf(found, causes))
	} else {
		err = tellFound(c.Stdout, found, causes)
	}
	if err != nil {
		return c.Fail(exitNothing, err)
	}
	return diagnosisStatus(causes)
}

// where opens what the flags name. A missing engine or directory is not an
// error: the other may know.
func (g *gathered) where() (w gather.Where, done func(), err error) {
	if w.Engine, err = openEngine(g.engine); err != nil {
		return w, nil, err
	}
	path := g.record
	if path == "" {
		path = stateDir(g.state)
	}
	w.Dir, err = record.OpenToRead(path)
	if err != nil && (g.record != "" || g.state != "" || !errors.Is(err, fs.ErrNotExist)) {
		return w, nil, err
	}
	return w, func() {
		if w.Engine != nil {
			w.Engine.Close()
		}
		if w.Dir != nil {
			w.Dir.Close()
		}
	}, nil
}
