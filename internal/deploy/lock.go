package deploy

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aweigh/aweigh/internal/filelock"
	"github.com/aweigh/aweigh/internal/record"
)

// holder is who has a lock.
type holder struct {
	By         string    `json:"by"`
	Host       string    `json:"host"`
	PID        int       `json:"pid"`
	Since      time.Time `json:"since"`
	Deployment string    `json:"deployment"`
	State      string    `json:"state"` // where its journal is
	Nonce      string    `json:"nonce"` // of this holder alone
	Place      string    `json:"place,omitempty"`
}

// Held says that somebody else deploys.
type Held struct {
	Project string
	holder
	Remove string // the command that frees it, of a lock that does not end with its holder
}

func (h *Held) Error() string {
	text := fmt.Sprintf("the project %s is being deployed by %s (pid %d) since %s, deployment %s in %s: wait for that, or end it",
		h.Project, h.By, h.PID, h.Since.Local().Format("15:04:05"), h.Deployment, h.State)
	switch {
	case h.PID == 0 && h.Remove == "":
		text = fmt.Sprintf("the project %s is being deployed by somebody else: wait for that", h.Project)
	case h.PID == 0:
		text = fmt.Sprintf("the project %s is being deployed by somebody else, who does not say more: wait for that, or, if nobody does, `%s`", h.Project, h.Remove)
	case h.Remove != "":
		text = fmt.Sprintf("the project %s is being deployed by %s on %s (pid %d) since %s, deployment %s in %s there: wait for that; "+
			"if it was killed, `aweigh deploy resume` there goes on with it, and if that cannot be, `%s` frees the project",
			h.Project, h.By, h.Host, h.PID, h.Since.Local().Format(time.DateTime), h.Deployment, h.State, h.Remove)
	}
	return record.Printable(text)
}

// Lock makes sure that nobody else deploys to the stages of a plan meanwhile: nobody
// on this host, from whatever state directory, nobody with this state directory, from
// whatever container, and nobody on another host, to the same engine. The kernel lets
// go of the first two however the holder ends; see engineLock for the third, which an
// engine may refuse: that is a warning.
func (p *Plan) Lock(ctx context.Context, state, by string, warn func(error)) (unlock func(), err error) {
	if err := os.MkdirAll(root(state), 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	where, err := filepath.Abs(state)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname()
	me := holder{By: by, Host: host, PID: os.Getpid(), Since: time.Now().UTC(), Deployment: p.ID, State: where, Nonce: rand.Text()}
	var held []func()
	unlock = func() {
		for _, free := range slices.Backward(held) {
			free()
		}
	}
	// In one order, so that of two that want the same one gets all.
	stages := slices.SortedFunc(slices.Values(p.Stages), func(a, b Stage) int {
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.engine(), b.engine()))
	})
	for n, s := range stages {
		free, err := lockOnHost(s.engine(), s.Project, me)
		if err == nil {
			held = append(held, free)
			if n > 0 && stages[n-1].Project == s.Project {
				continue // the same project on another engine
			}
			free, err = lockInState(filepath.Join(root(state), "lock-"+filepath.Base(s.Project)), s.Project, me)
		}
		if err != nil {
			unlock()
			return nil, err
		}
		held = append(held, free)
	}
	// Behind the others, which tell who of those that have an engine's lock is dead.
	for _, s := range stages {
		free, err := lockOnEngine(ctx, &s, me, warn)
		if err != nil {
			unlock()
			return nil, err
		}
		held = append(held, free)
	}
	return unlock, nil
}

func lockInState(path, project string, me holder) (free func(), err error) {
	f, err := filelock.Take(path, 0o600)
	if errors.Is(err, filelock.ErrTaken) {
		defer f.Close()
		return nil, heldBy(project, f)
	}
	if err != nil {
		return nil, fmt.Errorf("the lock of project %s: %w", project, err)
	}
	text, _ := json.Marshal(me)
	f.Truncate(0)
	f.WriteAt(append(text, '\n'), 0)
	return func() { f.Close() }, nil
}

// heldBy reads who the holder is; without that it stays unnamed.
func heldBy(project string, r io.Reader) *Held {
	h := &Held{Project: project}
	if text, err := io.ReadAll(io.LimitReader(r, 4096)); err == nil {
		json.Unmarshal(text, &h.holder)
	}
	return h
}
