package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
)

const (
	// sweepEvery is how often it is looked whether something was missed.
	sweepEvery = 10 * time.Minute
	// redeliverable is for how long GitHub keeps deliveries.
	redeliverable = 3 * 24 * time.Hour
	// maxAttempts bounds how often one delivery is asked for again.
	maxAttempts = 5
	// sweepPace is the time between two requests of the search for pull
	// requests, so that it never takes a noticeable part of a limit.
	sweepPace = 200 * time.Millisecond
	// maxWaiting is how many jobs may wait before the search for pull requests
	// lets them go first.
	maxWaiting = 32
	cursorKey  = "sweep.deliveries"
	sweptKey   = "sweep.last"
	cursorFor  = 30 * 24 * time.Hour
	maxEtags   = 20_000
)

// Overview is the App as a whole on GitHub; *github.Client.
type Overview interface {
	Deliveries(ctx context.Context, since time.Time) (list []github.Delivery, cut bool, err error)
	Redeliver(ctx context.Context, id int64) error
	Installations(ctx context.Context) ([]github.Installation, error)
	Repositories(ctx context.Context, installation int64) ([]github.Repository, error)
	Open
}

// Open is what is open in a repository and what was seen of it.
type Open interface {
	OpenPulls(ctx context.Context, r github.Repository, etag string) (pulls []github.OpenPull, next string, changed bool, err error)
	Covered(ctx context.Context, pr github.PullRequest) (bool, error)
}

// Waiting is the queue as the sweeper sees it; *jobs.Queue.
type Waiting interface {
	Alone(ctx context.Context, name string, f func(ctx context.Context) error) (ran bool, err error)
	Pending(ctx context.Context, j jobs.Job) (bool, error)
	Enqueue(ctx context.Context, j jobs.Job) (duplicate bool, err error)
	Stats(ctx context.Context) (jobs.Stats, error)
}

// Sweeper finds what was missed: deliveries that failed are asked for again,
// and open pull requests whose head has no check run of ours get their review.
// Of several processes on one queue one does it at a time.
type Sweeper struct {
	GitHub Overview
	Queue  Waiting
	Memory github.Memory
	// Missed, when set, is told of each thing that was missed: "delivery" or
	// "pull_request".
	Missed func(kind string)
	Log    *slog.Logger
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error

	etags map[int64]string // repository → of its list of open pull requests
}

// Run sweeps at once and every ten minutes until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	for first := true; ; first = false {
		_, err := s.Queue.Alone(ctx, "sweep", func(ctx context.Context) error {
			if !first && s.sweptElsewhere(ctx) {
				return nil
			}
			return s.Sweep(ctx)
		})
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "the search for missed events was cut short", "error", err)
		}
		if s.Sleep(ctx, sweepEvery) != nil {
			return
		}
	}
}

// sweptElsewhere reports whether another process has swept in this period.
func (s *Sweeper) sweptElsewhere(ctx context.Context) bool {
	at, ok := s.recall(ctx, sweptKey)
	return ok && s.Now().Sub(at) < sweepEvery*9/10
}

// Sweep looks once. What fails for one installation does not keep the others
// from being looked at.
func (s *Sweeper) Sweep(ctx context.Context) error {
	began := s.Now()
	return errors.Join(s.deliveries(ctx), s.pulls(ctx), s.remember(ctx, sweptKey, began))
}

// attempts are the deliveries of one event.
type attempts struct {
	ok     bool
	count  int
	newest github.Delivery
	oldest time.Time
}

// deliveries asks again for the deliveries that failed since the last sweep.
func (s *Sweeper) deliveries(ctx context.Context) error {
	now := s.Now()
	since := s.cursor(ctx, now)
	list, cut, err := s.GitHub.Deliveries(ctx, since)
	if err != nil {
		return err
	}
	if cut {
		s.Log.WarnContext(ctx, "more deliveries than are read at once; the oldest are left to the search for open pull requests", "since", since)
	}
	events := map[string]*attempts{}
	var order []*attempts
	for _, d := range list { // newest first
		a := events[d.GUID]
		if a == nil {
			a = &attempts{newest: d}
			events[d.GUID] = a
			order = append(order, a)
		}
		a.ok, a.count, a.oldest = a.ok || d.OK, a.count+1, d.Delivered
	}
	// What is behind the cursor is done with; what still fails stays ahead of it.
	next := now.Add(-time.Minute)
	var failed error
	for i := len(order) - 1; i >= 0; i-- {
		a := order[i]
		log := s.Log.With("delivery", a.newest.GUID, "event", a.newest.Event, "attempts", a.count)
		switch {
		case a.ok:
			continue
		case a.count >= maxAttempts:
			log.WarnContext(ctx, "a delivery keeps failing and is left")
			continue
		}
		if a.oldest.Before(next) {
			next = a.oldest
		}
		if err := s.GitHub.Redeliver(ctx, a.newest.ID); err != nil {
			if failed == nil {
				failed = err
			}
			continue
		}
		log.InfoContext(ctx, "a failed delivery was asked for again")
		s.missed("delivery")
	}
	return errors.Join(failed, s.remember(ctx, cursorKey, next))
}

