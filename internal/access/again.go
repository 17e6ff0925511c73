package access

import (
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// present are the rules with the credentials as they are now: those that are in
// files are read again when a file has changed, so that who was removed is out at
// once.
func (g *Guard) present() Rules {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rules.Again == nil {
		return g.rules
	}
	// Looked at before it is read: what changes in between is read the next time.
	stamps := stampsOf(g.rules.Files)
	if slices.EqualFunc(stamps, g.stamps, unchanged) {
		return g.rules
	}
	g.stamps = stamps
	next, err := g.rules.Again()
	if err != nil && g.rules.Warn != nil {
		g.rules.Warn(err)
	}
	g.rules.Token, g.rules.ViewToken, g.rules.StatusToken, g.rules.Users = next.Token, next.ViewToken, next.StatusToken, next.Users
	return g.rules
}

// stampsOf are what tells files from what they were; nil for one that is gone.
func stampsOf(files []string) []fs.FileInfo {
	all := make([]fs.FileInfo, len(files))
	for n, name := range files {
		if info, err := os.Stat(name); err == nil {
			all[n] = info
		}
	}
	return all
}

func unchanged(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && changedAt(a) == changedAt(b)
}

// changedAt is when the file or its mode or owner was changed last (inode(7)): one
// that could not be read can be now, and has its old time of modification.
func changedAt(f fs.FileInfo) syscall.Timespec {
	if st, ok := f.Sys().(*syscall.Stat_t); ok {
		return st.Ctim
	}
	return syscall.Timespec{}
}
