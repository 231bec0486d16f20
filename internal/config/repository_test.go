package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// catalogue knows two rules.
func catalogue(id string) (bool, string) {
	switch id {
	case "k8s/privileged-container", "k8s/host-path":
		return true, ""
	case "k8s/privileged":
		return false, "k8s/privileged-container"
	}
	return false, ""
}

func ptr[T any](v T) *T { return &v }

const full = `version: 1
mode: advise
profile: [default, strict]
fail_on: none
review_drafts: true
comment_on: low
max_comments: 0
paths:
  include: ["infra/**"]
  exclude: ["**/testdata/**"]
rules:
  k8s/privileged-container: {severity: low}
  k8s/host-path: {enabled: false}
suppress:
  - rule: k8s/host-path
    paths: ["platform/node-agent/**"]
    reason: the agent reads the node's logs
    expires: 2027-06-30
extra_rules: ["./.plimsoll/rules/"]
terraform: {var_files: ["config/*.tfvars"]}
helm: {values: ["environments/*.yaml"], kube_version: 1.30, namespace: shop}
inline_suppressions: head
compatibility: {suppressions: false}
sarif_upload: true
locked: [mode, paths, rules.k8s/host-path]
`

func TestParseRepositoryReadsEverySetting(t *testing.T) {
	got, ds, err := ParseRepository(".plimsoll.yml", []byte(full), catalogue)
	if err != nil || len(ds) != 0 {
		t.Fatalf("error %v, diagnostics %v", err, ds)
	}
	if line := got.Suppress[0].Range.Start.Line; line != 15 {
		t.Errorf("the suppression stands on line %d, want 15", line)
	}
	if at := got.Places["rules.k8s/host-path"]; at.Start.Line != 13 || at.File != ".plimsoll.yml" {
		t.Errorf("the rule is set at %v", at)
	}
	got.Places = nil
	want := Repository{
		Mode: ModeAdvise, Profile: []string{"default", "strict"}, FailOn: "none", ReviewDrafts: ptr(true),
		CommentOn: rule.Low, MaxComments: ptr(0),
		ForeignSuppressions: ptr(false), SARIFUpload: ptr(true), Locked: []string{"mode", "paths.include", "paths.exclude", "rules.k8s/host-path"},
		Include: []string{"infra/**"}, Exclude: []string{"**/testdata/**"},
		Rules: map[string]RuleOverride{
			"k8s/privileged-container": {Severity: rule.Low},
			"k8s/host-path":            {Enabled: ptr(false)},
		},
		Suppress: []Suppression{{
			Rule: "k8s/host-path", Paths: []string{"platform/node-agent/**"},
			Reason: "the agent reads the node's logs", Expires: "2027-06-30", Range: got.Suppress[0].Range,
		}},
		ExtraRules: []string{".plimsoll/rules"}, VarFiles: []string{"config/*.tfvars"}, HelmValues: []string{"environments/*.yaml"}, HelmKubeVersion: "1.30", HelmNamespace: "shop", InlineSuppressions: InlineHead,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseRepositoryErrors(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for _, c := range "bcdefgh" {
		prev := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+prev+", ", 10), ", ") + "]\n"
	}
	tests := []struct{ name, in, want string }{
		{"broken YAML", "mode: [\n", ".plimsoll.yml:1: not valid YAML: did not find expected node content"},
		{"not a mapping", "- a\n", ".plimsoll.yml:1: the configuration must be a mapping of names to values, not a list"},
		{"unknown version", "version: 2\n", `.plimsoll.yml:1: unknown version "2"; this Plimsoll reads version 1`},
		{"unknown key", "version: 1\nfail-on: high\n", `.plimsoll.yml:2: unknown key "fail-on"; did you mean "fail_on"?`},
		{"unknown key far from all", "zzzzzzzz: 1\n", `.plimsoll.yml:1: unknown key "zzzzzzzz"; use version, mode, profile, fail_on, review_drafts, comment_on, max_comments, paths, rules, suppress, extra_rules, compatibility, terraform, helm, inline_suppressions, sarif_upload or locked`},
		{"bad severity", "fail_on: hihh\n", `.plimsoll.yml:1: fail_on: "hihh" is not known; did you mean "high"?`},
		{"none is no severity of a rule", "rules:\n  k8s/host-path: {severity: none}\n", `.plimsoll.yml:2: rules.k8s/host-path.severity: "none" is not known; use critical, high, medium or low`},
		{"bad mode", "mode: warn\n", `.plimsoll.yml:1: mode: "warn" is not known; use enforce or advise`},
		{"bad profile", "profile: [strct]\n", `.plimsoll.yml:1: unknown profile "strct"; did you mean "strict"?`},
		{"bad boolean", "review_drafts: 'yes'\n", ".plimsoll.yml:1: review_drafts must be true or false"},
		{"too many comments", "max_comments: 101\n", ".plimsoll.yml:1: max_comments must be a whole number from 0 to 100"},
		{"text for a number", "max_comments: many\n", ".plimsoll.yml:1: max_comments must be a whole number from 0 to 100"},
		{"duplicate key", "mode: advise\nmode: enforce\n", `.plimsoll.yml:2: "mode" stands twice, first on line 1; keep one`},
		{"two documents", "mode: advise\n---\nmode: enforce\n", ".plimsoll.yml:2: holds several YAML documents; keep one"},
		{"merge key", "x: &x {severity: low}\nrules:\n  k8s/host-path: {<<: *x}\n", `.plimsoll.yml:1: unknown key "x"; use version, mode, profile, fail_on, review_drafts, comment_on, max_comments, paths, rules, suppress, extra_rules, compatibility, terraform, helm, inline_suppressions, sarif_upload or locked`},
		{"unknown key in paths", "paths: {includes: []}\n", `.plimsoll.yml:1: unknown key "includes" in paths; did you mean "include"?`},
		{"unknown key of a rule", "rules:\n  k8s/host-path:\n    enable: false\n", `.plimsoll.yml:3: unknown key "enable" in rules.k8s/host-path; did you mean "enabled"?`},
		{"suppression without a rule", "suppress:\n  - reason: x\n", ".plimsoll.yml:2: an entry of suppress names no rule; add rule: <id>"},
		{"suppress is a mapping", "suppress: {rule: x}\n", ".plimsoll.yml:1: suppress must be a list, not a mapping"},
		{"unknown key of helm", "helm: {value: []}\n", `.plimsoll.yml:1: unknown key "value" in helm; did you mean "values"?`},
		{"version of Kubernetes", "helm:\n  kube_version: new\n", `.plimsoll.yml:2: helm.kube_version: "new" is no version of Kubernetes; write it as 1.34`},
		{"name of a namespace", "helm: {namespace: A B}\n", `.plimsoll.yml:1: helm.namespace: "A B" is no name of a namespace`},
		{"unknown key of terraform", "terraform: {files: []}\n", `.plimsoll.yml:1: unknown key "files" in terraform; use var_files`},
		{"rules outside the repository", "extra_rules: [../rules]\n", `.plimsoll.yml:1: extra_rules: "../rules" is not a folder of this repository; write its path from the root`},
		{"alias bomb", bomb, ".plimsoll.yml:1: is nested too deeply, or its aliases stand for too much; write it out plainly"},
		{"self-alias", "rules: &r\n  a: *r\n", ".plimsoll.yml:2: is nested too deeply, or its aliases stand for too much; write it out plainly"},
		{"deep nesting", strings.Repeat("[", 5000), ".plimsoll.yml:1: not valid YAML: did not find expected node content"},
		{"too large", strings.Repeat("#", maxFileSize+1), ".plimsoll.yml: is larger than 256 KiB; shorten it"},
		{"invalid UTF-8", "mode: \xff\xfe\n", ".plimsoll.yml: not valid YAML: invalid leading UTF-8 octet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := ParseRepository(".plimsoll.yml", []byte(tt.in), catalogue)
			var ce *Error
			if !errors.As(err, &ce) {
				t.Fatalf("error %v is not an *Error", err)
			}
			if err.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
			if diff := cmp.Diff(Repository{}, got); diff != "" {
				t.Errorf("an unreadable file set something: %s", diff)
			}
		})
	}
}

