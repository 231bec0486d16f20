package github

import (
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/review"
)

func fp(c string) string { return strings.Repeat(c, 32) }

// say writes a comment's body as review does.
func say(headline, suggestion string, fps ...string) string {
	b := "**" + headline + "** · high · `k8s/x`\n\nWhy it matters.\n\n"
	if suggestion != "" {
		b += "```suggestion\n" + suggestion + "\n```\n\n"
	}
	return b + review.Marker(fps) + "\n"
}

func wish(line int, body string, fps ...string) review.Comment {
	return review.Comment{Path: "a.yaml", Start: line, Line: line, Fingerprints: fps, Body: body}
}

func there(id string, line int, body string) Thread {
	return Thread{ID: id, CommentID: 1, Path: "a.yaml", Start: line, Line: line, Outdated: line == 0, Body: body, fingerprints: review.ParseMarkers(body)}
}

func with(t Thread, change func(*Thread)) Thread { change(&t); return t }

func resolved(t *Thread) { t.Resolved = true }

func TestReconcile(t *testing.T) {
	a, b, c := fp("a"), fp("b"), fp("c")
	const head = sha1
	old := say("A", "x: 1", a)
	fixedOld := settledBody(old, sha2)
	for _, tc := range []struct {
		name        string
		comments    []review.Comment
		annotations []string // fingerprints
		live        string
		threads     []Thread
		unread      bool
		want        string // posts|edits|settles|annotations, by headline, thread, thread, fingerprint
	}{
		{name: "first", comments: []review.Comment{wish(3, old, a)}, live: "a", want: "post a"},
		{name: "again", comments: []review.Comment{wish(3, old, a)}, live: "a", threads: []Thread{there("T", 3, old)}, want: ""},
		{name: "again, worded anew", comments: []review.Comment{wish(3, strings.Replace(old, "Why it matters", "It matters", 1), a)}, live: "a",
			threads: []Thread{there("T", 3, old)}, want: ""},
		{name: "again, line endings", comments: []review.Comment{wish(3, old, a)}, live: "a",
			threads: []Thread{there("T", 3, strings.ReplaceAll(old, "\n", "\r\n"))}, want: ""},
		{name: "other suggestion", comments: []review.Comment{wish(3, say("A", "x: 2", a), a)}, live: "a", threads: []Thread{there("T", 3, old)}, want: "edit T"},
		{name: "other severity", comments: []review.Comment{wish(3, strings.Replace(old, "high", "low", 1), a)}, live: "a", threads: []Thread{there("T", 3, old)}, want: "edit T"},
		{name: "one of two fixed", comments: []review.Comment{wish(3, say("B", "", b), b)}, live: "b",
			threads: []Thread{there("T", 3, say("A", "", a, b))}, want: "edit T"},
		{name: "one more", comments: []review.Comment{wish(3, say("A", "", a, b), a, b)}, live: "ab",
			threads: []Thread{there("T", 3, say("A", "", a))}, want: "edit T"},
		{name: "two threads, one wish", comments: []review.Comment{wish(3, say("A", "", a, b, c), a, b, c)}, live: "abc",
			threads: []Thread{there("T", 3, say("A", "", a)), there("U", 9, say("B", "", b))}, want: "annotate c"},
		{name: "outdated", comments: []review.Comment{wish(3, old, a)}, live: "a", threads: []Thread{there("T", 0, old)}, want: "annotate a"},
		{name: "over budget but said", annotations: []string{a, b}, live: "ab", threads: []Thread{there("T", 3, old)}, want: "annotate b"},
		{name: "over budget, outdated", annotations: []string{a}, live: "a", threads: []Thread{there("T", 0, old)}, want: "annotate a"},
		{name: "fixed", threads: []Thread{there("T", 3, old)}, want: "settle T"},
		{name: "fixed, outdated", threads: []Thread{there("T", 0, old)}, want: "settle T"},
		{name: "not seen", threads: []Thread{there("T", 3, old)}, unread: true, want: ""},
		{name: "fixed before", threads: []Thread{there("T", 3, fixedOld)}, want: ""},
		{name: "fixed, half-way", threads: []Thread{there("T", 3, settledBody(old, head))}, want: "settle T"},
		{name: "fixed, people resolved it", threads: []Thread{with(there("T", 3, old), resolved)}, want: ""},
		{name: "existing now", live: "a", threads: []Thread{there("T", 3, old)}, want: ""},
		{name: "half fixed", live: "b", threads: []Thread{there("T", 3, say("A", "", a, b))}, want: ""},
		{name: "returned", comments: []review.Comment{wish(3, old, a)}, live: "a",
			threads: []Thread{with(there("T", 3, fixedOld), resolved)}, want: "edit T, reopen T"},
		{name: "returned, unresolved", comments: []review.Comment{wish(3, old, a)}, live: "a", threads: []Thread{there("T", 3, fixedOld)}, want: "edit T"},
		{name: "returned outdated", comments: []review.Comment{wish(3, old, a)}, live: "a",
			threads: []Thread{with(there("T", 0, fixedOld), resolved)}, want: "edit T, reopen T, annotate a"},
		{name: "returned over budget", annotations: []string{a}, live: "a",
			threads: []Thread{with(there("T", 3, fixedOld), resolved)}, want: "edit T, reopen T"},
		{name: "people resolved, still there", comments: []review.Comment{wish(3, old, a)}, live: "a",
			threads: []Thread{with(there("T", 3, old), resolved)}, want: ""},
		{name: "live one before outdated one", comments: []review.Comment{wish(3, old, a)}, live: "a",
			threads: []Thread{there("T", 0, old), there("U", 3, old)}, want: ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rv := &review.Review{Comments: tc.comments, Live: map[string]bool{}, Fallback: map[string]review.Annotation{}}
			for _, r := range tc.live {
				rv.Live[fp(string(r))] = true
			}
			for _, m := range tc.comments {
				for _, f := range m.Fingerprints {
					rv.Fallback[f] = review.Annotation{Path: "a.yaml", Start: 1, End: 1, Fingerprint: f}
				}
			}
			for _, f := range tc.annotations {
				rv.Annotations = append(rv.Annotations, review.Annotation{Path: "a.yaml", Start: 1, End: 1, Fingerprint: f})
			}
			p := reconcile(rv, tc.threads, func(string) bool { return tc.unread }, head)
			if got := tell(p); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func tell(p plan) string {
	var out []string
	for _, c := range p.post {
		out = append(out, "post "+c.Fingerprints[0][:1])
	}
	for _, e := range p.edits {
		if e.body != "" {
			out = append(out, "edit "+e.thread.ID)
		}
		if e.reopen {
			out = append(out, "reopen "+e.thread.ID)
		}
	}
	for _, s := range p.settle {
		out = append(out, "settle "+s.ID)
	}
	for _, a := range p.annotations {
		out = append(out, "annotate "+a.Fingerprint[:1])
	}
	return strings.Join(out, ", ")
}

func TestReopeningTakesTheNoteAway(t *testing.T) {
	a := fp("a")
	old := say("A", "", a)
	rv := &review.Review{Live: map[string]bool{a: true}, Annotations: []review.Annotation{{Fingerprint: a}}}
	p := reconcile(rv, []Thread{there("T", 3, settledBody(old, sha2))}, func(string) bool { return false }, sha1)
	if len(p.edits) != 1 || strings.TrimSpace(p.edits[0].body) != strings.TrimSpace(old) {
		t.Fatalf("edits %+v", p.edits)
	}
}

func TestSuggestionStaysWithItsLines(t *testing.T) {
	a := fp("a")
	c := wish(7, say("A now", "x: 2", a), a)
	if got := fitted(c, there("T", 7, "")); got != c.Body {
		t.Errorf("changed at its own lines: %q", got)
	}
	moved := fitted(c, there("T", 9, ""))
	if strings.Contains(moved, "suggestion") || !strings.Contains(moved, "```\nx: 2\n```") {
		t.Errorf("a suggestion on other lines: %q", moved)
	}
	// Once written it is not written again.
	rv := &review.Review{Live: map[string]bool{a: true}, Comments: []review.Comment{c}}
	if p := reconcile(rv, []Thread{there("T", 9, moved)}, func(string) bool { return false }, sha1); len(p.edits) != 0 {
		t.Errorf("edits %+v", p.edits)
	}
}

func TestSettledBody(t *testing.T) {
	body := say("A", "", fp("a"))
	s := settledBody(body, sha1)
	if !strings.HasSuffix(s, "\nFixed in 1111111.") {
		t.Errorf("body %q", s)
	}
	if by, ok := settledBy(s); !ok || by != "1111111" {
		t.Errorf("settledBy: %q %v", by, ok)
	}
	if again := settledBody(s, sha2); strings.Count(again, "Fixed in") != 1 || !strings.HasSuffix(again, "Fixed in 2222222.") {
		t.Errorf("settled again: %q", again)
	}
	if got := review.ParseMarkers(s); len(got) != 1 || got[0] != fp("a") {
		t.Errorf("markers %v", got)
	}
	if strings.TrimSpace(unsettled(s)) != strings.TrimSpace(body) {
		t.Errorf("unsettled: %q", unsettled(s))
	}
	if _, ok := settledBy("A person wrote: Fixed in 1111111."); ok {
		t.Error("another's words taken for ours")
	}
}
