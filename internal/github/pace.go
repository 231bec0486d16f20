package github

import (
	"context"
	"time"
)

// GitHub allows 80 requests a minute and 500 an hour that create content that
// people are told of: reviews, comments, commits. Other programs of the same
// installation share them, so some are left.
const (
	ContentMinute = 70
	ContentHour   = 450
	// paceWait is how long a request waits for its turn; a longer wait is left to
	// the queue, so that other installations go on.
	paceWait = 3 * time.Second
)

// creating marks ctx, which is one of reading or writing, for a call that
// creates content in GitHub's sense.
func creating(ctx context.Context) context.Context {
	what, _ := ctx.Value(callKey{}).(call)
	what.content = true
	return context.WithValue(ctx, callKey{}, what)
}

// pacer remembers when an installation created content in the last hour.
type pacer struct{ at []time.Time }

// reserve takes the next place if it is free now, and else gives how long until
// there is one.
func (p *pacer) reserve(now time.Time) time.Duration {
	keep := 0
	for keep < len(p.at) && now.Sub(p.at[keep]) >= time.Hour {
		keep++
	}
	p.at = p.at[keep:]
	if n := len(p.at); n >= ContentHour {
		return p.at[n-ContentHour].Add(time.Hour).Sub(now)
	}
	if n := len(p.at); n >= ContentMinute {
		if wait := p.at[n-ContentMinute].Add(time.Minute).Sub(now); wait > 0 {
			return wait
		}
	}
	p.at = append(p.at, now)
	return 0
}

// pace waits for the installation's turn to create content, or gives a
// LimitError where that takes longer than a request may wait.
func (c *Client) pace(ctx context.Context, installation int64) error {
	for {
		now := c.opt.Now()
		wait := c.reserve(ctx, installation, now)
		switch {
		case wait <= 0:
			return nil
		case wait > paceWait:
			return &LimitError{Paced: true, Until: now.Add(wait), wait: wait}
		}
		if err := c.opt.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// reserve takes the installation's next place, or gives how long until there is
// one. Where what is shared does not answer, this process keeps count alone.
func (c *Client) reserve(ctx context.Context, installation int64, now time.Time) time.Duration {
	if c.opt.Reserve != nil {
		wait, err := c.opt.Reserve(ctx, installation, now)
		if err == nil {
			return wait
		}
		c.log.WarnContext(ctx, "the shared pace does not answer", "installation", installation, "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.paces) > maxAccesses {
		for id, p := range c.paces {
			if n := len(p.at); n == 0 || now.Sub(p.at[n-1]) >= time.Hour {
				delete(c.paces, id)
			}
		}
	}
	p := c.paces[installation]
	if p == nil {
		p = &pacer{}
		c.paces[installation] = p
	}
	return p.reserve(now)
}
