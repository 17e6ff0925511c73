package proc

import (
	"net/netip"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/sockdiag"
)

func TestParseStatTakesAnyName(t *testing.T) {
	const rest = " S 11 12 13 0 -1 4194560 77 0 0 0 250 50 0 0 20 0 3 0 987654 1000000 25 18446744073709551615 1 1 0"
	for _, name := range []string{"sh", "a b", "x) R 9 (y", ")", "", "two\nlines", "(sd-pam)"} {
		s, ok := parseStat([]byte("42 (" + name + ")" + rest))
		if !ok {
			t.Errorf("%q: not parsed", name)
			continue
		}
		want := stat{name: name, state: 'S', ppid: 11, cpu: 3 * time.Second, threads: 3, started: 987654, rssPages: 25}
		if s != want {
			t.Errorf("%q: got %+v, want %+v", name, s, want)
		}
	}
}

func FuzzParsers(f *testing.F) {
	f.Add("42 (sh) S 11 12 13 0 -1 4194560 77 0 0 0 250 50 0 0 20 0 3 0 987654 1000000 25")
	f.Add("230 0x0 0x0 0x7ffd9b818670 0x7ffd9b8186b0 0x0 0x0 0x7ffd9b818658 0x7fa78a095503")
	f.Add("-1 0x7ffd9b818658 0x7fa78a095503")
	f.Add("0100007F:0035")
	f.Fuzz(func(t *testing.T, s string) {
		parseStat([]byte(s))
		parseSyscall(s)
		parseAddrPort(s)
		splitArgs([]byte(s))
		classify(s)
	})
}

func TestParseSyscall(t *testing.T) {
	for _, c := range []struct {
		text string
		want Syscall
	}{
		{"running\n", Syscall{}},
		{"", Syscall{}},
		{"-1 0x10 0x20\n", Syscall{Known: true, Number: -1, SP: 0x10}},
		{"0 0x3 0x7f 0x2 0x4 0xffffffff 0x0 0x7ffd 0x7f75\n",
			Syscall{Known: true, Number: 0, Args: [6]uint64{3, 0x7f, 2, 4, 0xffffffff, 0}, SP: 0x7ffd}},
	} {
		if got := parseSyscall(c.text); got != c.want {
			t.Errorf("%q: got %+v, want %+v", c.text, got, c.want)
		}
	}
}

func TestParseAddrPort(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:0035":                         "127.0.0.1:53",
		"00000000000000000000000001000000:1F90": "[::1]:8080",
		"0000000000000000FFFF00000B00007F:0035": "127.0.0.11:53",
	} {
		if got, ok := parseAddrPort(text); !ok || got != netip.MustParseAddrPort(want) {
			t.Errorf("%s: got %v, want %s", text, got, want)
		}
	}
}

func TestTellingPrefersTheLeafThatExplains(t *testing.T) {
	look := func(pid int, kind Kind) Look {
		return Look{Process: Process{PID: pid}, Wait: Wait{Kind: kind, PID: pid}}
	}
	for _, c := range []struct {
		name  string
		looks []Look
		want  int
	}{
		{"a shell waits for its child", []Look{look(1, Child), look(2, Sleeping)}, 2},
		{"a service waits for its database beside a helper", []Look{look(1, Answer), look(2, Sleeping)}, 1},
		{"a master in a timed select, workers in recv", []Look{look(1, Idle), look(2, Idle), look(3, Answer)}, 3},
		{"a wrapper's event loop, and the service's", []Look{look(1, Idle), look(2, Child), look(3, Idle)}, 3},
		{"the worker is dead", []Look{look(1, Mutex), look(2, Dead)}, 1},
	} {
		if got, ok := Telling(c.looks); !ok || got.PID != c.want {
			t.Errorf("%s: chose pid %d, want %d", c.name, got.PID, c.want)
		}
	}
	if _, ok := Telling(nil); ok {
		t.Error("chose a process out of none")
	}
}

