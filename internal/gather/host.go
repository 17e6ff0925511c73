package gather

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/aweigh/aweigh/internal/diagnose"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/proc"
)

// nearlyFull is from what part on something counts as used up.
const nearlyFull = 0.97

// host looks at what the machine has left. s is nil for a service that does
// not run.
func (f *Found) host(in docker.Inspection, s *subject) {
	f.disks(in)
	f.memory()
	if s == nil {
		return
	}
	if files, err := proc.Files(s.pid, 0); err == nil {
		if soft, _, ok := proc.Limit(s.pid, "Max open files"); ok && soft > 0 {
			f.fact("descriptors", float64(len(files))/float64(soft), "%d of %d file descriptors of its main process are open", len(files), soft)
		}
	}
	if f.Evidence.Inspect == nil {
		return
	}
	if limit := f.Evidence.Inspect.HostConfig.PidsLimit; limit != nil && *limit > 0 {
		n := int64(0)
		for _, p := range s.tree {
			n += int64(p.Threads)
		}
		f.fact("processes", float64(n)/float64(*limit), "%d of %d processes and threads that it may have", n, *limit)
	}
}

func (f *Found) fact(what string, used float64, format string, a ...any) {
	f.Live.Host = append(f.Live.Host, diagnose.HostFact{What: what, Text: fmt.Sprintf(format, a...), Short: used >= nearlyFull})
}

// disks looks at the file systems that the container writes to: the engine's
// own, and the sources of its mounts.
func (f *Found) disks(in docker.Inspection) {
	var paths []string
	if root := engineDir(in); root != "" {
		paths = append(paths, root)
	}
	if f.Evidence.Inspect != nil {
		for _, m := range f.Evidence.Inspect.Mounts {
			if m.RW && filepath.IsAbs(m.Source) {
				paths = append(paths, m.Source)
			}
		}
	}
	seen := map[syscall.Fsid]bool{}
	for _, path := range paths {
		var s syscall.Statfs_t
		if err := syscall.Statfs(path, &s); err != nil {
			f.note(fmt.Sprintf("the file system of %s cannot be asked: %v", path, err))
			continue
		}
		if s.Blocks == 0 || seen[s.Fsid] {
			continue
		}
		seen[s.Fsid] = true
		f.fact("disk", 1-float64(s.Bavail)/float64(s.Blocks), "%s has %s free of %s", path, size(s.Bavail*uint64(s.Bsize)), size(s.Blocks*uint64(s.Bsize)))
		if s.Files > 0 {
			f.fact("inodes", 1-float64(s.Ffree)/float64(s.Files), "%s has %d inodes free of %d", path, s.Ffree, s.Files)
		}
	}
}

// engineDir is where the engine keeps a container's own files.
func engineDir(in docker.Inspection) string {
	if in.LogPath == "" {
		return ""
	}
	dir := filepath.Dir(filepath.Dir(filepath.Dir(in.LogPath))) // of DIR/containers/ID/ID-json.log
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

func (f *Found) memory() {
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return
	}
	kib := func(name string) uint64 {
		for line := range strings.Lines(string(raw)) {
			if rest, ok := strings.CutPrefix(line, name+":"); ok {
				n, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
				return n
			}
		}
		return 0
	}
	if total, free := kib("MemTotal"), kib("MemAvailable"); total > 0 {
		f.fact("memory", 1-float64(free)/float64(total), "this host has %s of memory available of %s", size(free<<10), size(total<<10))
	}
}

// size is a number of bytes as a person reads it.
func size(n uint64) string {
	const units = "KMGTP"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	x, u := float64(n)/(1<<10), 0
	for ; x >= 1<<10 && u < len(units)-1; u++ {
		x /= 1 << 10
	}
	return fmt.Sprintf("%.1f %ciB", x, units[u])
}
