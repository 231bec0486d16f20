package githubsim

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// graph makes the nodes of one request. s.mu is held while it is walked.
type graph struct {
	s     *Server
	token *token
	app   *App
	actor *Account
}

func gqlNotFound(message string) *gqlError { return &gqlError{kind: "NOT_FOUND", message: message} }

// need gives GitHub's refusal when the token lacks a permission.
func (g *graph) need(r *repository, permission, level string) error {
	err := g.token.may(r, permission, level)
	switch {
	case err == nil:
		return nil
	case err.status == 404:
		return gqlNotFound("Could not resolve to a Repository with the name '" + r.fullName() + "'.")
	}
	return &gqlError{kind: "FORBIDDEN", message: err.message}
}

func (g *graph) query() node {
	return node{
		"__typename": "Query",
		"viewer":     g.account(g.actor),
		"rateLimit": resolver(func(map[string]any) (any, error) {
			in := g.token.installation
			return node{
				"__typename": "RateLimit", "cost": 1, "limit": g.s.opts.RateLimit, "used": in.rate.used,
				"remaining": g.s.opts.RateLimit - in.rate.used, "resetAt": stamp(in.rate.reset), "nodeCount": 1,
			}, nil
		}),
		"repository": resolver(func(args map[string]any) (any, error) {
			owner, _ := args["owner"].(string)
			name, _ := args["name"].(string)
			return g.repositoryNamed(owner + "/" + name)
		}),
		"node": resolver(func(args map[string]any) (any, error) {
			id, _ := args["id"].(string)
			return g.byID(id)
		}),
		"nodes": resolver(func(args map[string]any) (any, error) {
			ids, _ := args["ids"].([]any)
			out := []any{}
			for _, id := range ids {
				text, _ := id.(string)
				n, err := g.byID(text)
				if err != nil {
					return nil, err
				}
				out = append(out, n)
			}
			return out, nil
		}),
	}
}

func (g *graph) repositoryNamed(fullName string) (any, error) {
	r := g.s.repos[strings.ToLower(fullName)]
	if r == nil {
		return nil, gqlNotFound("Could not resolve to a Repository with the name '" + fullName + "'.")
	}
	if err := g.need(r, "metadata", "read"); err != nil {
		return nil, err
	}
	return g.repository(r), nil
}

// byID finds what a node id stands for.
func (g *graph) byID(id string) (any, error) {
	missing := gqlNotFound("Could not resolve to a node with the global id of '" + id + "'")
	kind, n, ok := parseNodeID(id)
	if !ok {
		return nil, missing
	}
	for _, r := range g.s.repos {
		if kind == "R" && r.id == n {
			return g.repositoryNamed(r.fullName())
		}
		for _, p := range r.pulls {
			found := g.within(p, kind, n)
			if found == nil {
				continue
			}
			if err := g.need(r, "pull_requests", "read"); err != nil {
				return nil, err
			}
			return found, nil
		}
	}
	return nil, missing
}

func (g *graph) within(p *pull, kind string, id int64) any {
	switch kind {
	case "PR":
		if p.ID == id {
			return g.pull(p)
		}
	case "PRRT":
		if t := p.thread(id); t != nil {
			return g.thread(p, t)
		}
	case "PRRC":
		for _, t := range p.threads {
			for _, c := range t.Comments {
				if c.ID == id {
					return g.reviewComment(p, t, c)
				}
			}
		}
	case "IC":
		for _, c := range p.comments {
			if c.ID == id {
				return g.issueComment(p, c)
			}
		}
	case "PRR":
		for _, v := range p.reviews {
			if v.ID == id {
				return g.review(p, v)
			}
		}
	}
	return nil
}

// account is an actor. A bot's login is without "[bot]" here.
func (g *graph) account(a *Account) node {
	return node{
		"__typename": a.Type, "id": nodeID("U", a.ID), "databaseId": a.ID, "login": strings.TrimSuffix(a.Login, "[bot]"),
		"url": g.s.baseURL + "/" + a.Login, "resourcePath": "/" + a.Login, "avatarUrl": g.s.baseURL + "/avatars/" + strconv.FormatInt(a.ID, 10),
	}
}

