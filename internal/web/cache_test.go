package web

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatTakesLongRestsTwentyTimesAsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rested[int]
		takes, asked := time.Second, 0
		get := func() int {
			n, err := r.get(func() (int, error) {
				asked++
				time.Sleep(takes)
				return asked, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if first, again := get(), get(); first != 1 || again != 1 {
			t.Errorf("asked at once: %d, %d", first, again)
		}
		time.Sleep(20*time.Second + 1)
		takes = quick // from now on it is found out each time
		if n := get(); n != 2 {
			t.Errorf("after the rest: %d", n)
		}
		if n := get(); n != 3 {
			t.Errorf("what is quick is kept: %d", n)
		}
	})
}

func TestAnErrorIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rested[int]
		if _, err := r.get(func() (int, error) { time.Sleep(time.Second); return 0, errors.New("gone") }); err == nil {
			t.Error("no error")
		}
		if n, err := r.get(func() (int, error) { return 7, nil }); n != 7 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}
