package status

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
)

// The first of several windows was ended, whichever was meant: ids of one morning
// begin alike.
func TestAWindowIsEndedOnlyIfItIsKnownWhich(t *testing.T) {
	st, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	rows := map[string][]byte{}
	for _, id := range []string{"01M869P8JQFG27E0PAYGBJ9NG1", "01M86B00JQFG27E0PAYGBJ9NG1"} {
		if rows["window:"+id], err = json.Marshal(aweigh.Maintenance{ID: id, Until: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Commit(t.Context(), store.Batch{Changes: []core.Changes{{Rows: rows}}}); err != nil {
		t.Fatal(err)
	}
	if w, err := EndMaintenance(t.Context(), st, "01M86"); !errors.Is(err, store.ErrAmbiguous) {
		t.Errorf("ended %s, %v", w.ID, err)
	}
	if w, err := EndMaintenance(t.Context(), st, "01m86b"); err != nil || w.ID != "01M86B00JQFG27E0PAYGBJ9NG1" {
		t.Errorf("ended %s, %v", w.ID, err)
	}
	if _, err := EndMaintenance(t.Context(), st, "01M9"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}
