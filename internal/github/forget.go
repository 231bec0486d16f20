package github

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// forgetFor is longer than anything is kept of an installation in a process.
const forgetFor = 24 * time.Hour

func freshKey(installation int64) string { return fmt.Sprintf("github.fresh.%d", installation) }

// Forget drops what is remembered of an installation's tokens, permissions and
// configuration, in every process that shares the Memory. mark differs from one
// call to the next: the delivery that says so.
func (c *Client) Forget(ctx context.Context, installation int64, mark string) error {
	c.drop(installation, mark)
	if c.opt.Memory == nil {
		return nil
	}
	if err := c.opt.Memory.Put(ctx, freshKey(installation), []byte(mark), forgetFor); err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	return nil
}

// catchUp drops what another process has said to be out of date.
func (c *Client) catchUp(ctx context.Context, pr PullRequest) {
	if c.opt.Memory == nil {
		return
	}
	mark, ok, err := c.opt.Memory.Get(ctx, freshKey(pr.InstallationID))
	if err != nil {
		c.logger(pr).WarnContext(ctx, "memory not readable", "error", err)
		return
	}
	if !ok {
		return
	}
	c.mu.Lock()
	known := c.fresh[pr.InstallationID] == string(mark)
	c.mu.Unlock()
	if !known {
		c.drop(pr.InstallationID, string(mark))
	}
}

// drop forgets an installation in this process. Limits that GitHub has set stay.
func (c *Client) drop(installation int64, mark string) {
	prefix := strconv.FormatInt(installation, 10) + "/"
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.fresh) >= maxConfigs {
		clear(c.fresh)
	}
	c.fresh[installation] = mark
	delete(c.refused, installation)
	for key := range c.configs {
		// Whoever is reading it right now writes into what nobody looks at.
		if strings.HasPrefix(key, prefix) {
			delete(c.configs, key)
		}
	}
	for key := range c.accesses {
		if key.installation == installation {
			delete(c.accesses, key)
		}
	}
}