func TestParseRepositoryDiagnostics(t *testing.T) {
	in := `rules:
  k8s/privileged: {severity: low}
  k8s/other: {}
paths:
  exclude: ["ok/**", "./below/", "[", "/abs", "a/**b"]
suppress:
  - rule: k8s/host-path
  - {rule: k8s/host-path, reason: "  "}
  - {rule: k8s/host-path, reason: x, expires: soon}
  - {rule: k8s/host-path, reason: x, expires: 2026-02-30}
  - {rule: k8s/host-path, reason: x, paths: []}
  - {rule: k8s/nothing, reason: x}
  - {rule: k8s/host-path, reason: stays}
`
	got, ds, err := ParseRepository(".plimsoll.yml", []byte(in), catalogue)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range ds {
		lines = append(lines, d.String())
	}
	want := []string{
		`.plimsoll.yml:2: unknown rule "k8s/privileged"; did you mean "k8s/privileged-container"?`,
		`.plimsoll.yml:3: unknown rule "k8s/other"; see the list of rules`,
		`.plimsoll.yml:5: paths.exclude: the pattern "/abs" starts with a slash; write it from the repository's root without one; it does not count`,
		`.plimsoll.yml:5: paths.exclude: the pattern "[" has a bracket that is not closed or a range that is not one; it does not count`,
		`.plimsoll.yml:5: paths.exclude: the pattern "a/**b" has ** beside other characters; ** stands alone between slashes; it does not count`,
		`.plimsoll.yml:7: the suppression of k8s/host-path has no reason and does not count; add reason: <why it may stay>`,
		`.plimsoll.yml:8: the suppression of k8s/host-path has no reason and does not count; add reason: <why it may stay>`,
		`.plimsoll.yml:9: the suppression of k8s/host-path has the date "soon", which is none, and does not count; write expires: YYYY-MM-DD`,
		`.plimsoll.yml:10: the suppression of k8s/host-path has the date "2026-02-30", which is none, and does not count; write expires: YYYY-MM-DD`,
		`.plimsoll.yml:11: the suppression of k8s/host-path has no pattern in paths that counts and covers nothing`,
		`.plimsoll.yml:12: unknown rule "k8s/nothing"; see the list of rules`,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if len(got.Suppress) != 1 || got.Suppress[0].Reason != "stays" || len(got.Rules) != 0 {
		t.Errorf("what counts: %+v", got)
	}
	if diff := cmp.Diff([]string{"ok/**", "below/**"}, got.Exclude); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyRepositorySetsNothing(t *testing.T) {
	for _, in := range []string{"", "# nothing\n", "---\n", "null\n", "\ufeff"} {
		got, ds, err := ParseRepository(".plimsoll.yml", []byte(in), nil)
		if err != nil || len(ds) != 0 || !cmp.Equal(got, Repository{}) {
			t.Errorf("%q: %+v, %v, %v", in, got, ds, err)
		}
	}
}

func TestMergeLaysLayersOverEachOther(t *testing.T) {
	org := Repository{
		FailOn: rule.Critical, Exclude: []string{"vendor/**"}, MaxComments: ptr(5),
		Rules:    map[string]RuleOverride{"a": {Enabled: ptr(false), Severity: rule.Low}, "b": {Severity: rule.High}},
		Suppress: []Suppression{{Rule: "a", Reason: "org"}},
	}
	repo := Repository{
		Mode: ModeAdvise, Exclude: []string{},
		Rules:    map[string]RuleOverride{"a": {Enabled: ptr(true)}},
		Suppress: []Suppression{{Rule: "b", Reason: "repo"}},
	}
	got := Merge(Defaults(), org, repo)
	want := Defaults()
	want.Mode, want.FailOn, want.MaxComments = ModeAdvise, rule.Critical, ptr(5)
	want.Rules = map[string]RuleOverride{"a": {Enabled: ptr(true), Severity: rule.Low}, "b": {Severity: rule.High}}
	want.Suppress = []Suppression{{Rule: "a", Reason: "org"}, {Rule: "b", Reason: "repo"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(org.Suppress) != 1 || *org.Rules["a"].Enabled {
		t.Error("a layer was changed")
	}
	if diff := cmp.Diff(Defaults(), Merge(Defaults(), Repository{})); diff != "" {
		t.Errorf("an empty layer changed something: %s", diff)
	}
}

func TestSuppressionCountsThroughItsLastDay(t *testing.T) {
	r := Repository{Suppress: []Suppression{{Rule: "a", Reason: "x", Expires: "2027-06-30"}, {Rule: "b", Reason: "x"}}}
	last := time.Date(2027, 6, 30, 23, 59, 59, 0, time.UTC)
	if got, ds := r.Current(last); len(got.Suppress) != 2 || len(ds) != 0 {
		t.Errorf("on its last day: %v, %v", got.Suppress, ds)
	}
	got, ds := r.Current(last.Add(time.Second))
	if len(got.Suppress) != 1 || got.Suppress[0].Rule != "b" || len(ds) != 1 {
		t.Errorf("on the day after: %v, %v", got.Suppress, ds)
	}
}

func TestFilter(t *testing.T) {
	tests := []struct {
		include, exclude []string
		path             string
		want             bool
	}{
		{nil, nil, "a/b.yaml", true},
		{[]string{"**"}, []string{"**/testdata/**"}, "a/testdata/b.yaml", false},
		{[]string{"**"}, []string{"**/testdata/**"}, "testdata/b.yaml", false},
		{[]string{"**"}, []string{"**/testdata/**"}, "a/testdata.yaml", true},
		{[]string{"**"}, []string{"vendor/"}, "vendor/x/y.yaml", false},
		{[]string{"infra/**"}, nil, "infra/a/b.tf", true},
		{[]string{"infra/**"}, nil, "other/infra/b.tf", false},
		{[]string{"*.yaml"}, nil, "a.yaml", true},
		{[]string{"*.yaml"}, nil, "a/b.yaml", false},
		{[]string{"**/*.yaml"}, nil, "a.yaml", true},
		{[]string{"a/**/b/**/c"}, nil, "a/x/b/y/b/c", true},
		{[]string{"a/**/b/**/c"}, nil, "a/x/b/y/b/d", false},
		{[]string{"a b/é/?.tf"}, nil, "a b/é/ü.tf", true},
		{[]string{}, nil, "a.yaml", false},
	}
	for _, tt := range tests {
		f := Repository{Include: tt.include, Exclude: tt.exclude}.Filter()
		if got := f == nil || f(tt.path); got != tt.want {
			t.Errorf("include %q, exclude %q: %s counts: %v", tt.include, tt.exclude, tt.path, got)
		}
	}
	if (Repository{Include: []string{"**"}}).Filter() != nil {
		t.Error("a filter that takes everything is not nil")
	}
}

func TestFilterIsNotExponential(t *testing.T) {
	keep := Repository{Include: []string{strings.Repeat("**/*a*/", 60) + "x"}}.Filter()
	if keep(strings.Repeat("aaaaaaaa/", 400) + "b") {
		t.Error("matched")
	}
}

func TestSuppressionCovers(t *testing.T) {
	for _, tt := range []struct {
		paths []string
		path  string
		want  bool
	}{
		{nil, "a/b.yaml", true},
		{[]string{"platform/node-agent/**"}, "platform/node-agent/x/y.yaml", true},
		{[]string{"platform/node-agent/"}, "platform/node-agent/x/y.yaml", true},
		{[]string{"platform/node-agent/**"}, "platform/other/y.yaml", false},
		{[]string{}, "a/b.yaml", false},
	} {
		if got := (Suppression{Paths: tt.paths}).Covers(tt.path); got != tt.want {
			t.Errorf("%q covers %s: %v", tt.paths, tt.path, got)
		}
	}
}

func FuzzParseRepository(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("rules: &r\n  a: *r\n"))
	f.Add([]byte("suppress:\n- {rule: k8s/privileged, reason: x, expires: 1, paths: ['[']}\n"))
	f.Add([]byte("extra_rules: ../x\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, ds, err := ParseRepository("f.yml", data, catalogue)
		if err != nil {
			var ce *Error
			if !errors.As(err, &ce) || strings.ContainsAny(err.Error(), "\n") {
				t.Fatalf("not a one-line *Error: %q", err)
			}
			return
		}
		for _, d := range ds {
			if d.Line < 1 {
				t.Errorf("a diagnostic without a line: %+v", d)
			}
		}
		m := Merge(Defaults(), r)
		if m.FailOn == "" || m.MaxComments == nil || len(m.Include) == 0 && r.Include == nil {
			t.Errorf("a default got lost: %+v", m)
		}
		for _, s := range m.Suppress {
			if s.Reason == "" || s.Rule == "" {
				t.Errorf("counts without a reason: %+v", s)
			}
		}
		if keep := m.Filter(); keep != nil {
			keep("a/b/c.yaml")
		}
		m.Current(time.Unix(0, 0))
	})
}
