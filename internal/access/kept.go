package access

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// keepEvery is how often a session that is in use is written: after a restart it
// may end by so much too early.
const keepEvery = time.Hour

// open reads the sessions that an earlier watcher has kept. A file that cannot be
// read costs everybody a login, no more.
func (s *sessions) open(now time.Time) {
	s.all, s.kept = map[[32]byte]*session{}, now
	if s.file == "" {
		return
	}
	text, err := os.ReadFile(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	kept := map[string]*session{}
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil {
		s.complain(fmt.Errorf("the sessions of before, %s: %w: everybody has to log in again", s.file, err))
		return
	}
	for name, one := range kept {
		raw, err := hex.DecodeString(name)
		if err != nil || len(raw) != 32 || one == nil || one.over(now) || one.Seen.After(now.Add(time.Minute)) || len(s.all) >= maxSessions {
			continue
		}
		s.all[[32]byte(raw)] = one
	}
}

// keep writes the sessions. The caller holds the lock.
func (s *sessions) keep(now time.Time) {
	s.kept = now
	if s.file == "" {
		return
	}
	kept := map[string]*session{}
	for key, one := range s.all {
		kept[hex.EncodeToString(key[:])] = one
	}
	text, err := json.Marshal(kept)
	if err == nil {
		err = replace(s.file, text)
	}
	if err != nil {
		s.complain(fmt.Errorf("sessions are not kept, and end with the watcher: %w", err))
	}
}

// replace writes a file that only its owner reads, all of it or nothing.
func replace(path string, text []byte) error {
	next := path + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(next, path)
}

func (s *sessions) complain(err error) {
	if s.warn != nil {
		s.warn(err)
	}
}