func (g *graph) repository(r *repository) node {
	return node{
		"__typename": "Repository", "id": nodeID("R", r.id), "databaseId": r.id, "name": r.name, "nameWithOwner": r.fullName(),
		"owner": g.account(r.owner), "url": g.s.baseURL + "/" + r.fullName(), "isPrivate": r.private, "isFork": r.parent != nil,
		"isArchived": false, "isEmpty": len(r.refs) == 0,
		"defaultBranchRef": resolver(func(map[string]any) (any, error) {
			return g.ref(r, plumbing.NewBranchReferenceName(r.defaultBranch)), nil
		}),
		"ref": resolver(func(args map[string]any) (any, error) {
			name, _ := args["qualifiedName"].(string)
			if !strings.HasPrefix(name, "refs/") {
				name = "refs/heads/" + name
			}
			return g.ref(r, plumbing.ReferenceName(name)), nil
		}),
		"object": resolver(func(args map[string]any) (any, error) {
			if err := g.need(r, "contents", "read"); err != nil {
				return nil, err
			}
			oid, _ := args["oid"].(string)
			expression, _ := args["expression"].(string)
			return g.object(r, oid, expression), nil
		}),
		"pullRequest": resolver(func(args map[string]any) (any, error) {
			if err := g.need(r, "pull_requests", "read"); err != nil {
				return nil, err
			}
			n, _ := intArg(args, "number")
			p := r.pull(n)
			if p == nil {
				return nil, gqlNotFound("Could not resolve to a PullRequest with the number of " + strconv.Itoa(n) + ".")
			}
			return g.pull(p), nil
		}),
		"pullRequests": resolver(func(args map[string]any) (any, error) {
			if err := g.need(r, "pull_requests", "read"); err != nil {
				return nil, err
			}
			var states []any
			switch v := args["states"].(type) {
			case []any:
				states = v
			case string:
				states = []any{v}
			}
			items := []any{}
			for _, p := range r.pulls {
				head, _ := args["headRefName"].(string)
				base, _ := args["baseRefName"].(string)
				if states != nil && !slices.Contains(states, any(p.gqlState())) ||
					head != "" && head != p.HeadRef || base != "" && base != p.BaseRef {
					continue
				}
				items = append(items, g.pull(p))
			}
			return connection("PullRequest", items)(args)
		}),
	}
}

func (g *graph) ref(r *repository, name plumbing.ReferenceName) any {
	h, ok := r.refs[name]
	if !ok {
		return nil
	}
	return node{
		"__typename": "Ref", "id": "REF_" + string(name), "name": name.Short(), "prefix": strings.TrimSuffix(string(name), name.Short()),
		"target": resolver(func(map[string]any) (any, error) {
			if err := g.need(r, "contents", "read"); err != nil {
				return nil, err
			}
			return g.gitObject(r, h), nil
		}),
	}
}

// object resolves an oid, or an expression: a commit, or commit:path.
func (g *graph) object(r *repository, oid, expression string) any {
	if oid != "" {
		return g.gitObject(r, plumbing.NewHash(oid))
	}
	rev, path, hasPath := strings.Cut(expression, ":")
	h, ok := g.s.resolve(r, rev)
	if !ok {
		return nil
	}
	if !hasPath {
		return g.gitObject(r, h)
	}
	tree, err := r.objects.treeOf(h)
	if err != nil {
		return nil
	}
	if path == "" {
		return g.gitObject(r, tree.Hash)
	}
	e, err := tree.FindEntry(path)
	if err != nil {
		return nil
	}
	return g.gitObject(r, e.Hash)
}

func (g *graph) gitObject(r *repository, h plumbing.Hash) any {
	obj, err := r.objects.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		return nil
	}
	n := node{"id": "GO_" + h.String(), "oid": h.String(), "abbreviatedOid": h.String()[:7]}
	switch obj.Type() {
	case plumbing.CommitObject:
		n["__typename"] = "Commit"
		g.commit(r, h, n)
	case plumbing.TreeObject:
		n["__typename"] = "Tree"
		n["entries"] = resolver(func(map[string]any) (any, error) { return g.entries(r, h) })
	case plumbing.BlobObject:
		n["__typename"], n["byteSize"], n["isTruncated"] = "Blob", obj.Size(), false
		n["isBinary"] = resolver(func(map[string]any) (any, error) {
			b, err := r.objects.blob(h)
			return isBinary(b), err
		})
		n["text"] = resolver(func(map[string]any) (any, error) {
			b, err := r.objects.blob(h)
			if err != nil || isBinary(b) || !utf8.Valid(b) {
				return nil, err
			}
			return string(b), nil
		})
	default:
		return nil
	}
	return n
}

