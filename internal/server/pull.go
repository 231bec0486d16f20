package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// CheckRuns is where a review is announced and published.
type CheckRuns interface {
	Begin(ctx context.Context, pr github.PullRequest) (*github.Run, error)
	Publish(ctx context.Context, pr github.PullRequest, run *github.Run, p github.Publication) (github.Outcome, error)
	Conclude(ctx context.Context, pr github.PullRequest, run *github.Run, conclusion review.Conclusion, title, summary string) error
}

// Pulls is what is read of a pull request before it is reviewed.
type Pulls interface {
	Pull(ctx context.Context, pr github.PullRequest) (github.Pull, error)
	Compare(ctx context.Context, pr github.PullRequest) (*github.Comparison, error)
	Files(ctx context.Context, pr github.PullRequest) (map[string][]change.Hunk, error)
	OwnerConfig(ctx context.Context, pr github.PullRequest) ([]byte, error)
}

// People are those who give commands in comments and by buttons.
type People interface {
	CanWrite(ctx context.Context, pr github.PullRequest, login string) (bool, error)
	React(ctx context.Context, pr github.PullRequest, comment int64, content string) error
	// Reply answers ask in the pull request's conversation, once.
	Reply(ctx context.Context, pr github.PullRequest, ask, body string) error
}

// Threads is where people answer our comments at lines of the diff.
type Threads interface {
	Thread(ctx context.Context, pr github.PullRequest, first int64) (t github.Thread, ok bool, err error)
	ReplyInThread(ctx context.Context, pr github.PullRequest, first int64, ask, body string) error
	ReactInThread(ctx context.Context, pr github.PullRequest, comment int64, content string) error
}

// Branches is where fixes are committed.
type Branches interface {
	Asked(ctx context.Context, pr github.PullRequest, branch, ask string) (sha string, ok bool, err error)
	Commit(ctx context.Context, pr github.PullRequest, c github.NewCommit) (sha string, err error)
}

// Heads is what is known of heads and their reviews.
type Heads interface {
	Noticed(ctx context.Context, pr github.PullRequest) bool
	Published(ctx context.Context, pr github.PullRequest) bool
	Heads(ctx context.Context, pr github.PullRequest, runs bool) (all, missed []int, err error)
	Forget(ctx context.Context, installation int64, mark string) error
}

// Scanning is code scanning, where a repository wants its findings there too.
type Scanning interface {
	UploadSARIF(ctx context.Context, pr github.PullRequest, report []byte) error
}

// OpenTrees gives the trees of a pull request: base is the merge base. The trees
// are read until ctx ends; close frees what they hold.
type OpenTrees func(ctx context.Context, pr github.PullRequest, base string) (trees reviewer.Trees, close func(), err error)

// PullReviewer takes one pull request the whole way: from the job to the
// published review. It is safe for concurrent use.
type PullReviewer struct {
	Checks   CheckRuns
	Pulls    Pulls
	People   People
	Threads  Threads
	Branches Branches
	Heads    Heads
	Scanning Scanning
	Open     OpenTrees
	// Review compares and judges; reviewer.Review.
	Review func(ctx context.Context, opt reviewer.Options, trees reviewer.Trees) (*review.Report, error)
	// Mend does so and applies the proven fixes; reviewer.Mend.
	Mend func(ctx context.Context, opt reviewer.Options, trees reviewer.Trees) (*review.Mended, error)
	// Except finds the comment that suppresses a finding; reviewer.Except.
	Except func(ctx context.Context, opt reviewer.Options, trees reviewer.Trees, want reviewer.Want) (*review.Exception, error)
	// Enqueue stores a job that another one found to be needed.
	Enqueue func(ctx context.Context, j jobs.Job) error
	// Options are the same for every review; the organisation's configuration
	// is laid over Options.Layers.
	Options reviewer.Options
	// Rules are the rules that can be explained, and that an organisation's
	// configuration can name; nil knows none and takes every id as known.
	Rules *rule.Catalogue
	// Confirm is asked before something is written; jobs.Confirm.
	Confirm func(ctx context.Context) error
	// Version is the program's, for reports.
	Version string
	// Phase, when set, is told of the parts of a review: what it gives is called
	// when the part has ended.
	Phase func(ctx context.Context, name string) (context.Context, func(error))
	// Waited, when set, is told how long a job waited before its first try.
	Waited func(d time.Duration)
	// Done, when set, is told how long a job took from its event to the
	// completed check run, and the conclusion.
	Done func(d time.Duration, conclusion review.Conclusion)
	Log  *slog.Logger
	Now  func() time.Time
}

