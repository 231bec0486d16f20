package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"regexp"
	"strconv"

	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// command does what a comment or a button asks for, and answers it: eyes on
// receipt, +1 or confused at the end, and a reply where there is something to
// say.
func (p *PullReviewer) command(ctx context.Context, log *slog.Logger, pr github.PullRequest, j jobs.Job) error {
	if j.Command == "" {
		j.Command = github.CommandRescan
	}
	log = log.With("command", j.Command, "sender", j.Sender)
	p.react(ctx, log, pr, j, "eyes")
	done, err := p.obey(ctx, log, pr, j)
	if err != nil {
		return err
	}
	if done {
		p.react(ctx, log, pr, j, "+1")
	} else {
		p.react(ctx, log, pr, j, "confused")
	}
	return nil
}

// obey reports whether what was asked for was done.
func (p *PullReviewer) obey(ctx context.Context, log *slog.Logger, pr github.PullRequest, j jobs.Job) (bool, error) {
	switch j.Command {
	case github.CommandRescan, github.CommandFix:
		ok, err := p.People.CanWrite(ctx, pr, j.Sender)
		if err != nil {
			return false, err
		}
		if !ok {
			log.InfoContext(ctx, "command refused: no write permission")
			return false, p.answer(ctx, pr, j, review.DeniedReply(j.Command))
		}
		if j.Command == github.CommandFix {
			return p.fix(ctx, log, pr, j)
		}
		return true, p.follow(ctx, log, pr, j)
	case github.CommandExplain:
		return p.explain(ctx, pr, j)
	case github.CommandIgnore:
		return p.except(ctx, log, pr, j)
	case github.CommandHelp:
		return true, p.answer(ctx, pr, j, review.HelpReply(false, p.Options.RulesURL))
	}
	return false, p.answer(ctx, pr, j, review.HelpReply(true, p.Options.RulesURL))
}

func (p *PullReviewer) explain(ctx context.Context, pr github.PullRequest, j jobs.Job) (bool, error) {
	suggestion := ""
	if p.Rules != nil && j.Argument != "" {
		if r, ok := p.Rules.ByID(j.Argument); ok {
			return true, p.answer(ctx, pr, j, review.ExplainReply(r, p.Options.RulesURL))
		}
		suggestion = p.Rules.Suggest(j.Argument)
	}
	return false, p.answer(ctx, pr, j, review.UnknownRuleReply(j.Argument, suggestion, p.Options.RulesURL))
}

var plainDelivery = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// askOf names what asked for a job, the same at every try and redelivery: one
// word that may stand in a comment and in a commit's message.
func askOf(j jobs.Job) string {
	if j.InReplyTo != 0 {
		return "line-comment-" + strconv.FormatInt(j.CommentID, 10)
	}
	if j.CommentID != 0 {
		return "comment-" + strconv.FormatInt(j.CommentID, 10)
	}
	if plainDelivery.MatchString(j.Delivery) {
		return "delivery-" + j.Delivery
	}
	sum := sha256.Sum256([]byte(j.Delivery))
	return "delivery-" + hex.EncodeToString(sum[:16])
}

// answer replies where the question was asked, once.
func (p *PullReviewer) answer(ctx context.Context, pr github.PullRequest, j jobs.Job, body string) error {
	if j.InReplyTo != 0 {
		return p.Threads.ReplyInThread(ctx, pr, j.InReplyTo, askOf(j), body)
	}
	return p.People.Reply(ctx, pr, askOf(j), body)
}

// reply is for where nothing is left to be done about a reply that fails.
func (p *PullReviewer) reply(ctx context.Context, log *slog.Logger, pr github.PullRequest, j jobs.Job, body string) {
	if err := p.answer(ctx, pr, j, body); err != nil {
		log.WarnContext(ctx, "no reply", "error", err)
	}
}

// react is a courtesy: a reaction that fails does not fail the job. A button
// takes none.
func (p *PullReviewer) react(ctx context.Context, log *slog.Logger, pr github.PullRequest, j jobs.Job, content string) {
	if j.CommentID == 0 {
		return
	}
	react := p.People.React
	if j.InReplyTo != 0 {
		react = p.Threads.ReactInThread
	}
	if err := react(ctx, pr, j.CommentID, content); err != nil {
		log.WarnContext(ctx, "no reaction", "reaction", content, "error", err)
	}
}
