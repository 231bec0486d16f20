package githubsim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

const (
	maxBody      = 65536 // characters of a comment or review
	maxPullFiles = 3000
)

func pullEndpoints() []endpoint {
	const p = "/repos/{owner}/{repo}/pulls"
	return []endpoint{
		{method: "GET", path: p, permission: "pull_requests", level: "read", handle: listPulls},
		{method: "GET", path: p + "/{pull_number}", permission: "pull_requests", level: "read", handle: getPull},
		{method: "GET", path: p + "/{pull_number}/files", permission: "pull_requests", level: "read", handle: listFiles},
		{method: "GET", path: p + "/{pull_number}/commits", permission: "pull_requests", level: "read", handle: listCommits},
		{method: "GET", path: p + "/{pull_number}/reviews", permission: "pull_requests", level: "read", handle: listReviews},
		{method: "POST", path: p + "/{pull_number}/reviews", permission: "pull_requests", level: "write", handle: createReview},
		{method: "GET", path: p + "/{pull_number}/reviews/{review_id}", permission: "pull_requests", level: "read", handle: getReview},
		{method: "GET", path: "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", permission: "pull_requests", level: "read", handle: listPullsOfCommit},
	}
}

func listPulls(c *call) (int, any, error) {
	q := c.r.URL.Query()
	state := q.Get("state")
	if state == "" {
		state = "open"
	}
	var out []*pull
	for _, p := range newestFirst(c.repo.pulls) {
		if state != "all" && p.State != state || q.Get("base") != "" && q.Get("base") != p.BaseRef {
			continue
		}
		if h := q.Get("head"); h != "" && !strings.EqualFold(h, p.HeadOwner+":"+p.HeadRef) {
			continue
		}
		out = append(out, p)
	}
	if q.Get("direction") == "asc" {
		slices.Reverse(out)
	}
	return 200, render(page(c, out), func(p *pull) any { return c.s.pullSimpleJSON(p) }), nil
}

func getPull(c *call) (int, any, error) {
	p, err := c.pull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	return 200, c.s.pullJSON(p), nil
}

func listPullsOfCommit(c *call) (int, any, error) {
	sha := c.r.PathValue("commit_sha")
	var out []*pull
	for _, p := range c.repo.pulls {
		if p.HeadSHA == sha {
			out = append(out, p)
		}
	}
	return 200, render(page(c, out), func(p *pull) any { return c.s.pullSimpleJSON(p) }), nil
}

// filesOf gives the diff of a pull request: its head against the merge base.
func (s *Server) filesOf(p *pull) ([]FileDiff, error) {
	base, head := plumbing.NewHash(p.BaseSHA), plumbing.NewHash(p.HeadSHA)
	mb, ok, err := p.repo.objects.mergeBase(base, head)
	if err != nil {
		return nil, err
	}
	if !ok {
		mb = plumbing.ZeroHash
	}
	return p.repo.objects.diffCommits(context.Background(), mb, head)
}

func listFiles(c *call) (int, any, error) {
	p, err := c.pull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	files, err := c.s.filesOf(p)
	if err != nil {
		return 0, nil, err
	}
	files = files[:min(len(files), maxPullFiles)]
	return 200, render(page(c, files), func(f FileDiff) any { return c.s.fileJSON(c.repo, p.HeadSHA, f) }), nil
}

func listCommits(c *call) (int, any, error) {
	p, err := c.pull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	commits, err := c.repo.objects.between(plumbing.NewHash(p.BaseSHA), plumbing.NewHash(p.HeadSHA))
	if err != nil {
		return 0, nil, err
	}
	return 200, render(page(c, commits), func(x *object.Commit) any { return c.s.commitJSON(c.repo, x) }), nil
}

func listReviews(c *call) (int, any, error) {
	p, err := c.pull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	return 200, render(page(c, p.reviews), func(v *Review) any { return c.s.reviewJSON(p, v) }), nil
}

func getReview(c *call) (int, any, error) {
	p, err := c.pull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	id, err := c.number("review_id")
	if err != nil {
		return 0, nil, err
	}
	for _, v := range p.reviews {
		if v.ID == id {
			return 200, c.s.reviewJSON(p, v), nil
		}
	}
	return 0, nil, notFound()
}

// anchor is where a new comment is to stand.
type anchor struct {
	Path        string `json:"path"`
	Body        string `json:"body"`
	Position    *int   `json:"position"`
	Line        *int   `json:"line"`
	Side        string `json:"side"`
	StartLine   *int   `json:"start_line"`
	StartSide   string `json:"start_side"`
	SubjectType string `json:"subject_type"`
}

