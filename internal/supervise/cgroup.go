package supervise

import (
	"path"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/procfs"
)

// oomCounter counts the OOM killer's victims in our control group.
type oomCounter struct{ files []string }

// newOOMCounter finds the counter: memory.events under version 2,
// memory.oom_control under version 1. In a container /proc/self/cgroup may
// name a path of the host while the group itself is mounted at the root, so
// both are tried.
func newOOMCounter() oomCounter {
	b, err := procfs.Read("/proc/self/cgroup", 64<<10)
	if err != nil {
		return oomCounter{}
	}
	var c oomCounter
	for line := range strings.SplitSeq(strings.TrimSpace(string(b)), "\n") {
		f := strings.SplitN(line, ":", 3) // hierarchy:controllers:path
		if len(f) != 3 {
			continue
		}
		var places []string
		switch {
		case f[0] == "0":
			places = []string{"/sys/fs/cgroup" + f[2] + "/memory.events", "/sys/fs/cgroup/memory.events"}
		case strings.Contains(","+f[1]+",", ",memory,"):
			places = []string{"/sys/fs/cgroup/memory" + f[2] + "/memory.oom_control", "/sys/fs/cgroup/memory/memory.oom_control"}
		}
		for _, p := range places {
			if _, ok := readOOM(path.Clean(p)); ok {
				c.files = append(c.files, path.Clean(p))
				break
			}
		}
	}
	return c
}

// kills is how many processes were killed so far.
func (c oomCounter) kills() (n int64) {
	for _, file := range c.files {
		k, _ := readOOM(file)
		n += k
	}
	return n
}

func readOOM(file string) (int64, bool) {
	b, err := procfs.Read(file, 64<<10)
	if err != nil {
		return 0, false
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if value, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, err := strconv.ParseInt(value, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
