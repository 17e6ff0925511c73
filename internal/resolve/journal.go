package resolve

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aweigh/aweigh/internal/verify"
)

// Entry is one line of what was done about a broken service.
type Entry struct {
	At       time.Time      `json:"at"` // UTC
	Event    string         `json:"event"`
	Service  string         `json:"service,omitempty"`
	By       string         `json:"by,omitempty"`
	Remedy   string         `json:"remedy,omitempty"`
	TookMS   int64          `json:"took_ms,omitempty"`
	Detail   string         `json:"detail,omitempty"`
	Outcome  Outcome        `json:"outcome,omitempty"`
	Report   *verify.Report `json:"report,omitempty"`
	Evidence *Evidence      `json:"evidence,omitempty"`
}

// Journal is the record of one resolution: resolutions/<id>/ in the state
// directory.
type Journal struct {
	Dir string
	// Heard is given each entry as well; nil for nobody.
	Heard func(Entry)
}

// OpenJournal makes the record.
func OpenJournal(state, id, service, by string) (*Journal, error) {
	j := &Journal{Dir: filepath.Join(state, "resolutions", id)}
	if err := os.MkdirAll(j.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("the record of the resolution: %w", err)
	}
	return j, j.Note(Entry{Event: "begun", Service: service, By: by})
}

// Note appends an entry. It is on the disk when Note returns.
func (j *Journal) Note(e Entry) error {
	e.At = time.Now().UTC()
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(j.Dir, "journal.jsonl"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("the record of the resolution: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("the record of the resolution: %w", err)
	}
	if j.Heard != nil {
		j.Heard(e)
	}
	return nil
}

// Gathered keeps what was found before anything was done: a restart takes it away.
func (j *Journal) Gathered(r verify.Report, e Evidence) error {
	if err := os.WriteFile(filepath.Join(j.Dir, "output.log"), []byte(e.Output), 0o600); err != nil {
		return fmt.Errorf("the record of the resolution: %w", err)
	}
	return j.Note(Entry{Event: "gathered", Report: &r, Evidence: &e})
}
