// Package operator holds the commands that only `aweigh` has: the watcher, and
// what reads and steers it. Each is one file and one row of Commands.
package operator

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/store"
)

// Commands are the rows for cli.Program.
func Commands() []cli.Command {
	return append(elsewhere(), []cli.Command{
		watchCommand(), statusCommand(), incidentsCommand(), maintenanceCommand(),
		notifyCommand(), configCommand(), initCommand(), userCommand(), reportCommand(),
		diagnoseCommand(), drillCommand(), lintCommand(), verifyCommand(),
		preflightCommand(), deployCommand(), deploymentsCommand(), resolveCommand(),
	}...)
}

// Stored are the starts in a watcher's store, for cli.Program: without a store
// there are none.
func Stored(dir, service string) (all []aweigh.Start, err error) {
	err = inStore(dir, func(ctx context.Context, st *store.Store) error {
		all, err = st.Starts(ctx, store.StartQuery{Service: service})
		return err
	})
	return all, err
}

// Find is the start in a watcher's store that is meant, for cli.Program.
func Find(dir, startOrService string) (found *aweigh.Start, err error) {
	err = inStore(dir, func(ctx context.Context, st *store.Store) error {
		newest, err := st.Starts(ctx, store.StartQuery{Service: startOrService, Limit: 1})
		if err == nil && len(newest) > 0 {
			found = &newest[0]
			return nil
		}
		if err != nil {
			return err
		}
		one, err := st.Start(ctx, startOrService)
		switch {
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrAmbiguous):
			return nil
		case err == nil:
			found = &one
		}
		return err
	})
	return found, err
}

// inStore reads a store, if there is one.
func inStore(dir string, read func(ctx context.Context, st *store.Store) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	st, err := store.OpenToRead(ctx, dir)
	if errors.Is(err, store.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	defer st.Close()
	return read(ctx, st)
}

// reading are the flags of the commands that read what a watcher keeps.
type reading struct {
	state string
	json  bool
}

func (r *reading) flags(fs *flag.FlagSet) {
	fs.StringVar(&r.state, "state", "", "`DIR` of what the watcher keeps (default: /var/lib/aweigh, else the user's state directory)")
	fs.BoolVar(&r.json, "json", false, "print JSON")
}

// open opens what the watcher keeps.
func (r *reading) open(ctx context.Context) (*store.Store, error) {
	dir := stateDir(r.state)
	st, err := store.OpenToRead(ctx, dir)
	switch {
	case errors.Is(err, store.ErrNone) && r.state == "" && hidden(record.SystemDir):
		return nil, errHidden
	case errors.Is(err, store.ErrNone):
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return st, err
}

var errHidden = errors.New("what a watcher keeps in " + record.SystemDir + " is not for everybody to read: use sudo, or --state DIR")

// hidden reports whether there may be a store that we may not see.
func hidden(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, store.File))
	return errors.Is(err, fs.ErrPermission)
}

// stateDir is where a watcher keeps what it knows, unless a user says
// otherwise: the first place that has a store, else where one would be made.
func stateDir(named string) string {
	if named != "" {
		return filepath.Clean(named)
	}
	if dir := record.DefaultDirToRead(); hasStore(dir) {
		return dir
	}
	return record.DefaultDir()
}

func hasStore(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, store.File))
	return err == nil
}

// withStore runs do on the store, with a bound on how long it may take.
func withStore(c *cli.Context, r *reading, do func(ctx context.Context, st *store.Store) error) int {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	st, err := r.open(ctx)
	if err != nil {
		return c.Fail(1, err)
	}
	defer st.Close()
	if err := do(ctx, st); err != nil {
		return c.Fail(1, err)
	}
	return 0
}

// printJSON prints one document.
func printJSON(c *cli.Context, v any) error {
	enc := json.NewEncoder(c.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// clock is a moment as a person reads it: with its date, unless it is today.
func clock(at, now time.Time) string {
	at = at.Local()
	if at.Format(time.DateOnly) == now.Local().Format(time.DateOnly) {
		return at.Format("15:04:05")
	}
	return at.Format("2006-01-02 15:04:05")
}

// user is who gives a command.
func user() string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if who := os.Getenv(name); who != "" {
			return who
		}
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}
