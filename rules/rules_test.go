package rules_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/actions"
	"github.com/plimsoll-iac/plimsoll/internal/format/bootstrap"
	"github.com/plimsoll-iac/plimsoll/internal/format/cloudformation"
	"github.com/plimsoll-iac/plimsoll/internal/format/compose"
	"github.com/plimsoll-iac/plimsoll/internal/format/dockerfile"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/format/terraform"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
	"github.com/plimsoll-iac/plimsoll/rules"
)

func readers() map[string]format.Reader {
	return map[string]format.Reader{
		resource.Actions:        actions.New(),
		resource.CloudFormation: bootstrap.Within(cloudformation.New()),
		resource.Compose:        compose.New(),
		resource.Dockerfile:     dockerfile.New(),
		resource.Kubernetes:     bootstrap.Within(kubernetes.New()),
		resource.NodeBootstrap:  bootstrap.New(),
		resource.Terraform:      bootstrap.Within(terraform.New()),
	}
}

// compiled loads the rules once for all tests, and compiles their expressions.
var compiled = sync.OnceValues(func() ([]*rule.Rule, source.Diagnostics) {
	all, ds := rule.Load(rules.FS())
	for _, r := range all {
		ds = append(ds, r.Check()...)
	}
	return all, ds
})

// load gives the rules, all of whose expressions compile.
func load(t *testing.T) []*rule.Rule {
	t.Helper()
	all, ds := compiled()
	for _, d := range ds {
		t.Error(d)
	}
	return slices.Clone(all)
}

func TestExamples(t *testing.T) {
	all := load(t)
	results := reviewer.RunExamples(t.Context(), all, readers())
	proven := map[string][]int{}
	for _, res := range results {
		proven[res.Rule.ID] = append(proven[res.Rule.ID], res.Proven...)
		if res.Err != nil {
			t.Errorf("%s example %d (%s): %v", res.Rule.ID, res.Index+1, res.Part, res.Err)
		}
	}
	if len(results) < 150 {
		t.Errorf("only %d parts of examples were run", len(results))
	}
	for _, r := range all {
		for n, c := range r.Checks {
			if c.Fix != nil && !slices.Contains(proven[r.ID], n) {
				t.Errorf("%s:%d: no failing example shows the fix", r.File, c.Line)
			}
		}
	}
}

// TestExamplesOfEachPlatform holds that a rule shows, in each language that it
// covers, what fails, what passes and what its fixes make; CloudFormation in YAML
// and in JSON.
func TestExamplesOfEachPlatform(t *testing.T) {
	for _, r := range load(t) {
		need, got := map[string]bool{}, map[string]bool{}
		for _, c := range r.Checks {
			for _, part := range []string{"fail", "pass", "fixed"} {
				if part == "fixed" && c.Fix == nil {
					continue
				}
				need[c.Platform+" "+part] = true
				if c.Platform == resource.CloudFormation {
					need[c.Platform+" "+part+" in JSON"], need[c.Platform+" "+part+" in YAML"] = true, true
				}
			}
		}
		for _, e := range r.Examples {
			platform := e.Platform
			if platform == "" {
				platform = r.Checks[0].Platform
			}
			for part, text := range map[string]string{"fail": e.Fail, "pass": e.Pass, "fixed": e.Fixed} {
				if text == "" {
					continue
				}
				got[platform+" "+part] = true
				if strings.HasPrefix(strings.TrimSpace(text), "{") {
					got[platform+" "+part+" in JSON"] = true
				} else {
					got[platform+" "+part+" in YAML"] = true
				}
			}
		}
		for _, what := range slices.Sorted(maps.Keys(need)) {
			if !got[what] {
				t.Errorf("%s: no example of %s", r.File, what)
			}
		}
	}
}

