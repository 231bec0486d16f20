package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"

	gh "github.com/google/go-github/v60/github"

	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// GitHub's limits of check runs.
const (
	maxAnnotations = 50 // a request
	maxActions     = 3
	maxLabel       = 20
	maxDescription = 40
	maxEffectTries = 3 // of a call whose answer was lost
)

// Run is our check run at one head.
type Run struct {
	ID      int64
	HeadSHA string
	URL     string // its page, "" when not known
	// Moved says that GitHub already knows a newer head of the pull request.
	// That it does not say so proves nothing.
	Moved bool

	annotations int // that it has already
	known       record
}

// Begin makes the check run of pr's head, in progress, or takes up the one that
// is there. A run that carries annotations is not taken up, since they cannot
// be taken back; a new one takes its place.
func (c *Client) Begin(ctx context.Context, pr PullRequest) (*Run, error) {
	known, remembered := c.recall(ctx, pr)
	if !remembered {
		known = record{Clean: pr.NewPull}
	}
	if remembered && known.Head == pr.HeadSHA && known.Run != 0 && !known.Annotated {
		run := &Run{ID: known.Run, HeadSHA: pr.HeadSHA, known: known}
		err := c.restart(ctx, pr, run)
		if err == nil {
			return run, nil
		}
		if status(err) != http.StatusNotFound {
			return nil, explain(ctx, "check run", err)
		}
	}
	// A try that was cut short may have made a run that memory does not know.
	claimed := remembered && known.Head == pr.HeadSHA
	look, lost := !pr.NewHead || claimed, 0
	if claimed && known.Run == 0 {
		lost = 1
	}
	known = record{Head: pr.HeadSHA, Clean: known.Clean, Doubt: claimed && known.Doubt}
	if !look && c.remember(ctx, pr, known) != nil {
		look = true
	}
	run, doubt, err := c.create(ctx, pr, look, lost)
	if err != nil {
		return nil, err
	}
	run.known = known
	run.known.Run, run.known.Doubt = run.ID, known.Doubt || doubt
	// The run is there, whether or not it is wanted any more.
	after := context.WithoutCancel(ctx)
	c.markHead(after, pr)
	if err := c.remember(after, pr, run.known); err != nil {
		// Forgetting costs a look-up later, unless it leaves a claim behind
		// that would soon be wrong; Publish guards against that.
		c.logger(pr).WarnContext(ctx, "memory not writable", "error", err)
	}
	return run, nil
}

// create makes a check run. look says that one of ours may be at the head, lost
// how many tries to make one had no answer; doubt, that such a try may still
// bring a run beside the one given.
func (c *Client) create(ctx context.Context, pr PullRequest, look bool, lost int) (run *Run, doubt bool, err error) {
	for try := 1; ; try++ {
		if look {
			run, err := c.find(ctx, pr)
			if err != nil {
				return nil, false, explain(ctx, "check runs", err)
			}
			if run != nil {
				return run, lost > 1, nil
			}
		}
		opts := gh.CreateCheckRunOptions{
			Name: CheckName, HeadSHA: pr.HeadSHA, ExternalID: gh.String(pr.externalID()),
			Status: gh.String("in_progress"), StartedAt: &gh.Timestamp{Time: stamp(c.opt.Now())},
		}
		if c.opt.DetailsURL != "" {
			opts.DetailsURL = gh.String(c.opt.DetailsURL)
		}
		made, _, err := c.review(pr).rest.Checks.CreateCheckRun(writing(ctx, "create check run"), pr.Owner, pr.Repo, opts)
		if err == nil {
			run := &Run{ID: made.GetID(), HeadSHA: pr.HeadSHA, URL: made.GetHTMLURL()}
			for _, p := range made.PullRequests {
				if p.GetNumber() == pr.Number && p.GetBase().GetRepo().GetID() == pr.RepositoryID && shaPattern.MatchString(p.GetHead().GetSHA()) {
					run.Moved = p.GetHead().GetSHA() != pr.HeadSHA
				}
			}
			return run, lost > 0, nil
		}
		if !ambiguous(ctx, err) || try >= maxEffectTries {
			return nil, false, explain(ctx, "check run", err)
		}
		if err := c.opt.Sleep(ctx, c.backoff(try)); err != nil {
			return nil, false, fmt.Errorf("check run: %w", err)
		}
		look, lost = true, lost+1 // it may have been made all the same
	}
}

