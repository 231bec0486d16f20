package project_test

import (
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, path string
		want          bool
	}{
		{"**", "a", true},
		{"**", "a/b/c", true},
		{"a", "a", true},
		{"a", "b", false},
		{"a", "a/b", false},
		{"a/b", "a", false},
		{"*", "a.yaml", true},
		{"*", "a/b", false},
		{"*.yaml", "a.yaml", true},
		{"*.yaml", ".yaml", true},
		{"*.yaml", "a/b.yaml", false},
		{"**/*.yaml", "b.yaml", true},
		{"**/*.yaml", "x/y/b.yaml", true},
		{"a/**", "a", true},
		{"a/**", "a/b/c", true},
		{"a/**", "ab", false},
		{"a/**/b", "a/b", true},
		{"a/**/b", "a/x/y/b", true},
		{"a/**/b", "a/x/y/c", false},
		{"**/testdata/**", "x/testdata/y/z", true},
		{"**/testdata/**", "x/testdatas/y", false},
		{"**/a/**/b/*.tf", "z/a/q/b/c/b/x.tf", true},
		{"**/a/**/b/*.tf", "z/a/q/b/c/x.tf", false},
		{"a?c", "abc", true},
		{"a?c", "aéc", true},
		{"a?c", "a/c", false},
		{"[a-c]x", "bx", true},
		{"[!a-c]x", "bx", false},
		{"[^a-c]x", "dx", true},
		{"[]]x", "]x", true},
		{"[a-]x", "-x", true},
		{"[a", "a", false},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`[\]]`, "]", true},
		{"*a*b*c", "xxaxxbxxc", true},
		{"*a*b*c", "xxaxxcxxb", false},
		{"", "", true},
		{"a/", "a", false},
		{"ü*", "über", true},
		{"a b/*", "a b/c d", true},
	}
	for _, tt := range tests {
		if got := project.Match(tt.pattern, tt.path); got != tt.want {
			t.Errorf("Match(%q, %q) = %v", tt.pattern, tt.path, got)
		}
	}
}

// TestMatchIsFast has patterns that take a naive matcher exponential time.
func TestMatchIsFast(t *testing.T) {
	start := time.Now()
	project.Match(strings.Repeat("*a", 200)+"b", strings.Repeat("a", 2000))
	project.Match(strings.Repeat("**/a/", 200)+"b", strings.Repeat("a/", 2000)+"c")
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("**/*.yaml", "a/b.yaml")
	f.Add("[a-", "a")
	f.Add(`a\`, "a")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		project.Match(pattern, path)
		if !project.Match("**", path) {
			t.Errorf("** does not match %q", path)
		}
	})
}
