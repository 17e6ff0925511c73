package inside

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/probe"
)

// ask asks a server that answers so.
func ask(t *testing.T, how reply) probe.Result {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go answer(l, how)
	target, err := probe.Parse("http://"+l.Addr().String()+"/health", 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	return probe.Run(ctx, target, nil)
}

func TestNoIllAnswerIsTakenForAGoodOne(t *testing.T) {
	for name, how := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := ask(t, how); r.OK {
				t.Errorf("taken for good: %+v", r)
			}
		})
	}
	if r := ask(t, well); !r.OK {
		t.Errorf("the good one is taken for ill: %+v", r)
	}
}

func TestItRefusesWhatIsNotItsOwn(t *testing.T) {
	for _, args := range [][]string{nil, {"make-coffee"}, {"delay"}, {"delay", "soon"}, {"exit"}, {"hold", "x"}, {"files"}, {"serve"}, {"later"}, {"later", "x"}, {"blackhole", "x"}, {"fill", "/nonexistent"}, {"delay", "0s", "--", "/nonexistent"}} {
		if status := Main(args); status != 125 {
			t.Errorf("%q: status %d", args, status)
		}
	}
}