const (
	// A job older than this no longer says for certain what the head is.
	freshFor = time.Minute
	// maxHeads bounds how often a review follows a head that moves under it.
	maxHeads = 3
)

// Handle implements jobs.Handler.
func (p *PullReviewer) Handle(ctx context.Context, j jobs.Job) error {
	log := p.logger(j)
	if p.Waited != nil && j.Attempt <= 1 {
		p.Waited(p.Now().Sub(j.Enqueued))
	}
	ctx = context.WithValue(ctx, jobKey{}, j)
	_, err := within(ctx, p, "job", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, settle(ctx, log, p.do(ctx, log, j))
	})
	return err
}

// do takes a job to what it asks for.
func (p *PullReviewer) do(ctx context.Context, log *slog.Logger, j jobs.Job) error {
	pr := pullRequest(j)
	switch {
	case j.Ref == refInstallation:
		return p.Heads.Forget(ctx, j.InstallationID, j.Delivery)
	case j.Number == 0 && j.Event == "check_suite":
		return p.missed(ctx, log, pr, j)
	case j.Number == 0:
		return p.group(ctx, log, pr, j)
	case j.CommentID != 0 || j.Command != "":
		return p.command(ctx, log, pr, j)
	case p.reviewed(ctx, pr, j):
		log.InfoContext(ctx, "this head was reviewed already")
		return nil
	}
	return p.follow(ctx, log, pr, j)
}

// reviewed reports whether another event of the same head, which asks for no
// more than this one, has had its review published.
func (p *PullReviewer) reviewed(ctx context.Context, pr github.PullRequest, j jobs.Job) bool {
	if j.Attempt > 1 {
		return false
	}
	switch j.Event + " " + j.Action {
	case "pull_request opened", "pull_request synchronize", "check_suite requested", eventSweep + " missed":
		return p.Heads.Published(ctx, pr)
	}
	return false
}

// GiveUp implements jobs.Abandoner: the check run says that there was no
// review, so that a required check reports all the same.
func (p *PullReviewer) GiveUp(ctx context.Context, j jobs.Job, cause error) {
	log := p.logger(j)
	pr := pullRequest(j)
	pr.NewHead, pr.NewPull = false, false
	switch {
	case j.Ref == refInstallation, j.Number == 0 && j.Event == "check_suite":
		return
	case j.Command != "" && j.Command != github.CommandRescan:
		p.reply(ctx, log, pr, j, "That did not work. "+explainFailure(cause))
		p.react(ctx, log, pr, j, "confused")
		return
	}
	if pr.HeadSHA == "" {
		now, err := p.Pulls.Pull(ctx, pr)
		if err != nil {
			log.WarnContext(ctx, "no word of a review that was given up", "error", err)
			return
		}
		pr.HeadSHA = now.HeadSHA
	}
	run, err := p.Checks.Begin(ctx, pr)
	if err == nil {
		err = p.Checks.Conclude(ctx, pr, run, review.Neutral, "Could not review",
			"**This change was not reviewed.** "+explainFailure(cause)+"\n\nNothing is known of its findings. Rescan tries again.")
	}
	if err != nil {
		log.WarnContext(ctx, "no word of a review that was given up", "error", err)
	}
	p.react(ctx, log, pr, j, "confused")
}

