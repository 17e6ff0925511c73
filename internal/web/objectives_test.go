package web

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aweigh/aweigh/internal/objective"
)

func TestObjectivesThatTakeLongAreKeptForTwentyTimesAsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j rested[[]objective.Result]
		var fails error
		takes, asked := time.Second, 0
		get := func() (int, error) {
			results, err := j.get(restOfObjectives, func() ([]objective.Result, error) {
				asked++
				time.Sleep(takes)
				return make([]objective.Result, asked), fails
			})
			return len(results), err
		}
		want := func(what string, want int) {
			t.Helper()
			if n, err := get(); n != want || err != nil {
				t.Errorf("%s: %d, %v; want %d", what, n, err, want)
			}
		}
		fails = errors.New("gone")
		if _, err := get(); err == nil {
			t.Error("no error")
		}
		fails = nil
		want("after an error", 2)
		want("asked at once", 2)
		time.Sleep(20*time.Second + 1)
		takes = quick
		want("after the rest", 3)
		want("when it is quick", 4)
	})
}
