package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	gh "github.com/google/go-github/v60/github"

	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// withoutGraphQL reports whether err says that the server's GraphQL does not
// answer our query: an older GitHub Enterprise Server, or a proxy that lets REST
// through alone. Faults and limits are not that.
func withoutGraphQL(ctx context.Context, err error) bool {
	var limit *LimitError
	if ctx.Err() != nil || errors.As(err, &limit) || errors.Is(err, ErrGone) {
		return false
	}
	var refusal graphqlErrors
	if errors.As(err, &refusal) || errors.Is(err, errNoGraphQL) {
		return true
	}
	switch status(err) {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		return true
	}
	return false
}

// restState is State over REST: the pull request and its comments, 100 a call.
// REST knows no threads, so they have no node id and cannot be resolved; their
// comments are edited instead.
func (c *Client) restState(ctx context.Context, pr PullRequest) (*State, error) {
	now, err := c.Pull(ctx, pr)
	if err != nil {
		return nil, err
	}
	slug, err := c.app(ctx)
	if err != nil {
		return nil, err
	}
	if slug == "" {
		return nil, errors.New("state of the pull request: GitHub does not say what the App is called, so its comments cannot be told from others")
	}
	out := &State{HeadSHA: now.HeadSHA, BaseSHA: now.BaseSHA, Draft: now.Draft, Open: now.Open}
	opt := &gh.PullRequestListCommentsOptions{ListOptions: gh.ListOptions{PerPage: 100}}
	for page := 0; page < maxThreadPages; page++ {
		comments, resp, err := c.review(pr).rest.PullRequests.ListComments(reading(ctx, "comments"), pr.Owner, pr.Repo, pr.Number, opt)
		if err != nil {
			return nil, explain(ctx, "comments of the pull request", err)
		}
		for _, m := range comments {
			if m.GetInReplyTo() != 0 || m.GetUser().GetLogin() != slug+"[bot]" {
				continue
			}
			t := Thread{CommentID: m.GetID(), Path: m.GetPath(), Body: m.GetBody(), Outdated: m.Line == nil,
				Line: m.GetLine(), Start: m.GetStartLine(), fingerprints: review.ParseMarkers(m.GetBody())}
			if t.Start == 0 {
				t.Start = t.Line
			}
			if len(t.fingerprints) > 0 {
				out.Threads = append(out.Threads, t)
			}
		}
		if resp.NextPage == 0 {
			return out, nil
		}
		opt.Page = resp.NextPage
	}
	return nil, fmt.Errorf("state of the pull request: over %d comments", maxThreadPages*100)
}
