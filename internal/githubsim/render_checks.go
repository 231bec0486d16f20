package githubsim

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

func (s *Server) checkRunJSON(r *repository, c *CheckRun) map[string]any {
	u := s.api(fmt.Sprintf("/repos/%s/check-runs/%d", r.fullName(), c.ID))
	html := fmt.Sprintf("%s/%s/runs/%d", s.baseURL, r.fullName(), c.ID)
	details := c.DetailsURL
	if details == "" {
		details = html
	}
	return map[string]any{
		"id": c.ID, "node_id": nodeID("CR", c.ID), "head_sha": c.HeadSHA, "external_id": c.ExternalID, "url": u,
		"html_url": html, "details_url": details, "status": c.Status, "conclusion": nullable(c.Conclusion),
		"started_at": stampOrNil(c.Started), "completed_at": stampOrNil(c.Completed), "name": c.Name,
		"output": map[string]any{
			"title": nullable(c.Title), "summary": nullable(c.Summary), "text": nullable(c.Text),
			"annotations_count": len(c.Annotations), "annotations_url": u + "/annotations",
		},
		"check_suite":   map[string]any{"id": c.SuiteID},
		"app":           s.appJSON(s.apps[c.AppID]),
		"pull_requests": s.minimalPullsJSON(r, c.HeadSHA),
	}
}

func (s *Server) annotationJSON(r *repository, sha string, a Annotation) map[string]any {
	optional := func(n *int) any {
		if n == nil {
			return nil
		}
		return *n
	}
	return map[string]any{
		"path": a.Path, "blob_href": fmt.Sprintf("%s/%s/blob/%s/%s", s.baseURL, r.fullName(), sha, a.Path),
		"start_line": a.StartLine, "end_line": a.EndLine,
		"start_column": optional(a.StartColumn), "end_column": optional(a.EndColumn),
		"annotation_level": a.Level, "title": nullable(a.Title), "message": a.Message, "raw_details": nullable(a.RawDetails),
	}
}

// suiteState gives a suite's status and conclusion from its runs.
func (r *repository) suiteState(c *CheckSuite) (status, conclusion string, runs int) {
	order := []string{"failure", "timed_out", "cancelled", "action_required", "success", "neutral", "skipped"}
	worst, status := len(order), "completed"
	for _, run := range r.runs {
		if run.SuiteID != c.ID {
			continue
		}
		runs++
		if run.Status != "completed" {
			status = "in_progress"
		} else if i := slices.Index(order, run.Conclusion); i >= 0 {
			worst = min(worst, i)
		}
	}
	switch {
	case runs == 0:
		return "queued", "", 0
	case status == "completed" && worst < len(order):
		return status, order[worst], runs
	}
	return status, "", runs
}

func (s *Server) checkSuiteJSON(r *repository, c *CheckSuite) map[string]any {
	u := s.api(fmt.Sprintf("/repos/%s/check-suites/%d", r.fullName(), c.ID))
	status, conclusion, runs := r.suiteState(c)
	before := c.Before
	if before == "" {
		before = plumbing.ZeroHash.String()
	}
	return map[string]any{
		"id": c.ID, "node_id": nodeID("CS", c.ID), "head_branch": nullable(c.HeadBranch), "head_sha": c.HeadSHA,
		"status": status, "conclusion": nullable(conclusion), "url": u, "before": before, "after": c.HeadSHA,
		"pull_requests": s.minimalPullsJSON(r, c.HeadSHA), "app": s.appJSON(s.apps[c.AppID]),
		"created_at": stamp(c.Created), "updated_at": stamp(c.Updated), "rerequestable": true, "runs_rerequestable": true,
		"latest_check_runs_count": runs, "check_runs_url": u + "/check-runs",
		"head_commit": s.simpleCommitJSON(r, c.HeadSHA),
	}
}

