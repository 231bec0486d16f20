// Package review makes from findings what people and machines read: the check
// run, the inline comments, the summary, and the text, JSON, SARIF and Markdown
// reports. It is pure: no GitHub, no git, no clock.
package review

import (
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/fix"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Report is everything that is known after a review, before it is put in the
// words of GitHub or of a terminal.
type Report struct {
	Base, Head  string // full SHAs; "" for a scan and for the working tree
	Scanned     bool   // nothing was compared: every resource was judged as it is
	Changes     []change.ResourceChange
	Findings    []Finding // as engine.Result orders them
	Unknown     []engine.NotEvaluated
	Diagnostics source.Diagnostics
	// Groups are the new findings that may get a comment, as GroupNew gathers
	// them, with their combined fixes.
	Groups []Group
	// Files gives the head's files that findings, fixes and hunks speak of
	// (the base's for fixed findings whose file is gone).
	Files   map[string]*source.File
	Elapsed time.Duration
	// BaseHunks gives, for each file of the base that the pull request's diff
	// shows, the spans of its lines; whoever knows the diff sets it. Comments on
	// removed lines need it.
	BaseHunks map[string][]change.Hunk
	Policy    Policy
	// IfMerged is what the change does to how later changes are judged; nil where
	// it does nothing to that.
	IfMerged *Effects
	// RulesURL is where rule pages are served, without a final slash:
	// <RulesURL>/k8s/privileged-container. "" when there is no server.
	RulesURL string
}

// Finding is an engine finding with its proven fix, if there is one.
type Finding struct {
	engine.Finding
	Fix *fix.Fix
}

// Policy is how findings are to be treated, resolved from configuration.
type Policy struct {
	FailOn      rule.Severity // lowest severity of a new finding that fails; "none" never
	Advise      bool          // never fails
	CommentOn   rule.Severity // lowest severity that gets an inline comment
	MaxComments int
	// SuppressNow says that an inline suppression counts as soon as the head has
	// it; else it counts once merged.
	SuppressNow bool
	// SARIFUpload says that the findings go to code scanning too.
	SARIFUpload bool
	// ReviewDrafts says that drafts get their comments at once.
	ReviewDrafts bool
	// Draft says that the pull request is a draft whose comments are held back.
	// Whoever knows the pull request sets it.
	Draft bool
	// ConfigError is set when the base's .plimsoll.yml cannot be read at all:
	// conclusion action_required.
	ConfigError *source.Diagnostic
}

// Conclusion is a check run's conclusion in GitHub's words.
type Conclusion string

// The conclusions in use.
const (
	Success        Conclusion = "success"
	Failure        Conclusion = "failure"
	Neutral        Conclusion = "neutral"
	ActionRequired Conclusion = "action_required"
)

// Review is a Report in GitHub's words.
type Review struct {
	Conclusion  Conclusion
	Title       string // at most 255 characters
	Summary     string // Markdown, at most 65,535 bytes
	Comments    []Comment
	Annotations []Annotation // of all new findings that have no comment here
	Actions     []Action     // at most 3
	// Live are the fingerprints of the findings that stand in the head, new or
	// existing; a thread of ours none of whose fingerprints is here is settled.
	Live map[string]bool
	// Fallback has, for each fingerprint in Comments, the annotation that says
	// it where its comment cannot be posted.
	Fallback map[string]Annotation
}

// Comment is one inline comment, on the head's side of the diff, or where
// Removed is set on a line that the change removes: Line is then the base's.
type Comment struct {
	Path         string
	Removed      bool
	Start, Line  int      // 1-based, inclusive; Start == Line for a single line
	Fingerprints []string // of the findings that it speaks of, gravest first
	// Body is Markdown, at most 65,536 bytes, and ends with a hidden marker
	// that Fingerprints can be read back from (see Marker).
	Body string
}

// Annotation is one annotation of the check run.
type Annotation struct {
	Path       string
	Start, End int    // 1-based, inclusive
	Level      string // failure, warning, notice
	Title      string // at most 255 characters
	Message    string // plain text, at most 64 KiB
	// Fingerprint of the finding: where it has a live comment from an earlier
	// push, the annotation is left out, so that it is said once.
	Fingerprint string
}

// Action is a button of the check run: label at most 20 characters,
// description 40, identifier 20.
type Action struct {
	Label, Description, Identifier string
}
