package githubsim

import (
	"context"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
)

// The events that changes of state bring. s.mu is held in all of them.

func (s *Server) deliverInstallation(in *installation, action string, sender *Account) {
	repos := []any{}
	for _, r := range s.repositoriesOf(in) {
		repos = append(repos, map[string]any{
			"id": r.id, "node_id": nodeID("R", r.id), "name": r.name, "full_name": r.fullName(), "private": r.private,
		})
	}
	s.deliver(in, "installation", action, nil, sender, map[string]any{
		"installation": s.installationJSON(in), "repositories": repos,
	})
}

func (s *Server) deliverPull(p *pull, action string, sender *Account, more map[string]any) {
	for _, in := range s.installationsOn(p.repo) {
		if !in.app.subscribes("pull_request") {
			continue
		}
		payload := map[string]any{"number": p.Number, "pull_request": s.pullJSON(p)}
		for k, v := range more {
			payload[k] = v
		}
		s.deliver(in, "pull_request", action, p.repo, sender, payload)
	}
}

func (s *Server) deliverPush(r *repository, ref plumbing.ReferenceName, before, after plumbing.Hash, who *Account) {
	ins := s.installationsOn(r)
	if len(ins) == 0 {
		return
	}
	commits := []any{}
	forced := false
	if !before.IsZero() {
		mb, ok, err := r.objects.mergeBase(before, after)
		forced = err == nil && (!ok || mb != before)
	}
	pushed, err := r.objects.between(before, after)
	if before.IsZero() {
		pushed = pushed[max(0, len(pushed)-1):]
	}
	if err != nil {
		s.log.Error("commits of a push", "err", err)
		return
	}
	for _, c := range pushed[max(0, len(pushed)-20):] {
		parent := plumbing.ZeroHash
		if len(c.ParentHashes) > 0 {
			parent = c.ParentHashes[0]
		}
		files, err := r.objects.diffCommits(context.Background(), parent, c.Hash)
		if err != nil {
			s.log.Error("files of a push", "err", err)
			return
		}
		commits = append(commits, s.pushCommitJSON(r, c, files))
	}
	payload := map[string]any{
		"ref": ref.String(), "before": before.String(), "after": after.String(),
		"created": before.IsZero(), "deleted": after.IsZero(), "forced": forced, "base_ref": nil,
		"compare": s.baseURL + "/" + r.fullName() + "/compare/" + before.String() + "..." + after.String(),
		"commits": commits, "head_commit": nil,
		"pusher": map[string]any{"name": who.Login, "email": mailOf(who)},
	}
	if len(commits) > 0 {
		payload["head_commit"] = commits[len(commits)-1]
	}
	for _, in := range ins {
		s.deliver(in, "push", "", r, who, payload)
	}
}

func (s *Server) deliverSuite(in *installation, r *repository, x *CheckSuite, action string, sender *Account) {
	body := s.checkSuiteJSON(r, x)
	if action != "requested" {
		delete(body, "rerequestable")
		delete(body, "runs_rerequestable")
	}
	s.deliver(in, "check_suite", action, r, sender, map[string]any{"check_suite": body})
}

func (s *Server) deliverRun(r *repository, run *CheckRun, action string, sender *Account, identifier *string) {
	for _, in := range s.installationsOn(r) {
		if in.app.ID != run.AppID {
			continue
		}
		body := s.checkRunJSON(r, run)
		for _, x := range r.suites {
			if x.ID == run.SuiteID {
				suite := s.checkSuiteJSON(r, x)
				delete(suite, "head_commit")
				delete(suite, "latest_check_runs_count")
				delete(suite, "check_runs_url")
				delete(suite, "rerequestable")
				delete(suite, "runs_rerequestable")
				body["check_suite"] = suite
			}
		}
		payload := map[string]any{"check_run": body}
		if identifier != nil {
			payload["requested_action"] = map[string]any{"identifier": *identifier}
		}
		s.deliver(in, "check_run", action, r, sender, payload)
	}
}

// issueJSON is a pull request as the events of its conversation give it.
func (s *Server) issueJSON(p *pull) map[string]any {
	n := strconv.Itoa(p.Number)
	u := s.api("/repos/" + p.repo.fullName() + "/issues/" + n)
	html := s.baseURL + "/" + p.repo.fullName() + "/pull/" + n
	return map[string]any{
		"url": u, "repository_url": s.api("/repos/" + p.repo.fullName()), "labels_url": u + "/labels{/name}",
		"comments_url": u + "/comments", "events_url": u + "/events", "html_url": html, "id": p.ID, "node_id": nodeID("PR", p.ID),
		"number": p.Number, "title": p.Title, "user": s.accountJSON(p.author), "labels": []any{}, "state": p.State,
		"locked": false, "assignee": nil, "assignees": []any{}, "milestone": nil, "comments": len(p.comments),
		"created_at": stamp(p.Created), "updated_at": stamp(p.Updated), "closed_at": stampOrNil(p.Closed),
		"author_association": p.repo.association(p.author), "active_lock_reason": nil, "draft": p.Draft,
		"body": nullable(p.Body), "reactions": reactionsJSON(u, nil), "timeline_url": u + "/timeline",
		"performed_via_github_app": nil, "state_reason": nil,
		"pull_request": map[string]any{
			"url":      s.api("/repos/" + p.repo.fullName() + "/pulls/" + n),
			"html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch", "merged_at": s.mergedAt(p),
		},
	}
}

func (s *Server) deliverIssueComment(p *pull, ic *IssueComment, action string, sender *Account) {
	for _, in := range s.installationsOn(p.repo) {
		s.deliver(in, "issue_comment", action, p.repo, sender, map[string]any{
			"issue": s.issueJSON(p), "comment": s.issueCommentJSON(p, ic),
		})
	}
}

func (s *Server) deliverReviewComment(p *pull, t *Thread, rc *ReviewComment, action string, sender *Account) {
	for _, in := range s.installationsOn(p.repo) {
		if in.app.subscribes("pull_request_review_comment") {
			s.deliver(in, "pull_request_review_comment", action, p.repo, sender, map[string]any{
				"pull_request": s.pullSimpleJSON(p), "comment": s.reviewCommentJSON(p, t, rc),
			})
		}
	}
}

func (s *Server) deliverMergeGroup(p *pull, queue plumbing.ReferenceName, head, base plumbing.Hash) {
	for _, in := range s.installationsOn(p.repo) {
		s.deliver(in, "merge_group", "checks_requested", p.repo, p.author, map[string]any{
			"merge_group": map[string]any{
				"head_sha": head.String(), "head_ref": queue.String(), "base_sha": base.String(),
				"base_ref":    plumbing.NewBranchReferenceName(p.BaseRef).String(),
				"head_commit": s.simpleCommitJSON(p.repo, head.String()),
			},
		})
	}
}
