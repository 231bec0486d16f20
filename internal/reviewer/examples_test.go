package reviewer_test

import (
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/format/terraform"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// TestRunExamples holds that an example which does not show what its rule does
// is told so.
func TestRunExamples(t *testing.T) {
	const head = `id: test/host-pid
title: t
severity: high
theme: namespaces
why: w
remediation: r
checks:
  - platform: kubernetes
    each: pods
    fail: it.?hostPID.orValue(false) == true
    at: hostPID
    message: m
    fix: {set: {hostPID: false}}
examples:
`
	bad := "    fail: |\n      apiVersion: v1\n      kind: Pod\n      metadata: {name: a}\n      spec: {hostPID: true}\n"
	good := strings.Replace(bad, "true", "false", 1)
	fixed := func(s string) string { return strings.Replace(s, "fail:", "fixed:", 1) }
	pass := func(s string) string { return strings.Replace(s, "fail:", "pass:", 1) }
	item := func(parts ...string) string {
		return "  -" + strings.TrimPrefix(strings.Join(parts, ""), "   ")
	}
	for _, c := range []struct{ name, example, part, want string }{
		{"holds", item(bad, fixed(good)), "fixed", ""},
		{"fails as it should", item(bad, fixed(good)), "fail", ""},
		{"passes", item(pass(good)), "pass", ""},
		{"no finding", item(good), "fail", "no finding"},
		{"a finding", item(pass(bad)), "pass", "gives a finding"},
		{"not shown how to fix", item(bad), "fixed", "add fixed"},
		{"fixed otherwise", item(bad, fixed(strings.Replace(good, "{name: a}", "{ name: a }", 1))), "fixed", "something else"},
		{"broken", item(pass("    fail: |\n      apiVersion: v1\n      kind: Pod\n      spec: {\n")), "pass", "does not read"},
		{"empty", item(pass("    fail: |\n      # nothing\n")), "pass", "no resource"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, ds := rule.Parse("rule.yaml", []byte(head+c.example))
			if len(ds) > 0 {
				t.Fatal(ds)
			}
			found := false
			for _, res := range reviewer.RunExamples(t.Context(), []*rule.Rule{r}, map[string]format.Reader{"kubernetes": kubernetes.New()}) {
				if res.Part != c.part {
					continue
				}
				found = true
				switch {
				case c.want == "" && res.Err != nil:
					t.Error(res.Err)
				case c.want != "" && (res.Err == nil || !strings.Contains(res.Err.Error(), c.want)):
					t.Errorf("got %v, want %q", res.Err, c.want)
				}
			}
			if !found {
				t.Errorf("there is no result for %s", c.part)
			}
		})
	}
	r, ds := rule.Parse("rule.yaml", []byte(head+item(pass(good))))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	if res := reviewer.RunExamples(t.Context(), []*rule.Rule{r}, nil); len(res) != 1 || res[0].Err == nil {
		t.Errorf("without a reader: %+v", res)
	}
}

// TestRunExamplesTriesBlocks holds that a block which does not read, is not
// filled in or does not mend what it is shown for is told so.
func TestRunExamplesTriesBlocks(t *testing.T) {
	const text = `id: test/no-quota
title: t
severity: high
theme: namespaces
why: w
remediation: r
checks:
  - platform: kubernetes
    kinds: [Namespace]
    links: [ResourceQuota]
    fail: '!linked("ResourceQuota").exists(q, q.object.metadata.?namespace.orValue("") == resource.name)'
    message: Namespace {{ resource.name }} has no quota
    write: |
      BLOCK
examples:
  - fail: |
      apiVersion: v1
      kind: Namespace
      metadata: {name: shop}
`
	quota := "apiVersion: v1\n      kind: ResourceQuota\n      metadata: {name: default, namespace: %s}\n      spec: {hard: {pods: 10}}"
	for _, c := range []struct{ name, block, want string }{
		{"mends", strings.ReplaceAll(quota, "%s", "{{ resource.name }}"), ""},
		{"part of an object", "spec:\n        hard: {pods: 10}", ""},
		{"does not mend", strings.ReplaceAll(quota, "%s", "other"), "still there"},
		{"in the place of its own", "apiVersion: v1\n      kind: Namespace\n      metadata: {name: shop}", "still there"},
		{"one more of its kind", strings.ReplaceAll(quota, "%s", "shop") + "\n      ---\n      apiVersion: v1\n      kind: Namespace\n      metadata: {name: other}", "with it there is a finding"},
		{"does not read", "spec: {hard", "did not find"},
		{"a key twice", "spec: 1\n      spec: 2", "already defined"},
		{"a template's rest", "spec: ${{ x }} # {{ '{{' }}", "not filled in"},
		{"nothing to fill in", "spec: {{ object.?spec }}", "no failing example fills in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, ds := rule.Parse("rule.yaml", []byte(strings.Replace(text, "BLOCK", c.block, 1)))
			if len(ds) > 0 {
				t.Fatal(ds)
			}
			var err error
			for _, res := range reviewer.RunExamples(t.Context(), []*rule.Rule{r}, map[string]format.Reader{"kubernetes": kubernetes.New()}) {
				if res.Part == "fail" && res.Err != nil {
					t.Fatal(res.Err)
				}
				if res.Part == "block" && res.Err != nil {
					err = res.Err
				}
			}
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestRunExamplesKeepsWhatABlockLeavesOut holds that a block may show a part of
// a resource, or stand in the place of another one.
func TestRunExamplesKeepsWhatABlockLeavesOut(t *testing.T) {
	const text = `id: test/key
title: t
severity: high
theme: encryption-and-secrets
why: w
remediation: r
checks:
  - platform: terraform
    kinds: [aws_sns_topic, aws_sqs_queue]
    fail: '!object.?kms_key.hasValue() || !object.?name.hasValue()'
    message: '{{ resource.id }} has no key or name'
    write: |
      BLOCK
examples:
  - platform: terraform
    fail: |
      resource "aws_sns_topic" "orders" {
        name = "orders"

        tags {
          a = "b"
        }
      }
`
	for _, c := range []struct{ name, block, want string }{
		{"beside what is there", "resource \"aws_sns_topic\" \"{{ resource.name }}\" {\n        kms_key = \"k\"\n      }", ""},
		{"not the setting", `resource "aws_sns_topic" "{{ resource.name }}" { key = "k" }`, "still there"},
		{"in the place of another", "# in the place of aws_sns_topic.{{ resource.name }}\n      resource \"aws_sns_subscription\" \"{{ resource.name }}\" {}", ""},
		{"in the place of none", "resource \"aws_sns_subscription\" \"{{ resource.name }}\" {}", "still there"},
		{"brings a finding", "# in the place of aws_sns_topic.{{ resource.name }}\n      resource \"aws_sqs_queue\" \"{{ resource.name }}\" {}", "with it there is a finding"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, ds := rule.Parse("rule.yaml", []byte(strings.Replace(text, "BLOCK", c.block, 1)))
			if len(ds) > 0 {
				t.Fatal(ds)
			}
			var err error
			for _, res := range reviewer.RunExamples(t.Context(), []*rule.Rule{r}, map[string]format.Reader{"terraform": terraform.New()}) {
				if res.Err != nil {
					err = res.Err
				}
			}
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
