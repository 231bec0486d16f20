package github

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestPacerStaysBelowGitHubsLimits(t *testing.T) {
	var p pacer
	start := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	now := start
	var made []time.Time
	for now.Before(start.Add(3 * time.Hour)) {
		if wait := p.reserve(now); wait > 0 {
			now = now.Add(wait)
			continue
		}
		made = append(made, now)
	}
	for i, at := range made {
		if i >= ContentMinute && at.Sub(made[i-ContentMinute]) < time.Minute {
			t.Fatalf("%d within a minute", ContentMinute+1)
		}
		if i >= ContentHour && at.Sub(made[i-ContentHour]) < time.Hour {
			t.Fatalf("%d within an hour", ContentHour+1)
		}
	}
	if len(made) < 3*ContentHour {
		t.Errorf("%d in three hours", len(made))
	}
}

// An installation that has used up its pace is put off; its check runs and the
// other installations go on.
func TestPaceHoldsBackContentAlone(t *testing.T) {
	s := newStage(t, nil)
	now := time.Now()
	s.client.opt.Now = func() time.Time { return now }
	for i := range ContentMinute {
		s.must(s.client.Reply(t.Context(), s.pr, fmt.Sprintf("ask-%d", i), "x"))
	}
	err := s.client.Reply(t.Context(), s.pr, "one-more", "x")
	var limit *LimitError
	if !errors.As(err, &limit) || !limit.Paced {
		t.Fatalf("error %v", err)
	}
	if d, ok := RetryAfter(err); !ok || d != time.Minute {
		t.Errorf("put off for %s, %t", d, ok)
	}
	if n := len(s.sim.Comments(shop, s.pr.Number)); n != ContentMinute {
		t.Errorf("%d comments", n)
	}
	if _, err := s.client.Begin(t.Context(), s.pr); err != nil {
		t.Errorf("a check run: %v", err)
	}
	if err := s.client.pace(t.Context(), s.install+1); err != nil {
		t.Errorf("another installation: %v", err)
	}
	// A short wait is waited for where it is.
	now = now.Add(time.Minute - time.Second)
	s.client.opt.Sleep = func(_ context.Context, d time.Duration) error {
		now = now.Add(d)
		return nil
	}
	s.must(s.client.Reply(t.Context(), s.pr, "one-more", "x"))
}
