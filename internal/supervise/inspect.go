package supervise

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/snapshot"
)

// inspect takes a snapshot of the service, which is about to be ended, so that
// a stack may cost it its life.
func (s *supervisor) inspect(ctx context.Context, sampler *proc.Sampler) snapshot.Snapshot {
	ctx, cancel := context.WithTimeout(ctx, inspectLimit-inspectLimit/10)
	defer cancel()
	o := snapshot.Options{Reason: s.reason, Stacks: snapshot.Final, Output: s.heard, Sampler: sampler}
	if s.NoAssist {
		o.Stacks = snapshot.Harmless
	}
	return snapshot.Take(ctx, os.Getpid(), o)
}

// keep puts a snapshot into the record.
func (s *supervisor) keep(snap snapshot.Snapshot) {
	s.inspecting, s.snap = false, &snap
	if data, err := json.MarshalIndent(snap, "", "  "); err == nil {
		s.rec.File("snapshot.json", append(data, '\n'))
	}
	var text bytes.Buffer
	snap.WriteText(&text)
	s.rec.File("snapshot.txt", text.Bytes())
	s.note(record.Event{Event: record.Snapshot, Reason: snap.Sentence})
	s.log.Info(fmt.Sprintf("snapshot taken in %d ms; processes: %d, stacks: %d", snap.TookMS, len(snap.Processes), len(snap.Stacks)),
		"event", record.Snapshot)
}

// capture keeps what comes out from the first Mark on, for the stacks in it.
type capture struct {
	on   bool
	from int64 // of all output
	text []byte
}

const captureBytes = 1 << 20

// Mark begins to keep the output, and tells how much has come before.
func (h *heard) Mark() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.capture.on {
		h.capture = capture{on: true, from: h.total.Load()}
	}
	return h.total.Load()
}

// Since is the output that came after the mark.
func (h *heard) Since(mark int64) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := mark - h.capture.from
	if at < 0 || at > int64(len(h.capture.text)) {
		return nil
	}
	return bytes.Clone(h.capture.text[at:])
}
