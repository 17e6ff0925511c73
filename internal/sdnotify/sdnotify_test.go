package sdnotify

import (
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for datagram, want := range map[string]Message{
		"READY=1":                                  {Ready: true},
		"READY=1\nSTATUS=serving\n":                {Ready: true, Status: "serving"},
		"STATUS=a\x1b[31m b\tc ":                   {Status: "a [31m b c"},
		"EXTEND_TIMEOUT_USEC=30000000":             {Extend: 30 * time.Second},
		"EXTEND_TIMEOUT_USEC=-1":                   {},
		"EXTEND_TIMEOUT_USEC=99999999999999999999": {Extend: maxExtend},
		"WATCHDOG=1\nWATCHDOG_USEC=5000000":        {Watchdog: true, WatchdogEvery: 5 * time.Second},
		"WATCHDOG=trigger":                         {Trigger: true},
		"STOPPING=1":                               {Stopping: true},
		"RELOADING=1\nMONOTONIC_USEC=1":            {Reloading: true},
		"garbage\n=\nREADY\nREADY=yes":             {},
	} {
		if got := Parse([]byte(datagram)); got != want {
			t.Errorf("Parse(%q) = %+v, want %+v", datagram, got, want)
		}
	}
}

func TestReceiveKnowsTheSenderAndKeepsNoDescriptor(t *testing.T) {
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan Message, 1)
	go s.Receive(func(m Message) { got <- m })
	defer s.Close()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.Address + "-test", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// sd_notify_barrier: the sender waits until its pipe is closed at our end.
	r, w, _ := os.Pipe()
	defer r.Close()
	if _, _, err := c.WriteMsgUnix([]byte("BARRIER=1"), syscall.UnixRights(int(w.Fd())), &net.UnixAddr{Name: s.Address, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if m := <-got; m.PID != os.Getpid() || m.UID != os.Getuid() {
		t.Errorf("the sender is %+v", m)
	}
	r.SetReadDeadline(time.Now().Add(2 * time.Second))
	if _, err := r.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("the descriptor is still open: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("READY=1\nSTATUS=x\nEXTEND_TIMEOUT_USEC=1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := Parse(b)
		if len(m.Status) > 200 || m.Extend < 0 || m.Extend > maxExtend || m.WatchdogEvery < 0 {
			t.Errorf("%+v", m)
		}
		for _, r := range m.Status {
			if r < ' ' || r == 0x7f {
				t.Errorf("control character in %q", m.Status)
			}
		}
	})
}