func TestSentence(t *testing.T) {
	now := time.Now()
	peer := netip.MustParseAddrPort("10.0.0.5:5432")
	for want, w := range map[string]Wait{
		"58 s in connect() to 10.0.0.5:5432":                                                             {Kind: Connecting, Call: "connect", Peer: peer, Unbroken: true, Since: now.Add(-58 * time.Second)},
		"connect() to 10.0.0.5:5432":                                                                     {Kind: Connecting, Call: "connect", Peer: peer, Unbroken: true, Since: now},
		"2m58s in recvfrom() from 10.0.0.5:5432 (established)":                                           {Kind: Answer, Call: "recvfrom", Peer: peer, TCPState: "established", Unbroken: true, Since: now.Add(-178 * time.Second)},
		"58 s in retries of connect() to 10.0.0.5:5432 (3 attempts seen)":                                {Kind: Connecting, Call: "connect", Attempts: 3, Peer: peer, Unbroken: true, Since: now.Add(-58 * time.Second)},
		"58 s waiting for an answer from 10.0.0.5:5432 (established, in epoll_wait())":                   {Kind: Answer, Call: "epoll_wait", Peer: peer, TCPState: "established", Unbroken: true, Since: now.Add(-58 * time.Second)},
		"waiting for an answer from 10.0.0.5:5432 (established, in epoll_wait()) (at each look for 5 s)": {Kind: Answer, Call: "epoll_wait", Peer: peer, TCPState: "established", Since: now.Add(-5 * time.Second)},
		"58 s running on the CPU (1.9 s of the last 2.0 s)":                                              {Kind: Running, CPU: 1900 * time.Millisecond, Over: 2 * time.Second, Since: now.Add(-58 * time.Second)},
		"3 s in open of the named pipe /run/x.fifo (openat)":                                             {Kind: Opening, Call: "openat", Object: "/run/x.fifo", Unbroken: true, Since: now.Add(-3 * time.Second)},
		"3 s in flock() on /data/db.lock, held by sh (pid 8)":                                            {Kind: Locking, Call: "flock", Object: "on /data/db.lock, held by sh (pid 8)", Unbroken: true, Since: now.Add(-3 * time.Second)},
		"waiting for child process 42 (sh?x)":                                                            {Kind: Child, Call: "wait4", Object: "child process 42 (sh\nx)", Since: now},
		"epoll_wait() (an idle event loop)":                                                              {Kind: Idle, Call: "epoll_wait", Object: "an idle event loop", Since: now},
		"5 s stopped by a signal (SIGSTOP), or held by a debugger":                                       {Kind: Stopped, Unbroken: true, Since: now.Add(-5 * time.Second)},
	} {
		if got := w.Sentence(now); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestGuessOfAProcessThatMayNotBeLookedInto(t *testing.T) {
	peer := netip.MustParseAddrPort("10.0.0.5:5432")
	attempt := sockdiag.Socket{Remote: peer, State: sockdiag.SynSent, Inode: 7, UID: 1000}
	for name, c := range map[string]struct {
		sockets []sockdiag.Socket
		want    Kind
	}{
		"the only attempt of its user": {[]sockdiag.Socket{attempt, {State: sockdiag.SynSent, UID: 0}}, Connecting},
		"two attempts of its user":     {[]sockdiag.Socket{attempt, attempt}, Unclear},
		"another user's":               {[]sockdiag.Socket{{Remote: peer, State: sockdiag.SynSent, UID: 0}}, Unclear},
	} {
		s := &subject{p: Process{PID: 8, UID: 1000, State: 'S'}, denied: true, table: newSocketTable(c.sockets),
			threads: []Thread{{TID: 8, State: 'S'}, {TID: 9, State: 'S'}}}
		w := s.wait()
		if w.Kind != c.want || w.Guessed != (c.want == Connecting) {
			t.Errorf("%s: got %s", name, w)
		}
	}
}