// ours lists our runs of pr at its head: of each suite the latest, or with all
// every one.
func (c *Client) ours(ctx context.Context, pr PullRequest, all bool) ([]*gh.CheckRun, error) {
	app := c.opt.AppID
	opts := &gh.ListCheckRunsOptions{CheckName: gh.String(CheckName), AppID: &app, ListOptions: gh.ListOptions{PerPage: perPage}}
	if all {
		opts.Filter = gh.String("all")
	}
	got, _, err := c.review(pr).rest.Checks.ListCheckRunsForRef(reading(ctx, "list check runs"), pr.Owner, pr.Repo, pr.HeadSHA, opts)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(got.CheckRuns, func(r *gh.CheckRun) bool {
		return r.GetName() != CheckName || r.GetApp().GetID() != app || r.GetExternalID() != pr.externalID() || r.GetHeadSHA() != pr.HeadSHA
	}), nil
}

// find gives our run at pr's head that can be taken up, in progress, or nil.
func (c *Client) find(ctx context.Context, pr PullRequest) (*Run, error) {
	runs, err := c.ours(ctx, pr, false)
	if err != nil {
		return nil, err
	}
	var newest *gh.CheckRun
	for _, r := range runs {
		if newest == nil || r.GetID() > newest.GetID() {
			newest = r
		}
	}
	if newest == nil {
		return nil, nil
	}
	run := &Run{ID: newest.GetID(), HeadSHA: pr.HeadSHA, URL: newest.GetHTMLURL()}
	open := newest.GetStatus() != "completed"
	switch {
	case newest.GetOutput().GetAnnotationsCount() > 0 && open:
		// A former try got half-way. It must not stay open.
		return nil, c.replace(ctx, pr, run)
	case newest.GetOutput().GetAnnotationsCount() > 0:
		return nil, nil
	case newest.GetStatus() == "in_progress":
		return run, nil
	}
	return run, c.restart(ctx, pr, run)
}

// replace completes a run that another one takes the place of.
func (c *Client) replace(ctx context.Context, pr PullRequest, run *Run) error {
	return c.conclude(ctx, pr, run, review.Neutral, "Replaced", "A newer run of this check takes its place.")
}

// tidy completes what runs of ours are open beside run, which nobody would
// complete: they were made by tries that never learned of it.
func (c *Client) tidy(ctx context.Context, pr PullRequest, run *Run) {
	runs, err := c.ours(ctx, pr, true)
	for _, r := range runs {
		if r.GetID() == run.ID || r.GetStatus() == "completed" {
			continue
		}
		if rerr := c.replace(ctx, pr, &Run{ID: r.GetID(), HeadSHA: pr.HeadSHA}); rerr != nil {
			err = rerr
		}
	}
	if err != nil {
		c.logger(pr).WarnContext(ctx, "a check run beside the completed one may be open", "error", err)
	}
}

func (c *Client) restart(ctx context.Context, pr PullRequest, run *Run) error {
	_, _, err := c.review(pr).rest.Checks.UpdateCheckRun(reading(ctx, "update check run"), pr.Owner, pr.Repo, run.ID,
		gh.UpdateCheckRunOptions{Name: CheckName, Status: gh.String("in_progress")})
	return err
}

// Conclude completes a run with words alone, such as why there was no review.
func (c *Client) Conclude(ctx context.Context, pr PullRequest, run *Run, conclusion review.Conclusion, title, summary string) error {
	return explain(ctx, "completing the check run", c.conclude(ctx, pr, run, conclusion, title, summary))
}

func (c *Client) conclude(ctx context.Context, pr PullRequest, run *Run, conclusion review.Conclusion, title, summary string) error {
	return c.complete(ctx, pr, run, &review.Review{Conclusion: conclusion, Title: title, Summary: summary,
		Actions: []review.Action{{Label: "Rescan", Description: "Review this pull request again", Identifier: "rescan"}}}, nil)
}

