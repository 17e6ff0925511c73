package deploy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Event is what an entry of the journal tells.
type Event string

const (
	Planned Event = "planned" // with the plan
	Begun   Event = "begun"   // a step
	Done    Event = "done"
	Failed  Event = "failed"
	Aborted Event = "aborted" // somebody asked for the way back
	Noted   Event = "noted"   // worth knowing, without effect
	Ended   Event = "ended"   // with the outcome
)

// Entry is one line of a journal.
type Entry struct {
	At      time.Time `json:"at"` // UTC
	Event   Event     `json:"event"`
	Stage   string    `json:"stage,omitempty"`
	Step    string    `json:"step,omitempty"`
	TookMS  int64     `json:"took_ms,omitempty"`
	Detail  string    `json:"detail,omitempty"`
	Outcome Outcome   `json:"outcome,omitempty"`
	Plan    *Plan     `json:"plan,omitempty"`
}

// Deployment is one deployment on the disk.
type Deployment struct {
	Dir     string
	Plan    Plan
	Entries []Entry
}

const journalName = "journal.jsonl"

// root is where deployments are.
func root(state string) string { return filepath.Join(state, "deployments") }

// Begin makes the directory of a new deployment, and writes the plan.
func Begin(state string, plan Plan) (*Deployment, error) {
	d := &Deployment{Dir: filepath.Join(root(state), plan.ID), Plan: plan}
	// Only its owner reads it: values of environments are in there.
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("the deployment's record: %w", err)
	}
	err := d.reserve()
	if err == nil {
		err = d.note(Entry{Event: Planned, Plan: &plan})
	}
	if err == nil {
		err = syncDir(root(state))
	}
	if err != nil {
		os.RemoveAll(d.Dir)
		return nil, fmt.Errorf("%w: nothing was done: make room on that disk, or name another --state", err)
	}
	return d, nil
}

// journalRoom is what a journal may need, in bytes.
const journalRoom = 64 << 10

// reserve makes room for the journal: a disk that fills up in the middle of a
// deployment must not keep it from its end, nor from the way back.
func (d *Deployment) reserve() error {
	f, err := os.OpenFile(filepath.Join(d.Dir, journalName), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("the deployment's journal: %w", err)
	}
	defer f.Close()
	const keepSize = 1 // FALLOC_FL_KEEP_SIZE (fallocate(2))
	err = syscall.Fallocate(int(f.Fd()), keepSize, 0, journalRoom)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return nil // then it is as it is
	}
	if err != nil {
		return fmt.Errorf("the deployment's journal %s: %w", f.Name(), err)
	}
	return nil
}

// note appends one entry. It is on the disk when note returns.
func (d *Deployment) note(e Entry) error {
	e.At = time.Now().UTC()
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	path := filepath.Join(d.Dir, journalName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("the deployment's journal: %w", err)
	}
	defer f.Close()
	// A line that was cut off by a crash must not take the next one with it.
	if n, err := f.Seek(0, 2); err == nil && n > 0 {
		last := []byte{0}
		if _, err := f.ReadAt(last, n-1); err == nil && last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("the deployment's journal: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("the deployment's journal: %w", err)
	}
	d.Entries = append(d.Entries, e)
	return syncDir(d.Dir)
}

// ErrNone says that there is no such deployment.
var ErrNone = errors.New("there is no such deployment (see: deployments)")

// Open reads the deployment whose id begins so.
func Open(state, id string) (*Deployment, error) {
	all, err := List(state)
	if err != nil {
		return nil, err
	}
	var found *Deployment
	for _, d := range all {
		if len(id) < 4 || !strings.HasPrefix(d.Plan.ID, strings.ToUpper(id)) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("deployment %q: several ids begin so: write more of it", id)
		}
		found = d
	}
	if found == nil {
		return nil, fmt.Errorf("deployment %q: %w", id, ErrNone)
	}
	return found, nil
}

// List reads all deployments, the newest first. What cannot be read is left out.
func List(state string) ([]*Deployment, error) {
	entries, err := os.ReadDir(root(state))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("deployments: %w", err)
	}
	var all []*Deployment
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		d, err := read(filepath.Join(root(state), e.Name()))
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("deployments: %w: run as the user who deployed", err)
		}
		if err == nil {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b *Deployment) int { return strings.Compare(b.Plan.ID, a.Plan.ID) })
	return all, nil
}

// Unfinished is the newest deployment that has not ended and touches one of these
// projects, or any project for none; nil if there is none.
func Unfinished(state string, projects []string) (*Deployment, error) {
	all, err := List(state)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.Outcome() == Interrupted && (projects == nil || slices.ContainsFunc(d.Plan.Projects(), func(p string) bool { return slices.Contains(projects, p) })) {
			return d, nil
		}
	}
	return nil, nil
}

func read(dir string) (*Deployment, error) {
	text, err := os.ReadFile(filepath.Join(dir, journalName))
	if err != nil {
		return nil, err
	}
	d := &Deployment{Dir: dir}
	scan := bufio.NewScanner(bytes.NewReader(text))
	scan.Buffer(nil, 4<<20)
	for scan.Scan() {
		var e Entry
		if json.Unmarshal(scan.Bytes(), &e) != nil {
			continue // cut off by a crash: what it told was not done yet
		}
		if e.Plan != nil {
			d.Plan = *e.Plan
		}
		d.Entries = append(d.Entries, e)
	}
	if d.Plan.ID == "" || len(d.Plan.Stages) == 0 {
		return nil, fmt.Errorf("%s: the journal has no plan", dir)
	}
	return d, nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// keep writes a file of the deployment, so that it is on the disk.
func (d *Deployment) keep(name string, text []byte) error {
	path := filepath.Join(d.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