// place makes the thread of a comment on a diff, or says in which field and why
// it cannot stand there.
func (a anchor) place(files []FileDiff) (t *Thread, field, why string) {
	i := slices.IndexFunc(files, func(f FileDiff) bool { return f.Path == a.Path })
	if i < 0 {
		return nil, "path", "Path could not be resolved"
	}
	f := &files[i]
	t = &Thread{Path: a.Path, SubjectType: "line", Side: a.Side}
	if a.SubjectType == "file" {
		t.SubjectType, t.Side = "file", "RIGHT"
		return t, "", ""
	}
	if a.Line == nil && a.Position != nil {
		line, side, ok := f.at(*a.Position)
		if !ok {
			return nil, "position", "Position could not be resolved"
		}
		a.Line, a.Side, t.Side = &line, side, side
	}
	if a.Line == nil {
		return nil, "line", "Line could not be resolved"
	}
	if t.Side == "" {
		t.Side = "RIGHT"
	}
	if t.Side != "LEFT" && t.Side != "RIGHT" {
		return nil, "side", "Side is not included in the list"
	}
	t.Line = *a.Line
	hunk := f.hunkOf(t.Side, t.Line)
	if hunk < 0 {
		return nil, "line", "Line could not be resolved"
	}
	if a.StartLine != nil {
		t.StartLine, t.StartSide = *a.StartLine, a.StartSide
		if t.StartSide == "" {
			t.StartSide = t.Side
		}
		if t.StartSide != "LEFT" && t.StartSide != "RIGHT" {
			return nil, "start_side", "Start side is not included in the list"
		}
		switch start := f.hunkOf(t.StartSide, t.StartLine); {
		case t.StartSide == t.Side && t.StartLine >= t.Line:
			return nil, "start_line", "Start line must precede the end line."
		case start < 0:
			return nil, "start_line", "Start line could not be resolved"
		case start != hunk:
			return nil, "start_line", "Start line must be part of the same hunk as the line."
		}
	}
	t.OriginalLine, t.OriginalStart = t.Line, t.StartLine
	t.Position = f.position(t.Side, t.Line)
	t.OriginalPosition = t.Position
	t.DiffHunk = f.hunkUpTo(t.Side, t.Line)
	return t, "", ""
}

// at gives the line of a position below the first hunk header.
func (f *FileDiff) at(position int) (line int, side string, ok bool) {
	n := 0
	for i, h := range f.Hunks {
		if i > 0 {
			n++
		}
		for _, l := range h.Lines {
			if n++; n == position {
				if l.Op == '-' {
					return l.Old, "LEFT", true
				}
				return l.New, "RIGHT", true
			}
		}
	}
	return 0, "", false
}

// checkBody refuses an empty or too long text.
func checkBody(resource, body string) *apiError {
	switch {
	case strings.TrimSpace(body) == "":
		return invalid(resource, "body", "missing_field", "")
	case utf8.RuneCountInString(body) > maxBody:
		return invalid(resource, "body", "custom", fmt.Sprintf("body is too long (maximum is %d characters)", maxBody))
	}
	return nil
}

func createReview(c *call) (int, any, error) {
	p, err := c.pull("pull_number")
	if err != nil {
		return 0, nil, err
	}
	var body struct {
		CommitID string   `json:"commit_id"`
		Body     string   `json:"body"`
		Event    string   `json:"event"`
		Comments []anchor `json:"comments"`
	}
	if err := c.decode(&body); err != nil {
		return 0, nil, err
	}
	state, ok := map[string]string{
		"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "": "PENDING",
	}[body.Event]
	switch {
	case !ok:
		return 0, nil, &apiError{status: 422, message: "Unprocessable Entity", errors: []any{"Event is not included in the list"}}
	case (body.Event == "COMMENT" || body.Event == "REQUEST_CHANGES") && strings.TrimSpace(body.Body) == "":
		return 0, nil, unprocessable("Body can't be blank")
	case utf8.RuneCountInString(body.Body) > maxBody:
		return 0, nil, unprocessable(fmt.Sprintf("Body is too long (maximum is %d characters)", maxBody))
	case p.author == c.actor && (body.Event == "APPROVE" || body.Event == "REQUEST_CHANGES"):
		return 0, nil, unprocessable("Can not approve your own pull request")
	case state == "PENDING":
		return 0, nil, unprocessable("Pending reviews are not simulated")
	}
	files, commit, apiErr := c.diffAt(p, body.CommitID)
	if apiErr != nil {
		return 0, nil, apiErr
	}
	var threads []*Thread
	for _, a := range body.Comments {
		if a.SubjectType != "" {
			return 0, nil, unprocessable("subject_type is not a permitted key")
		}
		if err := checkBody("PullRequestReviewComment", a.Body); err != nil {
			return 0, nil, unprocessable("Comment body is blank or too long")
		}
		t, _, why := a.place(files)
		if t == nil {
			return 0, nil, unprocessable(why)
		}
		threads = append(threads, t)
	}
	now := c.s.now()
	v := &Review{
		ID: c.s.id(), Author: c.actor, App: c.app, Body: body.Body, State: state, CommitID: commit, Submitted: now,
	}
	p.reviews = append(p.reviews, v)
	for i, t := range threads {
		c.addThread(p, t, v.ID, commit, body.Comments[i].Body)
	}
	p.Updated = now
	c.s.touch()
	return 200, c.s.reviewJSON(p, v), nil
}

