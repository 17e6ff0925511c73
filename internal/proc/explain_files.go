package proc

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/procfs"
)

// atWorkingDir is AT_FDCWD: a path is relative to the working directory.
const atWorkingDir = -100

// opening explains open(2): only of a named pipe does it wait for somebody,
// for the other end to be opened.
func (s *subject) opening(w Wait, dir int, address uint64) Wait {
	path := memoryString(w.PID, address)
	if path != "" && !filepath.IsAbs(path) {
		base := "/proc/" + strconv.Itoa(w.PID) + "/cwd"
		if dir != atWorkingDir {
			base = "/proc/" + strconv.Itoa(w.PID) + "/fd/" + strconv.Itoa(dir)
		}
		if target, err := os.Readlink(base); err == nil {
			path = filepath.Join(target, path)
		}
	}
	w.Object = path
	if path != "" && s.isNamedPipe(path) {
		w.Kind = Opening
	} else {
		w.Kind = Disk
		w.Object = "of " + path + " (a file system that does not answer)"
	}
	return w
}

// isNamedPipe asks the file system only where it is a local one: this process
// must not come to hang beside the one it looks at.
func (s *subject) isNamedPipe(path string) bool {
	if !localFS(s.p.PID, path) {
		return false
	}
	info, err := os.Stat("/proc/" + strconv.Itoa(s.p.PID) + "/root" + path)
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}

// localFS reports whether the file system that path lies in, by the longest
// mount point before it, can answer without a network or another process.
func localFS(pid int, path string) bool {
	raw, err := procfs.Read("/proc/"+strconv.Itoa(pid)+"/mountinfo", 1<<20)
	if err != nil {
		return false
	}
	best, kind := -1, ""
	for line := range strings.Lines(string(raw)) {
		// 36 35 98:0 /mnt1 /mnt/parent rw,noatime master:1 - ext3 /dev/root rw
		before, after, ok := strings.Cut(line, " - ")
		f := strings.Fields(before)
		if !ok || len(f) < 5 {
			continue
		}
		point := f[4]
		inside := point == "/" || path == point || strings.HasPrefix(path, point+"/")
		if inside && len(point) >= best { // later mounts cover earlier ones
			best = len(point)
			kind, _, _ = strings.Cut(after, " ")
		}
	}
	switch kind {
	case "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "ramfs", "rootfs", "overlay", "devtmpfs", "squashfs":
		return true
	}
	return false
}

// locking explains a wait for a file lock, and names who holds it.
func (s *subject) locking(w Wait, fd int) Wait {
	w.Kind, w.Object = Locking, "on "+s.describe(fd)
	holder, ok := lockHolder(w.PID)
	if !ok {
		return w
	}
	p, err := Read(holder)
	switch {
	case holder == w.PID:
		w.Object += ", which it holds itself through another descriptor"
	case err == nil:
		w.Object += ", held by " + p.Title()
	case holder > 0:
		w.Object += ", held by pid " + strconv.Itoa(holder)
	default:
		w.Object += ", held by a process outside this container"
	}
	return w
}

// lockHolder finds in /proc/locks who stands in pid's way.
//
//	1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF
//	1: -> FLOCK  ADVISORY  WRITE 4712 08:01:1234 0 EOF
func lockHolder(pid int) (int, bool) {
	raw, err := procfs.Read("/proc/locks", 1<<20)
	if err != nil {
		return 0, false
	}
	lock, holder := "", 0
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		if f[1] != "->" {
			lock = f[0]
			holder, _ = strconv.Atoi(f[4])
			continue
		}
		if f[0] == lock && f[5] == strconv.Itoa(pid) {
			return holder, true
		}
	}
	return 0, false
}
