package status

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/store"
)

// Windows are the maintenance windows that the watcher knows of, oldest first.
func Windows(ctx context.Context, st *store.Store) ([]aweigh.Maintenance, error) {
	rows, err := st.StateOf(ctx, "window")
	if err != nil {
		return nil, err
	}
	all := []aweigh.Maintenance{}
	for _, row := range rows {
		var w aweigh.Maintenance
		if json.Unmarshal(row, &w) == nil {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b aweigh.Maintenance) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// InMaintenance reports whether one of the windows is about a service.
func InMaintenance(all []aweigh.Maintenance, service string) bool {
	return slices.ContainsFunc(all, func(w aweigh.Maintenance) bool {
		ok, err := path.Match(w.Services, service)
		return w.Services == "" || err == nil && ok
	})
}
