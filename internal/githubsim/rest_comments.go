package githubsim

import (
	"slices"
	"time"
)

func commentEndpoints() []endpoint {
	const r = "/repos/{owner}/{repo}"
	const either = "issues|pull_requests"
	return []endpoint{
		{method: "GET", path: r + "/pulls/{pull_number}/comments", permission: "pull_requests", level: "read", handle: listReviewComments},
		{method: "POST", path: r + "/pulls/{pull_number}/comments", permission: "pull_requests", level: "write", handle: createReviewComment},
		{method: "POST", path: r + "/pulls/{pull_number}/comments/{comment_id}/replies", permission: "pull_requests", level: "write", handle: createReply},
		{method: "GET", path: r + "/pulls/comments/{comment_id}", permission: "pull_requests", level: "read", handle: getReviewComment},
		{method: "PATCH", path: r + "/pulls/comments/{comment_id}", permission: "pull_requests", level: "write", handle: updateReviewComment},
		{method: "DELETE", path: r + "/pulls/comments/{comment_id}", permission: "pull_requests", level: "write", handle: deleteReviewComment},
		{method: "GET", path: r + "/pulls/comments/{comment_id}/reactions", permission: "pull_requests", level: "read", handle: listReviewReactions},
		{method: "POST", path: r + "/pulls/comments/{comment_id}/reactions", permission: "pull_requests", level: "write", handle: createReviewReaction},
		{method: "GET", path: r + "/issues/{issue_number}/comments", permission: either, level: "read", handle: listIssueComments},
		{method: "POST", path: r + "/issues/{issue_number}/comments", permission: either, level: "write", handle: createIssueComment},
		{method: "GET", path: r + "/issues/comments/{comment_id}", permission: either, level: "read", handle: getIssueComment},
		{method: "PATCH", path: r + "/issues/comments/{comment_id}", permission: either, level: "write", handle: updateIssueComment},
		{method: "DELETE", path: r + "/issues/comments/{comment_id}", permission: either, level: "write", handle: deleteIssueComment},
		{method: "GET", path: r + "/issues/comments/{comment_id}/reactions", permission: either, level: "read", handle: listIssueReactions},
		{method: "POST", path: r + "/issues/comments/{comment_id}/reactions", permission: either, level: "write", handle: createIssueReaction},
		{method: "DELETE", path: r + "/issues/comments/{comment_id}/reactions/{reaction_id}", permission: either, level: "write", handle: deleteIssueReaction},
	}
}

// bodyOf reads a body that must not be empty.
func (c *call) bodyOf(resource string) (string, error) {
	var in struct {
		Body string `json:"body"`
	}
	if err := c.decode(&in); err != nil {
		return "", err
	}
	if err := checkBody(resource, in.Body); err != nil {
		return "", err
	}
	return in.Body, nil
}

// mayEdit says whether the App may change a comment: its own always, others'
// with write permission to the contents.
func (c *call) mayEdit(author *Account) error {
	if author == c.actor || allows(c.token.permissions, "contents", "write") {
		return nil
	}
	return forbidden()
}

// since drops what was updated before the query's since.
func (c *call) since(updated time.Time) bool {
	t, err := time.Parse(time.RFC3339, c.r.URL.Query().Get("since"))
	return err != nil || !updated.Before(t)
}

// reviewComment is a comment with the thread and pull request it belongs to.
type reviewComment struct {
	pull    *pull
	thread  *Thread
	comment *ReviewComment
}

func (c *call) reviewComment() (reviewComment, error) {
	id, err := c.number("comment_id")
	if err != nil {
		return reviewComment{}, err
	}
	for _, p := range c.repo.pulls {
		for _, t := range p.threads {
			for _, rc := range t.Comments {
				if rc.ID == id {
					return reviewComment{p, t, rc}, nil
				}
			}
		}
	}
	return reviewComment{}, notFound()
}

func (c *call) reviewCommentJSON(x reviewComment) any {
	return c.s.reviewCommentJSON(x.pull, x.thread, x.comment)
}

