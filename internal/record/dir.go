package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/aweigh/aweigh"
)

// SystemDir is where records live of who may write there.
const SystemDir = "/var/lib/aweigh"

// DefaultDir is where records live unless a user says otherwise: SystemDir if it
// can be written, else the user's state directory. It is empty where there is
// neither.
func DefaultDir() string {
	if err := os.MkdirAll(SystemDir, 0o755); err == nil && syscall.Access(SystemDir, 2) == nil {
		return SystemDir
	}
	return userDir()
}

// DefaultDirToRead is DefaultDir without creating anything: the first of its
// places that exists.
func DefaultDirToRead() string {
	for _, dir := range []string{SystemDir, userDir()} {
		if _, err := os.ReadDir(dir); dir != "" && err == nil {
			return dir
		}
	}
	return SystemDir
}

func userDir() string {
	if state := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "aweigh")
	}
	if home := os.Getenv("HOME"); filepath.IsAbs(home) && home != "/" {
		return filepath.Join(home, ".local/state/aweigh")
	}
	return ""
}

// ValidService reports whether name can name a service: 1 to 64 letters,
// digits, '.', '_' and '-', beginning with a letter or a digit. It is the name
// of a directory.
func ValidService(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// Dir is an open record directory.
type Dir struct {
	root *os.Root
	path string
}

// Open opens the record directory at path and creates it where it is missing.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("record directory: %w", err)
	}
	return OpenToRead(path)
}

// OpenToRead opens an existing record directory.
func OpenToRead(path string) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("record directory: %w", err)
	}
	return &Dir{root: root, path: path}, nil
}

// Path is the directory as it was opened.
func (d *Dir) Path() string { return d.path }

// Close gives the directory back; recorders that it created go on.
func (d *Dir) Close() error { return d.root.Close() }

// Services lists the services that have records, sorted by name.
func (d *Dir) Services() ([]string, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	var names []string
	for _, e := range entries {
		if !e.IsDir() || !ValidService(e.Name()) {
			continue
		}
		if journals[e.Name()] {
			if ids, _ := d.ids(e.Name()); len(ids) == 0 {
				continue
			}
		}
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names, err
}

// ids lists the starts of a service, oldest first.
func (d *Dir) ids(service string) ([]string, error) {
	if !ValidService(service) {
		return nil, fmt.Errorf("service %q: %w", service, errServiceName)
	}
	f, err := d.root.Open(service)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("records in %s/%s: %w: run as the user that writes them", d.path, service, fs.ErrPermission)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1) // ReadDir of a Root would look at each of them
	ids := slices.DeleteFunc(names, func(name string) bool {
		return !aweigh.ValidID(name) || journals[service] && !d.isRecord(service+"/"+name)
	})
	slices.Sort(ids)
	return ids, err
}

// journals are what a watcher's state directory has besides records: those of
// `aweigh deploy` and `aweigh resolve`, by ids as well, what drills have left, and the
// locks of routes. A service may have the name.
var journals = map[string]bool{"deployments": true, "resolutions": true, "drills": true, "outbox": true}

func (d *Dir) isRecord(name string) bool {
	_, err := d.root.Stat(name + "/events.jsonl")
	return err == nil
}

var errServiceName = errors.New("a service's name has 1 to 64 letters, digits, '.', '_' and '-', and begins with a letter or a digit")

// Record is one record, to read.
type Record struct {
	dir  *Dir
	Name string // "webhook/01JD…", relative to the record directory
}

// Find returns the record of the start with this id or unambiguous prefix of
// one, or the newest of the service with this name.
func (d *Dir) Find(startOrService string) (*Record, error) {
	services, err := d.Services()
	if err != nil {
		return nil, err
	}
	if slices.Contains(services, startOrService) {
		ids, err := d.ids(startOrService)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			return nil, fmt.Errorf("service %q has no recorded start in %s", startOrService, d.path)
		}
		return d.record(startOrService, ids[len(ids)-1]), nil
	}
	var found []string
	if prefix := strings.ToUpper(startOrService); len(prefix) >= 4 {
		for _, service := range services {
			ids, err := d.ids(service)
			if err != nil {
				return nil, err
			}
			for _, id := range ids {
				if strings.HasPrefix(id, prefix) {
					found = append(found, service+"/"+id)
				}
			}
		}
	}
	switch len(found) {
	case 0:
		hint := "there are no records yet"
		if len(services) > 0 {
			hint = "services here: " + strings.Join(services, ", ")
		}
		return nil, fmt.Errorf("no start and no service %q in %s (%s)", startOrService, d.path, hint)
	case 1:
		return &Record{dir: d, Name: found[0]}, nil
	}
	return nil, fmt.Errorf("%q begins %d starts' ids (%s, %s, …): give more of it", startOrService, len(found), path.Base(found[0]), path.Base(found[1]))
}

func (d *Dir) record(service, id string) *Record {
	return &Record{dir: d, Name: service + "/" + id}
}

// Records returns the records of one service, oldest first, or of all services
// for "".
func (d *Dir) Records(service string) ([]*Record, error) {
	services := []string{service}
	if service == "" {
		var err error
		if services, err = d.Services(); err != nil {
			return nil, err
		}
	}
	var all []*Record
	for _, s := range services {
		ids, err := d.ids(s)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			all = append(all, d.record(s, id))
		}
	}
	slices.SortStableFunc(all, func(a, b *Record) int { return strings.Compare(path.Base(a.Name), path.Base(b.Name)) })
	return all, nil
}
