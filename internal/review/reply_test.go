package review_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

func mended(n int) *review.Mended {
	r := report(n)
	m := &review.Mended{Report: r, Cleared: r.Findings, Files: map[string][]byte{}}
	for name, f := range r.Files {
		m.Files[name] = []byte(strings.ReplaceAll(string(f.Data), "true", "false"))
	}
	return m
}

func TestCommitMessage(t *testing.T) {
	m := mended(2)
	m.Cleared[1].Resource.ID = "v1/Pod/shop/@ann fixes #7 [skip ci]\nX: y"
	headline, body := review.CommitMessage(m)
	want := "- k8s/privileged-container: v1/Pod/shop/p0\n- k8s/privileged-container: v1/Pod/shop/@\u200bann fixes #\u200b7 [\u200bskip ci] X: y"
	if headline != "Apply 2 proven fixes" || body != want {
		t.Errorf("%q\n%q", headline, body)
	}
	headline, _ = review.CommitMessage(mended(1))
	if headline != "Apply 1 proven fix" {
		t.Errorf("%q", headline)
	}
	if _, body := review.CommitMessage(mended(500)); len(body) > 8000 || !strings.HasSuffix(body, "- and 460 more") {
		t.Errorf("%d bytes, ending in %q", len(body), body[len(body)-40:])
	}
}

func TestPatchIsBoundedAndApplies(t *testing.T) {
	m := mended(1)
	got := review.NotCommittedReply(m, "the branch is protected", strings.Repeat("a", 40))
	for _, part := range []string{
		"Nothing was committed: the branch is protected.\n",
		"1 fix against aaaaaaa",
		"```diff\n--- a/k8s/pod-0.yaml\n+++ b/k8s/pod-0.yaml\n@@ -3,4 +3,4 @@\n",
		"-        privileged: true\n+        privileged: false\n```",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
	if got := review.NotCommittedReply(mended(2000), "x", "a"); len(got) > review.MaxBody-1000 || !strings.Contains(got, "more files are not shown here. `plimsoll review --base bbbbbbb --fix`") {
		t.Errorf("%d bytes, ending in %q", len(got), got[len(got)-200:])
	}
	// A fence in a file does not end the patch.
	m.Files["k8s/pod-0.yaml"] = []byte("````\n</details>\n")
	if got := review.NotCommittedReply(m, "x", "a"); !strings.Contains(got, "`````diff\n") || !strings.Contains(got, "\n`````\n") {
		t.Errorf("the fence is too short:\n%s", got)
	}
}

func TestPatchShowsNoSecretAndNoBinary(t *testing.T) {
	m := mended(2)
	m.Report.Findings[0].Rule = &rule.Rule{ID: "k8s/secret", Sensitive: true}
	m.Report.Files["k8s/pod-1.yaml"] = source.NewFile("k8s/pod-1.yaml", []byte("a\x00b\n"))
	got := review.NotCommittedReply(m, "x", "a")
	if strings.Contains(got, "privileged: true") || strings.Contains(got, "```") || !strings.Contains(got, "cannot be shown") {
		t.Errorf("%s", got)
	}
}

func TestExplainReply(t *testing.T) {
	r := &rule.Rule{
		ID: "k8s/x", Title: "Field `x` is <open>", Severity: rule.Low, Why: "because of @team", Remediation: "Close it.",
		Examples: []rule.Example{{Pass: "x: no\n"}, {Fail: "x: yes\n```\n" + strings.Repeat("y: 1\n", 500), Fixed: "z\n"}},
	}
	got := review.ExplainReply(r, "")
	for _, part := range []string{"**Field `x` is &lt;open&gt;** · low · `k8s/x`\n\nBecause of @\u200bteam.\n\nClose it.\n", "````diff\n@@", "…"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
	if lines := strings.Count(got, "\n"); lines > 45 {
		t.Errorf("%d lines", lines)
	}
	r.Examples = []rule.Example{{Fail: "x: yes\n"}}
	if got := review.ExplainReply(r, "https://p.example/rules"); !strings.Contains(got, "[`k8s/x`](https://p.example/rules/k8s/x)") || !strings.Contains(got, "```\nx: yes\n```") {
		t.Errorf("%s", got)
	}
	r.Examples = nil
	if got := review.ExplainReply(r, ""); strings.Contains(got, "```") {
		t.Errorf("%s", got)
	}
}

func TestShortReplies(t *testing.T) {
	none := report(0)
	for _, c := range []struct{ got, want string }{
		{review.DeniedReply("fix"), "`/plimsoll fix` needs write permission to this repository."},
		{review.UnknownRuleReply("`x` @ann", "", ""), "There is no rule `` `x` @ann ``."},
		{review.NothingToFixReply(none, strings.Repeat("a", 40)), "There is nothing to fix: aaaaaaa has no new findings."},
		{review.NothingToFixReply(report(2), strings.Repeat("a", 40)), "There is nothing that could be applied: of the 2 new findings at aaaaaaa none has a proven fix."},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	none.Policy.ConfigError = &source.Diagnostic{File: ".plimsoll.yml"}
	if got := review.NothingToFixReply(none, "a"); got != "Nothing was fixed: `.plimsoll.yml` cannot be read." {
		t.Errorf("%q", got)
	}
	if got := review.HelpReply(true, "u"); !strings.HasPrefix(got, "There is no such command. ") || !strings.Contains(got, fmt.Sprintf("[All rules](%s)", "u")) {
		t.Errorf("%q", got)
	}
}