func (s *Server) simpleCommitJSON(r *repository, sha string) map[string]any {
	c, err := r.objects.commit(plumbing.NewHash(sha))
	if err != nil {
		return nil
	}
	return map[string]any{
		"id": sha, "tree_id": c.TreeHash.String(), "message": c.Message, "timestamp": stamp(c.Author.When),
		"author":    map[string]any{"name": c.Author.Name, "email": c.Author.Email},
		"committer": map[string]any{"name": c.Committer.Name, "email": c.Committer.Email},
	}
}

// commitJSON is a commit as compare and the list of commits give it.
func (s *Server) commitJSON(r *repository, c *object.Commit) map[string]any {
	sha := c.Hash.String()
	u := s.api("/repos/" + r.fullName() + "/commits/" + sha)
	html := s.baseURL + "/" + r.fullName() + "/commit/" + sha
	git := s.gitCommitJSON(r, c)
	return map[string]any{
		"sha": sha, "node_id": git["node_id"], "url": u, "html_url": html, "comments_url": u + "/comments",
		"commit": map[string]any{
			"url": git["url"], "author": git["author"], "committer": git["committer"], "message": c.Message,
			"tree": git["tree"], "comment_count": 0, "verification": git["verification"],
		},
		"author": s.authorJSON(c.Author), "committer": s.authorJSON(c.Committer), "parents": git["parents"],
	}
}

// authorJSON gives the account of a signature, if there is one.
func (s *Server) authorJSON(sig object.Signature) any {
	for _, a := range s.accounts {
		if a.Login == sig.Name {
			return s.accountJSON(a)
		}
	}
	return nil
}

func (s *Server) gitCommitJSON(r *repository, c *object.Commit) map[string]any {
	base := s.api("/repos/" + r.fullName() + "/git")
	html := s.baseURL + "/" + r.fullName() + "/commit/"
	who := func(sig object.Signature) map[string]any {
		return map[string]any{"name": sig.Name, "email": sig.Email, "date": stamp(sig.When)}
	}
	parents := []any{}
	for _, p := range c.ParentHashes {
		parents = append(parents, map[string]any{
			"sha": p.String(), "url": base + "/commits/" + p.String(), "html_url": html + p.String(),
		})
	}
	return map[string]any{
		"sha": c.Hash.String(), "node_id": "C_" + c.Hash.String(), "url": base + "/commits/" + c.Hash.String(),
		"html_url": html + c.Hash.String(), "author": who(c.Author), "committer": who(c.Committer), "message": c.Message,
		"tree":    map[string]any{"sha": c.TreeHash.String(), "url": base + "/trees/" + c.TreeHash.String()},
		"parents": parents,
		"verification": map[string]any{
			"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil,
		},
	}
}

// pushCommitJSON is a commit as the push event gives it.
func (s *Server) pushCommitJSON(r *repository, c *object.Commit, files []FileDiff) map[string]any {
	person := func(sig object.Signature) map[string]any {
		return map[string]any{"name": sig.Name, "email": sig.Email, "username": sig.Name}
	}
	kinds := map[string][]string{"added": {}, "removed": {}, "modified": {}}
	for _, f := range files {
		switch f.Status {
		case "renamed":
			kinds["added"] = append(kinds["added"], f.Path)
			kinds["removed"] = append(kinds["removed"], f.PreviousPath)
		default:
			kinds[f.Status] = append(kinds[f.Status], f.Path)
		}
	}
	return map[string]any{
		"id": c.Hash.String(), "tree_id": c.TreeHash.String(), "distinct": true, "message": c.Message,
		"timestamp": stamp(c.Author.When), "url": s.baseURL + "/" + r.fullName() + "/commit/" + c.Hash.String(),
		"author": person(c.Author), "committer": person(c.Committer),
		"added": kinds["added"], "removed": kinds["removed"], "modified": kinds["modified"],
	}
}

func (s *Server) reactionJSON(x Reaction) map[string]any {
	return map[string]any{
		"id": x.ID, "node_id": nodeID("REA", x.ID), "user": s.accountJSON(x.User), "content": x.Content, "created_at": stamp(x.Created),
	}
}

// reactionContents are the reactions that there are.
var reactionContents = []string{"+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"}

