package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// Replayed is what would have been said of a pull request that was merged.
type Replayed struct {
	Pull   github.MergedPull
	Report *review.Report // nil where Err is set
	Review *review.Review
	Err    error
}

// Replay reviews the pull requests of a repository that were merged since a
// time, the newest first, at most most of them, and tells each of them. Nothing
// is written to GitHub.
func Replay(ctx context.Context, cfg config.Server, parts Parts, owner, repo string, since time.Time, most int, tell func(Replayed) error) error {
	transport, err := github.NewTransport(cfg.GitHub.CAFile)
	if err != nil {
		return fmt.Errorf("PLIMSOLL_GITHUB_CA_FILE: %w", err)
	}
	client, err := github.New(github.Options{
		AppID: cfg.GitHub.AppID, PrivateKey: []byte(cfg.GitHub.PrivateKey.Reveal()), Transport: transport,
		WebURL: cfg.GitHub.URL, APIURL: cfg.GitHub.APIURL, GraphQLURL: cfg.GitHub.GraphQLURL, Logger: parts.Log,
	})
	if err != nil {
		return fmt.Errorf("set up the GitHub client: %w", err)
	}
	cfg.DataDir = filepath.Join(cfg.DataDir, "replay") // a cache of its own
	p, err := newHandler(cfg, parts, client, NewMetrics(parts.Version))
	if err != nil {
		return err
	}
	r, err := client.InstallationOf(ctx, owner, repo)
	if err != nil {
		return err
	}
	pulls, err := client.MergedPulls(ctx, r, since, most)
	if err != nil {
		return err
	}
	for _, m := range pulls {
		out := Replayed{Pull: m}
		pr := github.PullRequest{InstallationID: r.InstallationID, RepositoryID: r.ID, Owner: r.Owner, Repo: r.Name, Number: m.Number, HeadSHA: m.HeadSHA, BaseSHA: m.BaseSHA}
		out.Report, out.Review, out.Err = p.replay(ctx, pr)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var limit *github.LimitError
		if errors.As(out.Err, &limit) {
			return out.Err
		}
		if err := tell(out); err != nil {
			return err
		}
	}
	return nil
}

// replay judges a pull request and puts it in GitHub's words, and writes
// nothing.
func (p *PullReviewer) replay(ctx context.Context, pr github.PullRequest) (*review.Report, *review.Review, error) {
	cmp, err := p.Pulls.Compare(ctx, pr)
	if err != nil {
		return nil, nil, err
	}
	report, err := p.judge(ctx, pr, cmp.MergeBase)
	if err != nil {
		return nil, nil, err
	}
	report.Base, report.Head = cmp.MergeBase, pr.HeadSHA
	hunks := cmp.Hunks
	report.BaseHunks = cmp.BaseHunks
	if cmp.Truncated && hasNew(report) {
		if hunks, err = p.Pulls.Files(ctx, pr); err != nil {
			return nil, nil, err
		}
	}
	return report, review.Make(report, hunks), nil
}
