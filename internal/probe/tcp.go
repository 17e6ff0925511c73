package probe

import (
	"context"
	"time"

	"github.com/aweigh/aweigh/internal/expect"
)

// probeTCP holds a service healthy that lets itself be connected to. It is the
// kernel that answers, so that it proves a listener and not what is behind it.
func probeTCP(ctx context.Context, t Target, want *expect.Expr) Result {
	r := Result{Kind: KindOK}
	began := time.Now()
	_, done, err := connect(ctx, t, &r)
	if err != nil {
		return failed(r, err, noConnection(began))
	}
	done()
	r.OK, r.Reason = true, "connected"
	if want != nil {
		return judged(r, want, expect.Answer{Latency: time.Since(began)})
	}
	return r
}

func noConnection(began time.Time) string {
	return "no connection after " + about(time.Since(began))
}