func reactionsJSON(url string, all []Reaction) map[string]any {
	out := map[string]any{"url": url + "/reactions", "total_count": len(all)}
	for _, c := range reactionContents {
		n := 0
		for _, x := range all {
			if x.Content == c {
				n++
			}
		}
		out[c] = n
	}
	return out
}

func (s *Server) issueCommentJSON(p *pull, c *IssueComment) map[string]any {
	u := s.api("/repos/" + p.repo.fullName() + "/issues/comments/" + strconv.FormatInt(c.ID, 10))
	out := map[string]any{
		"id": c.ID, "node_id": nodeID("IC", c.ID), "url": u,
		"html_url":  fmt.Sprintf("%s/%s/pull/%d#issuecomment-%d", s.baseURL, p.repo.fullName(), p.Number, c.ID),
		"issue_url": s.api(fmt.Sprintf("/repos/%s/issues/%d", p.repo.fullName(), p.Number)),
		"user":      s.accountJSON(c.Author), "created_at": stamp(c.Created), "updated_at": stamp(c.Updated),
		"author_association": p.repo.association(c.Author), "body": c.Body,
		"reactions": reactionsJSON(u, c.Reactions), "performed_via_github_app": nil,
	}
	if c.App != nil {
		out["performed_via_github_app"] = s.appJSON(c.App)
	}
	return out
}

func (s *Server) reviewJSON(p *pull, v *Review) map[string]any {
	html := fmt.Sprintf("%s/%s/pull/%d#pullrequestreview-%d", s.baseURL, p.repo.fullName(), p.Number, v.ID)
	pr := s.api(fmt.Sprintf("/repos/%s/pulls/%d", p.repo.fullName(), p.Number))
	return map[string]any{
		"id": v.ID, "node_id": nodeID("PRR", v.ID), "user": s.accountJSON(v.Author), "body": v.Body, "state": v.State,
		"html_url": html, "pull_request_url": pr, "submitted_at": stamp(v.Submitted), "commit_id": v.CommitID,
		"author_association": p.repo.association(v.Author),
		"_links":             map[string]any{"html": map[string]any{"href": html}, "pull_request": map[string]any{"href": pr}},
	}
}

func (s *Server) reviewCommentJSON(p *pull, t *Thread, c *ReviewComment) map[string]any {
	u := s.api("/repos/" + p.repo.fullName() + "/pulls/comments/" + strconv.FormatInt(c.ID, 10))
	html := fmt.Sprintf("%s/%s/pull/%d#discussion_r%d", s.baseURL, p.repo.fullName(), p.Number, c.ID)
	pr := s.api(fmt.Sprintf("/repos/%s/pulls/%d", p.repo.fullName(), p.Number))
	out := map[string]any{
		"id": c.ID, "node_id": nodeID("PRRC", c.ID), "url": u, "pull_request_review_id": c.ReviewID, "diff_hunk": t.DiffHunk,
		"path": t.Path, "commit_id": t.CommitID, "original_commit_id": t.OriginalCommit, "user": s.accountJSON(c.Author),
		"body": c.Body, "created_at": stamp(c.Created), "updated_at": stamp(c.Updated), "html_url": html,
		"pull_request_url": pr, "author_association": p.repo.association(c.Author),
		"_links": map[string]any{
			"self": map[string]any{"href": u}, "html": map[string]any{"href": html}, "pull_request": map[string]any{"href": pr},
		},
		"reactions": reactionsJSON(u, c.Reactions), "subject_type": t.SubjectType,
		"start_line": nullableInt(t.StartLine), "original_start_line": nullableInt(t.OriginalStart),
		"start_side": nullable(t.StartSide), "line": nullableInt(t.Line), "original_line": nullableInt(t.OriginalLine),
		"side": t.Side, "position": nullableInt(t.Position), "original_position": t.OriginalPosition,
	}
	if c.InReplyTo != 0 {
		out["in_reply_to_id"] = c.InReplyTo
	}
	return out
}
