package proc

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWaitNamesTheConnectionThatIsNotAnswered(t *testing.T) {
	addr := blackhole(t)
	for _, part := range []string{"connect ", "dial "} {
		look := telling(t, play(t, part+addr), func(w Wait) bool { return w.Kind == Connecting && w.TCPState != "" })
		if look.Wait.Peer.String() != addr || !strings.HasPrefix(look.Wait.String(), "connect() to "+addr) || look.Wait.TCPState != "syn-sent" {
			t.Errorf("%s: got %s (%+v), want connect() to %s", part, look.Wait, look.Wait, addr)
		}
	}
}

func TestWaitNamesThePeerThatDoesNotAnswer(t *testing.T) {
	addr := silent(t, 8)
	look := telling(t, play(t, "recv "+addr), func(w Wait) bool { return w.Kind == Answer && w.Call == "recvfrom" && w.Peer.IsValid() })
	if want := "recvfrom() from " + addr + " (established)"; look.Wait.String() != want {
		t.Errorf("got %s, want %s", look.Wait, want)
	}
	look = telling(t, play(t, "ask "+addr), func(w Wait) bool { return w.Kind == Answer })
	if want := "waiting for an answer from " + addr + " (established, in "; !strings.HasPrefix(look.Wait.String(), want) {
		t.Errorf("got %s, want %s…", look.Wait, want)
	}
}

func TestWaitNamesTheNameServerThatDoesNotAnswer(t *testing.T) {
	server, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 77}, Port: 53}); err != nil {
		t.Skip("may not bind port 53: ", err)
	}
	// As a C library's resolver: a connected UDP socket, and poll.
	cmd := exec.Command(server, "-c", `import socket,select
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.connect(("127.0.0.77",53)); print("up",flush=True)
p=select.poll(); p.register(s, select.POLLIN); p.poll()`)
	look := telling(t, start(t, cmd), func(w Wait) bool { return w.Kind == Answer })
	if want := "waiting for an answer from 127.0.0.77:53 (a name server) (in poll())"; look.Wait.String() != want {
		t.Errorf("got %s, want %s", look.Wait, want)
	}
}

func TestWaitNamesTheNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready.fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	look := telling(t, play(t, "fifo "+path), func(w Wait) bool { return w.Kind == Opening })
	if want := "open of the named pipe " + path + " (openat)"; look.Wait.String() != want {
		t.Errorf("got %s, want %s", look.Wait, want)
	}
	// A shell, and a path relative to where it works.
	cmd := exec.Command("sh", "-c", "echo up; read line < ready.fifo")
	cmd.Dir = filepath.Dir(path)
	look = telling(t, start(t, cmd), func(w Wait) bool { return w.Kind == Opening })
	if look.Wait.Object != path {
		t.Errorf("got %s, want %s", look.Wait, path)
	}
}

func TestWaitNamesTheLockAndItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db.lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	me, _ := Read(os.Getpid())
	look := telling(t, play(t, "flock "+path), func(w Wait) bool { return w.Kind == Locking })
	if want := "flock() on " + path + ", held by " + me.Title(); look.Wait.String() != want {
		t.Errorf("got %s, want %s", look.Wait, want)
	}
}

func TestWaitNamesTheUnixSocketWhoseOwnerDoesNotAccept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	play(t, "unix "+path) // fills the backlog, or blocks as well
	look := telling(t, play(t, "unix "+path), func(w Wait) bool { return w.Kind == Connecting })
	if !strings.Contains(look.Wait.String(), path) {
		t.Errorf("got %s, want it to name %s", look.Wait, path)
	}
}

func TestWaitTellsSleepFromSpinning(t *testing.T) {
	look := telling(t, play(t, "sleep"), func(w Wait) bool { return w.Kind == Sleeping })
	if look.Wait.String() != "sleep of 16m40s" {
		t.Errorf("got %s", look.Wait)
	}
	look = telling(t, play(t, "spin"), func(w Wait) bool { return w.Kind == Running && w.CPU > 0 && w.CPU >= w.Over/2 })
	if !strings.HasPrefix(look.Wait.String(), "running on the CPU (") {
		t.Errorf("got %s", look.Wait)
	}
}

func TestWaitOfAnIdleServiceBlamesNobody(t *testing.T) {
	look := telling(t, play(t, "listen 127.0.0.1:0"), func(w Wait) bool { return strings.Contains(w.Object, "listens on") })
	if look.Wait.Kind != Idle {
		t.Errorf("got %s", look.Wait)
	}
	look = telling(t, play(t, "deadlock"), func(w Wait) bool { return w.Kind != Running })
	if look.Wait.Kind != Mutex && look.Wait.Kind != Idle {
		t.Errorf("got %s", look.Wait)
	}
}

func TestTellingSkipsTheShellThatWaits(t *testing.T) {
	pid := start(t, exec.Command("sh", "-c", "echo up; sleep 1000; true"))
	look := telling(t, pid, func(w Wait) bool { return w.Kind == Sleeping })
	for end := time.Now().Add(10 * time.Second); look.Name == "sh" && look.PPID == pid && time.Now().Before(end); {
		look = telling(t, pid, func(w Wait) bool { return w.Kind == Sleeping }) // forked, and not yet sleep
	}
	if look.Name != "sleep" || look.PPID != pid {
		t.Errorf("chose %s", look.Title())
	}
	var sampler Sampler
	root, _ := Read(pid)
	looks := sampler.Look(append([]Process{root}, Tree(pid)...), nil, time.Now())
	if got := looks[0].Wait.String(); !strings.HasPrefix(got, "waiting for child process ") || !strings.HasSuffix(got, "(sleep)") {
		t.Errorf("the shell is said to be %s", got)
	}
}

func TestWaitOfAStoppedProcess(t *testing.T) {
	pid := play(t, "sleep")
	syscall.Kill(pid, syscall.SIGSTOP)
	telling(t, pid, func(w Wait) bool { return w.Kind == Stopped })
}

func TestSamplerRemembersSinceWhen(t *testing.T) {
	addr := blackhole(t)
	pid := play(t, "connect "+addr)
	telling(t, pid, func(w Wait) bool { return w.Kind == Connecting })
	root, _ := Read(pid)
	var sampler Sampler
	began := time.Now()
	for _, after := range []time.Duration{0, time.Second, 58 * time.Second} {
		look := sampler.Look([]Process{root}, sockets(t), began.Add(after))[0]
		if got := look.Wait.For(began.Add(after)); got != after {
			t.Errorf("after %s it is said to last %s", after, got)
		}
		if after == 58*time.Second && look.Wait.Sentence(began.Add(after)) != "58 s in connect() to "+addr {
			t.Errorf("got %s", look.Wait.Sentence(began.Add(after)))
		}
	}
}

func TestSamplerCountsRetriesThatItSaw(t *testing.T) {
	addr := blackhole(t)
	look := telling(t, play(t, "retry "+addr), func(w Wait) bool { return w.Attempts >= 3 })
	if look.Wait.Peer != netip.MustParseAddrPort(addr) {
		t.Errorf("got %+v", look.Wait)
	}
	if s := look.Wait.String(); !strings.Contains(s, "attempts") && !strings.Contains(s, "seen") {
		t.Errorf("got %s", s)
	}
}
