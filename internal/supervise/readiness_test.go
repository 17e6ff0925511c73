package supervise

import (
	"net"
	"testing"

	"github.com/aweigh/aweigh/internal/sockdiag"
)

// Where /proc is not mounted (a bare chroot) no listener could be told to be the
// service's, and a service that served was ended at the deadline.
func TestWithoutProcWhatListensOnTheNamedPortIsTheService(t *testing.T) {
	listen := func() int {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l.Addr().(*net.TCPAddr).Port
	}
	look := func(w *watch) int {
		all, err := w.table.Listeners(nil)
		if err != nil {
			t.Fatal(err)
		}
		_, expected := w.look(all)
		return len(expected)
	}
	table := sockdiag.Open()
	defer table.Close()
	blind := func(port int) *watch {
		w := &watch{port: port, table: table, owners: map[uint64]*ownership{}}
		w.baseline()
		w.blind = true
		return w
	}
	if n := look(blind(listen())); n != 0 {
		t.Errorf("%d listeners that were there before count as the service's", n)
	}
	w := blind(0)
	w.port = listen()
	if n := look(w); n != 1 {
		t.Errorf("%d listeners on the port count as the service's, want the one", n)
	}
}
