package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/aweigh/aweigh"
)

// maxEvents bounds what a reader takes in of one record's events; a healthy
// service that flaps for a year stays below it.
const maxEvents = 16 << 20

// ID is the start's id.
func (r *Record) ID() string { return path.Base(r.Name) }

// Service is the service's name.
func (r *Record) Service() string { return path.Dir(r.Name) }

// Events returns what the record tells, in order. Lines that cannot be read (a
// torn last one, a damaged disk) are left out and counted; a record without any
// is no error.
func (r *Record) Events() (events []Event, damaged int) {
	f, err := r.open("events.jsonl")
	if err != nil {
		return nil, 1
	}
	defer f.Close()
	return readEvents(f)
}

// closedEvents is Events of a record that nobody writes any more, else nothing.
func (r *Record) closedEvents() []Event {
	f, err := r.open("events.jsonl")
	if err != nil {
		return nil
	}
	defer f.Close()
	if locked(f) {
		return nil
	}
	events, _ := readEvents(f)
	return events
}

func readEvents(from io.Reader) (events []Event, damaged int) {
	lines := bufio.NewReaderSize(io.LimitReader(from, maxEvents), 4096)
	for {
		line, err := lines.ReadBytes('\n')
		if line = bytes.Trim(line, "\x00 \r\n"); len(line) > 0 {
			var e Event
			if json.Unmarshal(line, &e) != nil || e.Event == "" {
				damaged++
			} else {
				events = append(events, e)
			}
		}
		if err != nil {
			return events, damaged
		}
	}
}

// Start folds the record. A start that has not ended although its supervisor
// is gone is Unknown.
func (r *Record) Start() aweigh.Start {
	f, err := r.open("events.jsonl")
	if err != nil {
		return r.unreadable()
	}
	defer f.Close()
	events, _ := readEvents(f)
	s := r.fold(events)
	if len(events) == 0 || ended(s) || locked(f) {
		return s
	}
	closed := Event{Event: Closed, Reason: leftOpen}
	last := Fold(append(events, closed))
	s.Verdict, s.TookMS, s.Reason, s.Run, s.Phases = last.Verdict, last.TookMS, last.Reason, last.Run, last.Phases
	return s
}

// fold makes a start of the record's events. The names of the directories
// decide: a damaged first line must not leave a start without a name.
func (r *Record) fold(events []Event) aweigh.Start {
	if len(events) == 0 {
		return r.unreadable()
	}
	s := Fold(events)
	s.ID, s.Service, s.Record = r.ID(), r.Service(), r.Name
	if s.Began.IsZero() {
		s.Began, _ = aweigh.IDTime(s.ID)
	}
	return s
}

const leftOpen = "its supervisor ended without a word (kill -9, power cut, or the container was killed)"

func ended(s aweigh.Start) bool {
	return s.Verdict != "" && (s.Run == nil || s.Run.End != "")
}

// unreadable stands for a record of which nothing can be read but its name.
func (r *Record) unreadable() aweigh.Start {
	began, _ := aweigh.IDTime(r.ID())
	return aweigh.Start{ID: r.ID(), Service: r.Service(), Record: r.Name, Began: began,
		Verdict: aweigh.Unknown, Reason: "its events cannot be read"}
}

// locked reports whether the supervisor that writes f's record lives: it holds
// the lock that it took at the beginning.
func locked(f *os.File) bool {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if err == nil {
		syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	}
	return err == syscall.EWOULDBLOCK
}

// File returns what the record holds under name ("snapshot.txt"), and false if
// it holds no such thing.
func (r *Record) File(name string) ([]byte, bool) {
	f, err := r.open(name)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<20))
	return b, err == nil
}

// Open opens what the record holds under name, to read it piece by piece.
func (r *Record) Open(name string) (*os.File, error) { return r.open(name) }

// Files lists the record's files with their sizes in bytes.
func (r *Record) Files() []fs.FileInfo {
	f, err := r.open(".")
	if err != nil {
		return nil
	}
	defer f.Close()
	entries, _ := f.ReadDir(-1)
	var files []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
		}
	}
	return files
}

// Live reports whether the start's supervisor still writes the record.
func (r *Record) Live() bool {
	f, err := r.open("events.jsonl")
	if err != nil {
		return false
	}
	defer f.Close()
	return locked(f)
}

// open opens a file of the record; O_NONBLOCK so that a named pipe planted in
// the directory cannot hold a reader up.
func (r *Record) open(name string) (*os.File, error) {
	return r.dir.root.OpenFile(path.Join(r.Name, name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
