package github

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// maxReplyPages bounds the comments that are looked at for a reply: the newest,
// 100 a page.
const maxReplyPages = 5

var askPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,160}$`)

// replyMarker is a hidden line by which a reply is known again.
func replyMarker(ask string) string { return "<!-- plimsoll-reply: " + ask + " -->" }

// Reply writes a comment into pr's conversation that answers ask, unless our
// App has answered it already. ask is the same at every try and at every
// redelivery: letters, digits, dots, dashes. body is Markdown.
func (c *Client) Reply(ctx context.Context, pr PullRequest, ask, body string) error {
	if !askPattern.MatchString(ask) {
		return fmt.Errorf("reply: %q names no question", cutBytes(ask, 200))
	}
	marker := replyMarker(ask)
	body = strings.TrimRight(cutBytes(body, review.MaxBody-len(marker)-2), "\n") + "\n\n" + marker
	for try := 1; ; try++ {
		answered, err := c.answered(ctx, pr, marker)
		if err != nil {
			return explain(ctx, "conversation", err)
		}
		if answered {
			return nil
		}
		_, _, err = c.review(pr).rest.Issues.CreateComment(creating(writing(ctx, "reply")), pr.Owner, pr.Repo, pr.Number, &gh.IssueComment{Body: gh.String(body)})
		if err == nil {
			return nil
		}
		if !ambiguous(ctx, err) || try >= maxEffectTries {
			return explain(ctx, "reply", err)
		}
		if err := c.opt.Sleep(ctx, c.backoff(try)); err != nil {
			return fmt.Errorf("reply: %w", err)
		}
	}
}

const conversationQuery = `query($owner: String!, $name: String!, $number: Int!, $before: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      comments(last: 100, before: $before) {
        pageInfo { hasPreviousPage startCursor }
        nodes { viewerDidAuthor body }
      }
    }
  }
}`

// answered reports whether a comment of our App carries the marker.
func (c *Client) answered(ctx context.Context, pr PullRequest, marker string) (bool, error) {
	var before any
	for range maxReplyPages {
		var got struct {
			Repository *struct {
				PullRequest *struct {
					Comments struct {
						PageInfo struct {
							HasPreviousPage bool
							StartCursor     string
						}
						Nodes []struct {
							ViewerDidAuthor bool
							Body            string
						}
					}
				}
			}
		}
		err := c.review(pr).graphql(reading(ctx, "conversation"), conversationQuery,
			map[string]any{"owner": pr.Owner, "name": pr.Repo, "number": pr.Number, "before": before}, &got)
		if err != nil {
			return false, err
		}
		if got.Repository == nil || got.Repository.PullRequest == nil {
			return false, ErrGone
		}
		comments := got.Repository.PullRequest.Comments
		for _, n := range comments.Nodes {
			if n.ViewerDidAuthor && slices.Contains(strings.Split(n.Body, "\n"), marker) {
				return true, nil
			}
		}
		if !comments.PageInfo.HasPreviousPage || comments.PageInfo.StartCursor == "" {
			break
		}
		before = comments.PageInfo.StartCursor
	}
	return false, nil
}
