package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// TestRuleDocs holds that docs/rules says what the rules say.
func TestRuleDocs(t *testing.T) {
	all, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	const dir = "../../docs/rules"
	pages := ruleDocs(all)
	for name, want := range pages {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("docs/rules/%s is stale (%v): make rule-docs", name, err)
		}
	}
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if rel, _ := filepath.Rel(dir, p); pages[filepath.ToSlash(rel)] == nil {
			t.Errorf("docs/rules/%s is no rule's page any more: make rule-docs", rel)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRulePageInMarkdown holds what a page has of a rule.
func TestRulePageInMarkdown(t *testing.T) {
	page := string(rulePage(&rule.Rule{
		ID: "k8s/x", Title: "Title", Severity: rule.High, Profile: "default", Theme: "namespaces", Why: "Why.", Remediation: "What.",
		References: []string{"https://example.com/a"}, Equivalents: map[string][]string{"checkov": {"CKV_1"}}, Compliance: map[string][]string{"nsa": {"a"}},
		Checks:   []rule.Check{{Platform: "kubernetes", Kinds: []string{"Pod"}, Links: []string{"Service"}, Fix: &rule.FixSpec{Title: "Mend it", Review: "Look."}}},
		Examples: []rule.Example{{Fail: "a: ```\n", Fixed: "a: 1\n"}, {Pass: "b: 1\n"}},
	}))
	for _, want := range []string{
		"# Title", "`k8s/x` · high · profile default", "Why.", "**What to do.** What.", "- kubernetes: `Pod`, with `Service` beside it",
		"- Mend it. Before you apply it: Look.", "````yaml\na: ```\n````", "```yaml\na: 1\n```", "Passes:", "- checkov: `CKV_1`", "- nsa: `a`", "- <https://example.com/a>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}
