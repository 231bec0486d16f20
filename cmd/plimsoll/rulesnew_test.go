package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRulesNew holds that a rule that was just started holds, finds and mends.
func TestRulesNew(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "rules")
	code, out, errs := plimsoll(t, "rules", "new", "acme/owner-label", "--dir", own)
	if code != 0 || !strings.Contains(out, "acme-owner-label.yaml") {
		t.Fatalf("%d %q %q", code, out, errs)
	}
	if code, out, errs = plimsoll(t, "rules", "test", own); code != 0 || !strings.Contains(out, "1 rules, 3 examples passed, 0 failed") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	write(t, dir, "k8s/api.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\n  namespace: shop\nspec: {}\n")
	code, out, _ = plimsoll(t, "scan", filepath.Join(dir, "k8s"), "--rules", own, "--format", "json")
	if code != 0 || !strings.Contains(out, "acme/owner-label") {
		t.Errorf("%d %q", code, out)
	}
	// Once is enough, and an id has a form.
	if code, _, errs = plimsoll(t, "rules", "new", "acme/owner-label", "--dir", own); code != 2 || !strings.Contains(errs, "is there already") {
		t.Errorf("%d %q", code, errs)
	}
	if code, _, errs = plimsoll(t, "rules", "new", "owner", "--dir", own); code != 2 || !strings.Contains(errs, "is not an id") {
		t.Errorf("%d %q", code, errs)
	}
}

// TestRulesThatCostTooMuch holds that a test says of a rule what a scan would:
// that its condition was given up.
func TestRulesThatCostTooMuch(t *testing.T) {
	own := filepath.Join(t.TempDir(), "slow.yaml")
	if err := os.WriteFile(own, []byte(`id: org/slow
title: Slow
severity: low
profile: default
theme: namespaces
why: It takes long.
remediation: Ask for less.
checks:
  - platform: kubernetes
    kinds: [Deployment]
    fail: lists.range(10000).exists(a, lists.range(10000).exists(b, lists.range(10000).exists(c, a + b + c == -1)))
    message: x
examples:
  - pass: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: api}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := plimsoll(t, "rules", "test", own)
	if code != 1 || !strings.Contains(out, "cost limit") {
		t.Errorf("got %d:\n%s", code, out)
	}
}

func TestRulesCoverage(t *testing.T) {
	code, out, _ := plimsoll(t, "rules", "coverage", "--format", "json")
	var rows []coverageRow
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != 0 {
		t.Fatal(code, err)
	}
	covered := 0
	for _, r := range rows {
		if len(r.Rules) > 0 {
			covered++
			if r.Left != "" {
				t.Errorf("%s is covered by %s and has a reason for being left: %s", r.ID, r.Rules, r.Left)
			}
		}
	}
	if len(rows) < 900 || covered < 400 {
		t.Errorf("%d of %d rows", covered, len(rows))
	}
	code, out, _ = plimsoll(t, "rules", "coverage")
	if code != 0 || !strings.Contains(out, "terraform-gcp") {
		t.Errorf("%d %q", code, out)
	}
}
