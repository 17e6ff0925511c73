package drill

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// File is the name of the history in the state directory: a Report a line.
const File = "drills.jsonl"

// keep appends the report to the history.
func (r *run) keep(report *Report) error {
	line, err := json.Marshal(report)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(r.State, File), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("the history of drills: %w", err)
	}
	defer f.Close()
	if _, err := f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("the history of drills: %w", err)
	}
	return nil
}

// History are the reports that a state directory has, oldest first, of runs
// since a moment. Lines that cannot be read are skipped: one may be half
// written.
func History(state string, since time.Time) ([]Report, error) {
	f, err := os.Open(filepath.Join(state, File))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the history of drills: %w", err)
	}
	defer f.Close()
	var all []Report
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r Report
		if json.Unmarshal(lines.Bytes(), &r) == nil && r.Run != "" && !r.Began.Before(since) {
			all = append(all, r)
		}
	}
	return all, lines.Err()
}