func (p *PullReviewer) logger(j jobs.Job) *slog.Logger {
	return p.Log.With("delivery", j.Delivery, "repository", j.Owner+"/"+j.Repo, "pull_request", j.Number, "head", j.HeadSHA)
}

func pullRequest(j jobs.Job) github.PullRequest {
	first := j.Event == "pull_request" && j.Attempt <= 1
	return github.PullRequest{
		InstallationID: j.InstallationID, RepositoryID: j.RepositoryID, Owner: j.Owner, Repo: j.Repo, Number: j.Number,
		HeadSHA: j.HeadSHA, BaseSHA: j.BaseSHA, Delivery: j.Delivery,
		NewHead: first && (j.Action == "opened" || j.Action == "synchronize") || j.Event == "merge_group" && j.Attempt <= 1,
		NewPull: first && j.Action == "opened",
	}
}

// settle puts what ended a job in the queue's terms.
func settle(ctx context.Context, log *slog.Logger, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if d, ok := github.RetryAfter(err); ok {
		return jobs.Later(err, d)
	}
	if errors.Is(err, github.ErrGone) {
		log.InfoContext(ctx, "pull request out of reach; nothing to do", "error", err)
		return nil
	}
	return err
}

// follow reviews the pull request's head, and again where the head moves
// meanwhile: the event of the newer head may never come.
func (p *PullReviewer) follow(ctx context.Context, log *slog.Logger, pr github.PullRequest, j jobs.Job) error {
	draft := j.Draft
	stale := j.Event != "pull_request" || j.Attempt > 1 || p.Now().Sub(j.Enqueued) > freshFor
	for heads := 1; ; heads++ {
		if stale || pr.HeadSHA == "" || pr.BaseSHA == "" {
			now, err := p.Pulls.Pull(ctx, pr)
			if err != nil {
				return err
			}
			if !now.Open {
				log.InfoContext(ctx, "pull request is closed; nothing to do")
				return nil
			}
			if pr.HeadSHA != now.HeadSHA {
				pr.NewHead = false
				log = log.With("head_now", now.HeadSHA)
			}
			pr.HeadSHA, pr.BaseSHA, draft = now.HeadSHA, now.BaseSHA, now.Draft
		}
		err := p.review(ctx, log, pr, draft, j.Enqueued)
		if !errors.Is(err, github.ErrSuperseded) || heads == maxHeads {
			if errors.Is(err, github.ErrSuperseded) {
				log.InfoContext(ctx, "the head keeps moving; its next event will review it")
				return nil
			}
			return err
		}
		stale = true
	}
}

// review reviews one head.
func (p *PullReviewer) review(ctx context.Context, log *slog.Logger, pr github.PullRequest, draft bool, since time.Time) error {
	run, err := within(ctx, p, "announce", func(ctx context.Context) (*github.Run, error) { return p.Checks.Begin(ctx, pr) })
	if err != nil {
		return err
	}
	if run.Moved {
		// Deliveries can overtake each other.
		if err := p.Checks.Conclude(ctx, pr, run, review.Neutral, "Superseded", "Superseded by a newer push."); err != nil {
			return err
		}
		return github.ErrSuperseded
	}
	cmp, err := within(ctx, p, "compare", func(ctx context.Context) (*github.Comparison, error) { return p.Pulls.Compare(ctx, pr) })
	if errors.Is(err, github.ErrNoMergeBase) {
		return p.Checks.Conclude(ctx, pr, run, review.Neutral, "Nothing to compare with", "Base and head share no history, so there is no change to review.")
	}
	if err != nil {
		return err
	}
	report, err := p.judge(ctx, pr, cmp.MergeBase)
	if err != nil {
		return err
	}
	report.Base, report.Head = cmp.MergeBase, pr.HeadSHA
	report.Policy.Draft = draft && !report.Policy.ReviewDrafts
	hunks := cmp.Hunks
	report.BaseHunks = cmp.BaseHunks
	if cmp.Truncated && hasNew(report) {
		if hunks, err = p.Pulls.Files(ctx, pr); err != nil {
			return err
		}
	}
	rv := review.Make(report, hunks)
	if err := p.publish(ctx, log, pr, run, report, rv, since); err != nil {
		return err
	}
	if report.Policy.SARIFUpload {
		p.upload(ctx, log, pr, report)
	}
	return nil
}