func listReviewComments(c *call) (int, any, error) {
	p, err := c.pull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	var all []reviewComment
	for _, t := range p.threads {
		for _, rc := range t.Comments {
			if c.since(rc.Updated) {
				all = append(all, reviewComment{p, t, rc})
			}
		}
	}
	slices.SortFunc(all, func(a, b reviewComment) int { return int(a.comment.ID - b.comment.ID) })
	if q := c.r.URL.Query(); q.Get("sort") != "" && q.Get("direction") != "asc" {
		slices.Reverse(all)
	}
	return 200, render(page(c, all), c.reviewCommentJSON), nil
}

func createReviewComment(c *call) (int, any, error) {
	p, err := c.pull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		anchor
		CommitID  string `json:"commit_id"`
		InReplyTo int64  `json:"in_reply_to"`
	}
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	if err := checkBody("PullRequestReviewComment", in.Body); err != nil {
		return 0, nil, err
	}
	if in.InReplyTo != 0 {
		return c.reply(p, in.InReplyTo, in.Body)
	}
	if in.CommitID == "" {
		return 0, nil, invalid("PullRequestReviewComment", "commit_id", "missing_field", "")
	}
	files, commit, apiErr := c.diffAt(p, in.CommitID)
	if apiErr != nil {
		return 0, nil, apiErr
	}
	t, field, why := in.place(files)
	if t == nil {
		return 0, nil, invalid("PullRequestReviewComment", "pull_request_review_thread."+field, "custom", why)
	}
	rc := c.addThread(p, t, c.soloReview(p, commit), commit, in.Body)
	c.s.touch()
	return 201, c.s.reviewCommentJSON(p, t, rc), nil
}

// soloReview makes the review that GitHub puts round a single comment.
func (c *call) soloReview(p *pull, commit string) int64 {
	v := &Review{ID: c.s.id(), Author: c.actor, App: c.app, State: "COMMENTED", CommitID: commit, Submitted: c.s.now()}
	p.reviews = append(p.reviews, v)
	return v.ID
}

func createReply(c *call) (int, any, error) {
	p, err := c.pull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	id, err := c.number("comment_id")
	if err != nil {
		return 0, nil, err
	}
	body, err := c.bodyOf("PullRequestReviewComment")
	if err != nil {
		return 0, nil, err
	}
	return c.reply(p, id, body)
}

func (c *call) reply(p *pull, to int64, body string) (int, any, error) {
	for _, t := range p.threads {
		if t.Comments[0].ID != to {
			continue
		}
		now := c.s.now()
		rc := &ReviewComment{
			ID: c.s.id(), ReviewID: c.soloReview(p, p.HeadSHA), InReplyTo: to,
			Author: c.actor, App: c.app, Body: body, Created: now, Updated: now,
		}
		t.Comments = append(t.Comments, rc)
		c.s.touch()
		c.s.deliverReviewComment(p, t, rc, "created", c.actor)
		return 201, c.s.reviewCommentJSON(p, t, rc), nil
	}
	return 0, nil, notFound()
}

func getReviewComment(c *call) (int, any, error) {
	x, err := c.reviewComment()
	if err != nil {
		return 0, nil, err
	}
	return 200, c.reviewCommentJSON(x), nil
}

func updateReviewComment(c *call) (int, any, error) {
	x, err := c.reviewComment()
	if err != nil {
		return 0, nil, err
	}
	body, err := c.bodyOf("PullRequestReviewComment")
	if err != nil {
		return 0, nil, err
	}
	if err := c.mayEdit(x.comment.Author); err != nil {
		return 0, nil, err
	}
	x.comment.Body, x.comment.Updated = body, c.s.now()
	c.s.touch()
	return 200, c.reviewCommentJSON(x), nil
}

func deleteReviewComment(c *call) (int, any, error) {
	x, err := c.reviewComment()
	if err != nil {
		return 0, nil, err
	}
	if err := c.mayEdit(x.comment.Author); err != nil {
		return 0, nil, err
	}
	x.thread.Comments = slices.DeleteFunc(x.thread.Comments, func(rc *ReviewComment) bool { return rc == x.comment })
	if len(x.thread.Comments) == 0 {
		x.pull.threads = slices.DeleteFunc(x.pull.threads, func(t *Thread) bool { return t == x.thread })
	}
	c.s.touch()
	return 204, nil, nil
}

func listReviewReactions(c *call) (int, any, error) {
	x, err := c.reviewComment()
	if err != nil {
		return 0, nil, err
	}
	return 200, render(page(c, x.comment.Reactions), func(r Reaction) any { return c.s.reactionJSON(r) }), nil
}

