package review

import (
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// What depends on the same thing is said once.
func TestDoubts(t *testing.T) {
	r := &Report{}
	for _, u := range []struct{ rule, id, why string }{
		{"a/one", "x", "var.a"},
		{"a/two", "x", "var.a"},
		{"a/two", "x", "var.a"}, // another container
		{"a/three", "x", "var.a"},
		{"a/three", "y", "var.a"},
		{"a/four", "x", "var.b"},
		{"a/five", "x", "var.a"},
		{"a/six", "x", "var.a"},
		{"a/seven", "x", ""},
	} {
		r.Unknown = append(r.Unknown, engine.NotEvaluated{
			Rule: &rule.Rule{ID: u.rule}, Resource: &resource.Resource{ID: u.id}, Why: u.why,
		})
	}
	want := []string{
		"a/one, a/two, a/five and 1 more on x: depends on var.a",
		"a/three on x and 1 more: depends on var.a",
		"a/four on x: depends on var.b",
		"a/seven on x",
	}
	got := doubts(r)
	if len(got) != len(want) {
		t.Fatalf("%d doubts, want %d: %v", len(got), len(want), got)
	}
	for i, d := range got {
		if s := d.say(func(s string) string { return s }); s != want[i] {
			t.Errorf("got %q, want %q", s, want[i])
		}
	}
}

// A scan compares nothing, so nothing in its summary is new or changed.
func TestSummaryLineOfAScan(t *testing.T) {
	r := &Report{Findings: []Finding{{Finding: engine.Finding{Rule: &rule.Rule{ID: "a/one"}, Severity: rule.High, State: engine.New}}}}
	if got, want := summaryLine(r), "1 new finding (1 high) in 0 changed resources of 0 · 0.00 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.Scanned = true
	if got, want := summaryLine(r), "1 finding (1 high) in 0 resources · 0.00 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.Findings = nil
	if got, want := summaryLine(r), "no findings in 0 resources · 0.00 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
