package operator

import (
	"log/slog"
	"net/http"
	"path/filepath"

	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/api"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/internal/watch"
	"github.com/aweigh/aweigh/internal/web"
)

// pagesOf are the pages and the API of a watcher that listens on an address, ""
// for none. An address that others can reach is refused without a credential.
func pagesOf(conf *config.Config, listen, state string, log *slog.Logger) (func(*store.Store, http.Handler) watch.Pages, error) {
	rules := conf.Web.Rules(access.Loopback(listen))
	if listen != "" {
		if err := access.Check(listen, rules); err != nil {
			return nil, err
		}
	}
	rules.Sessions = filepath.Join(state, "sessions.json")
	rules.Warn = func(err error) { log.Warn(err.Error(), "event", "warning") }
	guard, err := access.New(rules)
	if err != nil {
		return nil, err
	}
	return func(st *store.Store, metrics http.Handler) watch.Pages {
		site := web.New(web.Config{Store: st, Records: state, Settings: conf, Guard: guard, Host: watch.HostName(), Version: cli.Version, Log: log})
		mux := http.NewServeMux()
		mux.Handle("/api/v1/", api.New(api.Config{Store: st, Records: state, Guard: guard, Settled: site.Settle}))
		mux.Handle("GET /metrics", guard.Need(access.View, metrics.ServeHTTP))
		mux.Handle("/", site.Handler())
		return watch.Pages{Handler: guard.Protect(mux), Changed: site.Changed, Close: site.Close}
	}, nil
}
