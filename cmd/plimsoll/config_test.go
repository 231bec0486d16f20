package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestConfigExplain(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "org.yml", "mode: enforce\nlocked: [mode]\nfail_on: medium\n")
	write(t, dir, "repo/.plimsoll.yml", "version: 1\nmode: advise\nrules:\n  k8s/privileged-container: {severity: high}\n")
	org := filepath.Join(dir, "org.yml")
	code, stdout, stderr := plimsoll(t, "config", "explain", filepath.Join(dir, "repo"), "--organisation", org)
	if code != 0 {
		t.Fatalf("status %d: %s", code, stderr)
	}
	if !strings.Contains(stderr, ".plimsoll.yml:2: mode is locked by "+org+" and stays enforce") {
		t.Errorf("stderr %s", stderr)
	}
	for _, want := range []string{
		`mode +enforce +` + regexp.QuoteMeta(org) + `:1 +locked by `,
		`fail_on +medium +` + regexp.QuoteMeta(org) + `:3 *\n`,
		`comment_on +medium +the defaults *\n`,
		`rules\.k8s/privileged-container +severity: high +\.plimsoll\.yml:4 *\n`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("no %s in\n%s", want, stdout)
		}
	}
	write(t, dir, "repo/.plimsoll.yml", "mode: sideways\n")
	if code, _, stderr := plimsoll(t, "config", "explain", filepath.Join(dir, "repo")); code != 2 || !strings.Contains(stderr, ".plimsoll.yml:1: mode:") {
		t.Errorf("status %d: %s", code, stderr)
	}
}
