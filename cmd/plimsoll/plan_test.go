package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// plan has a disk that is not encrypted and a secret beside it.
const plan = `{
  "format_version": "1.2", "terraform_version": "1.9.0",
  "planned_values": {"root_module": {"resources": [
    {"address": "aws_db_instance.main", "mode": "managed", "type": "aws_db_instance", "name": "main",
     "values": {
       "password": "correct-horse-9",
       "storage_encrypted": false
     },
     "sensitive_values": {"password": true}}
  ]}},
  "resource_changes": [{"address": "aws_db_instance.main", "change": {"actions": ["create"], "after": {"password": "correct-horse-9"}, "after_unknown": {"arn": true}}}]
}
`

// TestScanOfAPlan judges a plan by its content, whatever its name, and shows
// nothing of its lines.
func TestScanOfAPlan(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"plan.json", "tfplan"} {
		write(t, dir, name, plan)
		code, out, errOut := plimsoll(t, "scan", filepath.Join(dir, name), "--format", "json")
		r := parse(t, out)
		if code != 1 || len(r.Findings) != 1 || r.Findings[0].Rule != "rds/unencrypted" || r.Findings[0].StartLine != 7 || r.Findings[0].Fix != nil {
			t.Errorf("%s: status %d, %s%s", name, code, out, errOut)
		}
		for _, format := range []string{"text", "json", "sarif", "markdown"} {
			_, out, _ := plimsoll(t, "scan", filepath.Join(dir, name), "--format", format, "--profile", "strict")
			if strings.Contains(out, "correct-horse") {
				t.Errorf("%s as %s shows a secret:\n%s", name, format, out)
			}
		}
	}
	if code, out, errOut := plimsoll(t, "scan", dir, "--format", "json"); code != 0 || len(parse(t, out).Findings) != 0 {
		t.Errorf("a plan that nobody named: status %d, %s%s", code, out, errOut)
	}
	if code, _, errOut := plimsoll(t, "scan", filepath.Join(dir, "plan.json"), "--fix"); code != 1 {
		t.Errorf("status %d, %s", code, errOut)
	}
	write(t, dir, "broken.json", strings.Replace(plan, `"planned_values"`, `"other"`, 1))
	if code, out, _ := plimsoll(t, "scan", filepath.Join(dir, "broken.json")); code != 0 || !strings.Contains(out, "no plan") {
		t.Errorf("no plan: status %d, %s", code, out)
	}
}

// TestCommittedPlanIsLeftAlone reviews a change of a plan that lies in a
// repository.
func TestCommittedPlanIsLeftAlone(t *testing.T) {
	dir, _ := repository(t, map[string]string{"plan.json": strings.Replace(plan, "false", "true", 1)})
	write(t, dir, "plan.json", plan)
	code, out, errOut := plimsoll(t, "review", dir, "--base", "HEAD", "--format", "json")
	if r := parse(t, out); code != 0 || len(r.Findings)+len(r.Diagnostics) != 0 {
		t.Errorf("status %d, %s%s", code, out, errOut)
	}
}
