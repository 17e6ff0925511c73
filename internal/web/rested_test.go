package web

import (
	"sync"
	"testing"
	"time"
)

// The status page reads ninety days of incidents: 0.7 s on a busy host. A public one
// that was asked a thousand times at once took both CPUs, and the store's connections
// from those who deliver letters.
func TestAThousandWhoAskAtOnceCostAsMuchAsOne(t *testing.T) {
	var page rested[int]
	worked := 0 // under the lock of page
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			page.get(func(time.Duration) time.Duration { return time.Hour }, func() (int, error) {
				worked++
				time.Sleep(10 * time.Millisecond) // the others come meanwhile
				return 0, nil
			})
		})
	}
	all.Wait()
	if worked != 1 {
		t.Errorf("worked out %d times", worked)
	}
	if rest := restOfPublic(700 * time.Millisecond); rest != 2800*time.Millisecond {
		t.Errorf("a page that takes 0.7 s rests for %v", rest)
	}
}