// cursor gives the time up to which every delivery is done with.
func (s *Sweeper) cursor(ctx context.Context, now time.Time) time.Time {
	oldest := now.Add(-redeliverable)
	if at, ok := s.recall(ctx, cursorKey); ok && at.After(oldest) {
		return at
	}
	return oldest
}

func (s *Sweeper) recall(ctx context.Context, key string) (at time.Time, ok bool) {
	data, ok, err := s.Memory.Get(ctx, key)
	if err != nil || !ok || json.Unmarshal(data, &at) != nil {
		return time.Time{}, false
	}
	return at, true
}

func (s *Sweeper) remember(ctx context.Context, key string, at time.Time) error {
	data, err := json.Marshal(at.UTC())
	if err != nil {
		return err
	}
	return s.Memory.Put(ctx, key, data, cursorFor)
}

// pulls looks for open pull requests without a check run of ours.
func (s *Sweeper) pulls(ctx context.Context) error {
	installations, err := s.GitHub.Installations(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, in := range installations {
		if in.Suspended {
			continue
		}
		if err := s.installation(ctx, in); err != nil {
			if ctx.Err() != nil {
				return err
			}
			failed = append(failed, fmt.Errorf("installation %d: %w", in.ID, err))
		}
	}
	if n := len(failed); n > 3 {
		failed = append(failed[:3], fmt.Errorf("and %d more", n-3))
	}
	return errors.Join(failed...)
}

func (s *Sweeper) installation(ctx context.Context, in github.Installation) error {
	repos, err := s.GitHub.Repositories(ctx, in.ID)
	if err != nil {
		return err
	}
	for _, r := range repos {
		if err := s.repository(ctx, r); err != nil {
			if errors.Is(err, github.ErrGone) {
				s.Log.InfoContext(ctx, "repository out of reach", "repository", r.Owner+"/"+r.Name, "error", err)
				continue
			}
			return err
		}
		if err := s.Sleep(ctx, sweepPace); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sweeper) repository(ctx context.Context, r github.Repository) error {
	pulls, etag, changed, err := s.GitHub.OpenPulls(ctx, r, s.etags[r.ID])
	if err != nil || !changed {
		return err
	}
	for _, p := range pulls {
		if err := s.pull(ctx, r, p); err != nil {
			return err
		}
	}
	if s.etags == nil || len(s.etags) >= maxEtags {
		s.etags = map[int64]string{}
	}
	s.etags[r.ID] = etag
	return nil
}

func (s *Sweeper) pull(ctx context.Context, r github.Repository, p github.OpenPull) error {
	j := jobs.Job{
		Delivery: fmt.Sprintf("sweep/%d/%d/%s", r.ID, p.Number, p.HeadSHA), Event: eventSweep, Action: "missed",
		InstallationID: r.InstallationID, RepositoryID: r.ID, Owner: r.Owner, Repo: r.Name, Number: p.Number,
		HeadSHA: p.HeadSHA, BaseSHA: p.BaseSHA, BaseRef: p.BaseRef, HeadRepoID: p.HeadRepoID, Draft: p.Draft,
		Enqueued: s.Now().UTC(),
	}
	if covered, err := s.GitHub.Covered(ctx, pullRequest(j)); err != nil || covered {
		return err
	}
	for {
		stats, err := s.Queue.Stats(ctx)
		if err != nil {
			return err
		}
		if stats.Queued < maxWaiting {
			break
		}
		if err := s.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	// Its own event may be on its way through the queue.
	if pending, err := s.Queue.Pending(ctx, j); err != nil || pending {
		return err
	}
	duplicate, err := s.Queue.Enqueue(ctx, j)
	if err != nil || duplicate {
		return err
	}
	s.Log.InfoContext(ctx, "an open pull request has no check run; its review is due", "delivery", j.Delivery,
		"repository", r.Owner+"/"+r.Name, "pull_request", p.Number, "head", p.HeadSHA)
	s.missed("pull_request")
	return s.Sleep(ctx, sweepPace)
}

func (s *Sweeper) missed(kind string) {
	if s.Missed != nil {
		s.Missed(kind)
	}
}

// eventSweep stands for X-GitHub-Event in jobs that no delivery asked for.
const eventSweep = "sweep"

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
