package githubsim

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// mutation is what a GraphQL client can change.
func (g *graph) mutation() node {
	n := node{"__typename": "Mutation"}
	for name, do := range map[string]func(in map[string]any) (node, error){
		"resolveReviewThread":             func(in map[string]any) (node, error) { return g.setResolved(in, true) },
		"unresolveReviewThread":           func(in map[string]any) (node, error) { return g.setResolved(in, false) },
		"createCommitOnBranch":            g.createCommitOnBranch,
		"minimizeComment":                 func(in map[string]any) (node, error) { return g.minimize(in, true) },
		"unminimizeComment":               func(in map[string]any) (node, error) { return g.minimize(in, false) },
		"updatePullRequestReviewComment":  g.updateReviewComment,
		"addPullRequestReviewThreadReply": g.replyToThread,
		"addReaction":                     g.addReaction,
	} {
		n[name] = resolver(func(args map[string]any) (any, error) {
			in, _ := args["input"].(map[string]any)
			out, err := do(in)
			if err != nil {
				return nil, err
			}
			out["__typename"] = strings.ToUpper(name[:1]) + name[1:] + "Payload"
			out["clientMutationId"] = in["clientMutationId"]
			g.s.touch()
			return out, nil
		})
	}
	return n
}

// found is what a node id of a pull request's parts stands for.
type found struct {
	pull          *pull
	thread        *Thread
	reviewComment *ReviewComment
	issueComment  *IssueComment
}

func (g *graph) find(in map[string]any, key string) (found, error) {
	id, _ := in[key].(string)
	kind, n, ok := parseNodeID(id)
	missing := gqlNotFound("Could not resolve to a node with the global id of '" + id + "'.")
	if !ok {
		return found{}, missing
	}
	for _, r := range g.s.repos {
		for _, p := range r.pulls {
			for _, t := range p.threads {
				if kind == "PRRT" && t.ID == n {
					return found{pull: p, thread: t}, g.need(r, "pull_requests", "read")
				}
				for _, c := range t.Comments {
					if kind == "PRRC" && c.ID == n {
						return found{pull: p, thread: t, reviewComment: c}, g.need(r, "pull_requests", "read")
					}
				}
			}
			for _, c := range p.comments {
				if kind == "IC" && c.ID == n {
					return found{pull: p, issueComment: c}, g.need(r, "issues|pull_requests", "read")
				}
			}
		}
	}
	return found{}, missing
}

// setResolved asks an App for write permission to the contents; that to pull
// requests alone is not enough.
func (g *graph) setResolved(in map[string]any, resolved bool) (node, error) {
	f, err := g.find(in, "threadId")
	if err != nil {
		return nil, err
	}
	for _, permission := range []string{"pull_requests", "contents"} {
		if err := g.need(f.pull.repo, permission, "write"); err != nil {
			return nil, err
		}
	}
	f.thread.Resolved, f.thread.ResolvedBy = resolved, nil
	if resolved {
		f.thread.ResolvedBy = g.actor
	}
	return node{"thread": g.thread(f.pull, f.thread)}, nil
}

func (g *graph) minimize(in map[string]any, hide bool) (node, error) {
	f, err := g.find(in, "subjectId")
	if err != nil {
		return nil, err
	}
	if err := g.need(f.pull.repo, "issues|pull_requests", "write"); err != nil {
		return nil, err
	}
	reason := ""
	if hide {
		classifier, _ := in["classifier"].(string)
		if !slices.Contains([]string{"ABUSE", "DUPLICATE", "OFF_TOPIC", "OUTDATED", "RESOLVED", "SPAM"}, classifier) {
			return nil, &gqlError{kind: "UNPROCESSABLE", message: fmt.Sprintf("Classifier %q is not known", classifier)}
		}
		reason = strings.ReplaceAll(strings.ToLower(classifier), "_", "-")
	}
	key := "minimizedComment"
	if !hide {
		key = "unminimizedComment"
	}
	if f.issueComment != nil {
		f.issueComment.Minimized = reason
		return node{key: g.issueComment(f.pull, f.issueComment)}, nil
	}
	if f.reviewComment == nil {
		return nil, &gqlError{kind: "UNPROCESSABLE", message: "The subject can't be minimized"}
	}
	f.reviewComment.Minimized = reason
	return node{key: g.reviewComment(f.pull, f.thread, f.reviewComment)}, nil
}

func (g *graph) updateReviewComment(in map[string]any) (node, error) {
	f, err := g.find(in, "pullRequestReviewCommentId")
	if err != nil {
		return nil, err
	}
	if err := g.need(f.pull.repo, "pull_requests", "write"); err != nil {
		return nil, err
	}
	if f.reviewComment == nil {
		return nil, gqlNotFound("Could not resolve to a PullRequestReviewComment.")
	}
	if f.reviewComment.Author != g.actor && !allows(g.token.permissions, "contents", "write") {
		return nil, &gqlError{kind: "FORBIDDEN", message: "Resource not accessible by integration"}
	}
	body, _ := in["body"].(string)
	if err := checkBody("PullRequestReviewComment", body); err != nil {
		return nil, &gqlError{kind: "UNPROCESSABLE", message: err.message}
	}
	f.reviewComment.Body, f.reviewComment.Updated = body, g.s.now()
	return node{"pullRequestReviewComment": g.reviewComment(f.pull, f.thread, f.reviewComment)}, nil
}