// upload gives the report to code scanning. The review is published by then: an
// upload that fails costs the upload.
func (p *PullReviewer) upload(ctx context.Context, log *slog.Logger, pr github.PullRequest, report *review.Report) {
	var b bytes.Buffer
	err := review.SARIF(&b, report, p.Version)
	if err == nil {
		_, err = within(ctx, p, "upload", func(ctx context.Context) (struct{}, error) {
			return struct{}{}, p.Scanning.UploadSARIF(ctx, pr, b.Bytes())
		})
	}
	if err != nil {
		log.WarnContext(ctx, "not uploaded to code scanning", "error", err)
		return
	}
	log.InfoContext(ctx, "uploaded to code scanning", "bytes", b.Len())
}

// publish brings a review to GitHub.
func (p *PullReviewer) publish(ctx context.Context, log *slog.Logger, pr github.PullRequest, run *github.Run, report *review.Report, rv *review.Review, since time.Time) error {
	out, err := within(ctx, p, "publish", func(ctx context.Context) (github.Outcome, error) {
		return p.Checks.Publish(ctx, pr, run, github.Publication{Review: rv, Unread: unread(report), Confirm: p.Confirm})
	})
	if err != nil {
		return err
	}
	took := p.Now().Sub(since)
	if p.Done != nil {
		p.Done(took, rv.Conclusion)
	}
	log.InfoContext(ctx, "reviewed", "conclusion", string(rv.Conclusion), "title", rv.Title, "comments", out.Comments,
		"edited", out.Edited, "settled", out.Settled, "annotations", out.Annotations, "took", took.Round(time.Millisecond).String())
	return nil
}

// judge makes the report of the change from base to pr's head.
func (p *PullReviewer) judge(ctx context.Context, pr github.PullRequest, base string) (*review.Report, error) {
	var report *review.Report
	broken, err := p.compare(ctx, pr, base, func(ctx context.Context, opt reviewer.Options, trees reviewer.Trees) (err error) {
		report, err = p.Review(ctx, opt, trees)
		return err
	})
	if broken != nil {
		return broken, err
	}
	return report, err
}

// compare has the change from base to pr's head judged by do. Where the
// organisation's configuration cannot be read, do is not called and the report
// that says so is given.
func (p *PullReviewer) compare(ctx context.Context, pr github.PullRequest, base string, do func(context.Context, reviewer.Options, reviewer.Trees) error) (*review.Report, error) {
	opt := p.Options
	layer, ds, broken, err := p.organisation(ctx, pr)
	if err != nil {
		return nil, err
	}
	if broken != nil {
		return &review.Report{Policy: review.Policy{ConfigError: broken}, Diagnostics: source.Diagnostics{*broken}, RulesURL: opt.RulesURL}, nil
	}
	opt.Repository = pr.Owner + "/" + pr.Repo
	opt.Layers = append(slices.Clone(opt.Layers), layer)
	opt.Diagnostics = append(slices.Clone(opt.Diagnostics), ds...)
	ctx, cancel := context.WithCancel(format.WithTenant(ctx, fmt.Sprintf("%d#%d@%s", pr.RepositoryID, pr.Number, pr.HeadSHA)))
	defer cancel()
	var closeTrees func()
	trees, err := within(ctx, p, "fetch", func(context.Context) (trees reviewer.Trees, err error) {
		// The trees are read until the outer context ends.
		trees, closeTrees, err = p.Open(ctx, pr, base)
		return trees, err
	})
	if err != nil {
		return nil, fmt.Errorf("fetch the change: %w", err)
	}
	defer closeTrees()
	_, err = within(ctx, p, "judge", func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx, opt, trees) })
	if err != nil {
		return nil, fmt.Errorf("review the change: %w", err)
	}
	return nil, nil
}

