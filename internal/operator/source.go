package operator

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/remote"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

// source is what a watcher knows: its store here, or its API elsewhere.
type source interface {
	Status(ctx context.Context) (status.Report, error)
	Starts(ctx context.Context, q store.StartQuery) ([]aweigh.Start, error)
	Incidents(ctx context.Context, q store.IncidentQuery) ([]aweigh.Incident, error)
	Incident(ctx context.Context, prefix string) (aweigh.Incident, error)
	Acknowledge(ctx context.Context, id string, w status.Word) (aweigh.Incident, error)
	Resolve(ctx context.Context, id string, w status.Word) (aweigh.Incident, error)
	Comment(ctx context.Context, id string, w status.Word) (aweigh.Incident, error)
	Windows(ctx context.Context) ([]aweigh.Maintenance, error)
	BeginMaintenance(ctx context.Context, services string, length time.Duration, w status.Word) (aweigh.Maintenance, error)
	EndMaintenance(ctx context.Context, id string) (aweigh.Maintenance, error)
}

// here is the store of this machine.
type here struct{ *store.Store }

func (h here) Status(ctx context.Context) (status.Report, error) { return status.Read(ctx, h.Store) }

func (h here) Acknowledge(ctx context.Context, id string, w status.Word) (aweigh.Incident, error) {
	return status.Acknowledge(ctx, h.Store, id, w)
}

func (h here) Resolve(ctx context.Context, id string, w status.Word) (aweigh.Incident, error) {
	return status.Resolve(ctx, h.Store, id, w)
}

func (h here) Comment(ctx context.Context, id string, w status.Word) (aweigh.Incident, error) {
	return status.Comment(ctx, h.Store, id, w)
}

func (h here) Windows(ctx context.Context) ([]aweigh.Maintenance, error) {
	return status.Windows(ctx, h.Store)
}

func (h here) BeginMaintenance(ctx context.Context, services string, length time.Duration, w status.Word) (aweigh.Maintenance, error) {
	return status.BeginMaintenance(ctx, h.Store, services, length, w)
}

func (h here) EndMaintenance(ctx context.Context, id string) (aweigh.Maintenance, error) {
	return status.EndMaintenance(ctx, h.Store, id)
}

// there are the flags that name a watcher elsewhere.
type there struct {
	server, tokenFile string
	set               *flag.FlagSet
}

func (t *there) flags(fs *flag.FlagSet) {
	t.set = fs
	fs.StringVar(&t.server, "server", "", "`URL` of a watcher to ask, instead of a directory here; its token is in AWEIGH_TOKEN")
	fs.StringVar(&t.tokenFile, "token-file", "", "`FILE` with the token for --server")
}

// asked reports whether a watcher elsewhere is to be asked: it is named, and no
// place here by one of the flags. What the command line names counts before what
// the environment does.
func (t *there) asked(here ...string) (bool, error) {
	for _, name := range here {
		switch {
		case t.set.Lookup(name) == nil || !cli.Given(t.set, name):
		case cli.Given(t.set, "server"):
			return false, fmt.Errorf("--server and --%s exclude each other: name one", name)
		default:
			return false, nil
		}
	}
	return t.server != "", nil
}

// dial is a client of the watcher that is named.
func (t *there) dial() (*remote.Client, error) {
	token := os.Getenv("AWEIGH_TOKEN")
	if t.tokenFile != "" {
		b, err := os.ReadFile(t.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
		token = string(b)
	}
	return remote.Dial(t.server, strings.TrimSpace(token))
}

// asking are the flags of the commands that can ask elsewhere as well.
type asking struct {
	reading
	there
}

func (a *asking) flags(fs *flag.FlagSet) {
	a.reading.flags(fs)
	a.there.flags(fs)
}

// source opens what is to be read; done closes it. bad says that the command line
// cannot be used.
func (r *asking) source(ctx context.Context) (from source, done func(), bad bool, err error) {
	there, err := r.asked("state")
	if err != nil {
		return nil, nil, true, err
	}
	if !there {
		st, err := r.open(ctx)
		if err != nil {
			return nil, nil, false, err
		}
		return here{st}, func() { st.Close() }, false, nil
	}
	client, err := r.dial()
	return client, func() {}, true, err
}

// withSource runs do on what a watcher knows, with a bound on how long it may
// take.
func withSource(c *cli.Context, r *asking, do func(ctx context.Context, from source) error) int {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	from, done, bad, err := r.source(ctx)
	if err != nil {
		return c.Fail(map[bool]int{false: 1, true: 2}[bad], err)
	}
	defer done()
	if err := do(ctx, from); err != nil {
		return c.Fail(1, err)
	}
	return 0
}
