package deploy

import (
	"cmp"
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
	PID        int       `json:"pid"`
	Since      time.Time `json:"since"`
	Deployment string    `json:"deployment"`
	State      string    `json:"state"` // where its journal is
}

// Held says that somebody else deploys.
type Held struct {
	Project string
	holder
}

func (h *Held) Error() string {
	if h.PID == 0 {
		return fmt.Sprintf("the project %s is being deployed by somebody else: wait for that", h.Project)
	}
	return record.Printable(fmt.Sprintf("the project %s is being deployed by %s (pid %d) since %s, deployment %s in %s: wait for that, or end it",
		h.Project, h.By, h.PID, h.Since.Local().Format("15:04:05"), h.Deployment, h.State))
}

// Lock makes sure that nobody else deploys to these stages meanwhile: nobody on this
// host, from whatever state directory, and nobody with this state directory, from
// whatever container. The kernel lets go of it however the holder ends.
func Lock(state string, stages []Stage, by, deployment string) (unlock func(), err error) {
	if err := os.MkdirAll(root(state), 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	where, err := filepath.Abs(state)
	if err != nil {
		return nil, err
	}
	me := holder{by, os.Getpid(), time.Now().UTC(), deployment, where}
	var held []func()
	unlock = func() {
		for _, free := range held {
			free()
		}
	}
	// In one order, so that of two that want the same one gets all.
	stages = slices.SortedFunc(slices.Values(stages), func(a, b Stage) int {
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
