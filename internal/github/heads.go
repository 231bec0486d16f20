package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	gh "github.com/google/go-github/v60/github"
)

func headKey(pr PullRequest) string {
	return fmt.Sprintf("github.head.%d.%s", pr.RepositoryID, pr.HeadSHA)
}

// markHead remembers that a head has a check run of ours. Forgetting it costs a
// look-up.
func (c *Client) markHead(ctx context.Context, pr PullRequest) {
	if c.opt.Memory == nil || pr.Number == 0 {
		return
	}
	if err := c.opt.Memory.Put(ctx, headKey(pr), []byte{1}, rememberHead); err != nil {
		c.logger(pr).WarnContext(ctx, "memory not writable", "error", err)
	}
}

// Noticed reports whether a review of pr's head is known to have begun, for any
// pull request of the repository. It asks memory alone: false proves nothing.
func (c *Client) Noticed(ctx context.Context, pr PullRequest) bool {
	if c.opt.Memory == nil {
		return false
	}
	_, ok, err := c.opt.Memory.Get(ctx, headKey(pr))
	return err == nil && ok
}

// Published reports whether the review of pr at its head is known to have been
// published. It asks memory alone: false proves nothing.
func (c *Client) Published(ctx context.Context, pr PullRequest) bool {
	known, ok := c.recall(ctx, pr)
	return ok && known.Head == pr.HeadSHA && known.Run != 0 && known.Done
}

// Heads gives the open pull requests whose head pr.HeadSHA is (pr.Number does
// not count) and, of them, those that have no check run of ours at it. With
// runs, pull requests that only a check run of ours names are among all: GitHub
// does not always list those of forks, and they may be closed by now. One call
// where nothing is listed and runs is false, two otherwise.
func (c *Client) Heads(ctx context.Context, pr PullRequest, runs bool) (all, missed []int, err error) {
	rest := c.review(pr).rest
	pulls, _, err := rest.PullRequests.ListPullRequestsWithCommit(reading(ctx, "pulls of commit"), pr.Owner, pr.Repo, pr.HeadSHA,
		&gh.ListOptions{PerPage: perPage})
	switch {
	case err == nil:
	case status(err) == http.StatusNotFound, status(err) == http.StatusUnprocessableEntity:
		// A commit that the repository does not know, or no longer.
	default:
		return nil, nil, explain(ctx, "pull requests of a commit", err)
	}
	for _, p := range pulls {
		if p.GetState() == "open" && p.GetHead().GetSHA() == pr.HeadSHA && p.GetNumber() > 0 && p.GetBase().GetRepo().GetID() == pr.RepositoryID {
			all = append(all, p.GetNumber())
		}
	}
	if len(all) == 0 && !runs {
		return nil, nil, nil
	}
	covered, err := c.covered(ctx, pr)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range all {
		if !slices.Contains(covered, n) {
			missed = append(missed, n)
		}
	}
	for _, n := range covered {
		if runs && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all, missed, nil
}

// covered gives the pull requests that our check runs at pr's head name.
func (c *Client) covered(ctx context.Context, pr PullRequest) ([]int, error) {
	app := c.opt.AppID
	got, _, err := c.review(pr).rest.Checks.ListCheckRunsForRef(reading(ctx, "list check runs"), pr.Owner, pr.Repo, pr.HeadSHA,
		&gh.ListCheckRunsOptions{CheckName: gh.String(CheckName), AppID: &app, Filter: gh.String("all"), ListOptions: gh.ListOptions{PerPage: perPage}})
	switch {
	case err == nil:
	case status(err) == http.StatusNotFound, status(err) == http.StatusUnprocessableEntity:
		return nil, nil
	default:
		return nil, explain(ctx, "check runs", err)
	}
	var out []int
	for _, r := range got.CheckRuns {
		if n, ok := pullOf(r.GetExternalID()); ok && r.GetApp().GetID() == app && r.GetHeadSHA() == pr.HeadSHA && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}
