package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// Thread gives our thread that begins with a comment, as it stands now; ok is
// false where the comment is not ours.
func (c *Client) Thread(ctx context.Context, pr PullRequest, first int64) (t Thread, ok bool, err error) {
	state, err := c.State(ctx, pr)
	if err != nil {
		return Thread{}, false, err
	}
	for _, t := range state.Threads {
		if t.CommentID == first {
			return t, true, nil
		}
	}
	return Thread{}, false, nil
}

// Fingerprints are those of the findings that the thread speaks of.
func (t Thread) Fingerprints() []string { return slices.Clone(t.fingerprints) }

// ReplyInThread answers ask in the review thread that begins with the comment
// first, unless our App has answered it already; see Reply.
func (c *Client) ReplyInThread(ctx context.Context, pr PullRequest, first int64, ask, body string) error {
	if !askPattern.MatchString(ask) {
		return fmt.Errorf("reply: %q names no question", cutBytes(ask, 200))
	}
	marker := replyMarker(ask)
	body = strings.TrimRight(cutBytes(body, review.MaxBody-len(marker)-2), "\n") + "\n\n" + marker
	for try := 1; ; try++ {
		answered, err := c.answeredInThread(ctx, pr, first, marker)
		if err != nil {
			return explain(ctx, "thread", err)
		}
		if answered {
			return nil
		}
		err = c.createReply(ctx, pr, first, body)
		if err == nil || status(err) == http.StatusNotFound {
			return nil // or the comment was deleted meanwhile, and nobody waits
		}
		if !ambiguous(ctx, err) || try >= maxEffectTries {
			return explain(ctx, "reply", err)
		}
		if err := c.opt.Sleep(ctx, c.backoff(try)); err != nil {
			return fmt.Errorf("reply: %w", err)
		}
	}
}

// createReply uses the endpoint for replies, which needs no place in the diff;
// the client library has the older one alone.
func (c *Client) createReply(ctx context.Context, pr PullRequest, first int64, body string) error {
	rest := c.review(pr).rest
	req, err := rest.NewRequest(http.MethodPost, fmt.Sprintf("repos/%s/%s/pulls/%d/comments/%d/replies", pr.Owner, pr.Repo, pr.Number, first), map[string]string{"body": body})
	if err != nil {
		return err
	}
	_, err = rest.Do(creating(writing(ctx, "reply in thread")), req, nil)
	return err
}

// answeredInThread reports whether a reply of our App carries the marker.
func (c *Client) answeredInThread(ctx context.Context, pr PullRequest, first int64, marker string) (bool, error) {
	slug := ""
	opt := &gh.PullRequestListCommentsOptions{Sort: "created", Direction: "desc", ListOptions: gh.ListOptions{PerPage: perPage}}
	for range maxReplyPages {
		comments, resp, err := c.review(pr).rest.PullRequests.ListComments(reading(ctx, "comments"), pr.Owner, pr.Repo, pr.Number, opt)
		if err != nil {
			return false, err
		}
		for _, m := range comments {
			if m.GetInReplyTo() != first || !slices.Contains(strings.Split(m.GetBody(), "\n"), marker) {
				continue
			}
			// Anybody can write a marker; who did is asked for where there is one.
			if slug == "" {
				if slug, err = c.app(ctx); err != nil {
					return false, err
				}
			}
			if m.GetUser().GetLogin() == slug+"[bot]" {
				return true, nil
			}
		}
		if resp.NextPage == 0 {
			break
		}
		opt.Page = resp.NextPage
	}
	return false, nil
}
