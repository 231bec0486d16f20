package server

import (
	"context"
	"errors"
	"log/slog"

	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

// fix commits every proven fix of a new finding to the pull request's branch,
// as one commit on the head that was reviewed. It reports whether it did; where
// not, the reply says why and has the fixes as a patch.
func (p *PullReviewer) fix(ctx context.Context, log *slog.Logger, pr github.PullRequest, j jobs.Job) (bool, error) {
	now, err := p.Pulls.Pull(ctx, pr)
	if err != nil {
		return false, err
	}
	if !now.Open {
		log.InfoContext(ctx, "pull request is closed; nothing to do")
		return false, nil
	}
	fork := now.HeadRepoID != pr.RepositoryID
	if j.Attempt > 1 && !fork {
		// A try before this one may have got as far as the commit.
		sha, done, err := p.Branches.Asked(ctx, pr, now.HeadRef, askOf(j))
		if err != nil {
			return false, err
		}
		if done {
			log.InfoContext(ctx, "the fixes are committed already", "commit", sha)
			return true, nil
		}
	}
	if j.HeadSHA != "" && j.HeadSHA != now.HeadSHA {
		return false, p.answer(ctx, pr, j, review.MovedReply(j.HeadSHA, now.HeadSHA))
	}
	pr.HeadSHA, pr.BaseSHA = now.HeadSHA, now.BaseSHA
	m, err := p.mend(ctx, pr)
	if err != nil {
		return false, err
	}
	if len(m.Files) == 0 {
		return false, p.answer(ctx, pr, j, review.NothingToFixReply(m.Report, pr.HeadSHA))
	}
	why := "the branch is in a fork, which Plimsoll cannot write to"
	if !fork {
		sha, err := p.commit(ctx, pr, j, now.HeadRef, m)
		if err == nil {
			log.InfoContext(ctx, "fixes committed", "commit", sha, "fixes", len(m.Cleared), "files", len(m.Files))
			return true, nil
		}
		if why = refusal(err); why == "" {
			return false, err
		}
		log.InfoContext(ctx, "fixes not committed", "error", err)
	}
	return false, p.answer(ctx, pr, j, review.NotCommittedReply(m, why, pr.HeadSHA))
}

// refusal puts in words why a commit was not made, "" where trying again may
// help.
func refusal(err error) string {
	switch {
	case errors.Is(err, github.ErrHeadMoved):
		return "the branch moved while the fixes were made; ask again for those of its new head"
	case errors.Is(err, github.ErrProtected):
		return "the branch is protected, and its rules do not let Plimsoll commit to it"
	case errors.Is(err, github.ErrMayNotWrite):
		return "Plimsoll is installed without the permission `contents: write`, which a commit needs"
	case errors.Is(err, github.ErrCommitRefused):
		return "GitHub refuses the commit"
	}
	return ""
}

// mend judges pr's head and applies the proven fixes in memory.
func (p *PullReviewer) mend(ctx context.Context, pr github.PullRequest) (*review.Mended, error) {
	cmp, err := p.Pulls.Compare(ctx, pr)
	if errors.Is(err, github.ErrNoMergeBase) {
		return &review.Mended{Report: &review.Report{}}, nil
	}
	if err != nil {
		return nil, err
	}
	var m *review.Mended
	broken, err := p.compare(ctx, pr, cmp.MergeBase, func(ctx context.Context, opt reviewer.Options, trees reviewer.Trees) (err error) {
		m, err = p.Mend(ctx, opt, trees)
		return err
	})
	if err != nil {
		return nil, err
	}
	if broken != nil {
		return &review.Mended{Report: broken}, nil
	}
	m.Report.Base, m.Report.Head = cmp.MergeBase, pr.HeadSHA
	return m, nil
}

func (p *PullReviewer) commit(ctx context.Context, pr github.PullRequest, j jobs.Job, branch string, m *review.Mended) (string, error) {
	if p.Confirm != nil {
		if err := p.Confirm(ctx); err != nil {
			return "", err
		}
	}
	headline, body := review.CommitMessage(m)
	return p.Branches.Commit(ctx, pr, github.NewCommit{
		Branch: branch, Head: pr.HeadSHA, Files: m.Files, Headline: headline, Body: body,
		Ask: askOf(j), Login: j.Sender, ID: j.SenderID,
	})
}
