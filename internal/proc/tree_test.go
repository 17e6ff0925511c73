package proc

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

func TestTreeHasParentsBeforeTheirChildren(t *testing.T) {
	pid := start(t, exec.Command("sh", "-c", "(sleep 1000; true) & (sh -c 'sleep 1000; true'; true) & echo up; wait"))
	asleep := func(p Process) bool { return p.Name == "sleep" }
	tree := Tree(pid)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); tree = Tree(pid) {
		if first := slices.IndexFunc(tree, asleep); first >= 0 && slices.ContainsFunc(tree[first+1:], asleep) {
			break
		}
	}
	seen := map[int]bool{pid: true}
	sleeps := 0
	for _, p := range tree {
		if !seen[p.PPID] {
			t.Errorf("%s stands before its parent %d", p.Title(), p.PPID)
		}
		seen[p.PID] = true
		if p.Name == "sleep" {
			sleeps++
		}
	}
	if sleeps != 2 || len(tree) < 4 {
		t.Errorf("found %d sleeps in a tree of %d: %+v", sleeps, len(tree), tree)
	}
	byParent, byChildren := byParent(pid), Descendants(pid)
	slices.Sort(byParent)
	slices.Sort(byChildren)
	if !slices.Equal(byParent, byChildren) {
		t.Errorf("by parents %v, by children %v", byParent, byChildren)
	}
}

func TestReadOfOddNames(t *testing.T) {
	for _, name := range []string{"a b", "x) R 9 (y", "two\nlines"} {
		dir := t.TempDir()
		sleep, err := exec.LookPath("sleep")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(sleep, dir+"/"+name); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(dir+"/"+name, "1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		p, err := Read(cmd.Process.Pid)
		for end := time.Now().Add(10 * time.Second); err == nil && len(p.Args) == 0 && time.Now().Before(end); p, err = Read(cmd.Process.Pid) {
			// execve closes what says to us that it has come so far before the kernel notes where the arguments are
		}
		if err != nil || p.Name != name || p.PPID != os.Getpid() || p.UID != os.Geteuid() || len(p.Args) != 2 {
			t.Errorf("%q: got %+v, %v", name, p, err)
		}
		if age := p.Age(); age.Seconds() < -1 || age.Minutes() > 1 { // the kernel counts in hundredths
			t.Errorf("a new process is said to be %s old", age)
		}
		cmd.Process.Kill()
		cmd.Wait()
		if _, err := Read(cmd.Process.Pid); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
			t.Errorf("of a dead process: %v", err)
		}
	}
}

func TestOwnerOfASocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mine, err := SocketInodes(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sockets(t) {
		if s.Local.String() == l.Addr().String() && s.Inode != 0 {
			if _, ok := mine[s.Inode]; !ok {
				t.Error("SocketInodes lacks the listener")
			}
			if p, ok := Owner(s.Inode); !ok || p.PID != os.Getpid() {
				t.Errorf("owner of the listener: %+v, %v", p, ok)
			}
			return
		}
	}
	t.Error("the listener is not in the table")
}

func TestAnotherUsersProcessIsReadInPart(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("must be root, to be able to become nobody")
	}
	// The test binary, as nobody, looks at a process of root.
	dir, err := os.MkdirTemp("", "proc")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	raw, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = errors.Join(os.WriteFile(dir+"/proc.test", raw, 0o755), os.Chmod(dir, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(dir+"/proc.test", "-test.run=^TestNobodyLooks$")
	cmd.Env = append(os.Environ(), "PROC_TEST_VICTIM="+strconv.Itoa(play(t, "sleep")))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestNobodyLooks is run by TestAnotherUsersProcessIsReadInPart.
func TestNobodyLooks(t *testing.T) {
	pid, err := strconv.Atoi(os.Getenv("PROC_TEST_VICTIM"))
	if err != nil {
		t.Skip("only with a victim")
	}
	p, err := Read(pid)
	if err != nil || p.UID != 0 || p.Exe != "" || len(p.Args) == 0 {
		t.Errorf("read %+v, %v", p, err)
	}
	if _, err := SocketInodes(pid); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("SocketInodes: %v, want a permission error", err)
	}
	if _, err := Environ(pid); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Environ: %v, want a permission error", err)
	}
	if _, err := CaughtSignals(pid); err != nil {
		t.Errorf("CaughtSignals: %v", err)
	}
	var wait Wait
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var sampler Sampler
		p, _ := Read(pid) // it may still have been running to where it sleeps
		if wait = sampler.Look([]Process{p}, nil, time.Now())[0].Wait; wait.Kind == Unclear {
			return
		}
	}
	t.Errorf("got %s, of a process that may not be looked into", wait)
}

func BenchmarkLook(b *testing.B) {
	all := sockets(b)
	var sampler Sampler
	for b.Loop() {
		self, _ := Read(os.Getpid())
		sampler.Look([]Process{self}, all, time.Now())
	}
}

func BenchmarkDescendants(b *testing.B) {
	for b.Loop() {
		Descendants(os.Getpid())
	}
}

// A service with eleven thousand children has more than is read of the file. The
// beginning of a pid is another process's, and would have been sent SIGKILL.
func TestAChildrenFileThatIsCutShortNamesNobodyElse(t *testing.T) {
	for raw, want := range map[string][]int{"12 345 6789 ": {12, 345, 6789}, "12 345 67": {12, 345}, "12": nil, "": nil} {
		if got := childPIDs([]byte(raw)); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", raw, got, want)
		}
	}
}

func TestAliveAndUID(t *testing.T) {
	if pid := os.Getpid(); !Alive(pid) || UID(pid) != os.Geteuid() {
		t.Errorf("this process: alive %v, uid %d", Alive(pid), UID(pid))
	}
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); Alive(cmd.Process.Pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a zombie is alive")
		}
	}
	cmd.Wait()
	if UID(cmd.Process.Pid) != -1 {
		t.Error("a process that is gone has a user")
	}
}