func (g *graph) entries(r *repository, tree plumbing.Hash) (any, error) {
	t, err := object.GetTree(r.objects, tree)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, e := range t.Entries {
		kind := "blob"
		switch e.Mode {
		case filemode.Dir:
			kind = "tree"
		case filemode.Submodule:
			kind = "commit"
		}
		out = append(out, node{
			"__typename": "TreeEntry", "name": e.Name, "oid": e.Hash.String(), "mode": int(e.Mode), "type": kind,
			"object": resolver(func(map[string]any) (any, error) { return g.gitObject(r, e.Hash), nil }),
		})
	}
	return out, nil
}

func (g *graph) commit(r *repository, h plumbing.Hash, n node) {
	n["url"] = g.s.baseURL + "/" + r.fullName() + "/commit/" + h.String()
	c, err := r.objects.commit(h)
	if err != nil {
		return
	}
	headline, body, _ := strings.Cut(strings.TrimSuffix(c.Message, "\n"), "\n")
	n["message"], n["messageHeadline"], n["messageBody"] = c.Message, headline, strings.TrimSpace(body)
	n["committedDate"], n["authoredDate"] = stamp(c.Committer.When), stamp(c.Author.When)
	n["tree"] = resolver(func(map[string]any) (any, error) { return g.gitObject(r, c.TreeHash), nil })
	parents := []any{}
	for _, p := range c.ParentHashes {
		parents = append(parents, node{"__typename": "Commit", "oid": p.String()})
	}
	n["parents"] = connection("Commit", parents)
	n["checkSuites"] = resolver(func(args map[string]any) (any, error) {
		if err := g.need(r, "checks", "read"); err != nil {
			return nil, err
		}
		filter, _ := args["filterBy"].(map[string]any)
		appID, hasApp := intArg(filter, "appId")
		items := []any{}
		for _, x := range r.suites {
			if x.HeadSHA == h.String() && (!hasApp || x.AppID == int64(appID)) {
				items = append(items, g.suite(r, x))
			}
		}
		return connection("CheckSuite", items)(args)
	})
}

func (g *graph) suite(r *repository, x *CheckSuite) node {
	status, conclusion, _ := r.suiteState(x)
	return node{
		"__typename": "CheckSuite", "id": nodeID("CS", x.ID), "databaseId": x.ID, "app": g.appNode(x.AppID),
		"status": strings.ToUpper(status), "conclusion": nullable(strings.ToUpper(conclusion)),
		"createdAt": stamp(x.Created), "updatedAt": stamp(x.Updated),
		"checkRuns": resolver(func(args map[string]any) (any, error) {
			filter, _ := args["filterBy"].(map[string]any)
			name, _ := filter["checkName"].(string)
			items := []any{}
			for _, run := range newestFirst(r.runs) {
				if run.SuiteID == x.ID && (name == "" || run.Name == name) {
					items = append(items, g.run(r, run))
				}
			}
			return connection("CheckRun", items)(args)
		}),
	}
}

func (g *graph) appNode(id int64) any {
	a := g.s.apps[id]
	if a == nil {
		return nil
	}
	return node{"__typename": "App", "id": nodeID("A", a.ID), "databaseId": a.ID, "slug": a.Slug, "name": a.Name}
}

func (g *graph) run(r *repository, c *CheckRun) node {
	annotations := []any{}
	for _, a := range c.Annotations {
		annotations = append(annotations, node{
			"__typename": "CheckAnnotation", "path": a.Path, "annotationLevel": strings.ToUpper(a.Level), "message": a.Message,
			"title": nullable(a.Title), "rawDetails": nullable(a.RawDetails),
			"location": node{
				"__typename": "CheckAnnotationSpan",
				"start":      node{"__typename": "CheckAnnotationPosition", "line": a.StartLine, "column": nil},
				"end":        node{"__typename": "CheckAnnotationPosition", "line": a.EndLine, "column": nil},
			},
		})
	}
	return node{
		"__typename": "CheckRun", "id": nodeID("CR", c.ID), "databaseId": c.ID, "name": c.Name, "externalId": nullable(c.ExternalID),
		"status": strings.ToUpper(c.Status), "conclusion": nullable(strings.ToUpper(c.Conclusion)),
		"title": nullable(c.Title), "summary": nullable(c.Summary), "text": nullable(c.Text),
		"startedAt": stampOrNil(c.Started), "completedAt": stampOrNil(c.Completed), "detailsUrl": nullable(c.DetailsURL),
		"url": g.s.baseURL + "/" + r.fullName() + "/runs/" + strconv.FormatInt(c.ID, 10), "annotations": connection("CheckAnnotation", annotations),
	}
}

