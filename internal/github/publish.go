package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// maxEdits bounds the comments that one publication edits: GitHub allows 80
// content-creating requests a minute. What is left comes with the next push.
const maxEdits = 60

// Publication is a review on its way to GitHub.
type Publication struct {
	Review *review.Review
	// Unread reports whether a path belongs to what the review could not see
	// in full: a finding that is missing there is not taken as fixed. nil: all
	// was seen.
	Unread func(path string) bool
	// Confirm, when set, is asked right before comments are written or the run
	// is completed; with an error nothing is.
	Confirm func(ctx context.Context) error
}

func (p Publication) confirm(ctx context.Context) error {
	if p.Confirm == nil {
		return nil
	}
	return p.Confirm(ctx)
}

// Outcome says what a publication changed.
type Outcome struct {
	Comments    int // posted, in one review
	Edited      int // comments whose meaning changed, or that were opened again
	Settled     int // threads that were said to be fixed
	Resolved    int // of these, those that could be resolved
	Annotations int
}

// Publish brings the pull request in line with a review: the comments that are
// missing, in one review; comments that mean something else now, edited; threads
// whose findings are gone, settled; then the check run, completed. Calling it
// again with the same review changes nothing but the check run.
//
// A merge queue's group (pr.Number 0) has the check run alone.
//
// ErrSuperseded, with the run completed as neutral, when the head has moved. No
// other call to GitHub is made then.
func (c *Client) Publish(ctx context.Context, pr PullRequest, run *Run, p Publication) (Outcome, error) {
	var out Outcome
	annotations := p.Review.Annotations
	if pr.Number != 0 && (len(p.Review.Comments) > 0 || !run.known.Clean) {
		var err error
		if annotations, err = c.discuss(ctx, pr, run, p, &out); err != nil {
			return out, err
		}
	}
	if len(annotations) > 0 && !run.known.Annotated {
		// Written first: a run that may have annotations is never taken up.
		run.known.Annotated = true
		if err := c.remember(ctx, pr, run.known); err != nil {
			return out, err
		}
	}
	if err := p.confirm(ctx); err != nil {
		return out, err
	}
	if err := c.complete(ctx, pr, run, p.Review, annotations); err != nil {
		return out, explain(ctx, "completing the check run", err)
	}
	out.Annotations = len(annotations)
	run.known.Done, run.known.Doubt = true, false
	if err := c.remember(ctx, pr, run.known); err != nil {
		// A second event of this head then costs a second review.
		c.logger(pr).WarnContext(ctx, "memory not writable", "error", err)
	}
	return out, nil
}

// discuss does what concerns comments and gives the annotations that are left.
func (c *Client) discuss(ctx context.Context, pr PullRequest, run *Run, p Publication, out *Outcome) ([]review.Annotation, error) {
	unread := p.Unread
	if unread == nil {
		unread = func(string) bool { return false }
	}
	wanted := *p.Review
	var fallen []review.Annotation
	var todo plan
	var state *State
	for try := 1; ; try++ {
		var err error
		if state, err = c.State(ctx, pr); err != nil {
			return nil, err
		}
		if state.HeadSHA != pr.HeadSHA {
			return nil, c.supersede(ctx, pr, run, state.HeadSHA)
		}
		if !state.Open {
			return append(fallen, fallBack(&wanted, wanted.Comments)...), nil
		}
		todo = reconcile(&wanted, state.Threads, unread, pr.HeadSHA)
		if len(todo.post) == 0 {
			break
		}
		if err := c.soil(ctx, pr, run); err != nil {
			return nil, err
		}
		if err := p.confirm(ctx); err != nil {
			return nil, err
		}
		if err = c.post(ctx, pr, run, p.Review.Title, todo.post); err == nil {
			out.Comments = len(todo.post)
			break
		}
		switch {
		case status(err) == http.StatusUnprocessableEntity || status(err) == http.StatusForbidden:
			dropped, derr := c.misplaced(ctx, pr, todo.post, err)
			if derr != nil {
				return nil, derr
			}
			c.logger(pr).WarnContext(ctx, "review refused; comments become annotations", "status", status(err), "comments", len(dropped))
			wanted.Comments = without(wanted.Comments, dropped)
			fallen = append(fallen, fallBack(&wanted, dropped)...)
		case !ambiguous(ctx, err) || try >= maxEffectTries:
			return nil, explain(ctx, "review", err)
		default:
			// Carried out or not: the next look at the threads will tell.
			if err := c.opt.Sleep(ctx, c.backoff(try)); err != nil {
				return nil, fmt.Errorf("review: %w", err)
			}
		}
	}
	if err := p.confirm(ctx); err != nil {
		return nil, err
	}
	if err := c.amend(ctx, pr, todo, out); err != nil {
		return nil, err
	}
	if len(state.Threads) == 0 && out.Comments == 0 && len(todo.post) == 0 && !run.known.Clean {
		run.known.Clean = true
		if err := c.remember(ctx, pr, run.known); err != nil {
			c.logger(pr).WarnContext(ctx, "memory not writable", "error", err)
		}
	}
	return append(todo.annotations, fallen...), nil
}

