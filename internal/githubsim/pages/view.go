package pages

import (
	"context"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

// What the templates draw.

type page struct {
	Heading string
	Version int64
}

type listView struct {
	page
	Pulls []rowView
}

type rowView struct {
	githubsim.PullRequest
	Path, Verdict, VerdictTitle string
}

type blobView struct {
	page
	FullName, Ref string
	Lines         []string
}

type refusedView struct {
	page
	Back, Reason string
}

type pullView struct {
	page
	githubsim.PullRequest
	Path, Tab        string
	FullName, Source string
	HasFix           bool
	Items            []itemView
	Files            []fileView
	Additions        int
	Deletions        int
	Runs             []runView
	Stale            bool // the head has no check run yet
}

// itemView is one thing of the conversation: exactly one of the last four.
type itemView struct {
	when    time.Time
	order   int64
	Comment *commentView
	Review  *reviewView
	Commit  *githubsim.Commit
}

type commentView struct {
	ID        int64
	Author    string
	Bot       bool
	When      time.Time
	Edited    bool
	Body      template.HTML
	Reactions []reactionView
}

type reactionView struct {
	Label string
	Count int
}

type reviewView struct {
	commentView
	State   string
	Threads []threadView
}

type threadView struct {
	githubsim.Thread
	Path, Tab, FullName, Anchor string
	Lines                       string
	Context                     []githubsim.DiffLine
	Bodies                      []commentView
	CanApply                    bool
}

type fileView struct {
	githubsim.FileDiff
	Rows []lineView
}

type lineView struct {
	Header  string // of a hunk; the rest is empty
	Line    githubsim.DiffLine
	Sign    string
	Class   string
	Threads []threadView
	Notes   []githubsim.Annotation
}

type runView struct {
	githubsim.CheckRun
	Verdict, Words string
	Body, More     template.HTML
}

// verdicts are what a check run's state is in words; the key is its conclusion
// or, before that, its status.
var verdicts = map[string]string{
	"success": "Passed", "failure": "Failed", "neutral": "Neutral", "action_required": "Needs attention",
	"cancelled": "Cancelled", "skipped": "Skipped", "timed_out": "Timed out", "queued": "Queued", "in_progress": "Running",
}

func verdict(c githubsim.CheckRun) string {
	if c.Status == "completed" {
		return c.Conclusion
	}
	return c.Status
}

// latest gives the newest run of each name of each App.
func latest(runs []githubsim.CheckRun) []githubsim.CheckRun {
	var out []githubsim.CheckRun
	for _, r := range slices.Backward(runs) {
		if !slices.ContainsFunc(out, func(o githubsim.CheckRun) bool { return o.Name == r.Name && o.AppID == r.AppID }) {
			out = append(out, r)
		}
	}
	return out
}

func (p *pages) row(pr githubsim.PullRequest) rowView {
	out := rowView{PullRequest: pr, Path: ref{pr.Owner + "/" + pr.Repo, pr.Number}.path()}
	if runs := latest(p.s.CheckRuns(pr.Owner+"/"+pr.Repo, pr.HeadSHA)); len(runs) > 0 {
		out.Verdict, out.VerdictTitle = verdict(runs[0]), runs[0].Title
		if out.VerdictTitle == "" {
			out.VerdictTitle = verdicts[out.Verdict]
		}
	}
	return out
}

func (p *pages) pullView(ctx context.Context, at ref, tab string) (pullView, error) {
	// The version first: what changes while the page is made shows at the next poll.
	version, _ := p.s.Version()
	pr, err := p.s.Pull(at.fullName, at.number)
	if err != nil {
		return pullView{}, err
	}
	files, err := p.s.Files(ctx, at.fullName, at.number)
	if err != nil {
		return pullView{}, err
	}
	v := pullView{
		page:        page{Heading: fmt.Sprintf("%s #%d", pr.Title, pr.Number), Version: version},
		PullRequest: pr, Path: at.path(), Tab: tab, FullName: at.fullName, Source: pr.HeadRef,
	}
	if pr.HeadOwner != pr.Owner {
		v.Source = pr.HeadOwner + ":" + pr.HeadRef
	}
	_, v.HasFix = p.s.SamplePush(at.fullName, at.number)
	for _, r := range latest(p.s.CheckRuns(at.fullName, pr.HeadSHA)) {
		v.Runs = append(v.Runs, runView{
			CheckRun: r, Verdict: verdict(r), Words: verdicts[verdict(r)],
			Body: markdownPlain(r.Summary), More: markdownPlain(r.Text),
		})
	}
	v.Stale = len(v.Runs) == 0
	threads := p.threadViews(at, pr, tab)
	for _, f := range files {
		v.Additions += f.Additions
		v.Deletions += f.Deletions
	}
	switch tab {
	case "files":
		v.Files = fileViews(files, threads, v.Runs)
	default:
		v.Files = make([]fileView, len(files)) // for the count
	}
	if tab == "conversation" {
		if v.Items, err = p.items(at, threads); err != nil {
			return pullView{}, err
		}
	}
	return v, nil
}

func (p *pages) threadViews(at ref, pr githubsim.PullRequest, tab string) []threadView {
	var out []threadView
	for _, t := range p.s.Threads(at.fullName, at.number) {
		v := threadView{Thread: t, Path: at.path(), Tab: tab, FullName: at.fullName, Anchor: fmt.Sprintf("thread-%d", t.ID)}
		start, end, sha := t.OriginalStart, t.OriginalLine, t.OriginalCommit
		if !t.Outdated {
			start, end, sha = t.StartLine, t.Line, pr.HeadSHA
		}
		if start == 0 {
			start = end
		}
		v.Lines = fmt.Sprintf("line %d", end)
		if start != end {
			v.Lines = fmt.Sprintf("lines %d to %d", start, end)
		}
		var old []string
		if content, err := p.s.File(at.fullName, sha, t.Path); err == nil && t.Side == "RIGHT" {
			if lines := strings.Split(content, "\n"); end >= start && start > 0 && end <= len(lines) {
				old = lines[start-1 : end]
			}
		}
		for _, c := range t.Comments {
			if _, ok := suggestionOf(c.Body); ok && !t.Outdated && !t.Resolved && pr.State == "open" && t.Side == "RIGHT" {
				v.CanApply = true
			}
			v.Bodies = append(v.Bodies, commentView{
				ID: c.ID, Author: c.Author.Login, Bot: c.Author.Type == "Bot", When: c.Created,
				Edited: c.Updated.After(c.Created), Body: markdown(c.Body, old), Reactions: reactions(c.Reactions),
			})
		}
		v.Context = hunkTail(t.DiffHunk, end-start+4)
		out = append(out, v)
	}
	return out
}

// hunkTail gives the last lines of a comment's hunk.
func hunkTail(hunk string, n int) []githubsim.DiffLine {
	lines := strings.Split(hunk, "\n")
	if len(lines) < 2 {
		return nil
	}
	lines = lines[1:]
	var out []githubsim.DiffLine
	for _, l := range lines[max(0, len(lines)-n):] {
		if l == "" {
			l = " "
		}
		out = append(out, githubsim.DiffLine{Op: l[0], Text: l[1:]})
	}
	return out
}

// class gives a diff line's CSS class.
func class(op byte) string {
	switch op {
	case '+':
		return "add"
	case '-':
		return "del"
	}
	return "ctx"
}

func fileViews(files []githubsim.FileDiff, threads []threadView, runs []runView) []fileView {
	var out []fileView
	for _, f := range files {
		v := fileView{FileDiff: f}
		for _, h := range f.Hunks {
			v.Rows = append(v.Rows, lineView{Header: fmt.Sprintf("@@ -%d,%d +%d,%d @@", h.OldStart, h.OldLines, h.NewStart, h.NewLines)})
			for _, l := range h.Lines {
				row := lineView{Line: l, Sign: string(l.Op), Class: class(l.Op)}
				for _, t := range threads {
					if t.Thread.Path == f.Path && !t.Outdated &&
						(t.Side == "RIGHT" && l.New > 0 && t.Line == l.New || t.Side == "LEFT" && l.Op != '+' && t.Line == l.Old) {
						row.Threads = append(row.Threads, t)
					}
				}
				for _, r := range runs {
					for _, a := range r.Annotations {
						if a.Path == f.Path && l.New > 0 && a.EndLine == l.New {
							row.Notes = append(row.Notes, a)
						}
					}
				}
				v.Rows = append(v.Rows, row)
			}
		}
		out = append(out, v)
	}
	return out
}

// items gives the conversation in the order of events.
func (p *pages) items(at ref, threads []threadView) ([]itemView, error) {
	commits, err := p.s.Commits(at.fullName, at.number)
	if err != nil {
		return nil, err
	}
	var out []itemView
	for i, c := range commits {
		out = append(out, itemView{when: c.Time, order: int64(i), Commit: &c})
	}
	for _, c := range p.s.Comments(at.fullName, at.number) {
		if c.Minimized != "" {
			continue
		}
		out = append(out, itemView{when: c.Created, order: c.ID, Comment: &commentView{
			ID: c.ID, Author: c.Author.Login, Bot: c.Author.Type == "Bot", When: c.Created,
			Edited: c.Updated.After(c.Created), Body: markdownPlain(c.Body), Reactions: reactions(c.Reactions),
		}})
	}
	for _, r := range p.s.Reviews(at.fullName, at.number) {
		v := reviewView{State: strings.ToLower(strings.ReplaceAll(r.State, "_", " ")), commentView: commentView{
			ID: r.ID, Author: r.Author.Login, Bot: r.Author.Type == "Bot", When: r.Submitted, Body: markdownPlain(r.Body),
		}}
		for _, t := range threads {
			if t.Comments[0].ReviewID == r.ID {
				v.Threads = append(v.Threads, t)
			}
		}
		if r.Body != "" || len(v.Threads) > 0 {
			out = append(out, itemView{when: r.Submitted, order: r.ID, Review: &v})
		}
	}
	slices.SortStableFunc(out, func(a, b itemView) int {
		if c := a.when.Truncate(time.Second).Compare(b.when.Truncate(time.Second)); c != 0 {
			return c
		}
		return int(a.order - b.order)
	})
	return out, nil
}

// reactionWords are how reactions are written, without pictures.
var reactionWords = map[string]string{
	"+1": "agrees", "-1": "disagrees", "eyes": "seen", "confused": "confused", "heart": "heart",
	"hooray": "hooray", "laugh": "laughs", "rocket": "rocket",
}

func reactions(all []githubsim.Reaction) []reactionView {
	var out []reactionView
	for _, r := range all {
		label := reactionWords[r.Content]
		i := slices.IndexFunc(out, func(v reactionView) bool { return v.Label == label })
		if i < 0 {
			out = append(out, reactionView{label, 1})
			continue
		}
		out[i].Count++
	}
	return out
}

func short(sha string) string { return sha[:min(7, len(sha))] }

// headline gives the first line of a commit's message.
func headline(message string) string {
	line, _, _ := strings.Cut(message, "\n")
	return line
}

// buttonsView is a check run with the page that its buttons stand on.
type buttonsView struct {
	Run  runView
	Pull pullView
}

func runArgs(r runView, p pullView) buttonsView { return buttonsView{r, p} }

// since writes a time for people; the exact one stands in the title.
func since(t time.Time) string { return t.UTC().Format("2 Jan 15:04 UTC") }
