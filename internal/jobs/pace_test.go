package jobs

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Two processes on one cluster share the places of an installation.
func TestPaceIsShared(t *testing.T) {
	cluster := external(t)
	a, b := open(t, Options{Cluster: cluster}), open(t, Options{Cluster: cluster})
	now := time.Unix(1_800_000_000, 0)
	minute, hour := Pace{7, time.Minute}, Pace{10, time.Hour}
	var taken atomic.Int32
	var wg sync.WaitGroup
	for i := range 12 {
		q := a
		if i%2 == 0 {
			q = b
		}
		wg.Go(func() {
			for {
				wait, err := q.Reserve(t.Context(), "content.5", now, minute, hour)
				switch {
				case err != nil:
					t.Error(err)
					return
				case wait == 0:
					taken.Add(1)
					return
				case wait == time.Minute:
					return
				}
			}
		})
	}
	wg.Wait()
	if taken.Load() != 7 {
		t.Errorf("%d places were taken, want 7", taken.Load())
	}
	if wait, err := a.Reserve(t.Context(), "content.6", now, minute); wait != 0 || err != nil {
		t.Errorf("another installation waits %s, %v", wait, err)
	}
	later := now.Add(time.Minute)
	for range 3 {
		if wait, err := b.Reserve(t.Context(), "content.5", later, minute, hour); wait != 0 || err != nil {
			t.Errorf("a minute later: %s, %v", wait, err)
		}
	}
	if wait, _ := b.Reserve(t.Context(), "content.5", later, minute, hour); wait != 59*time.Minute {
		t.Errorf("with the hour used up it waits %s", wait)
	}
}