// diffAt gives the diff that comments on a commit of the pull request refer to;
// "" is its head.
func (c *call) diffAt(p *pull, commit string) ([]FileDiff, string, *apiError) {
	if commit == "" {
		commit = p.HeadSHA
	}
	if commit != p.HeadSHA {
		known := false
		commits, err := p.repo.objects.between(plumbing.NewHash(p.BaseSHA), plumbing.NewHash(p.HeadSHA))
		if err == nil {
			known = slices.ContainsFunc(commits, func(x *object.Commit) bool { return x.Hash.String() == commit })
		}
		if !known {
			return nil, "", &apiError{status: 422, message: "Unprocessable Entity", errors: []any{"Commit is not part of the pull request"}}
		}
	}
	old := *p
	old.HeadSHA = commit
	files, err := c.s.filesOf(&old)
	if err != nil {
		return nil, "", &apiError{status: 500, message: err.Error()}
	}
	return files, commit, nil
}

// addThread gives a placed thread its first comment.
func (c *call) addThread(p *pull, t *Thread, review int64, commit, body string) *ReviewComment {
	now := c.s.now()
	t.ID, t.CommitID, t.OriginalCommit = c.s.id(), commit, commit
	rc := &ReviewComment{ID: c.s.id(), ReviewID: review, Author: c.actor, App: c.app, Body: body, Created: now, Updated: now}
	t.Comments = []*ReviewComment{rc}
	p.threads = append(p.threads, t)
	if commit != p.HeadSHA {
		c.s.relocate(p)
	}
	return rc
}

// relocate moves every thread along to the pull request's head: a thread whose
// lines are still there, and still in the diff, moves with them; one whose lines
// changed is outdated.
func (s *Server) relocate(p *pull) {
	files, err := s.filesOf(p)
	if err != nil {
		s.log.Error("diff of a pull request", "number", p.Number, "err", err)
		return
	}
	for _, t := range p.threads {
		if t.SubjectType == "file" {
			continue
		}
		line, start, ok := s.follow(p, t)
		if ok {
			a := anchor{Path: t.Path, Line: &line, Side: t.Side, StartSide: t.StartSide}
			if start > 0 {
				a.StartLine = &start
			}
			if placed, _, _ := a.place(files); placed != nil {
				t.Line, t.StartLine, t.Position = line, start, placed.Position
				t.CommitID, t.Outdated = p.HeadSHA, false
				continue
			}
		}
		t.Line, t.StartLine, t.Position, t.Outdated = 0, 0, 0, true
	}
}

// follow finds a thread's original lines in the head.
func (s *Server) follow(p *pull, t *Thread) (line, start int, ok bool) {
	if t.Side == "LEFT" {
		return t.OriginalLine, t.OriginalStart, true
	}
	before, err := p.repo.objects.file(plumbing.NewHash(t.OriginalCommit), t.Path)
	if err != nil {
		return 0, 0, false
	}
	after, err := p.repo.objects.file(plumbing.NewHash(p.HeadSHA), t.Path)
	if err != nil {
		return 0, 0, false
	}
	if line, ok = moved(string(before), string(after), t.OriginalLine); !ok {
		return 0, 0, false
	}
	if t.OriginalStart == 0 {
		return line, 0, true
	}
	for l := t.OriginalStart; l < t.OriginalLine; l++ {
		n, ok := moved(string(before), string(after), l)
		if !ok || n != line-(t.OriginalLine-l) {
			return 0, 0, false
		}
	}
	return line, line - (t.OriginalLine - t.OriginalStart), true
}
