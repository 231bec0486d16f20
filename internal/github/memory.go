package github

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

const (
	// rememberFor is longer than most pull requests live.
	rememberFor = 90 * 24 * time.Hour
	// rememberHead is longer than GitHub redelivers events for.
	rememberHead = 7 * 24 * time.Hour
)

// record is what is remembered of a pull request.
type record struct {
	Head string `json:"head,omitempty"`
	Run  int64  `json:"run,omitempty"` // check run at Head
	// Annotated says that the run has annotations, which cannot be taken back.
	Annotated bool `json:"annotated,omitempty"`
	// Doubt says that a try whose end is not known may have made another run at
	// Head, which GitHub did not list before Run was made.
	Doubt bool `json:"doubt,omitempty"`
	// Done says that the review of Head was published.
	Done bool `json:"done,omitempty"`
	// Clean says that we know that no comment of ours is on the pull request.
	Clean bool `json:"clean,omitempty"`
}

func recordKey(pr PullRequest) string {
	if pr.Number == 0 {
		return fmt.Sprintf("github.group.%d.%s.%s", pr.RepositoryID, pr.BaseSHA, pr.HeadSHA)
	}
	return fmt.Sprintf("github.pull.%d.%d", pr.RepositoryID, pr.Number)
}

// recall gives what is remembered; ok is false when nothing is. A memory that
// fails is a memory that has forgotten.
func (c *Client) recall(ctx context.Context, pr PullRequest) (r record, ok bool) {
	if c.opt.Memory == nil {
		return record{}, false
	}
	data, ok, err := c.opt.Memory.Get(ctx, recordKey(pr))
	if err != nil {
		c.logger(pr).WarnContext(ctx, "memory not readable", "error", err)
		return record{}, false
	}
	if !ok || json.Unmarshal(data, &r) != nil {
		return record{}, false
	}
	return r, true
}

func (c *Client) remember(ctx context.Context, pr PullRequest, r record) error {
	if c.opt.Memory == nil {
		return nil
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	ttl := rememberFor
	if pr.Number == 0 {
		ttl = rememberHead
	}
	if err := c.opt.Memory.Put(ctx, recordKey(pr), data, ttl); err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	return nil
}
