package github

import (
	"context"
	"fmt"
	"net/http"
)

// Pull is the present state of a pull request.
type Pull struct {
	HeadSHA, BaseSHA, BaseRef string
	HeadRef                   string // branch name, in the repository HeadRepoID
	HeadRepoID                int64  // 0 when the fork was deleted
	Draft, Open               bool
	Author                    string // login
}

// Pull reads the present state of a pull request.
func (c *Client) Pull(ctx context.Context, pr PullRequest) (Pull, error) {
	got, _, err := c.review(pr).rest.PullRequests.Get(reading(ctx, "pull"), pr.Owner, pr.Repo, pr.Number)
	if err != nil {
		return Pull{}, explain(ctx, "pull request", err)
	}
	return Pull{
		HeadSHA: got.GetHead().GetSHA(), BaseSHA: got.GetBase().GetSHA(), BaseRef: got.GetBase().GetRef(),
		HeadRef: got.GetHead().GetRef(), HeadRepoID: got.GetHead().GetRepo().GetID(), Draft: got.GetDraft(), Open: got.GetState() == "open",
		Author: got.GetUser().GetLogin(),
	}, nil
}

// CanWrite reports whether a person may write to pr's repository.
func (c *Client) CanWrite(ctx context.Context, pr PullRequest, login string) (bool, error) {
	if !loginPattern.MatchString(login) {
		return false, nil
	}
	got, _, err := c.review(pr).rest.Repositories.GetPermissionLevel(reading(ctx, "permission"), pr.Owner, pr.Repo, login)
	if err != nil {
		if status(err) == 404 {
			return false, nil
		}
		return false, explain(ctx, "permission", err)
	}
	// Custom roles and "maintain" are mapped to these by GitHub.
	switch got.GetPermission() {
	case "admin", "write":
		return true, nil
	}
	return false, nil
}

// React answers a comment on the pull request with a reaction ("eyes", "+1",
// "confused"). GitHub keeps one of a kind, so repeating it does no harm.
func (c *Client) React(ctx context.Context, pr PullRequest, comment int64, content string) error {
	return c.react(ctx, pr, fmt.Sprintf("issues/comments/%d", comment), content)
}

// ReactInThread is React for a comment at a line of the diff.
func (c *Client) ReactInThread(ctx context.Context, pr PullRequest, comment int64, content string) error {
	return c.react(ctx, pr, fmt.Sprintf("pulls/comments/%d", comment), content)
}

func (c *Client) react(ctx context.Context, pr PullRequest, comment, content string) error {
	rest := c.review(pr).rest
	req, err := rest.NewRequest(http.MethodPost, fmt.Sprintf("repos/%s/%s/%s/reactions", pr.Owner, pr.Repo, comment), map[string]string{"content": content})
	if err == nil {
		_, err = rest.Do(reading(ctx, "react"), req, nil)
	}
	return explain(ctx, "reaction", err)
}
