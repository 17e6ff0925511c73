package record

import (
	"errors"
	"os"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/procfs"
)

// Limits bound the records of one service. A zero value means no such bound.
type Limits struct {
	Count int
	Bytes int64
	Age   time.Duration
}

// Tidy closes the records of a service that were left open by supervisors that
// are gone, and removes the oldest beyond the limits. The last good start and
// the first failure of the latest loop go last: they are what explains the
// rest. Of a service that has told nothing for as long as records are kept they
// go too, and its directory. Records that are being written are never touched. It
// returns the starts that it found, oldest first.
func (d *Dir) Tidy(service string, limits Limits, now time.Time) ([]aweigh.Start, error) {
	records, err := d.Records(service)
	if err != nil {
		return nil, err
	}
	kept := make([]keep, 0, len(records))
	starts := make([]aweigh.Start, 0, len(records))
	for _, r := range records {
		start, told, live := r.closeLeftOpen()
		k := keep{record: r, live: live, size: r.Size(), told: told}
		if told.IsZero() {
			k.told, _ = aweigh.IDTime(r.ID())
		}
		kept = append(kept, k)
		starts = append(starts, start)
	}
	if slices.ContainsFunc(kept, func(k keep) bool { return k.live || !k.tooOld(limits, now) }) {
		good, first := landmarks(starts)
		for i := range kept {
			kept[i].landmark = i == good || i == first
		}
	}
	remove := excess(kept, limits, now)
	for _, r := range remove {
		err = errors.Join(err, r.Remove()) // one that cannot go keeps none of the others
	}
	if len(remove) == len(kept) {
		d.root.Remove(service) // if it is empty
	}
	return starts, err
}

// Overdue reports whether a service has so many more records than it should
// that even a start in a hurry must tidy up. It costs one look at a directory.
func (d *Dir) Overdue(service string, limits Limits) bool {
	ids, err := d.ids(service)
	return err == nil && limits.Count > 0 && len(ids) > limits.Count+max(1, limits.Count/5)
}

type keep struct {
	record         *Record
	size           int64
	told           time.Time // when it told something last: what served for a year has just died
	live, landmark bool
}

func (k keep) tooOld(limits Limits, now time.Time) bool {
	return limits.Age > 0 && now.Sub(k.told) > limits.Age
}

// excess chooses what to remove, oldest first, landmarks only when nothing
// else is left.
func excess(all []keep, limits Limits, now time.Time) (remove []*Record) {
	count, bytes := len(all), int64(0)
	for _, k := range all {
		bytes += k.size
	}
	for _, landmarks := range []bool{false, true} {
		for _, k := range all {
			if k.live || k.landmark != landmarks {
				continue
			}
			tooMany := limits.Count > 0 && count > limits.Count || limits.Bytes > 0 && bytes > limits.Bytes
			if !tooMany && (landmarks || !k.tooOld(limits, now)) {
				continue
			}
			remove = append(remove, k.record)
			count--
			bytes -= k.size
		}
	}
	return remove
}

// landmarks returns the indices of the last good start and of the first failed
// one of the latest loop, -1 for none.
func landmarks(starts []aweigh.Start) (good, firstFailure int) {
	good, firstFailure = -1, -1
	failing := false
	for i, s := range starts {
		switch {
		case FailedSoon(s):
			if !failing {
				firstFailure = i
			}
			failing = true
		case s.Verdict == aweigh.Ready:
			good, failing = i, false
		case s.Verdict == aweigh.Stopped:
			failing = false
		}
	}
	return good, firstFailure
}

// closeLeftOpen closes a record whose supervisor is gone, and returns its start,
// and when it told something last, zero if that cannot be read. live means that
// the supervisor is there, and writes it.
func (r *Record) closeLeftOpen() (start aweigh.Start, told time.Time, live bool) {
	f, err := r.dir.root.OpenFile(path.Join(r.Name, "events.jsonl"), os.O_RDWR|os.O_APPEND|syscall.O_NONBLOCK, 0)
	if err != nil {
		return r.Start(), told, false // it may be read only
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	live = err == syscall.EWOULDBLOCK
	events, _ := readEvents(f)
	// Where there are no locks (ENOLCK on NFS, a sandbox) nobody can tell, and the
	// record may be our own.
	if len(events) > 0 && err == nil && !ended(Fold(events)) {
		e := Event{Time: time.Now().UTC(), Event: Closed, ElapsedMS: events[len(events)-1].ElapsedMS, Reason: leftOpen}
		if boot := BootID(); boot != "" && events[0].BootID != "" && boot != events[0].BootID {
			e.Reason = "the machine went down or was restarted while it was up"
		}
		// A torn last line must not swallow the next one.
		f.Write(append([]byte("\n"), jsonLine(e)...))
		events = append(events, e)
	}
	start = r.fold(events)
	switch {
	case err != nil && !ended(start):
		told = time.Now() // it may go on
	case len(events) > 0:
		told = events[len(events)-1].Time
	}
	return start, told, live
}

// BootID identifies this boot of the machine, "" where the kernel does not say.
func BootID() string {
	b, err := procfs.Read("/proc/sys/kernel/random/boot_id", 4096)
	if err != nil || len(b) < 36 {
		return ""
	}
	return string(b[:36])
}

// Append adds an event to a record that is no longer written, such as the late
// delivery of its verdict.
func (r *Record) Append(e Event) error {
	f, err := r.dir.root.OpenFile(path.Join(r.Name, "events.jsonl"), os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if e.Time.IsZero() {
		e.Time = time.Now().UTC()
	}
	_, err = f.Write(append([]byte("\n"), jsonLine(e)...))
	return err
}
