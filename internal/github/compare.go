package github

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/plimsoll-iac/plimsoll/internal/change"
)

// GitHub's limits of the two file lists.
const (
	compareFiles = 300
	pullFiles    = 3000
	perPage      = 100
)

// Comparison is what GitHub says of base and head.
type Comparison struct {
	MergeBase string // full SHA
	// Hunks gives, for each file that the diff shows, the lines of the head
	// that can carry a comment. A file whose diff GitHub does not show (binary,
	// too large, deleted) has none.
	Hunks map[string][]change.Hunk
	// BaseHunks gives the lines of the base that the diff shows, by the base's
	// paths, deleted files among them.
	BaseHunks map[string][]change.Hunk
	// Truncated says that there are more files than the list could hold; Files
	// of the client reads on.
	Truncated bool
}

// Compare asks for the merge base of pr's base and head, and for the diff from
// there: one call. ErrNoMergeBase when they share no history.
func (c *Client) Compare(ctx context.Context, pr PullRequest) (*Comparison, error) {
	// The files stand on the first page whatever its size; the commits are not
	// needed.
	got, _, err := c.review(pr).rest.Repositories.CompareCommits(reading(ctx, "compare"), pr.Owner, pr.Repo, pr.BaseSHA, pr.HeadSHA,
		&gh.ListOptions{Page: 1, PerPage: 1})
	if err != nil {
		if status(err) == http.StatusNotFound && strings.Contains(err.Error(), "No common ancestor") {
			return nil, ErrNoMergeBase
		}
		return nil, explain(ctx, "compare", err)
	}
	out := &Comparison{
		MergeBase: got.GetMergeBaseCommit().GetSHA(),
		Hunks:     hunksOf(got.Files, nil),
		BaseHunks: baseHunksOf(got.Files),
		Truncated: len(got.Files) >= compareFiles,
	}
	if !shaPattern.MatchString(out.MergeBase) {
		return nil, ErrNoMergeBase
	}
	return out, nil
}

// Files gives the hunks of the pull request's present diff, up to the 3,000
// files that GitHub lists.
func (c *Client) Files(ctx context.Context, pr PullRequest) (map[string][]change.Hunk, error) {
	out := map[string][]change.Hunk{}
	for page := 1; page <= pullFiles/perPage; page++ {
		files, _, err := c.review(pr).rest.PullRequests.ListFiles(reading(ctx, "files"), pr.Owner, pr.Repo, pr.Number,
			&gh.ListOptions{Page: page, PerPage: perPage})
		if err != nil {
			return nil, explain(ctx, "files", err)
		}
		hunksOf(files, out)
		if len(files) < perPage {
			break
		}
	}
	return out, nil
}

func hunksOf(files []*gh.CommitFile, into map[string][]change.Hunk) map[string][]change.Hunk {
	if into == nil {
		into = make(map[string][]change.Hunk, len(files))
	}
	for _, f := range files {
		if f == nil || f.GetStatus() == "removed" {
			continue
		}
		if h := parseHunks(f.GetPatch(), false); len(h) > 0 {
			into[f.GetFilename()] = h
		}
	}
	return into
}

func baseHunksOf(files []*gh.CommitFile) map[string][]change.Hunk {
	out := map[string][]change.Hunk{}
	for _, f := range files {
		if f == nil || f.GetStatus() == "renamed" {
			continue // GitHub names a comment's file as the head does
		}
		if h := parseHunks(f.GetPatch(), true); len(h) > 0 {
			out[f.GetFilename()] = h
		}
	}
	return out
}

// parseHunks reads the hunk headers of a patch, for the lines of the head or of
// the base. Hunks without a line there are left out, as is anything that is not
// a header.
func parseHunks(patch string, base bool) []change.Hunk {
	var out []change.Hunk
	for line := range strings.Lines(patch) {
		rest, ok := strings.CutPrefix(line, "@@ -")
		if !ok {
			continue
		}
		old, rest, ok := strings.Cut(rest, " +")
		if !ok {
			continue
		}
		span, _, ok := strings.Cut(rest, " @@")
		if !ok {
			continue
		}
		if base {
			span = old
		}
		first, count, counted := strings.Cut(span, ",")
		start, err := strconv.Atoi(first)
		if err != nil || start < 1 {
			continue
		}
		n := 1
		if counted {
			if n, err = strconv.Atoi(count); err != nil || n < 1 {
				continue
			}
		}
		if n > 1<<30 || start > 1<<30 {
			continue
		}
		out = append(out, change.Hunk{Start: start, End: start + n - 1})
	}
	return out
}

// within reports whether the lines first to last lie in one hunk.
func within(hunks []change.Hunk, first, last int) bool {
	for _, h := range hunks {
		if h.Start <= first && first <= last && last <= h.End {
			return true
		}
	}
	return false
}