func (p *pull) gqlState() string {
	if p.Merged {
		return "MERGED"
	}
	return strings.ToUpper(p.State)
}

func (g *graph) pull(p *pull) node {
	list := func(typeName string, n int, item func(i int) any) resolver {
		return func(args map[string]any) (any, error) {
			items := make([]any, 0, n)
			for i := range n {
				items = append(items, item(i))
			}
			return connection(typeName, items)(args)
		}
	}
	return node{
		"__typename": "PullRequest", "id": nodeID("PR", p.ID), "databaseId": p.ID, "fullDatabaseId": strconv.FormatInt(p.ID, 10),
		"number": p.Number, "title": p.Title, "body": p.Body, "state": p.gqlState(), "isDraft": p.Draft, "merged": p.Merged,
		"closed": p.State == "closed", "locked": false, "url": g.s.baseURL + "/" + p.repo.fullName() + "/pull/" + strconv.Itoa(p.Number),
		"author": g.account(p.author), "authorAssociation": p.repo.association(p.author),
		"headRefName": p.HeadRef, "headRefOid": p.HeadSHA, "baseRefName": p.BaseRef, "baseRefOid": p.BaseSHA,
		"isCrossRepository": p.headRepo != p.repo, "maintainerCanModify": p.AllowMaintainer,
		"createdAt": stamp(p.Created), "updatedAt": stamp(p.Updated), "closedAt": stampOrNil(p.Closed), "mergedAt": g.s.mergedAt(p),
		"mergeable": "UNKNOWN", "headRepositoryOwner": g.account(p.headRepo.owner),
		"repository":     resolver(func(map[string]any) (any, error) { return g.repository(p.repo), nil }),
		"baseRepository": resolver(func(map[string]any) (any, error) { return g.repository(p.repo), nil }),
		"headRepository": resolver(func(map[string]any) (any, error) { return g.repository(p.headRepo), nil }),
		"headRef": resolver(func(map[string]any) (any, error) {
			return g.ref(p.headRepo, plumbing.NewBranchReferenceName(p.HeadRef)), nil
		}),
		"baseRef": resolver(func(map[string]any) (any, error) {
			return g.ref(p.repo, plumbing.NewBranchReferenceName(p.BaseRef)), nil
		}),
		"changedFiles": resolver(func(map[string]any) (any, error) {
			files, err := g.s.filesOf(p)
			return len(files), err
		}),
		"files": resolver(func(args map[string]any) (any, error) {
			files, err := g.s.filesOf(p)
			if err != nil {
				return nil, err
			}
			items := []any{}
			for _, f := range files {
				items = append(items, node{
					"__typename": "PullRequestChangedFile", "path": f.Path, "additions": f.Additions, "deletions": f.Deletions,
					"changeType": map[string]string{"added": "ADDED", "removed": "DELETED", "modified": "MODIFIED", "renamed": "RENAMED"}[f.Status],
				})
			}
			return connection("PullRequestChangedFile", items)(args)
		}),
		"commits": resolver(func(args map[string]any) (any, error) {
			commits, err := p.repo.objects.between(plumbing.NewHash(p.BaseSHA), plumbing.NewHash(p.HeadSHA))
			if err != nil {
				return nil, err
			}
			items := []any{}
			for _, c := range commits {
				items = append(items, node{
					"__typename": "PullRequestCommit", "id": "PRC_" + c.Hash.String(), "commit": g.gitObject(p.repo, c.Hash),
				})
			}
			return connection("PullRequestCommit", items)(args)
		}),
		"reviewThreads": list("PullRequestReviewThread", len(p.threads), func(i int) any { return g.thread(p, p.threads[i]) }),
		"comments":      list("IssueComment", len(p.comments), func(i int) any { return g.issueComment(p, p.comments[i]) }),
		"reviews":       list("PullRequestReview", len(p.reviews), func(i int) any { return g.review(p, p.reviews[i]) }),
	}
}

