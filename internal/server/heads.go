package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// suiteGrace is what the pull request's own event has to bring the review of a
// push before the event of its check suite looks whether it was lost.
const suiteGrace = 10 * time.Second

var errGrace = errors.New("the pull request's own event comes first")

// missed looks after a head that GitHub made a check suite for: pull requests
// that had no review of it get one. Where somebody asks for all checks again,
// all of them do. In the ordinary case this costs no call.
func (p *PullReviewer) missed(ctx context.Context, log *slog.Logger, pr github.PullRequest, j jobs.Job) error {
	again := j.Action == "rerequested"
	if !again {
		if wait := suiteGrace - p.Now().Sub(j.Enqueued); wait > 0 {
			return jobs.Later(errGrace, wait)
		}
		if p.Heads.Noticed(ctx, pr) {
			return nil
		}
	}
	numbers, missed, err := p.Heads.Heads(ctx, pr, again)
	if err != nil {
		return err
	}
	if !again {
		numbers = missed
	}
	for _, n := range numbers {
		next := j
		next.Number, next.Ref, next.Delivery, next.Enqueued, next.Attempt = n, "", fmt.Sprintf("%s/%d", j.Delivery, n), p.Now().UTC(), 0
		if err := p.Enqueue(ctx, next); err != nil {
			return fmt.Errorf("ask for the review of pull request %d: %w", n, err)
		}
		log.InfoContext(ctx, "a review is due", "of", n, "missed", !again)
	}
	return nil
}

// group reviews what a merge queue is about to merge: the group's head against
// the commit that it was put on. It has the check run alone.
func (p *PullReviewer) group(ctx context.Context, log *slog.Logger, pr github.PullRequest, j jobs.Job) error {
	run, err := p.Checks.Begin(ctx, pr)
	if err != nil {
		return err
	}
	report, err := p.judge(ctx, pr, pr.BaseSHA)
	if err != nil {
		return err
	}
	report.Base, report.Head = pr.BaseSHA, pr.HeadSHA
	rv := review.Make(report, nil)
	// Nobody can commit to a group.
	rv.Actions = slices.DeleteFunc(rv.Actions, func(a review.Action) bool { return a.Identifier == github.CommandFix })
	return p.publish(ctx, log, pr, run, report, rv, j.Enqueued)
}
