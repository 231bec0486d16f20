package github

import (
	"regexp"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// plan is the difference between what a review wants to say and what stands on
// the pull request.
type plan struct {
	post        []review.Comment    // in one review
	annotations []review.Annotation // of the check run
	edits       []edit
	settle      []Thread
}

// edit changes a comment of ours; reopen says that its thread is to be opened
// again.
type edit struct {
	thread Thread
	body   string // "" leaves it as it is
	reopen bool
}

// reconcile compares a review with our threads on the pull request. unread says
// for which files the review could not see everything: what is missing there is
// not taken as fixed. It is pure.
func reconcile(rv *review.Review, threads []Thread, unread func(path string) bool, head string) plan {
	r := reconciler{rv: rv, threads: threads, best: map[string]int{}, planned: map[int]int{}}
	for i, t := range threads {
		for _, fp := range t.fingerprints {
			if old, ok := r.best[fp]; !ok || t.rank() > threads[old].rank() {
				r.best[fp] = i
			}
		}
	}
	for _, c := range rv.Comments {
		r.comment(c)
	}
	for _, a := range rv.Annotations {
		if i, ok := r.best[a.Fingerprint]; ok && a.Fingerprint != "" {
			if r.reopen(i, ""); threads[i].live() {
				continue // said there
			}
		}
		r.annotations = append(r.annotations, a)
	}
	for _, t := range threads {
		if r.stands(t) || unread(t.Path) {
			continue
		}
		switch by, done := settledBy(t.Body); {
		case !done && !t.Resolved:
			r.settle = append(r.settle, t)
		case done && !t.Resolved && by == short(head):
			// A former try for this head got as far as the comment.
			r.settle = append(r.settle, t)
		}
	}
	return r.plan
}

type reconciler struct {
	plan
	rv      *review.Review
	threads []Thread
	best    map[string]int // fingerprint → the thread that says it best
	planned map[int]int    // thread → its edit
}

// comment decides what becomes of one wanted comment.
func (r *reconciler) comment(c review.Comment) {
	carrier, said := -1, 0
	oneCarrier := true
	for _, fp := range c.Fingerprints {
		i, ok := r.best[fp]
		if !ok {
			continue
		}
		said++
		switch {
		case carrier < 0:
			carrier = i
		case carrier != i:
			oneCarrier = false
			if !r.threads[carrier].live() && r.threads[i].live() {
				carrier = i
			}
		}
	}
	switch {
	case said == 0:
		r.post = append(r.post, c)
	case oneCarrier && r.threads[carrier].live():
		// The comment that is there speaks for all of them.
		r.reopen(carrier, fitted(c, r.threads[carrier]))
	default:
		// Several comments share these findings, or the one there is hangs on
		// lines that are gone. Nothing is said twice in comments: what has no
		// live one becomes an annotation.
		for _, fp := range c.Fingerprints {
			i, ok := r.best[fp]
			if ok {
				r.reopen(i, "")
			}
			if !ok || !r.threads[i].live() {
				r.fallBack(fp)
			}
		}
	}
}

func (r *reconciler) fallBack(fp string) {
	if a, ok := r.rv.Fallback[fp]; ok {
		r.annotations = append(r.annotations, a)
	}
}

// reopen plans what a thread needs whose finding stands: to be opened again if
// it was settled, and the body wanted, if that means something else.
func (r *reconciler) reopen(i int, want string) {
	t := r.threads[i]
	_, settled := settledBy(t.Body)
	e := edit{thread: t, reopen: settled && t.Resolved}
	switch {
	case want != "" && (settled || meaning(want) != meaning(t.Body)):
		e.body = want
	case settled:
		e.body = unsettled(t.Body)
	}
	if e.body == "" && !e.reopen {
		return
	}
	if at, ok := r.planned[i]; ok {
		if want != "" {
			r.edits[at] = e
		}
		return
	}
	r.planned[i] = len(r.edits)
	r.edits = append(r.edits, e)
}

// stands reports whether any finding of a thread is still there.
func (r *reconciler) stands(t Thread) bool {
	return slices.ContainsFunc(t.fingerprints, func(fp string) bool { return r.rv.Live[fp] })
}

// live reports whether people see the thread on the page of changed files.
func (t Thread) live() bool { return !t.Outdated && t.Line > 0 }

// rank orders threads that speak of one finding.
func (t Thread) rank() int {
	n := 0
	if t.live() {
		n += 2
	}
	if !t.Resolved {
		n++
	}
	return n
}

var suggestionFence = regexp.MustCompile("(?m)^(`{3,})suggestion$")

// fitted is the body of c as it may stand in thread t: a suggestion replaces
// the lines that its comment hangs on, so elsewhere it is only shown.
func fitted(c review.Comment, t Thread) string {
	if c.Start == t.Start && c.Line == t.Line && c.Path == t.Path {
		return c.Body
	}
	return suggestionFence.ReplaceAllString(c.Body, "$1")
}

// meaning is what a body says to a reader and to us: its findings, its
// headlines and its suggestion. Bodies of one meaning differ in wording alone.
func meaning(body string) string {
	fps := review.ParseMarkers(body)
	slices.Sort(fps)
	var b strings.Builder
	b.WriteString(strings.Join(fps, " "))
	fence := ""
	for line := range strings.Lines(strings.ReplaceAll(body, "\r\n", "\n")) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case fence != "":
			if line == fence {
				fence = ""
			}
			b.WriteString("\n" + line)
		case strings.HasPrefix(line, "```"):
			fence = line[:len(line)-len(strings.TrimLeft(line, "`"))]
			b.WriteString("\n" + line)
		case strings.HasPrefix(line, "**"):
			b.WriteString("\n" + line)
		}
	}
	return b.String()
}

// A settled comment gains a last line that people read, with a hidden mark by
// which we know our own hand again.
const settledMark = "<!-- plimsoll-settled -->"

var settledPattern = regexp.MustCompile(`\n\n` + settledMark + `\nFixed in ([0-9a-f]{7})\.\s*$`)

func settledBody(body, head string) string {
	return strings.TrimRight(unsettled(body), " \r\n") + "\n\n" + settledMark + "\nFixed in " + short(head) + "."
}

// settledBy gives the short SHA that a comment was settled with.
func settledBy(body string) (string, bool) {
	m := settledPattern.FindStringSubmatch(strings.ReplaceAll(body, "\r\n", "\n"))
	if m == nil {
		return "", false
	}
	return m[1], true
}

func unsettled(body string) string {
	body = strings.ReplaceAll(body, "\r\n", "\n")
	if at := settledPattern.FindStringIndex(body); at != nil {
		return body[:at[0]] + "\n"
	}
	return body
}

func short(sha string) string { return sha[:min(7, len(sha))] }
