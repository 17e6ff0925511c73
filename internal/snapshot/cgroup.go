package snapshot

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/procfs"
)

// unlimited: cgroup v1 says "no limit" by a number near the largest.
const unlimited = 1 << 60

// cgroupMemory reads the memory account of a process's cgroup, of version 2 or
// 1. In a container the path in /proc/PID/cgroup may be the host's, so the
// mount point itself is tried after it.
func cgroupMemory(pid int) *Memory {
	raw, err := procfs.Read("/proc/"+strconv.Itoa(pid)+"/cgroup", 64<<10)
	if err != nil {
		return nil
	}
	var v1, v2 string
	for line := range strings.Lines(string(raw)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		if f[1] == "" {
			v2 = f[2]
		} else if f[1] == "memory" {
			v1 = f[2]
		}
	}
	const mount = "/sys/fs/cgroup"
	for _, dir := range []string{filepath.Join(mount, v2), mount} {
		if m, ok := readMemory(dir, "memory.current", "memory.max", "memory.events"); ok {
			return m
		}
	}
	for _, dir := range []string{filepath.Join(mount, "memory", v1), mount + "/memory"} {
		if m, ok := readMemory(dir, "memory.usage_in_bytes", "memory.limit_in_bytes", "memory.oom_control"); ok {
			return m
		}
	}
	return nil
}

func readMemory(dir, usage, limit, events string) (*Memory, bool) {
	number := func(name string) (int64, bool) {
		raw, err := procfs.Read(filepath.Join(dir, name), 64<<10)
		if err != nil {
			return 0, false
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
		return n, err == nil
	}
	used, ok := number(usage)
	if !ok {
		return nil, false
	}
	m := &Memory{UsageBytes: used}
	if n, ok := number(limit); ok && n < unlimited {
		m.LimitBytes = n
	}
	raw, _ := procfs.Read(filepath.Join(dir, events), 64<<10)
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "oom_kill" {
			m.OOMKills, _ = strconv.ParseInt(f[1], 10, 64)
		}
	}
	return m, true
}
