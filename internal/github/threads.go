package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// maxThreadPages bounds the threads that are read: 100 a page.
const maxThreadPages = 50

// State is a pull request as it is now, with our threads on it.
type State struct {
	HeadSHA, BaseSHA string
	Draft, Open      bool
	// Threads are the review threads that our App began and that carry our
	// marker, in the order in which they were begun.
	Threads []Thread
}

// Thread is one review thread of ours.
type Thread struct {
	ID          string // GraphQL node id
	CommentID   int64  // of its first comment, which is ours
	Path        string
	Start, Line int // in the head; Line 0 where the thread is outdated
	Resolved    bool
	Outdated    bool
	Body        string // of its first comment

	fingerprints []string
}

const stateQuery = `query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      headRefOid
      baseRefOid
      isDraft
      state
      reviewThreads(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id
          isResolved
          isOutdated
          path
          startLine
          line
          comments(first: 1) {
            nodes { id databaseId fullDatabaseId url viewerDidAuthor body }
          }
        }
      }
    }
  }
}`

type stateAnswer struct {
	Repository *struct {
		PullRequest *struct {
			HeadRefOid    string
			BaseRefOid    string
			IsDraft       bool
			State         string
			ReviewThreads struct {
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
				Nodes []struct {
					ID         string
					IsResolved bool
					IsOutdated bool
					Path       string
					StartLine  *int
					Line       *int
					Comments   struct {
						Nodes []struct {
							DatabaseID      *int64 `json:"databaseId"`
							FullDatabaseID  any    `json:"fullDatabaseId"` // a BigInt: a string, in old servers a number
							URL             string `json:"url"`
							ViewerDidAuthor bool
							Body            string
						}
					}
				}
			}
		}
	}
}

// State reads pr's head, base, draft state and our threads: one call for each
// 100 threads. Markers in comments that our App did not write do not count.
func (c *Client) State(ctx context.Context, pr PullRequest) (*State, error) {
	out := &State{}
	a := c.review(pr)
	var after any
	for page := 0; page < maxThreadPages; page++ {
		got, err := a.state(ctx, map[string]any{"owner": pr.Owner, "name": pr.Repo, "number": pr.Number, "after": after})
		if err != nil {
			var refusal graphqlErrors
			if errors.As(err, &refusal) && refusal.has("FORBIDDEN") {
				return nil, fmt.Errorf("state of the pull request: %w: %w", ErrGone, err)
			}
			if page == 0 && withoutGraphQL(ctx, err) {
				return c.restState(ctx, pr)
			}
			return nil, explain(ctx, "state of the pull request", err)
		}
		if got.Repository == nil || got.Repository.PullRequest == nil {
			// GitHub says NOT_FOUND of what is gone; silence is a server that
			// does not know the query.
			if page == 0 {
				return c.restState(ctx, pr)
			}
			return nil, fmt.Errorf("state of the pull request: %w", ErrGone)
		}
		p := got.Repository.PullRequest
		out.HeadSHA, out.BaseSHA, out.Draft, out.Open = p.HeadRefOid, p.BaseRefOid, p.IsDraft, p.State == "OPEN"
		for _, n := range p.ReviewThreads.Nodes {
			if len(n.Comments.Nodes) == 0 {
				continue
			}
			first := n.Comments.Nodes[0]
			if !first.ViewerDidAuthor {
				continue
			}
			t := Thread{ID: n.ID, Path: n.Path, Resolved: n.IsResolved, Outdated: n.IsOutdated, Body: first.Body,
				CommentID: commentID(first.DatabaseID, first.FullDatabaseID, first.URL), fingerprints: review.ParseMarkers(first.Body)}
			if n.Line != nil {
				t.Line, t.Start = *n.Line, *n.Line
			}
			if n.StartLine != nil && t.Line > 0 {
				t.Start = *n.StartLine
			}
			if len(t.fingerprints) > 0 {
				out.Threads = append(out.Threads, t)
			}
		}
		if !p.ReviewThreads.PageInfo.HasNextPage || p.ReviewThreads.PageInfo.EndCursor == "" {
			return out, nil
		}
		after = p.ReviewThreads.PageInfo.EndCursor
	}
	return nil, fmt.Errorf("state of the pull request: over %d review threads", maxThreadPages*100)
}

// state asks for one page. Servers that do not know fullDatabaseId are asked
// without it.
func (a *access) state(ctx context.Context, variables map[string]any) (stateAnswer, error) {
	ctx = reading(ctx, "state")
	var got stateAnswer
	if !a.c.oldServer.Load() {
		err := a.graphql(ctx, stateQuery, variables, &got)
		var refusal graphqlErrors
		if err == nil || !errors.As(err, &refusal) || !refusal.has("undefinedField") {
			return got, err
		}
		a.c.oldServer.Store(true)
	}
	err := a.graphql(ctx, strings.Replace(stateQuery, " fullDatabaseId", "", 1), variables, &got)
	return got, err
}

var discussionFragment = regexp.MustCompile(`#discussion_r(\d{1,18})$`)

// commentID finds the REST id of a comment: databaseId has 32 bits and is null
// for younger comments, fullDatabaseId is missing in older servers.
func commentID(short *int64, full any, url string) int64 {
	switch v := full.(type) {
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && n > 0 {
			return n
		}
	case float64:
		if v > 0 && v < 1<<53 {
			return int64(v)
		}
	}
	if short != nil && *short > 0 {
		return *short
	}
	if m := discussionFragment.FindStringSubmatch(url); m != nil {
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil {
			return n
		}
	}
	return 0
}

const (
	resolveMutation   = `mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { id isResolved } } }`
	unresolveMutation = `mutation($id: ID!) { unresolveReviewThread(input: {threadId: $id}) { thread { id isResolved } } }`
)

// resolve resolves or opens a thread where the installation grants contents:
// write, and reports whether it could.
func (c *Client) resolve(ctx context.Context, pr PullRequest, thread, mutation, name string) (bool, error) {
	if thread == "" {
		return false, nil // read over REST, which knows no threads
	}
	now := c.opt.Now()
	c.mu.Lock()
	until := c.refused[pr.InstallationID]
	c.mu.Unlock()
	if now.Before(until) {
		return false, nil
	}
	a := c.access(accessKey{installation: pr.InstallationID, repository: pr.RepositoryID, grant: grantSettle})
	var ignored struct{}
	err := a.graphql(reading(ctx, name), mutation, map[string]any{"id": thread}, &ignored)
	var refusal graphqlErrors
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &refusal) && refusal.has("NOT_FOUND"):
		return false, nil // the thread is gone
	case errors.As(err, &refusal) && !refusal.has("FORBIDDEN", "INSUFFICIENT_SCOPES"):
		c.logger(pr).WarnContext(ctx, "thread not changed", "call", name, "error", err)
		return false, nil
	case errors.Is(err, ErrGone), refusal != nil, status(err) == http.StatusForbidden:
		c.mu.Lock()
		if len(c.refused) >= maxConfigs {
			clear(c.refused)
		}
		c.refused[pr.InstallationID] = now.Add(refusedFor)
		c.mu.Unlock()
		return false, nil
	}
	return false, explain(ctx, name, err)
}
