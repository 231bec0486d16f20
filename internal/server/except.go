package server

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

// except answers "/plimsoll ignore" in a thread of ours with a suggestion that
// adds the suppression. Nothing is suppressed by it: whoever may push applies
// the suggestion, and it counts once merged.
func (p *PullReviewer) except(ctx context.Context, log *slog.Logger, pr github.PullRequest, j jobs.Job) (bool, error) {
	if j.InReplyTo == 0 {
		return false, p.answer(ctx, pr, j, review.NotHereReply())
	}
	now, err := p.Pulls.Pull(ctx, pr)
	if err != nil {
		return false, err
	}
	if !now.Open {
		log.InfoContext(ctx, "pull request is closed; nothing to do")
		return false, nil
	}
	if !strings.EqualFold(now.Author, j.Sender) {
		ok, err := p.People.CanWrite(ctx, pr, j.Sender)
		if err != nil {
			return false, err
		}
		if !ok {
			log.InfoContext(ctx, "command refused: no write permission")
			return false, p.answer(ctx, pr, j, review.DeniedReply(j.Command))
		}
	}
	rule, until, reason := github.ParseException(j.Argument)
	switch {
	case strings.Trim(reason, " -—.") == "":
		return false, p.answer(ctx, pr, j, review.ReasonlessReply())
	case until != "" && !p.isDay(until):
		return false, p.answer(ctx, pr, j, review.NoDayReply(until))
	}
	thread, ours, err := p.Threads.Thread(ctx, pr, j.InReplyTo)
	if err != nil {
		return false, err
	}
	if !ours {
		return false, p.answer(ctx, pr, j, review.NotHereReply())
	}
	pr.HeadSHA, pr.BaseSHA = now.HeadSHA, now.BaseSHA
	x, err := p.exception(ctx, pr, reviewer.Want{Fingerprints: thread.Fingerprints(), Rule: rule, Until: until, Reason: reason})
	if err != nil {
		return false, err
	}
	body, done := review.ExceptionReply(x, thread.Path, thread.Start, thread.Line)
	return done, p.answer(ctx, pr, j, body)
}

func (p *PullReviewer) isDay(s string) bool {
	day, err := time.Parse(time.DateOnly, s)
	return err == nil && p.Now().Before(day.AddDate(0, 0, 1))
}

// exception judges pr's head for an exception to what it finds.
func (p *PullReviewer) exception(ctx context.Context, pr github.PullRequest, want reviewer.Want) (*review.Exception, error) {
	cmp, err := p.Pulls.Compare(ctx, pr)
	if errors.Is(err, github.ErrNoMergeBase) {
		return &review.Exception{Report: &review.Report{}}, nil
	}
	if err != nil {
		return nil, err
	}
	var x *review.Exception
	broken, err := p.compare(ctx, pr, cmp.MergeBase, func(ctx context.Context, opt reviewer.Options, trees reviewer.Trees) (err error) {
		x, err = p.Except(ctx, opt, trees, want)
		return err
	})
	if broken != nil {
		x = &review.Exception{Report: broken}
	}
	return x, err
}