func (g *graph) thread(p *pull, t *Thread) node {
	comments := []any{}
	for _, c := range t.Comments {
		comments = append(comments, g.reviewComment(p, t, c))
	}
	n := node{
		"__typename": "PullRequestReviewThread", "id": nodeID("PRRT", t.ID), "isResolved": t.Resolved, "isOutdated": t.Outdated,
		"isCollapsed": t.Resolved || t.Outdated, "path": t.Path, "line": nullableInt(t.Line), "startLine": nullableInt(t.StartLine),
		"originalLine": nullableInt(t.OriginalLine), "originalStartLine": nullableInt(t.OriginalStart),
		"diffSide": t.Side, "startDiffSide": nullable(t.StartSide), "subjectType": strings.ToUpper(t.SubjectType),
		"resolvedBy": nil, "comments": connection("PullRequestReviewComment", comments),
		"pullRequest": resolver(func(map[string]any) (any, error) { return g.pull(p), nil }),
		"repository":  resolver(func(map[string]any) (any, error) { return g.repository(p.repo), nil }),
		// Resolving asks an App for write permission to the contents.
		"viewerCanResolve":   !t.Resolved && allows(g.token.permissions, "contents", "write"),
		"viewerCanUnresolve": t.Resolved && allows(g.token.permissions, "contents", "write"),
		"viewerCanReply":     allows(g.token.permissions, "pull_requests", "write"),
	}
	if t.ResolvedBy != nil {
		n["resolvedBy"] = g.account(t.ResolvedBy)
	}
	return n
}

func (g *graph) reviewComment(p *pull, t *Thread, c *ReviewComment) node {
	n := node{
		"__typename": "PullRequestReviewComment", "id": nodeID("PRRC", c.ID), "databaseId": c.ID, "body": c.Body,
		"fullDatabaseId": strconv.FormatInt(c.ID, 10),
		"author":         g.account(c.Author), "authorAssociation": p.repo.association(c.Author), "path": t.Path,
		"line": nullableInt(t.Line), "originalLine": nullableInt(t.OriginalLine),
		"startLine": nullableInt(t.StartLine), "originalStartLine": nullableInt(t.OriginalStart),
		"diffHunk": t.DiffHunk, "outdated": t.Outdated, "createdAt": stamp(c.Created), "updatedAt": stamp(c.Updated),
		"isMinimized": c.Minimized != "", "minimizedReason": nullable(c.Minimized), "replyTo": nil,
		"viewerDidAuthor": c.Author == g.actor, "url": g.s.baseURL + "/" + p.repo.fullName() + "/pull/" + strconv.Itoa(p.Number) + "#discussion_r" + strconv.FormatInt(c.ID, 10),
		"commit":            resolver(func(map[string]any) (any, error) { return g.gitObject(p.repo, plumbing.NewHash(t.CommitID)), nil }),
		"originalCommit":    resolver(func(map[string]any) (any, error) { return g.gitObject(p.repo, plumbing.NewHash(t.OriginalCommit)), nil }),
		"pullRequestReview": g.within(p, "PRR", c.ReviewID),
	}
	if c.InReplyTo != 0 {
		n["replyTo"] = node{"__typename": "PullRequestReviewComment", "id": nodeID("PRRC", c.InReplyTo), "databaseId": c.InReplyTo}
	}
	return n
}

func (g *graph) issueComment(p *pull, c *IssueComment) node {
	return node{
		"__typename": "IssueComment", "id": nodeID("IC", c.ID), "databaseId": c.ID, "body": c.Body, "author": g.account(c.Author),
		"fullDatabaseId":    strconv.FormatInt(c.ID, 10),
		"authorAssociation": p.repo.association(c.Author), "createdAt": stamp(c.Created), "updatedAt": stamp(c.Updated),
		"isMinimized": c.Minimized != "", "minimizedReason": nullable(c.Minimized), "viewerDidAuthor": c.Author == g.actor,
	}
}

func (g *graph) review(p *pull, v *Review) node {
	return node{
		"__typename": "PullRequestReview", "id": nodeID("PRR", v.ID), "databaseId": v.ID, "body": v.Body, "state": v.State,
		"author": g.account(v.Author), "authorAssociation": p.repo.association(v.Author), "submittedAt": stamp(v.Submitted),
		"viewerDidAuthor": v.Author == g.actor,
		"commit":          resolver(func(map[string]any) (any, error) { return g.gitObject(p.repo, plumbing.NewHash(v.CommitID)), nil }),
	}
}