func createReviewReaction(c *call) (int, any, error) {
	x, err := c.reviewComment()
	if err != nil {
		return 0, nil, err
	}
	return c.react(&x.comment.Reactions)
}

// react adds the App's reaction; the same one again is answered 200.
func (c *call) react(all *[]Reaction) (int, any, error) {
	var in struct {
		Content string `json:"content"`
	}
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	if !slices.Contains(reactionContents, in.Content) {
		return 0, nil, invalid("Reaction", "content", "invalid", "")
	}
	for _, r := range *all {
		if r.User == c.actor && r.Content == in.Content {
			return 200, c.s.reactionJSON(r), nil
		}
	}
	r := Reaction{ID: c.s.id(), User: c.actor, Content: in.Content, Created: c.s.now()}
	*all = append(*all, r)
	c.s.touch()
	return 201, c.s.reactionJSON(r), nil
}

func listIssueComments(c *call) (int, any, error) {
	p, err := c.pull("issue_number")
	if err != nil {
		return 0, nil, err
	}
	var all []*IssueComment
	for _, ic := range p.comments {
		if c.since(ic.Updated) {
			all = append(all, ic)
		}
	}
	return 200, render(page(c, all), func(ic *IssueComment) any { return c.s.issueCommentJSON(p, ic) }), nil
}

func createIssueComment(c *call) (int, any, error) {
	p, err := c.pull("issue_number")
	if err != nil {
		return 0, nil, err
	}
	body, err := c.bodyOf("IssueComment")
	if err != nil {
		return 0, nil, err
	}
	ic := c.s.addIssueComment(p, c.actor, c.app, body)
	return 201, c.s.issueCommentJSON(p, ic), nil
}

func (c *call) issueComment() (*pull, *IssueComment, error) {
	id, err := c.number("comment_id")
	if err != nil {
		return nil, nil, err
	}
	for _, p := range c.repo.pulls {
		for _, ic := range p.comments {
			if ic.ID == id {
				return p, ic, nil
			}
		}
	}
	return nil, nil, notFound()
}

func getIssueComment(c *call) (int, any, error) {
	p, ic, err := c.issueComment()
	if err != nil {
		return 0, nil, err
	}
	return 200, c.s.issueCommentJSON(p, ic), nil
}

func updateIssueComment(c *call) (int, any, error) {
	p, ic, err := c.issueComment()
	if err != nil {
		return 0, nil, err
	}
	body, err := c.bodyOf("IssueComment")
	if err != nil {
		return 0, nil, err
	}
	if err := c.mayEdit(ic.Author); err != nil {
		return 0, nil, err
	}
	ic.Body, ic.Updated = body, c.s.now()
	c.s.touch()
	return 200, c.s.issueCommentJSON(p, ic), nil
}

func deleteIssueComment(c *call) (int, any, error) {
	p, ic, err := c.issueComment()
	if err != nil {
		return 0, nil, err
	}
	if err := c.mayEdit(ic.Author); err != nil {
		return 0, nil, err
	}
	p.comments = slices.DeleteFunc(p.comments, func(x *IssueComment) bool { return x == ic })
	c.s.touch()
	return 204, nil, nil
}

func listIssueReactions(c *call) (int, any, error) {
	_, ic, err := c.issueComment()
	if err != nil {
		return 0, nil, err
	}
	return 200, render(page(c, ic.Reactions), func(r Reaction) any { return c.s.reactionJSON(r) }), nil
}

func createIssueReaction(c *call) (int, any, error) {
	_, ic, err := c.issueComment()
	if err != nil {
		return 0, nil, err
	}
	return c.react(&ic.Reactions)
}

func deleteIssueReaction(c *call) (int, any, error) {
	_, ic, err := c.issueComment()
	if err != nil {
		return 0, nil, err
	}
	id, err := c.number("reaction_id")
	if err != nil {
		return 0, nil, err
	}
	i := slices.IndexFunc(ic.Reactions, func(r Reaction) bool { return r.ID == id })
	if i < 0 {
		return 0, nil, notFound()
	}
	if ic.Reactions[i].User != c.actor {
		return 0, nil, forbidden()
	}
	ic.Reactions = slices.Delete(ic.Reactions, i, i+1)
	c.s.touch()
	return 204, nil, nil
}
