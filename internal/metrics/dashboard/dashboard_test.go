package dashboard

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write packaging/grafana/dashboards/aweigh.json")

const file = "../../../packaging/grafana/dashboards/aweigh.json"

func TestCommittedDashboardIsFresh(t *testing.T) {
	want := JSON()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale: go test ./internal/metrics/dashboard -update (%v)", file, err)
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	var doc struct {
		Panels []struct {
			Title   string
			GridPos struct{ X, Y, W, H int }
		}
	}
	if err := json.Unmarshal(JSON(), &doc); err != nil {
		t.Fatal(err)
	}
	taken := map[[2]int]string{}
	for _, p := range doc.Panels {
		at := p.GridPos
		if at.W < 1 || at.H < 1 || at.X+at.W > columns {
			t.Errorf("%s is at %+v", p.Title, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