// jobKey is where a job's context has the job, for traces.
type jobKey struct{}

// within runs a part of a review under its name.
func within[T any](ctx context.Context, p *PullReviewer, name string, do func(context.Context) (T, error)) (T, error) {
	if p.Phase == nil {
		return do(ctx)
	}
	ctx, end := p.Phase(ctx, name)
	out, err := do(ctx)
	end(err)
	return out, err
}

// organisation reads the layer of the owner's .github repository. broken is set
// when there is one that cannot be read.
func (p *PullReviewer) organisation(ctx context.Context, pr github.PullRequest) (layer config.Layer, ds source.Diagnostics, broken *source.Diagnostic, err error) {
	data, err := p.Pulls.OwnerConfig(ctx, pr)
	if err != nil || data == nil {
		return config.Layer{}, nil, nil, err
	}
	name := path.Join(pr.Owner, ".github", config.RepositoryFile)
	var known func(id string) (ok bool, suggestion string)
	if p.Rules != nil {
		known = p.Rules.Known
	}
	layer.Name = name
	layer.Repository, ds, err = config.ParseRepository(name, data, known)
	if err != nil {
		var bad *config.Error
		if errors.As(err, &bad) {
			return config.Layer{}, nil, &bad.Diagnostic, nil
		}
		return config.Layer{}, nil, &source.Diagnostic{File: name, Level: source.LevelError, Message: err.Error()}, nil
	}
	// Folders of rules are the repository's own to name.
	layer.ExtraRules = nil
	return layer, ds, nil, nil
}

func hasNew(r *review.Report) bool {
	return slices.ContainsFunc(r.Findings, func(f review.Finding) bool { return f.State == engine.New })
}

// unread reports for which paths the report does not know everything: a finding
// that is missing there may still stand.
func unread(r *review.Report) func(path string) bool {
	if r.Policy.ConfigError != nil {
		return func(string) bool { return true }
	}
	files, folders := map[string]bool{}, map[string]bool{}
	for _, u := range r.Unknown {
		files[u.Range.File] = true
		if u.Resource != nil {
			files[u.Resource.Range.File] = true
		}
	}
	for _, d := range r.Diagnostics {
		if d.Level == source.LevelError || d.NotEvaluated != "" {
			if d.File == "" {
				return func(string) bool { return true }
			}
			// A file that cannot be read hides what its unit says elsewhere.
			folders[path.Dir(d.File)] = true
		}
	}
	return func(name string) bool { return files[name] || folders[path.Dir(name)] }
}

const maxCause = 300

// secrets are the forms that credentials could have in an error's text. Errors
// are made without them; this is the second line.
var secrets = regexp.MustCompile(`gh[a-z]_[A-Za-z0-9_]{8,}|github_pat_[A-Za-z0-9_]+|eyJ[A-Za-z0-9_-]{10,}(\.[A-Za-z0-9_-]+)*|//[^/\s@]+@|(?i:bearer|basic|token) [A-Za-z0-9._~+/=-]{16,}`)

func redact(s string) string { return secrets.ReplaceAllString(s, "[removed]") }

// explainFailure puts an error in words for the check run: short, without what
// could be a secret.
func explainFailure(err error) string {
	var text string
	switch {
	case err == nil:
		return "The cause is not known."
	case errors.Is(err, context.DeadlineExceeded):
		return "It took longer than a review may take."
	case errors.Is(err, github.ErrCredentials):
		return "GitHub refuses the App's credentials."
	default:
		text = strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "")), " ")
	}
	text = redact(strings.ReplaceAll(text, "`", "'"))
	if r := []rune(text); len(r) > maxCause {
		text = string(r[:maxCause]) + " …"
	}
	return "The cause: `" + text + "`."
}
