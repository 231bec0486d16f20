package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/plimsoll-iac/plimsoll/internal/sandbox"
)

const (
	good = `apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop}
spec:
  automountServiceAccountToken: false
  containers:
    - name: app
      image: registry.example.com/api:1.0.0
      securityContext:
        allowPrivilegeEscalation: false
        runAsNonRoot: true
        privileged: false # kept
`
)

var privileged = strings.Replace(good, "privileged: false", "privileged: true", 1)

// TestMain lets the test binary be its own child, as the program is.
func TestMain(m *testing.M) {
	if sandbox.IsChild() {
		os.Exit(readApart())
	}
	if os.Getenv(mainMode) != "" {
		main()
	}
	os.Exit(m.Run())
}

// plimsoll runs one command line.
func plimsoll(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func write(t *testing.T, dir, name, data string) {
	t.Helper()
	p := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// repository makes a git repository with the files committed.
func repository(t *testing.T, files map[string]string) (dir string, commit func(string)) {
	t.Helper()
	dir = t.TempDir()
	repo, err := git.PlainInit(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	commit = func(message string) {
		t.Helper()
		if err := tree.AddWithOptions(&git.AddOptions{All: true}); err != nil {
			t.Fatal(err)
		}
		when = when.Add(time.Minute)
		if _, err := tree.Commit(message, &git.CommitOptions{Author: &object.Signature{Name: "a", Email: "a@example.com", When: when}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range files {
		write(t, dir, name, data)
	}
	commit("base")
	return dir, commit
}

type report struct {
	Summary struct {
		New, Existing, Fixed, Suppressed int
		Conclusion                       string
	}
	Base, Head string
	Findings   []struct {
		Rule, State, File string
		StartLine         int `json:"start_line"`
		Fix               *struct{ Verified bool }
		Suppression       *struct{ By, Reason string }
	}
	Diagnostics []struct {
		File    string
		Line    int
		Message string
	}
}

func parse(t *testing.T, text string) report {
	t.Helper()
	var r report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return r
}

func TestExitStatus(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "bad.yaml", privileged)
	write(t, dir, "good/good.yaml", good)
	for _, c := range []struct {
		name string
		args []string
		want int
		says string
	}{
		{"clean", []string{"scan", filepath.Join(dir, "good")}, 0, ""},
		{"a finding", []string{"scan", dir}, 1, ""},
		{"a finding below the threshold", []string{"scan", dir, "--fail-on", "none"}, 0, ""},
		{"no path", []string{"scan"}, 2, "at least one path"},
		{"no such path", []string{"scan", filepath.Join(dir, "absent")}, 2, "no such file"},
		{"bad threshold", []string{"scan", dir, "--fail-on", "grave"}, 2, `--fail-on: "grave" is not a severity`},
		{"bad format", []string{"scan", dir, "--format", "xml"}, 2, `"xml" is not a format`},
		{"bad profile", []string{"scan", dir, "--profile", "lenient"}, 2, `"lenient" is not a profile`},
		{"bad rules", []string{"scan", dir, "--rules", filepath.Join(dir, "absent")}, 2, "--rules"},
		{"unknown command", []string{"sink"}, 2, `unknown command "sink"`},
		{"unknown flag", []string{"scan", dir, "--hard"}, 2, "unknown flag"},
		{"no base", []string{"review", dir}, 2, "--base is needed"},
		{"not a repository", []string{"review", dir, "--base", "main"}, 2, "git repository"},
		{"unknown rule", []string{"rules", "show", "k8s/privileged"}, 2, "k8s/privileged-container"},
		{"version", []string{"version"}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, stderr := plimsoll(t, c.args...)
			if code != c.want || !strings.Contains(stderr, c.says) {
				t.Errorf("exit status %d, want %d; stderr %q, want %q in it", code, c.want, stderr, c.says)
			}
			if code == 2 && strings.Count(stderr, "\n") != 1 {
				t.Errorf("the cause is not one line: %q", stderr)
			}
		})
	}
}

func TestReviewOfTheWorkingTree(t *testing.T) {
	dir, _ := repository(t, map[string]string{"k8s/api.yaml": good, ".gitignore": "ignored/\n"})
	write(t, dir, "k8s/api.yaml", privileged)
	write(t, dir, "k8s/new folder/größe.yaml", strings.Replace(privileged, "name: api", "name: untracked", 1))
	write(t, dir, "ignored/x.yaml", privileged)
	code, stdout, stderr := plimsoll(t, "review", dir, "--base", "HEAD", "--format", "json")
	if code != 1 {
		t.Fatalf("exit status %d: %s", code, stderr)
	}
	r := parse(t, stdout)
	if r.Summary.New != 2 || r.Head != "" || len(r.Base) != 40 {
		t.Errorf("got %+v", r)
	}
	for _, f := range r.Findings {
		if strings.HasPrefix(f.File, "ignored/") {
			t.Errorf("an ignored file was reviewed: %+v", f)
		}
		if f.Rule != "k8s/privileged-container" || f.StartLine != 12 || f.Fix == nil || !f.Fix.Verified {
			t.Errorf("not the expected finding: %+v", f)
		}
	}
}

func TestReviewOfTwoCommits(t *testing.T) {
	dir, commit := repository(t, map[string]string{"k8s/api.yaml": privileged})
	write(t, dir, "k8s/api.yaml", good)
	write(t, dir, "k8s/other.yaml", strings.Replace(privileged, "name: api", "name: other", 1))
	commit("head")
	code, stdout, _ := plimsoll(t, "review", dir, "--base", "HEAD~1", "--head", "HEAD", "--format", "json")
	r := parse(t, stdout)
	if code != 1 || r.Summary.New != 1 || r.Summary.Fixed != 1 || len(r.Head) != 40 {
		t.Errorf("exit status %d, %+v", code, r.Summary)
	}
}

func TestFixWritesWhatWasProven(t *testing.T) {
	dir, _ := repository(t, map[string]string{"k8s/api.yaml": good})
	write(t, dir, "k8s/api.yaml", privileged)
	code, _, stderr := plimsoll(t, "review", dir, "--base", "HEAD", "--fix")
	if code != 0 || !strings.Contains(stderr, "applied fixes for 1 finding in 1 file") {
		t.Errorf("exit status %d, stderr %q", code, stderr)
	}
	got, err := os.ReadFile(filepath.Join(dir, "k8s", "api.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != good {
		t.Errorf("the file became\n%s", got)
	}
}

func TestOutputGoesToTheFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "bad.yaml", privileged)
	for _, format := range []string{"text", "json", "sarif", "markdown"} {
		out := filepath.Join(t.TempDir(), "report")
		code, stdout, stderr := plimsoll(t, "scan", dir, "--format", format, "--output", out)
		data, err := os.ReadFile(out)
		if code != 1 || stdout != "" || err != nil || !strings.Contains(string(data), "k8s/privileged-container") {
			t.Errorf("%s: exit status %d, stdout %q, stderr %q, file %v\n%s", format, code, stdout, stderr, err, data)
		}
	}
}

func TestScanHonoursSuppressionsAndNamesBadFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "bad.yaml", strings.Replace(privileged, "# kept", "# plimsoll:ignore k8s/privileged-container -- the driver needs it", 1))
	write(t, dir, "broken.yaml", "apiVersion: v1\nkind: Pod\nmetadata: [\n")
	code, stdout, _ := plimsoll(t, "scan", dir, "--format", "json")
	r := parse(t, stdout)
	if code != 0 || r.Summary.Suppressed != 1 || r.Findings[0].Suppression.Reason != "the driver needs it" {
		t.Errorf("exit status %d, %+v", code, r)
	}
	if len(r.Diagnostics) != 1 || r.Diagnostics[0].File != "broken.yaml" || r.Diagnostics[0].Line == 0 {
		t.Errorf("diagnostics %+v", r.Diagnostics)
	}
}

func TestUnreadableConfigurationIsNamed(t *testing.T) {
	dir, _ := repository(t, map[string]string{".plimsoll.yml": "version: 1\nfail_on: sometimes\n", "k8s/api.yaml": good})
	write(t, dir, "k8s/api.yaml", privileged)
	code, stdout, stderr := plimsoll(t, "review", dir, "--base", "HEAD", "--format", "json")
	if code != 2 || !strings.Contains(stderr, ".plimsoll.yml:2") || parse(t, stdout).Summary.Conclusion != "action_required" {
		t.Errorf("exit status %d, stderr %q\n%s", code, stderr, stdout)
	}
}

func TestScanOfOneFileSpeaksOfItAlone(t *testing.T) {
	dir := t.TempDir()
	db := "resource \"aws_db_instance\" \"%s\" {\n  storage_encrypted   = true\n  publicly_accessible = var.public\n}\n"
	write(t, dir, "a.tf", strings.Replace(db, "%s", "a", 1))
	write(t, dir, "b.tf", strings.Replace(db, "%s", "b", 1))
	write(t, dir, "v.tf", "variable \"public\" {\n  default = true\n}\n")
	code, stdout, stderr := plimsoll(t, "scan", filepath.Join(dir, "a.tf"), "--format", "json")
	r := parse(t, stdout)
	if code != 1 || len(r.Findings) != 1 || r.Findings[0].File != "a.tf" || r.Findings[0].Rule != "rds/public" {
		t.Errorf("exit status %d, stderr %q, %+v", code, stderr, r)
	}
}

func TestOwnRulesJoin(t *testing.T) {
	dir, rules := t.TempDir(), t.TempDir()
	write(t, dir, "good.yaml", good)
	write(t, rules, "team.yaml", `id: team/owner-label
title: Workload names no owner
severity: high
theme: namespaces
why: Nobody can be asked about it.
remediation: Add the label owner.
checks:
  - platform: kubernetes
    kinds: [Pod]
    fail: '!has(object.metadata.labels) || !("owner" in object.metadata.labels)'
    at: metadata.labels.owner
    message: 'Pod {{ resource.name }} names no owner'
examples:
  - fail: |
      apiVersion: v1
      kind: Pod
      metadata: {name: a}
`)
	code, stdout, stderr := plimsoll(t, "scan", dir, "--rules", rules, "--format", "json")
	r := parse(t, stdout)
	if code != 1 || len(r.Findings) != 1 || r.Findings[0].Rule != "team/owner-label" {
		t.Errorf("exit status %d, stderr %q, %+v", code, stderr, r)
	}
	if code, stdout, _ = plimsoll(t, "rules", "test", rules); code != 0 {
		t.Errorf("rules test: exit status %d\n%s", code, stdout)
	}
}

func TestRulesListHasTheContractsFields(t *testing.T) {
	code, stdout, _ := plimsoll(t, "rules", "list", "--format", "json")
	var list []map[string]any
	if err := json.Unmarshal([]byte(stdout), &list); code != 0 || err != nil {
		t.Fatalf("exit status %d, %v", code, err)
	}
	themes := map[any]int{}
	for _, r := range list {
		for _, key := range []string{"id", "title", "severity", "profile", "theme", "platforms", "covers", "equivalents", "fixable"} {
			if r[key] == nil {
				t.Errorf("%v has no %s", r["id"], key)
			}
		}
		themes[r["theme"]]++
	}
	if len(list) < 40 || len(themes) != 9 {
		t.Errorf("%d rules in %d themes", len(list), len(themes))
	}
	for theme, n := range themes {
		if n < 4 {
			t.Errorf("%v has %d rules", theme, n)
		}
	}
}

// TestOwnDeploymentIsClean holds our own manifests and image against every
// security rule that we have.
func TestOwnDeploymentIsClean(t *testing.T) {
	code, stdout, stderr := plimsoll(t, "scan", "../../deploy", "../../Dockerfile", "--profile", "strict", "--fail-on", "low", "--format", "json")
	r := parse(t, stdout)
	if code != 0 || r.Summary.New != 0 || len(r.Diagnostics) != 0 {
		t.Errorf("exit status %d, stderr %q, %+v", code, stderr, r)
	}
}
