package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/docker"
)

// engine names the engine of a stage: its own word for itself, which is the same
// however it is reached, else the way to it.
func (s *Stage) engine() string {
	if s.EngineID != "" {
		return s.EngineID
	}
	return s.Docker
}

// SameEngine reports whether two stages are on the same engine, as far as is known.
func (s *Stage) SameEngine(other *Stage) bool {
	return s.engine() == other.engine() || s.Docker == other.Docker && (s.EngineID == "" || other.EngineID == "")
}

// Identify asks the engines of the stages who they are, and writes down where the one is
// that nobody named: who resumes may have another environment.
func (p *Plan) Identify(ctx context.Context, open func(url string) (*docker.Engine, error)) error {
	for n := range p.Stages {
		s := &p.Stages[n]
		engine, err := open(s.Docker)
		if err != nil {
			return err
		}
		if s.Docker == "" {
			s.Docker = engine.Host()
		}
		s.EngineID, err = engine.ID(ctx)
		engine.Close()
		if err != nil {
			return fmt.Errorf("stage %s: %w", s.Name, err)
		}
	}
	return nil
}

// tellWithin is how long a holder may take to say who it is.
const tellWithin = 2 * time.Second

// lockOnHost takes the lock of a project on an engine: a socket in the abstract
// namespace (unix(7)), of which there is one of a name on a host. No directory has to
// be agreed on, which users that share no group could all write, and nothing is left
// behind. Who asks at the socket is told who has it.
func lockOnHost(engine, project string, me holder) (free func(), err error) {
	name := socket(engine, project)
	for end := time.Now().Add(tellWithin); ; {
		l, err := net.Listen("unix", name)
		if err == nil {
			return serveHolder(l, me), nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("the lock of project %s: %w", project, err)
		}
		c, err := net.DialTimeout("unix", name, tellWithin)
		if err == nil {
			defer c.Close()
			c.SetDeadline(time.Now().Add(tellWithin))
			return nil, heldBy(project, c)
		}
		// It let go at this moment.
		if time.Now().After(end) {
			return nil, &Held{Project: project}
		}
	}
}

func socket(engine, project string) string {
	return fmt.Sprintf("@aweigh/deploy/%x", sha256.Sum256([]byte(engine+"\x00"+project)))[:48]
}

// place names where that socket is one and the same: in one network namespace, from
// one boot of a kernel to the next. It is "" where those cannot be read.
func place(engine, project string) string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	network, linkErr := os.Readlink("/proc/self/ns/net")
	if err != nil || linkErr != nil {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(string(boot)+network+socket(engine, project))))[:32]
}

func serveHolder(l net.Listener, me holder) (free func()) {
	text, _ := json.Marshal(me)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				time.Sleep(100 * time.Millisecond) // out of files: who asks waits, or finds it unnamed
				continue
			}
			c.SetDeadline(time.Now().Add(tellWithin))
			c.Write(text)
			c.Close()
		}
	})
	return func() {
		l.Close()
		serving.Wait()
	}
}