// TestCatalogue holds what a reader of the catalogue relies on.
func TestCatalogue(t *testing.T) {
	themes := map[string]int{}
	covered := map[string]string{}
	known := map[string]bool{}
	for line := range strings.Lines(rules.Checks()) {
		id, _, _ := strings.Cut(line, "\t")
		known[id] = true
	}
	byID := map[string]*rule.Rule{}
	all := load(t)
	for _, r := range all {
		byID[r.ID] = r
	}
	for _, r := range all {
		themes[r.Theme]++
		if want := r.Theme + "/" + strings.Replace(r.ID, "/", "-", 1) + ".yaml"; r.File != want {
			t.Errorf("%s is in %s, not in %s", r.ID, r.File, want)
		}
		if len(r.References) == 0 {
			t.Errorf("%s has no reference", r.ID)
		}
		for _, c := range r.Covers {
			// A row that says several things is covered by several rules.
			if covered[c] == r.ID {
				t.Errorf("%s names %s twice", r.ID, c)
			}
			covered[c] = r.ID
			if !known[c] {
				t.Errorf("%s covers %s, which is no row of checks.tsv", r.ID, c)
			}
		}
		for _, id := range r.Over {
			if o := byID[id]; o == nil || slices.Contains(o.Over, r.ID) || r.Severity.Rank() < o.Severity.Rank() {
				t.Errorf("%s is over %s, which is no rule, is over it too, or is graver", r.ID, id)
			}
		}
		for _, c := range r.Checks {
			if c.Fix != nil && c.Fix.Title == "" {
				t.Errorf("a fix of %s has no title", r.ID)
			}
		}
		for _, platform := range r.Platforms() {
			fails, passes, fixed, fixes := false, false, false, false
			for _, e := range r.Examples {
				if e.Platform == platform {
					fails, passes, fixed = fails || e.Fail != "", passes || e.Pass != "", fixed || e.Fixed != ""
				}
			}
			for _, c := range r.Checks {
				fixes = fixes || c.Platform == platform && c.Fix != nil
			}
			if !fails || !passes || fixes && !fixed {
				t.Errorf("%s shows for %s: failing %v, passing %v, fixed %v", r.ID, platform, fails, passes, fixed)
			}
		}
		for _, s := range []string{r.Title, r.Why, r.Remediation} {
			if strings.Contains(s, "!") || strings.Contains(s, "  ") || strings.TrimSpace(s) != s {
				t.Errorf("%s says %q", r.ID, s)
			}
		}
		if !strings.HasSuffix(r.Why, ".") && !strings.HasSuffix(r.Why, ").") || !strings.HasSuffix(r.Remediation, ".") {
			t.Errorf("why and remediation of %s are not sentences", r.ID)
		}
	}
	for _, theme := range rule.Themes() {
		if themes[theme] < 4 {
			t.Errorf("%s has %d rules", theme, themes[theme])
		}
	}
}

// TestEveryCheckOffersSomething holds that each check has a fix or a block to
// write, but for those of no-block.tsv, which has no line that is not needed.
func TestEveryCheckOffersSomething(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(rules.NoBlock(), "\n"), "\n")
	if !slices.IsSorted(lines) {
		t.Error("no-block.tsv is not sorted")
	}
	reasons, used := map[string]string{}, map[string]bool{}
	for n, line := range lines {
		f := strings.Split(line, "\t")
		if len(f) != 3 || len(strings.Fields(f[2])) < 4 {
			t.Errorf("no-block.tsv:%d: %q is no rule, platform and reason", n+1, line)
			continue
		}
		reasons[f[0]+"\t"+f[1]] = f[2]
	}
	for _, r := range load(t) {
		for _, c := range r.Checks {
			if c.Fix != nil || c.Write != "" {
				continue
			}
			if key := r.ID + "\t" + c.Platform; reasons[key] != "" {
				used[key] = true
			} else {
				t.Errorf("%s:%d: the check has neither a fix nor a block to write; see docs/rule-functions.md", r.File, c.Line)
			}
		}
	}
	for key := range reasons {
		if !used[key] {
			t.Errorf("no-block.tsv: every check of %q has a fix or a block", key)
		}
	}
}

// TestReleasedIDs names ids that people have in configurations and suppressions;
// one that is listed here stays.
func TestReleasedIDs(t *testing.T) {
	have := map[string]bool{}
	for _, r := range load(t) {
		have[r.ID] = true
	}
	for _, id := range []string{
		"k8s/privileged-container", "k8s/privilege-escalation", "k8s/run-as-root", "k8s/dangerous-capabilities", "k8s/host-namespaces",
		"k8s/host-path", "k8s/runtime-socket", "k8s/default-namespace", "k8s/pod-security-labels", "k8s/rbac-wildcard",
		"k8s/cluster-admin-binding", "k8s/secret-in-env", "k8s/network-policy-open", "k8s/public-service", "k8s/latest-tag", "k8s/cpu-limits",
		"ecr/mutable-tags", "ecr/public-policy", "ecr/scan-on-push", "iam/wildcard-action", "iam/full-admin", "iam/any-principal-trust",
		"eks/public-endpoint", "eks/secrets-encryption", "eks/control-plane-logging", "ec2/imdsv1", "ebs/unencrypted",
		"ec2/open-security-group", "rds/unencrypted", "rds/public", "docker/root-user", "docker/add-url", "docker/secret-in-image",
		"docker/latest-base",
	} {
		if !have[id] {
			t.Errorf("%s is gone", id)
		}
		if path.Dir(id) == "." {
			t.Errorf("%s has no area", id)
		}
	}
}
