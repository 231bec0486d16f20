package githubsim

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func stampOrNil(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func nullableInt(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

func (s *Server) api(path string) string { return s.baseURL + "/api/v3" + path }

func (s *Server) accountJSON(a *Account) map[string]any {
	u := s.api("/users/" + a.Login)
	html := s.baseURL + "/" + a.Login
	if a.Type == "Bot" {
		html = s.baseURL + "/apps/" + strings.TrimSuffix(a.Login, "[bot]")
	}
	return map[string]any{
		"login": a.Login, "id": a.ID, "node_id": nodeID("U", a.ID), "avatar_url": s.baseURL + "/avatars/" + strconv.FormatInt(a.ID, 10),
		"gravatar_id": "", "url": u, "html_url": html,
		"followers_url": u + "/followers", "following_url": u + "/following{/other_user}",
		"gists_url": u + "/gists{/gist_id}", "starred_url": u + "/starred{/owner}{/repo}",
		"subscriptions_url": u + "/subscriptions", "organizations_url": u + "/orgs", "repos_url": u + "/repos",
		"events_url": u + "/events{/privacy}", "received_events_url": u + "/received_events",
		"type": a.Type, "site_admin": false,
	}
}

func (s *Server) organizationJSON(a *Account) map[string]any {
	u := s.api("/orgs/" + a.Login)
	return map[string]any{
		"login": a.Login, "id": a.ID, "node_id": nodeID("O", a.ID), "url": u,
		"repos_url": u + "/repos", "events_url": u + "/events", "hooks_url": u + "/hooks", "issues_url": u + "/issues",
		"members_url": u + "/members{/member}", "public_members_url": u + "/public_members{/member}",
		"avatar_url": s.baseURL + "/avatars/" + strconv.FormatInt(a.ID, 10), "description": nil,
	}
}

func (s *Server) appJSON(a *App) map[string]any {
	return map[string]any{
		"id": a.ID, "slug": a.Slug, "node_id": nodeID("A", a.ID),
		"owner": s.accountJSON(a.Owner), "name": a.Name, "description": "",
		"external_url": s.baseURL + "/" + a.Slug, "html_url": s.baseURL + "/apps/" + a.Slug,
		"created_at": stamp(a.created), "updated_at": stamp(a.created),
		"permissions": a.Permissions, "events": a.Events,
	}
}

func (s *Server) installationJSON(in *installation) map[string]any {
	u := s.api("/app/installations/" + strconv.FormatInt(in.id, 10))
	return map[string]any{
		"id": in.id, "account": s.accountJSON(in.account), "repository_selection": in.selection(),
		"access_tokens_url": u + "/access_tokens", "repositories_url": s.api("/installation/repositories"),
		"html_url": s.baseURL + "/settings/installations/" + strconv.FormatInt(in.id, 10),
		"app_id":   in.app.ID, "app_slug": in.app.Slug,
		"target_id": in.account.ID, "target_type": in.account.Type,
		"permissions": in.permissions, "events": in.app.Events,
		"created_at": stamp(in.created), "updated_at": stamp(in.created),
		"single_file_name": nil, "has_multiple_single_files": false, "single_file_paths": []string{},
		"suspended_by": nil, "suspended_at": nil,
	}
}

// repositoryURLs are the members of a repository that are addresses below it.
var repositoryURLs = map[string]string{
	"forks_url": "/forks", "keys_url": "/keys{/key_id}", "collaborators_url": "/collaborators{/collaborator}",
	"teams_url": "/teams", "hooks_url": "/hooks", "issue_events_url": "/issues/events{/number}", "events_url": "/events",
	"assignees_url": "/assignees{/user}", "branches_url": "/branches{/branch}", "tags_url": "/tags",
	"blobs_url": "/git/blobs{/sha}", "git_tags_url": "/git/tags{/sha}", "git_refs_url": "/git/refs{/sha}",
	"trees_url": "/git/trees{/sha}", "statuses_url": "/statuses/{sha}", "languages_url": "/languages",
	"stargazers_url": "/stargazers", "contributors_url": "/contributors", "subscribers_url": "/subscribers",
	"subscription_url": "/subscription", "commits_url": "/commits{/sha}", "git_commits_url": "/git/commits{/sha}",
	"comments_url": "/comments{/number}", "issue_comment_url": "/issues/comments{/number}",
	"contents_url": "/contents/{+path}", "compare_url": "/compare/{base}...{head}", "merges_url": "/merges",
	"archive_url": "/{archive_format}{/ref}", "downloads_url": "/downloads", "issues_url": "/issues{/number}",
	"pulls_url": "/pulls{/number}", "milestones_url": "/milestones{/number}",
	"notifications_url": "/notifications{?since,all,participating}", "labels_url": "/labels{/name}",
	"releases_url": "/releases{/id}", "deployments_url": "/deployments",
}

func (s *Server) repositoryJSON(r *repository) map[string]any {
	u := s.api("/repos/" + r.fullName())
	html := s.baseURL + "/" + r.fullName()
	visibility := "public"
	if r.private {
		visibility = "private"
	}
	out := map[string]any{
		"id": r.id, "node_id": nodeID("R", r.id), "name": r.name, "full_name": r.fullName(), "private": r.private,
		"owner": s.accountJSON(r.owner), "html_url": html, "description": nil, "fork": r.parent != nil, "url": u,
		"created_at": stamp(r.created), "updated_at": stamp(r.pushed), "pushed_at": stamp(r.pushed),
		"git_url": "git://" + strings.TrimPrefix(html, "http://") + ".git", "ssh_url": "git@github.test:" + r.fullName() + ".git",
		"clone_url": html + ".git", "svn_url": html, "homepage": nil, "size": 0, "stargazers_count": 0, "watchers_count": 0,
		"language": nil, "has_issues": true, "has_projects": false, "has_downloads": false, "has_wiki": false,
		"has_pages": false, "has_discussions": false, "forks_count": 0, "mirror_url": nil, "archived": false, "disabled": false,
		"open_issues_count": 0, "license": nil, "forks": 0, "open_issues": 0, "watchers": 0,
		"default_branch": r.defaultBranch, "allow_forking": true, "is_template": false, "web_commit_signoff_required": false,
		"topics": []string{}, "visibility": visibility, "custom_properties": map[string]any{},
	}
	for k, path := range repositoryURLs {
		out[k] = u + path
	}
	return out
}

// fullRepositoryJSON is what GET /repos/{owner}/{repo} answers.
func (s *Server) fullRepositoryJSON(r *repository) map[string]any {
	out := s.repositoryJSON(r)
	out["network_count"], out["subscribers_count"] = 0, 0
	if r.owner.Type == "Organization" {
		out["organization"] = s.accountJSON(r.owner)
	}
	if r.parent != nil {
		out["parent"], out["source"] = s.repositoryJSON(r.parent), s.repositoryJSON(r.parent)
	}
	return out
}

// pushRepositoryJSON is the repository of a push event, which differs from that
// of all others: its times are numbers and its owner has a name.
func (s *Server) pushRepositoryJSON(r *repository) map[string]any {
	out := s.repositoryJSON(r)
	out["created_at"], out["pushed_at"] = r.created.Unix(), r.pushed.Unix()
	out["stargazers"], out["master_branch"] = 0, r.defaultBranch
	owner := s.accountJSON(r.owner)
	owner["name"], owner["email"] = r.owner.Login, nil
	out["owner"] = owner
	if r.owner.Type == "Organization" {
		out["organization"] = r.owner.Login
	}
	return out
}

func (s *Server) pullSideJSON(r *repository, ref, sha string) map[string]any {
	return map[string]any{
		"label": r.owner.Login + ":" + ref, "ref": ref, "sha": sha,
		"user": s.accountJSON(r.owner), "repo": s.repositoryJSON(r),
	}
}

// pullSimpleJSON is a pull request as lists give it.
func (s *Server) pullSimpleJSON(p *pull) map[string]any {
	n := strconv.Itoa(p.Number)
	u := s.api("/repos/" + p.repo.fullName() + "/pulls/" + n)
	issue := s.api("/repos/" + p.repo.fullName() + "/issues/" + n)
	html := s.baseURL + "/" + p.repo.fullName() + "/pull/" + n
	comment := s.api("/repos/" + p.repo.fullName() + "/pulls/comments{/number}")
	statuses := s.api("/repos/" + p.repo.fullName() + "/statuses/" + p.HeadSHA)
	link := func(href string) map[string]any { return map[string]any{"href": href} }
	return map[string]any{
		"url": u, "id": p.ID, "node_id": nodeID("PR", p.ID), "html_url": html,
		"diff_url": html + ".diff", "patch_url": html + ".patch", "issue_url": issue, "commits_url": u + "/commits",
		"review_comments_url": u + "/comments", "review_comment_url": comment, "comments_url": issue + "/comments",
		"statuses_url": statuses, "number": p.Number, "state": p.State, "locked": false, "title": p.Title,
		"user": s.accountJSON(p.author), "body": nullable(p.Body), "labels": []any{}, "milestone": nil,
		"active_lock_reason": nil, "created_at": stamp(p.Created), "updated_at": stamp(p.Updated),
		"closed_at": stampOrNil(p.Closed), "merged_at": s.mergedAt(p), "merge_commit_sha": nullable(p.MergeCommit),
		"assignee": nil, "assignees": []any{}, "requested_reviewers": []any{}, "requested_teams": []any{},
		"head": s.pullSideJSON(p.headRepo, p.HeadRef, p.HeadSHA), "base": s.pullSideJSON(p.repo, p.BaseRef, p.BaseSHA),
		"_links": map[string]any{
			"self": link(u), "html": link(html), "issue": link(issue), "comments": link(issue + "/comments"),
			"review_comments": link(u + "/comments"), "review_comment": link(comment),
			"commits": link(u + "/commits"), "statuses": link(statuses),
		},
		"author_association": p.repo.association(p.author), "auto_merge": nil, "draft": p.Draft,
	}
}

func (s *Server) mergedAt(p *pull) any {
	if !p.Merged {
		return nil
	}
	return stamp(p.Closed)
}

// pullJSON is a whole pull request.
func (s *Server) pullJSON(p *pull) map[string]any {
	out := s.pullSimpleJSON(p)
	files, err := s.filesOf(p)
	if err != nil {
		s.log.Error("diff of a pull request", "number", p.Number, "err", err)
	}
	additions, deletions := 0, 0
	for _, f := range files {
		additions += f.Additions
		deletions += f.Deletions
	}
	commits := 0
	if cs, err := p.repo.objects.between(plumbing.NewHash(p.BaseSHA), plumbing.NewHash(p.HeadSHA)); err == nil {
		commits = len(cs)
	}
	reviewComments := 0
	for _, t := range p.threads {
		reviewComments += len(t.Comments)
	}
	out["merged"], out["mergeable"], out["rebaseable"] = p.Merged, nil, nil
	out["mergeable_state"] = "unknown"
	out["merged_by"] = nil
	if p.mergedBy != nil {
		out["merged_by"] = s.accountJSON(p.mergedBy)
	}
	out["comments"], out["review_comments"] = len(p.comments), reviewComments
	out["maintainer_can_modify"], out["commits"] = p.AllowMaintainer, commits
	out["additions"], out["deletions"], out["changed_files"] = additions, deletions, len(files)
	return out
}

func (s *Server) fileJSON(r *repository, head string, f FileDiff) map[string]any {
	html := s.baseURL + "/" + r.fullName()
	out := map[string]any{
		"sha": f.SHA, "filename": f.Path, "status": f.Status, "additions": f.Additions, "deletions": f.Deletions,
		"changes": f.Additions + f.Deletions, "blob_url": html + "/blob/" + head + "/" + f.Path,
		"raw_url":      html + "/raw/" + head + "/" + f.Path,
		"contents_url": s.api("/repos/" + r.fullName() + "/contents/" + f.Path + "?ref=" + head),
	}
	if p := f.Patch(); p != "" {
		out["patch"] = p
	}
	if f.PreviousPath != "" {
		out["previous_filename"] = f.PreviousPath
	}
	return out
}

// minimalPullsJSON lists the open pull requests of the repository itself (not
// of forks) whose head is a commit, as check runs and suites name them.
func (s *Server) minimalPullsJSON(r *repository, sha string) []any {
	out := []any{}
	for _, p := range r.pulls {
		if p.State != "open" || p.HeadSHA != sha || p.headRepo != r {
			continue
		}
		side := func(rr *repository, ref, sha string) map[string]any {
			return map[string]any{"ref": ref, "sha": sha, "repo": map[string]any{
				"id": rr.id, "url": s.api("/repos/" + rr.fullName()), "name": rr.name,
			}}
		}
		out = append(out, map[string]any{
			"id": p.ID, "number": p.Number, "url": s.api("/repos/" + r.fullName() + "/pulls/" + strconv.Itoa(p.Number)),
			"head": side(p.headRepo, p.HeadRef, p.HeadSHA), "base": side(r, p.BaseRef, p.BaseSHA),
		})
	}
	return out
}
