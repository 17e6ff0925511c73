package record

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"
)

// Between two syncs of a start that is coming up, and of one that serves:
// what a power cut may take of the output. A verdict is synced soon, but not at
// once: the process of a start that ends with it could not end before the disk
// had answered, and a crash loop must not become slower by its evidence.
const (
	syncComingUp = time.Second
	syncServing  = 30 * time.Second
	syncVerdict  = 100 * time.Millisecond
)

// syncAtMost is the output, in bytes, beyond which it is left to the kernel to
// write: to sync gigabytes made a service that prints them wait four times as
// long.
const syncAtMost = 32 << 20

// write is the goroutine that owns the record's files.
func (r *Recorder) write(path string) {
	defer close(r.done)
	err := r.open(path)
	close(r.opened)
	if err != nil {
		r.discard(err)
		return
	}
	syncEvery := syncComingUp
	tick := time.NewTimer(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.wake:
		case <-tick.C:
			r.reserve()
			r.sync()
			tick.Reset(r.nextSync(syncEvery))
			continue
		}
		r.mu.Lock()
		b, closing := r.batch, r.closing
		r.batch = r.spare
		r.stalled = false
		r.mu.Unlock()
		select {
		case r.space <- struct{}{}:
		default:
		}

		r.writeBatch(&b)
		if b.sync {
			r.verdict = true
			syncEvery = syncServing
			tick.Reset(syncVerdict)
		}
		if closing {
			r.finish()
			return
		}
		r.spare = batch{output: b.output[:0], marks: b.marks[:0], events: b.events[:0], probes: b.probes[:0]}
	}
}

// discard takes what a record would have got, when there is none.
func (r *Recorder) discard(why error) {
	r.warn(fmt.Sprintf("no record: %v; give a directory that can be written with --record", why))
	for closing := false; !closing; {
		<-r.wake
		r.mu.Lock()
		r.batch, closing = batch{}, r.closing
		r.mu.Unlock()
		select {
		case r.space <- struct{}{}:
		default:
		}
	}
}

func (r *Recorder) writeBatch(b *batch) {
	if len(b.output) > 0 {
		r.reserve()
		r.dirty = true
		r.unsynced += int64(len(b.output))
		r.took(r.out.write(b.output, b.marks))
	}
	for _, f := range b.files {
		if err := r.writeFile(f); err != nil {
			r.trouble(f.name, err)
		}
	}
	if len(b.probes) > 0 {
		r.writeProbes(jsonLines(b.probes))
	}
	if len(b.events) > 0 {
		r.dirty = true
		r.writeEvents(jsonLines(b.events))
	}
}

// took counts what the disk did not take, and records it once it does again.
func (r *Recorder) took(lost int64, err error) {
	if err != nil {
		r.lostNow += lost
		r.lostWhy = err
		r.trouble("output", err)
		return
	}
	if r.lostNow > 0 {
		now := time.Now()
		r.writeEvents(jsonLine(Event{Time: now.UTC(), ElapsedMS: now.Sub(r.begin).Milliseconds(),
			Event: Gap, Lost: r.lostNow, Reason: r.lostWhy.Error()}))
		r.lostNow = 0
	}
}

// maxUnwritten is how much of the events a disk may refuse, in bytes, until the
// older half of them goes.
const maxUnwritten = 1 << 20

// writeEvents appends whole lines. What the disk refuses is kept, up to a
// bound, and comes before the next.
func (r *Recorder) writeEvents(lines []byte) {
	r.unwritten = append(r.unwritten, lines...)
	n, err := r.events.Write(r.unwritten)
	r.unwritten = r.unwritten[n:]
	if err != nil {
		r.trouble("events", err)
		if len(r.unwritten) > maxUnwritten {
			newest := r.unwritten[maxUnwritten/2:]
			// The line end is for the one that the disk has taken half of.
			r.unwritten = slices.Clone(newest[bytes.IndexByte(newest, '\n'):])
		}
	}
}

// maxProbes bounds probes.jsonl, in bytes.
const maxProbes = 4 << 20

