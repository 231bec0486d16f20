package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// GitHub's limits, in bytes where GitHub says characters: bytes are the safe
// side. Sources: the REST documentation of check runs and pull request reviews.
const (
	MaxTitle    = 255
	MaxSummary  = 65535
	MaxBody     = 65536
	MaxMessage  = 64 << 10
	maxSuggest  = 60 // lines of a suggestion; a longer one is a patch, not a suggestion
	marginBytes = 600
	// MaxAnnotations bounds those of one check run: GitHub takes 50 a request.
	// The summary counts the rest.
	MaxAnnotations = 1000
)

// Make puts a report in GitHub's words. hunks gives, for each file of the head
// that the pull request's diff shows, the spans of lines that can carry a
// comment; findings elsewhere become annotations, as do those over the budget.
func Make(r *Report, hunks map[string][]change.Hunk) *Review {
	out := &Review{Live: map[string]bool{}, Fallback: map[string]Annotation{}}
	commented := map[string]bool{}
	for _, f := range r.Findings {
		if f.State == engine.New || f.State == engine.Existing {
			out.Live[f.Fingerprint] = true
		}
	}
	if !r.Policy.Draft {
		for _, g := range r.Groups {
			if len(out.Comments) >= r.Policy.MaxComments {
				break
			}
			c, ok := comment(r, g, hunks)
			if !ok {
				continue
			}
			out.Comments = append(out.Comments, c)
			for _, fp := range c.Fingerprints {
				commented[fp] = true
			}
		}
	}
	for _, f := range r.Findings {
		if f.State != engine.New {
			continue
		}
		a := annotation(r, f)
		if commented[f.Fingerprint] {
			out.Fallback[f.Fingerprint] = a
		} else if len(out.Annotations) < MaxAnnotations {
			out.Annotations = append(out.Annotations, a)
		}
	}
	out.Conclusion = Conclude(r)
	out.Title = cut(Title(r), MaxTitle)
	out.Summary = Summary(r, MaxSummary)
	out.Actions = actions(r)
	return out
}

// Conclude gives the check run's conclusion for a report.
func Conclude(r *Report) Conclusion {
	switch {
	case r.Policy.ConfigError != nil:
		return ActionRequired
	case Failing(r) > 0 && r.Policy.Advise, nothing(r):
		return Neutral
	case Failing(r) > 0:
		return Failure
	}
	return Success
}

// Failing counts the new findings at or above the policy's threshold.
func Failing(r *Report) int {
	n := 0
	for _, f := range r.Findings {
		if f.State == engine.New && f.Severity.AtLeast(r.Policy.FailOn) {
			n++
		}
	}
	return n
}

func nothing(r *Report) bool {
	return len(r.Changes) == 0 && len(r.Findings) == 0 && len(r.Diagnostics) == 0 && r.IfMerged == nil
}

func actions(r *Report) []Action {
	var out []Action
	for _, f := range r.Findings {
		if f.State == engine.New && f.Fix != nil {
			out = append(out, Action{Label: "Apply fixes", Description: "Commit every proven fix to the branch", Identifier: "fix"})
			break
		}
	}
	return append(out, Action{Label: "Rescan", Description: "Review this pull request again", Identifier: "rescan"})
}

// level is the annotation level of a severity, as the contract gives it.
func level(s rule.Severity) string {
	switch s {
	case rule.Critical, rule.High:
		return "failure"
	case rule.Medium:
		return "warning"
	}
	return "notice"
}

func annotation(r *Report, f Finding) Annotation {
	at := inHead(f)
	first, last := at.Start.Line, at.LastLine()
	if first == 0 {
		first, last = 1, 1
	}
	last = max(first, last)
	text := fmt.Sprintf("%s\n%s (%s, %s)\n\n%s %s", plain(upperFirst(f.Message)), f.Resource.ID+alsoThrough(f, asIs), f.Rule.ID, f.Severity, plain(f.Rule.Why), plain(f.Rule.Remediation))
	if u := ruleURL(r, f.Rule.ID); u != "" {
		text += "\n" + u
	}
	if s := because(f); s != "" {
		text += "\n" + plain(s)
	} else if o := originText(f.Origins); o != "" {
		text += "\n" + upperFirst(comes(f)) + " " + plain(o) + "."
	}
	if f.Fix == nil && f.Write != "" {
		text += "\n\n" + f.Write
	}
	return Annotation{
		Path: at.File, Start: first, End: last, Level: level(f.Severity),
		Title:       cut(fmt.Sprintf("%s (%s): %s", f.Rule.ID, f.Severity, f.Rule.Title), MaxTitle),
		Message:     cut(text, MaxMessage),
		Fingerprint: f.Fingerprint,
	}
}

func within(hunks []change.Hunk, first, last int) bool {
	for _, h := range hunks {
		if h.Start <= first && last <= h.End {
			return true
		}
	}
	return false
}

