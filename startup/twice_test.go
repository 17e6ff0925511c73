package startup

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"
)

// A service with two listeners (its own, and one for metrics) serves twice in one
// start: the second proof closed a closed channel.
func TestASecondServerOfOneStartIsProvenAsWell(t *testing.T) {
	s := begin(t, Options{})
	_, stop := serve(t, s, nil)
	defer stop()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, &http.Server{Handler: s.Handler()}, l) }()
	for end := time.Now().Add(10 * time.Second); len(s.Phases()) < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the second server did not prove itself")
		}
	}
	if status, _ := get(t, "http://"+l.Addr().String()); status != 200 {
		t.Errorf("the second server answers %d", status)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