// soil records, before the first comment, that the pull request is to have
// comments of ours: a record that says otherwise would hide them for ever.
func (c *Client) soil(ctx context.Context, pr PullRequest, run *Run) error {
	if !run.known.Clean {
		return nil
	}
	run.known.Clean = false
	return c.remember(ctx, pr, run.known)
}

func (c *Client) supersede(ctx context.Context, pr PullRequest, run *Run, head string) error {
	err := c.conclude(ctx, pr, run, review.Neutral, "Superseded", "Superseded by "+short(head)+".")
	if err != nil {
		c.logger(pr).WarnContext(ctx, "superseded check run not completed", "error", explain(ctx, "check run", err))
	}
	return ErrSuperseded
}

// post creates the one review of a push.
func (c *Client) post(ctx context.Context, pr PullRequest, run *Run, title string, comments []review.Comment) error {
	body := cutBytes(strings.TrimSuffix(orElse(title, "Findings"), "."), 1000) + "."
	if run.URL != "" {
		body += " [The check run](" + run.URL + ") lists them all."
	}
	req := &gh.PullRequestReviewRequest{CommitID: gh.String(pr.HeadSHA), Event: gh.String("COMMENT"), Body: gh.String(body)}
	for _, m := range comments {
		side := "RIGHT"
		if m.Removed {
			side = "LEFT"
		}
		d := &gh.DraftReviewComment{Path: gh.String(m.Path), Body: gh.String(cutBytes(m.Body, review.MaxBody)), Side: gh.String(side), Line: gh.Int(m.Line)}
		if m.Start > 0 && m.Start < m.Line {
			d.StartLine, d.StartSide = gh.Int(m.Start), gh.String(side)
		}
		req.Comments = append(req.Comments, d)
	}
	_, _, err := c.review(pr).rest.PullRequests.CreateReview(creating(writing(ctx, "create review")), pr.Owner, pr.Repo, pr.Number, req)
	return err
}

// misplaced gives the comments to leave out after a review was refused: those
// that do not fit into the diff as GitHub has it now; all of them where that
// does not explain the refusal.
func (c *Client) misplaced(ctx context.Context, pr PullRequest, comments []review.Comment, refusal error) ([]review.Comment, error) {
	if status(refusal) != http.StatusUnprocessableEntity {
		return comments, nil
	}
	hunks, err := c.Files(ctx, pr)
	if err != nil {
		return nil, err
	}
	var out []review.Comment
	for _, m := range comments {
		if m.Removed || !within(hunks[m.Path], startOf(m), m.Line) {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return comments, nil
	}
	return out, nil
}

func startOf(m review.Comment) int {
	if m.Start > 0 {
		return m.Start
	}
	return m.Line
}

// without gives comments less those of dropped, told apart by what they speak of.
func without(comments, dropped []review.Comment) []review.Comment {
	gone := map[string]bool{}
	for _, d := range dropped {
		gone[strings.Join(d.Fingerprints, " ")] = true
	}
	var out []review.Comment
	for _, m := range comments {
		if !gone[strings.Join(m.Fingerprints, " ")] {
			out = append(out, m)
		}
	}
	return out
}

// fallBack gives the annotations that say what comments would have said.
func fallBack(rv *review.Review, comments []review.Comment) []review.Annotation {
	var out []review.Annotation
	for _, m := range comments {
		for _, fp := range m.Fingerprints {
			if a, ok := rv.Fallback[fp]; ok {
				out = append(out, a)
			}
		}
	}
	return out
}

// amend edits, opens and settles the threads that are there.
func (c *Client) amend(ctx context.Context, pr PullRequest, todo plan, out *Outcome) error {
	edits := 0
	for _, e := range todo.edits {
		if edits++; edits > maxEdits {
			return nil
		}
		if e.body != "" {
			if err := c.rewrite(ctx, pr, e.thread, e.body); err != nil {
				return err
			}
		}
		if e.reopen {
			if _, err := c.resolve(ctx, pr, e.thread.ID, unresolveMutation, "unresolve thread"); err != nil {
				return err
			}
		}
		out.Edited++
	}
	for _, t := range todo.settle {
		if edits++; edits > maxEdits {
			return nil
		}
		_, done := settledBy(t.Body)
		if !done {
			if err := c.rewrite(ctx, pr, t, settledBody(t.Body, pr.HeadSHA)); err != nil {
				return err
			}
		}
		resolved, err := c.resolve(ctx, pr, t.ID, resolveMutation, "resolve thread")
		if err != nil {
			return err
		}
		if !done || resolved {
			out.Settled++
		}
		if resolved {
			out.Resolved++
		}
	}
	return nil
}

// rewrite changes the body of a comment of ours. One that was deleted meanwhile
// is left alone.
func (c *Client) rewrite(ctx context.Context, pr PullRequest, t Thread, body string) error {
	if t.CommentID == 0 {
		return nil
	}
	_, _, err := c.review(pr).rest.PullRequests.EditComment(creating(reading(ctx, "edit comment")), pr.Owner, pr.Repo, t.CommentID,
		&gh.PullRequestComment{Body: gh.String(cutBytes(body, review.MaxBody))})
	if status(err) == http.StatusNotFound {
		return nil
	}
	return explain(ctx, "comment", err)
}
