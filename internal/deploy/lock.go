package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// holder is who has a lock.
type holder struct {
	By         string    `json:"by"`
	PID        int       `json:"pid"`
	Since      time.Time `json:"since"`
	Deployment string    `json:"deployment"`
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
	return fmt.Sprintf("the project %s is being deployed by %s (pid %d) since %s, deployment %s: wait for that, or end it", h.Project, h.By, h.PID, h.Since.Local().Format("15:04:05"), h.Deployment)
}

// Lock makes sure that nobody else deploys these projects meanwhile. The kernel
// lets go of it however the holder ends.
func Lock(state string, projects []string, by, deployment string) (unlock func(), err error) {
	if err := os.MkdirAll(root(state), 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	var held []*os.File
	unlock = func() {
		for _, f := range held {
			f.Close()
		}
	}
	projects = slices.Clone(projects)
	slices.Sort(projects) // so that two never wait for each other
	for _, project := range slices.Compact(projects) {
		f, err := lockOne(filepath.Join(root(state), "lock-"+filepath.Base(project)), project)
		if err != nil {
			unlock()
			return nil, err
		}
		held = append(held, f)
		text, _ := json.Marshal(holder{by, os.Getpid(), time.Now().UTC(), deployment})
		f.Truncate(0)
		f.WriteAt(append(text, '\n'), 0)
	}
	return unlock, nil
}

func lockOne(path, project string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the lock of project %s: %w", project, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	defer f.Close()
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("the lock of project %s: %w", project, err)
	}
	h := &Held{Project: project}
	if text, err := io.ReadAll(io.LimitReader(f, 4096)); err == nil {
		json.Unmarshal(text, &h.holder) // without it the holder stays unnamed
	}
	return nil, h
}
