package cli

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
)

// place are the flags that say where records are. What a watcher keeps of its
// containers are records as well, and its --state is where they lie.
type place struct {
	record, state string
	set           *flag.FlagSet
}

func (p *place) flags(fs *flag.FlagSet) {
	p.set = fs
	fs.StringVar(&p.record, "record", "", "`DIR` of the records (default: --state, else as for run)")
	fs.StringVar(&p.state, "state", "", "`DIR` of what `aweigh watch` keeps: its records are there")
}

// path is the record directory that is meant.
func (p *place) path() string {
	switch {
	case p.record != "" && (Given(p.set, "record") || !Given(p.set, "state")):
		return p.record
	case p.state != "":
		return p.state
	}
	return record.DefaultDirToRead()
}

// open opens the records.
func (p *place) open() (*record.Dir, error) {
	path := p.path()
	dir, err := record.OpenToRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there are no records in %s: nothing was started with \"run\" yet, or they lie elsewhere (--record)", path)
	}
	return dir, err
}

// find finds the record of a start, or of a service's newest: here, or where
// the aweigh-init inside a container keeps it, if a watcher knows of that. The
// error is *unrecorded for a start that only the watcher's store knows.
func (p *place) find(c *Context, what string) (*record.Dir, *record.Record, error) {
	dir, err := p.open()
	if err != nil {
		return nil, nil, err
	}
	var stored *aweigh.Start
	if c.Program.Find != nil {
		if stored, err = c.Program.Find(p.path(), what); err != nil {
			c.withoutStore(err)
		}
	}
	var outOfReach error
	if stored != nil && filepath.IsAbs(stored.Record) {
		place, id := filepath.Dir(filepath.Dir(stored.Record)), filepath.Base(stored.Record)
		there, err := record.OpenToRead(place)
		if err == nil {
			var r *record.Record
			if r, err = there.Find(id); err == nil {
				dir.Close()
				return there, r, nil
			}
			there.Close()
		}
		outOfReach = err
	}
	r, err := dir.Find(what)
	if stored != nil && (err != nil || r.ID() < stored.ID) {
		if _, notHere := dir.Find(stored.ID); notHere != nil {
			err = &unrecorded{*stored, outOfReach}
		}
	}
	if err != nil {
		dir.Close()
		return nil, nil, err
	}
	return dir, r, nil
}

// withoutStore says that records are all that is told.
func (c *Context) withoutStore(err error) {
	c.Fail(0, fmt.Errorf("%w; only what is recorded beside it is told", err))
}

// unrecorded is a start that has no record, or none any more, or one that is out of
// reach.
type unrecorded struct {
	start      aweigh.Start
	outOfReach error
}

func (u *unrecorded) Error() string {
	if u.outOfReach != nil {
		return fmt.Sprintf("the record of start %s is %s, which cannot be read: %v", u.start.ID, u.start.Record, u.outOfReach)
	}
	return fmt.Sprintf("nothing that start %s printed is kept", u.start.ID)
}

// all are the starts of a service, or of all for "": those that are recorded
// here, and those that only a watcher's store still knows.
func (p *place) all(c *Context, dir *record.Dir, service string) ([]aweigh.Start, error) {
	records, err := dir.Records(service)
	if err != nil {
		return nil, err
	}
	var list []aweigh.Start
	known := map[string]bool{}
	for _, r := range records {
		list = append(list, r.Start())
		known[r.ID()] = true
	}
	if c.Program.Stored == nil {
		return list, nil
	}
	stored, err := c.Program.Stored(p.path(), service)
	if err != nil && len(list) == 0 {
		return nil, err
	}
	if err != nil {
		c.withoutStore(err)
	}
	for _, s := range stored {
		if !known[s.ID] {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b aweigh.Start) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}
