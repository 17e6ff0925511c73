package supervise

import (
	"net"
	"testing"

	"github.com/aweigh/aweigh/internal/sockdiag"
)

// Under socket activation the port is open already, by a descriptor that we are
// given to hand down. The start was refused: "in use by aweigh-init: stop it".
func TestASocketThatWeHandDownDoesNotTakeThePort(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	table := sockdiag.Open()
	defer table.Close()
	if who := portTaken(loopback4, l.Addr().(*net.TCPAddr).Port, table); who != "" {
		t.Errorf("the port is said to be in use by %s", who)
	}
}