func (r *Recorder) writeProbes(lines []byte) {
	if r.probes == nil {
		f, err := create(r.dir, "probes.jsonl")
		if err != nil {
			r.trouble("probes", err)
			return
		}
		r.probes = f
	}
	if size, err := r.probes.Seek(0, 2); err != nil || size > maxProbes {
		return
	}
	if _, err := r.probes.Write(lines); err != nil {
		r.trouble("probes", err)
	}
}

func (r *Recorder) writeFile(f file) error {
	out, err := create(r.dir, f.name)
	if errors.Is(err, fs.ErrExist) {
		// A second snapshot of one life, say of a service that hung again.
		out, err = create(r.dir, fmt.Sprintf("%d-%s", time.Now().UnixMilli(), f.name))
	}
	if err != nil {
		return err
	}
	_, err = out.Write(f.data)
	return errors.Join(err, out.Close())
}

// reserve keeps room for the verdict: output is what fills a disk.
func (r *Recorder) reserve() {
	if r.reserved {
		return
	}
	r.reserved = true
	const keepSize = 1 // FALLOC_FL_KEEP_SIZE: blocks beyond the end of the file
	syscall.Fallocate(int(r.events.Fd()), keepSize, 0, reservedBytes)
}

var errStalled = fmt.Errorf("the disk did not take it within %s", stallAfter)

func (r *Recorder) finish() {
	r.mu.Lock()
	if r.lost > 0 {
		r.lostNow, r.lostWhy = r.lostNow+r.lost, cmp.Or(r.lostWhy, errStalled)
	}
	r.mu.Unlock()
	if r.lostNow > 0 {
		r.took(0, nil)
	}
	r.out.writeIndex()
	for try := 0; len(r.unwritten) > 0 && try < 3; try++ {
		r.writeEvents(nil)
	}
	for _, f := range []*os.File{r.out.file, r.out.index, r.probes} {
		if f != nil {
			f.Close()
		}
	}
	// Give the room beyond the end back.
	if info, err := r.events.Stat(); err == nil && r.reserved {
		r.events.Truncate(info.Size())
	}
	// Begin the way to the disk, but do not wait for it.
	const writeOut = 2 // SYNC_FILE_RANGE_WRITE
	syscall.SyncFileRange(int(r.events.Fd()), 0, 0, writeOut)
	// A sync under way holds a second descriptor, and with it the lock.
	syscall.Flock(int(r.events.Fd()), syscall.LOCK_UN)
	r.events.Close()
	r.dir.Close()
}

// sync brings what was written to the disk without holding the writer up: a
// slow disk must not become a slow service.
func (r *Recorder) sync() {
	if !r.dirty {
		return
	}
	select {
	case r.syncing <- struct{}{}:
	default:
		return // one is under way
	}
	loud := r.unsynced > syncAtMost
	var files []int
	if !loud || r.verdict {
		files = append(files, dup(r.events))
	}
	if !loud {
		files = append(files, dup(r.out.file), dup(r.out.index))
	}
	r.dirty, r.verdict, r.unsynced = false, false, 0
	go func() {
		for _, fd := range files {
			if fd >= 0 {
				syscall.Fdatasync(fd)
				syscall.Close(fd)
			}
		}
		<-r.syncing
	}()
}

// nextSync is when to sync again: soon where a verdict could not be, because
// another sync was under way.
func (r *Recorder) nextSync(every time.Duration) time.Duration {
	if r.verdict {
		return min(every, syncComingUp)
	}
	return every
}

func dup(f *os.File) int {
	if f == nil {
		return -1
	}
	fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return -1
	}
	return int(fd)
}

// trouble warns once of each thing that the record comes to lack.
func (r *Recorder) trouble(what string, err error) {
	if r.warned[what] || r.warn == nil {
		return
	}
	first := len(r.warned) == 0
	r.warned[what] = true
	if first {
		var perr *fs.PathError
		if errors.As(err, &perr) {
			err = perr.Err
		}
		r.warn(fmt.Sprintf("the record %s lacks %s: %v; the service goes on", r.name, what, err))
	}
}
