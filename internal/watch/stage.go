package watch

import (
	"bytes"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/record"
)

// stage is how far the events of a record have come.
type stage int

const (
	begun stage = iota
	judged
	ended
	closed
)

// write brings what the fold concluded of a life into the tape's record.
func (t *tape) write(l *core.Life) {
	s := &l.Start
	rec := t.recorder()
	if t.written < judged && s.Verdict != "" {
		t.written = judged
		rec.Event(verdictEvent(s, l.Ended))
	}
	if t.written < ended && !l.Alive {
		t.written = ended
		if s.Run != nil {
			rec.Event(exitEvent(s, l.Ended))
		}
	}
	if t.written == ended {
		t.die(l.Ended)
		t.finish()
	}
}

// finish closes the tape's record, which it does beside the fold.
func (t *tape) finish() {
	if t.written == closed {
		return
	}
	t.written = closed
	t.die(time.Time{})
	rec := t.recorder()
	if rec == nil {
		t.attach(nil) // whatever waits for it goes on
		t.beside(t.awaitOutput)
		return
	}
	t.beside(func() { t.close(rec) })
}

// stateWait is how long a record waits for the engine's word of the end, which
// comes once the engine has tidied up after it.
const stateWait = 500 * time.Millisecond

func (t *tape) close(rec *record.Recorder) {
	defer rec.Close(2 * time.Second)
	t.awaitOutput()
	t.mu.Lock()
	ending := t.ending
	t.mu.Unlock()
	if ending != nil {
		<-ending
	}
	if t.state == nil {
		return
	}
	for end := time.Now().Add(stateWait); ; time.Sleep(stateWait / 20) {
		if state := t.state(); len(state) > 0 {
			rec.File("state.json", append(bytes.Clone(state), '\n'))
			return
		}
		if time.Now().After(end) {
			return
		}
	}
}

// goesOnFor is how long the first reading of a life's output may go on once the second one
// has had all of it.
const goesOnFor = 10 * time.Second

// awaitOutput waits until the output of a life that is over has ended: the engine gives
// the last of it once it has tidied up. A stream that nothing comes from for as long as
// that may take stands still, and would for ever: Engine 20.10 forgets one that it is asked
// for at the moment of the death. One that goes on once all has been read is on to the next
// life: the engine had come to it too late.
func (t *tape) awaitOutput() {
	for before, quiet := t.lastTaken(), time.Duration(0); ; {
		select {
		case <-t.done:
			return
		case <-time.After(goesOnFor):
		}
		if now := t.lastTaken(); !now.Equal(before) {
			before, quiet = now, 0
		} else {
			quiet += goesOnFor
		}
		if t.hasAll() || quiet >= catchUpWithin {
			t.stop()
			<-t.done
			return
		}
	}
}

func verdictEvent(s *aweigh.Start, ended time.Time) record.Event {
	e := record.Event{Event: record.StartFailed, Verdict: s.Verdict, Reason: s.Reason, InARow: s.InARow, Cause: s.Cause}
	if s.Probe != nil {
		probe := *s.Probe // the recorder writes it while the fold goes on
		e.Probe = &probe
	}
	if s.TookMS != nil {
		e.ElapsedMS = *s.TookMS
	}
	e.Time = s.Began.Add(time.Duration(e.ElapsedMS) * time.Millisecond)
	if s.Verdict == aweigh.Ready {
		e.Event, e.Verdict = record.StartReady, ""
	}
	if !ended.IsZero() && s.Run == nil {
		e.Exit = s.Exit
	}
	return e
}

func exitEvent(s *aweigh.Start, ended time.Time) record.Event {
	return record.Event{Event: record.RunExit, Time: ended, ElapsedMS: ended.Sub(s.Began).Milliseconds(), End: s.Run.End,
		Exit: s.Exit, Reason: s.Run.Reason, InARow: s.InARow, Cause: s.Cause}
}