func (g *graph) replyToThread(in map[string]any) (node, error) {
	f, err := g.find(in, "pullRequestReviewThreadId")
	if err != nil {
		return nil, err
	}
	if err := g.need(f.pull.repo, "pull_requests", "write"); err != nil {
		return nil, err
	}
	body, _ := in["body"].(string)
	if err := checkBody("PullRequestReviewComment", body); err != nil {
		return nil, &gqlError{kind: "UNPROCESSABLE", message: err.message}
	}
	now := g.s.now()
	v := &Review{ID: g.s.id(), Author: g.actor, App: g.app, State: "COMMENTED", CommitID: f.pull.HeadSHA, Submitted: now}
	f.pull.reviews = append(f.pull.reviews, v)
	c := &ReviewComment{
		ID: g.s.id(), ReviewID: v.ID, InReplyTo: f.thread.Comments[0].ID, Author: g.actor, App: g.app,
		Body: body, Created: now, Updated: now,
	}
	f.thread.Comments = append(f.thread.Comments, c)
	return node{"comment": g.reviewComment(f.pull, f.thread, c)}, nil
}

// reactionNames are GraphQL's names of the reactions.
var reactionNames = map[string]string{
	"THUMBS_UP": "+1", "THUMBS_DOWN": "-1", "LAUGH": "laugh", "HOORAY": "hooray",
	"CONFUSED": "confused", "HEART": "heart", "ROCKET": "rocket", "EYES": "eyes",
}

func (g *graph) addReaction(in map[string]any) (node, error) {
	f, err := g.find(in, "subjectId")
	if err != nil {
		return nil, err
	}
	if err := g.need(f.pull.repo, "issues|pull_requests", "write"); err != nil {
		return nil, err
	}
	content, _ := in["content"].(string)
	if reactionNames[content] == "" {
		return nil, &gqlError{kind: "UNPROCESSABLE", message: fmt.Sprintf("Reaction %q is not known", content)}
	}
	var all *[]Reaction
	switch {
	case f.issueComment != nil:
		all = &f.issueComment.Reactions
	case f.reviewComment != nil:
		all = &f.reviewComment.Reactions
	default:
		return nil, &gqlError{kind: "UNPROCESSABLE", message: "The subject takes no reactions"}
	}
	x := Reaction{ID: g.s.id(), User: g.actor, Content: reactionNames[content], Created: g.s.now()}
	if !slices.ContainsFunc(*all, func(r Reaction) bool { return r.User == g.actor && r.Content == x.Content }) {
		*all = append(*all, x)
	}
	return node{"reaction": node{"__typename": "Reaction", "id": nodeID("REA", x.ID), "content": content, "databaseId": x.ID}}, nil
}

func (g *graph) createCommitOnBranch(in map[string]any) (node, error) {
	branch, _ := in["branch"].(map[string]any)
	fullName, _ := branch["repositoryNameWithOwner"].(string)
	name, _ := branch["branchName"].(string)
	r := g.s.repos[strings.ToLower(fullName)]
	if r == nil {
		return nil, gqlNotFound("Could not resolve to a Repository with the name '" + fullName + "'.")
	}
	if err := g.need(r, "contents", "write"); err != nil {
		return nil, err
	}
	name = strings.TrimPrefix(name, "refs/heads/")
	ref := plumbing.NewBranchReferenceName(name)
	tip, ok := r.refs[ref]
	if !ok {
		return nil, gqlNotFound(fmt.Sprintf("No ref named %q", name))
	}
	if expected, _ := in["expectedHeadOid"].(string); expected != tip.String() {
		return nil, &gqlError{kind: "STALE_DATA", message: fmt.Sprintf(
			"Expected branch to point to %q but it did not.  Pull and try again.", expected)}
	}
	if r.protected[name] {
		return nil, &gqlError{kind: "BRANCH_PROTECTION_RULE_VIOLATION", message: "Changes must be made through a pull request."}
	}
	message, _ := in["message"].(map[string]any)
	headline, _ := message["headline"].(string)
	body, _ := message["body"].(string)
	if headline == "" {
		return nil, &gqlError{kind: "UNPROCESSABLE", message: "A commit message is required"}
	}
	if body != "" {
		headline += "\n\n" + body
	}
	push := Push{Branch: name, Message: headline, Entries: map[string]Entry{}}
	changes, _ := in["fileChanges"].(map[string]any)
	additions, _ := changes["additions"].([]any)
	for _, a := range additions {
		f, _ := a.(map[string]any)
		path, _ := f["path"].(string)
		contents, _ := f["contents"].(string)
		b, err := base64.StdEncoding.DecodeString(contents)
		if err != nil {
			return nil, &gqlError{kind: "UNPROCESSABLE", message: fmt.Sprintf("The contents of %q are not Base64", path)}
		}
		if strings.HasPrefix(path, ".github/workflows/") && !allows(g.token.permissions, "workflows", "write") {
			return nil, &gqlError{kind: "FORBIDDEN", message: "Resource not accessible by integration"}
		}
		// A file that is there keeps its mode.
		e := Entry{Content: string(b)}
		if tree, err := r.objects.treeOf(tip); err == nil {
			if old, err := tree.FindEntry(path); err == nil && old.Mode.IsFile() {
				e.Mode = old.Mode
			}
		}
		push.Entries[path] = e
	}
	deletions, _ := changes["deletions"].([]any)
	for _, d := range deletions {
		f, _ := d.(map[string]any)
		path, _ := f["path"].(string)
		push.Delete = append(push.Delete, path)
	}
	if len(push.Entries)+len(push.Delete) == 0 {
		return nil, &gqlError{kind: "UNPROCESSABLE", message: "A commit needs file changes"}
	}
	sha, err := g.s.push(r, g.actor, push)
	if err != nil {
		return nil, &gqlError{kind: "UNPROCESSABLE", message: err.Error()}
	}
	return node{
		"commit": g.gitObject(r, plumbing.NewHash(sha)),
		"ref":    g.ref(r, ref),
	}, nil
}
