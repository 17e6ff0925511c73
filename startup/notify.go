package startup

import (
	"net"
	"os"
	"strconv"
	"time"
)

// notifier speaks systemd's notify protocol (sd_notify(3)). Without
// NOTIFY_SOCKET it is silent.
type notifier struct {
	address  string
	watchdog time.Duration // zero for none
}

func newNotifier() notifier {
	n := notifier{address: os.Getenv("NOTIFY_SOCKET")}
	if pid := os.Getenv("WATCHDOG_PID"); pid == "" || pid == strconv.Itoa(os.Getpid()) {
		if usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 {
			n.watchdog = time.Duration(usec) * time.Microsecond
		}
	}
	return n
}

// send sends state. Nobody waits for it: a supervisor that does not listen
// must not hold the service up.
func (n notifier) send(state string) {
	if n.address == "" {
		return
	}
	c, err := net.Dial("unixgram", n.address)
	if err != nil {
		return
	}
	defer c.Close()
	c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	c.Write([]byte(state))
}
