package github

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Reasons why a commit was not made.
var (
	// ErrHeadMoved says that the branch is no longer at the expected commit.
	ErrHeadMoved = errors.New("the branch has moved")
	// ErrProtected says that the branch's rules do not let the App commit.
	ErrProtected = errors.New("the branch is protected")
	// ErrMayNotWrite says that the App has no permission to write the files.
	ErrMayNotWrite = errors.New("the App may not write to the repository")
	// ErrCommitRefused stands for every other refusal.
	ErrCommitRefused = errors.New("GitHub refuses the commit")
)

// maxCommit bounds the content of one commit, in bytes: it goes in one request.
const maxCommit = 16 << 20

// Trailer is the line of a commit's message by which Commit knows it again.
const Trailer = "Plimsoll-Asked-By"

// NewCommit is a commit to a branch of a pull request's repository.
type NewCommit struct {
	Branch string            // branch name
	Head   string            // SHA that the branch is expected at
	Files  map[string][]byte // new content by path; each is there already
	// Headline and Body are the message; lines that make it Ask's and name the
	// co-author are added.
	Headline, Body string
	// Ask names what asked for the commit, the same at every try: one word.
	Ask string
	// Login and ID are the account that asked; it becomes a co-author where ID
	// is not 0.
	Login string
	ID    int64
}

const commitMutation = `mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}`

const tipQuery = `query($owner: String!, $name: String!, $ref: String!) {
  repository(owner: $owner, name: $name) {
    ref(qualifiedName: $ref) {
      target { oid ... on Commit { message } }
    }
  }
}`

// Asked reports whether the tip of a branch is the commit that ask brought, and
// gives its SHA. ErrGone when there is no such branch.
func (c *Client) Asked(ctx context.Context, pr PullRequest, branch, ask string) (sha string, ok bool, err error) {
	var got struct {
		Repository *struct {
			Ref *struct {
				Target *struct {
					Oid     string
					Message string
				}
			}
		}
	}
	err = c.review(pr).graphql(reading(ctx, "branch"), tipQuery, map[string]any{"owner": pr.Owner, "name": pr.Repo, "ref": "refs/heads/" + branch}, &got)
	if err != nil {
		return "", false, explain(ctx, "branch", err)
	}
	if got.Repository == nil || got.Repository.Ref == nil || got.Repository.Ref.Target == nil {
		return "", false, fmt.Errorf("branch: %w", ErrGone)
	}
	tip := got.Repository.Ref.Target
	for line := range strings.Lines(tip.Message) {
		if strings.TrimSpace(line) == Trailer+": "+ask {
			return tip.Oid, true, nil
		}
	}
	return tip.Oid, false, nil
}

// Commit makes one commit and gives its SHA. Its errors are ErrHeadMoved,
// ErrProtected, ErrMayNotWrite or ErrCommitRefused where trying again does not
// help. Where GitHub's answer is lost, the branch is looked at before the
// commit is tried again.
func (c *Client) Commit(ctx context.Context, pr PullRequest, n NewCommit) (string, error) {
	var additions []map[string]string
	size := 0
	for _, data := range n.Files {
		size += len(data)
	}
	if size > maxCommit {
		return "", fmt.Errorf("commit: %w: %d bytes are more than %d", ErrCommitRefused, size, maxCommit)
	}
	for _, path := range slices.Sorted(maps.Keys(n.Files)) {
		additions = append(additions, map[string]string{"path": path, "contents": base64.StdEncoding.EncodeToString(n.Files[path])})
	}
	input := map[string]any{
		"branch":          map[string]string{"repositoryNameWithOwner": pr.Owner + "/" + pr.Repo, "branchName": n.Branch},
		"expectedHeadOid": n.Head,
		"message":         map[string]string{"headline": n.Headline, "body": c.message(n)},
		"fileChanges":     map[string]any{"additions": additions},
	}
	a := c.access(accessKey{installation: pr.InstallationID, repository: pr.RepositoryID, grant: grantSettle})
	for try := 1; ; try++ {
		var got struct {
			CreateCommitOnBranch *struct{ Commit *struct{ Oid string } }
		}
		err := a.graphql(creating(writing(ctx, "commit")), commitMutation, map[string]any{"input": input}, &got)
		if err == nil && got.CreateCommitOnBranch != nil && got.CreateCommitOnBranch.Commit != nil {
			return got.CreateCommitOnBranch.Commit.Oid, nil
		}
		if err == nil {
			err = errors.New("graphql: the answer names no commit")
		}
		refusal := refusalOf(err)
		if refusal != nil && !errors.Is(refusal, ErrHeadMoved) {
			return "", fmt.Errorf("commit: %w: %w", refusal, err)
		}
		if refusal == nil && !ambiguous(ctx, err) {
			return "", explain(ctx, "commit", err)
		}
		// The branch may have moved by this very commit.
		if refusal == nil {
			if err := c.opt.Sleep(ctx, c.backoff(try)); err != nil {
				return "", fmt.Errorf("commit: %w", err)
			}
		}
		tip, ours, lookErr := c.Asked(ctx, pr, n.Branch, n.Ask)
		switch {
		case lookErr != nil:
			return "", lookErr
		case ours:
			return tip, nil
		case refusal != nil || tip != n.Head:
			return "", fmt.Errorf("commit: %w: %w", ErrHeadMoved, err)
		case try >= maxEffectTries:
			return "", explain(ctx, "commit", err)
		}
	}
}

// refusalOf tells why a commit was refused, nil where it was not.
func refusalOf(err error) error {
	var e graphqlErrors
	switch {
	case errors.Is(err, ErrGone), status(err) == 403, status(err) == 404:
		// No token with contents: write, or no such branch.
		return ErrMayNotWrite
	case !errors.As(err, &e):
		return nil
	case e.has("STALE_DATA"):
		return ErrHeadMoved
	case e.has("BRANCH_PROTECTION_RULE_VIOLATION"), e.says("rule violation", "protected branch", "must be made through a pull request"):
		// Rulesets have a type of their own, which is not documented.
		return ErrProtected
	case e.has("FORBIDDEN", "INSUFFICIENT_SCOPES"):
		return ErrMayNotWrite
	}
	return ErrCommitRefused
}

// says reports whether an error's message holds one of texts, in any case.
func (e graphqlErrors) says(texts ...string) bool {
	for _, one := range e {
		for _, t := range texts {
			if strings.Contains(strings.ToLower(one.Message), t) {
				return true
			}
		}
	}
	return false
}

// message is the body of the commit's message with its trailers.
func (c *Client) message(n NewCommit) string {
	body := strings.TrimSpace(n.Body)
	if body != "" {
		body += "\n\n"
	}
	body += Trailer + ": " + n.Ask
	if n.ID > 0 && loginPattern.MatchString(n.Login) {
		body += "\nCo-authored-by: " + n.Login + " <" + strconv.FormatInt(n.ID, 10) + "+" + n.Login + "@users.noreply." + c.mailHost() + ">"
	}
	return body
}

// mailHost is the host by which GitHub makes addresses that lead to accounts.
func (c *Client) mailHost() string {
	u, err := url.Parse(c.opt.WebURL)
	if err != nil || net.ParseIP(u.Hostname()) != nil || u.Hostname() == "localhost" {
		return "github.com"
	}
	return u.Hostname()
}
