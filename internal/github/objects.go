package github

import (
	"context"
	"fmt"
	"strconv"
)

// Objects reads git objects of pr's repository over REST, one call an object:
// the last resort where git's own protocol does not give them.
func (c *Client) Objects(pr PullRequest) *Objects { return &Objects{c: c, pr: pr} }

// Objects gives git objects by SHA.
type Objects struct {
	c  *Client
	pr PullRequest
}

// TreeEntry is one entry of a folder.
type TreeEntry struct {
	Name string
	Mode uint32 // as git writes it: 0o100644
	SHA  string
}

// Commit gives the tree of a commit.
func (o *Objects) Commit(ctx context.Context, sha string) (tree string, err error) {
	got, _, err := o.c.review(o.pr).rest.Git.GetCommit(reading(ctx, "commit"), o.pr.Owner, o.pr.Repo, sha)
	if err != nil {
		return "", explain(ctx, "commit", err)
	}
	return got.GetTree().GetSHA(), nil
}

// Tree gives the entries of one folder. GitHub cuts very long lists: that is an
// error here, since half a folder would be misread.
func (o *Objects) Tree(ctx context.Context, sha string) ([]TreeEntry, error) {
	got, _, err := o.c.review(o.pr).rest.Git.GetTree(reading(ctx, "tree"), o.pr.Owner, o.pr.Repo, sha, false)
	if err != nil {
		return nil, explain(ctx, "tree", err)
	}
	if got.GetTruncated() {
		return nil, fmt.Errorf("tree %s has more entries than GitHub lists", sha)
	}
	out := make([]TreeEntry, 0, len(got.Entries))
	for _, e := range got.Entries {
		mode, err := strconv.ParseUint(e.GetMode(), 8, 32)
		if err != nil {
			return nil, fmt.Errorf("tree %s: mode %q", sha, e.GetMode())
		}
		out = append(out, TreeEntry{Name: e.GetPath(), Mode: uint32(mode), SHA: e.GetSHA()})
	}
	return out, nil
}

// Blob gives a file's content, which must not be larger than limit bytes.
func (o *Objects) Blob(ctx context.Context, sha string, limit int64) ([]byte, error) {
	data, _, err := o.c.review(o.pr).rest.Git.GetBlobRaw(reading(ctx, "blob"), o.pr.Owner, o.pr.Repo, sha)
	if err != nil {
		return nil, explain(ctx, "blob", err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("blob %s has more than %d bytes", sha, limit)
	}
	return data, nil
}