// comment makes one inline comment of a group, or reports that none of its
// places lies in the diff.
func comment(r *Report, g Group, hunks map[string][]change.Hunk) (Comment, bool) {
	lead := r.Findings[g.Findings[0]]
	file := inHead(lead).File
	c := Comment{Path: file}
	var suggestion *string // nil for none; an empty one deletes the lines
	if g.Fix != nil {
		// Where the value comes from another file, the fix may lie there.
		at := file
		if len(g.Fix.Edits) > 0 {
			at = g.Fix.Edits[0].Range.File
		}
		if s, first, last, ok := suggest(r.Files[at], g.Fix.Edits); ok && within(hunks[at], first, last) {
			c.Path, c.Start, c.Line, suggestion = at, first, last, &s
		}
	}
	if c.Line == 0 {
		if c.Path, c.Line, c.Removed = place(r, g, hunks); c.Line == 0 {
			return Comment{}, false
		}
		c.Start = c.Line
	}
	for _, i := range g.Findings {
		c.Fingerprints = append(c.Fingerprints, r.Findings[i].Fingerprint)
	}
	c.Body = body(r, g, c, suggestion)
	if len(c.Body) > MaxBody {
		// Half a suggestion would be worse than none.
		c.Body = body(r, g, c, nil)
	}
	return c, true
}

// place gives the line that the gravest finding of the group can be commented
// on: where what is missing was removed, where what made it stands, where the
// setting stands, where its value came from (a variable's default), or where one
// that is missing came from (the argument of a call), whichever the diff shows.
// Line 0 says that there is none; removed, that it is a line of the base.
func place(r *Report, g Group, hunks map[string][]change.Hunk) (file string, line int, removed bool) {
	for _, i := range g.Findings {
		f := r.Findings[i]
		if at := lost(f); within(r.BaseHunks[at.File], at.Start.Line, at.Start.Line) {
			return at.File, at.Start.Line, true
		}
		for _, t := range f.Turned {
			shown := hunks
			if t.OnBase {
				shown = r.BaseHunks
			}
			// What changed is where the value came from, if anything is.
			for _, at := range slices.Backward(t.At) {
				if within(shown[at.File], at.Start.Line, at.Start.Line) {
					return at.File, at.Start.Line, t.OnBase
				}
			}
		}
		for _, at := range append([]source.Range{inHead(f)}, f.Origins...) {
			if within(hunks[at.File], at.Start.Line, at.Start.Line) {
				return at.File, at.Start.Line, false
			}
		}
		for _, at := range slices.Backward(f.GoneFrom) {
			if within(r.BaseHunks[at.File], at.Start.Line, at.Start.Line) {
				return at.File, at.Start.Line, true
			}
		}
	}
	return "", 0, false
}

// suggest gives the text that is to stand in place of the lines first to last,
// when the edits lie in f alone and can be shown as one suggestion.
func suggest(f *source.File, edits []source.Edit) (text string, first, last int, ok bool) {
	if f == nil || len(edits) == 0 {
		return "", 0, 0, false
	}
	for _, e := range edits {
		if e.Range.File != f.Path {
			return "", 0, 0, false
		}
	}
	lines, err := source.WholeLines(f, edits)
	if err != nil || len(lines) == 0 {
		return "", 0, 0, false
	}
	first, last = lines[0].Start, lines[0].End
	for _, l := range lines {
		first, last = min(first, l.Start), max(last, l.End)
	}
	if last < first {
		// A pure insertion takes the line before it along, since GitHub can
		// only replace; before the first line it takes the one after.
		if first > 1 {
			first--
			last = first
		} else {
			last = first
		}
	}
	for _, l := range lines {
		// An insertion right behind the span needs nothing, one in front of
		// it would fall outside.
		if l.End < l.Start && l.Start-1 > last {
			last = l.Start - 1
		}
	}
	if last-first+1 > maxSuggest || last > f.Lines() {
		return "", 0, 0, false
	}
	from, to := f.LineStart(first), f.LineEnd(last)
	var shifted []source.Edit
	for _, e := range source.ByteEdits(f, lines) {
		s, t := e.Range.Start.Byte-from, e.Range.End.Byte-from
		if s < 0 || t > to-from {
			return "", 0, 0, false
		}
		shifted = append(shifted, source.Edit{Range: source.Range{File: f.Path, Start: source.Pos{Byte: s}, End: source.Pos{Byte: t}}, New: e.New})
	}
	after, err := source.Apply(f.Data[from:to], shifted)
	if err != nil {
		return "", 0, 0, false
	}
	return strings.ReplaceAll(string(after), "\r\n", "\n"), first, last, true
}

func ruleURL(r *Report, id string) string {
	if r.RulesURL == "" {
		return ""
	}
	return r.RulesURL + "/" + id
}

func ruleLink(r *Report, id string) string {
	if u := ruleURL(r, id); u != "" {
		return "[`" + id + "`](" + u + ")"
	}
	return "`" + id + "`"
}

// originText names the places that a value came from, nearest first.
func originText(origins []source.Range) string {
	var parts []string
	for i, o := range origins {
		if i == 3 {
			parts = append(parts, fmt.Sprintf("%d more", len(origins)-3))
			break
		}
		parts = append(parts, fmt.Sprintf("`%s:%d`", o.File, o.Start.Line))
	}
	return strings.Join(parts, ", ")
}