// complete writes a review into the run, its annotations in batches; the
// request that completes the run is the last.
func (c *Client) complete(ctx context.Context, pr PullRequest, run *Run, rv *review.Review, annotations []review.Annotation) error {
	output := func(batch []review.Annotation) *gh.CheckRunOutput {
		o := &gh.CheckRunOutput{
			Title: gh.String(cutRunes(orElse(rv.Title, CheckName), review.MaxTitle)), Summary: gh.String(cutBytes(orElse(rv.Summary, rv.Title), review.MaxSummary)),
		}
		for _, a := range batch {
			o.Annotations = append(o.Annotations, annotationOf(a))
		}
		return o
	}
	for len(annotations) > maxAnnotations {
		err := c.update(ctx, pr, run, gh.UpdateCheckRunOptions{Name: CheckName, Status: gh.String("in_progress"), Output: output(annotations[:maxAnnotations])})
		if err != nil {
			return err
		}
		annotations = annotations[maxAnnotations:]
	}
	opts := gh.UpdateCheckRunOptions{
		Name: CheckName, Status: gh.String("completed"), Conclusion: gh.String(string(rv.Conclusion)),
		CompletedAt: &gh.Timestamp{Time: stamp(c.opt.Now())}, Output: output(annotations),
	}
	for i, a := range rv.Actions {
		if i == maxActions {
			break
		}
		opts.Actions = append(opts.Actions, &gh.CheckRunAction{
			Label: cutRunes(a.Label, maxLabel), Description: cutRunes(a.Description, maxDescription), Identifier: cutRunes(a.Identifier, maxLabel),
		})
	}
	if err := c.update(ctx, pr, run, opts); err != nil {
		return err
	}
	if run.known.Doubt {
		c.tidy(ctx, pr, run)
	}
	return nil
}

// update changes a run. Annotations are appended by GitHub, so a request with
// some is not repeated before it is known that it was not carried out.
func (c *Client) update(ctx context.Context, pr PullRequest, run *Run, opts gh.UpdateCheckRunOptions) error {
	batch := len(opts.Output.Annotations)
	marked := reading(ctx, "update check run")
	if batch > 0 {
		marked = writing(ctx, "update check run")
	}
	for try := 1; ; try++ {
		_, _, err := c.review(pr).rest.Checks.UpdateCheckRun(marked, pr.Owner, pr.Repo, run.ID, opts)
		if err == nil {
			run.annotations += batch
			return nil
		}
		if batch == 0 || !ambiguous(ctx, err) || try >= maxEffectTries {
			return err
		}
		if err := c.opt.Sleep(ctx, c.backoff(try)); err != nil {
			return err
		}
		got, _, err := c.review(pr).rest.Checks.GetCheckRun(reading(ctx, "get check run"), pr.Owner, pr.Repo, run.ID)
		if err != nil {
			return err
		}
		if got.GetOutput().GetAnnotationsCount() >= run.annotations+batch {
			run.annotations += batch
			if got.GetStatus() == opts.GetStatus() {
				return nil
			}
			batch, opts.Output.Annotations = 0, nil
			marked = reading(ctx, "update check run")
		}
	}
}

func annotationOf(a review.Annotation) *gh.CheckRunAnnotation {
	start := max(1, a.Start)
	out := &gh.CheckRunAnnotation{
		Path: gh.String(a.Path), StartLine: gh.Int(start), EndLine: gh.Int(max(start, a.End)),
		AnnotationLevel: gh.String(a.Level), Message: gh.String(cutBytes(orElse(a.Message, a.Title), review.MaxMessage)),
	}
	switch a.Level {
	case "failure", "warning", "notice":
	default:
		out.AnnotationLevel = gh.String("notice")
	}
	if a.Title != "" {
		out.Title = gh.String(cutRunes(a.Title, review.MaxTitle))
	}
	return out
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// cutBytes shortens s to at most n bytes, at the boundary of a character.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cutRunes shortens s to at most n characters.
func cutRunes(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
